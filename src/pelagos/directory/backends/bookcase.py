"""The phonebooks that a source looks into: one of a tenant, or all that the tenant has."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from pelagos.directory.backends.shelf import Columns, Shelf
from pelagos.directory.store import DirectoryStore, Phonebook


class Bookcase:
    """A shelf for each phonebook; safe to share between threads.

    Args:
        tenant: whose phonebooks; no other's is ever seen.
        book: name or number of the only one; None for all of them, however many come and go.
    """

    def __init__(
        self, store: DirectoryStore, columns: Columns, tenant: str, book: str | int | None
    ) -> None:
        self._store = store
        self._columns = columns
        self._tenant = tenant
        self._book = book
        self._lock = threading.Lock()
        self._shelves: dict[int, Shelf] = {}

    def shelves(self) -> list[Shelf]:
        """What is known of each phonebook, the oldest first; none when a tenant has none.

        Raises:
            NotThereError: there is no phonebook of the name or number.
            StoreError: the database cannot be used.
        """
        with self._lock:
            if self._book is None:
                self._keep(self._store.phonebooks.all(self._tenant))
            elif not self._shelves:
                self._keep([self._only(self._book)])
            return list(self._shelves.values())

    def forget(self) -> None:
        """Look for the phonebooks anew; there may be another one of the name by now."""
        with self._lock:
            self._shelves = {}

    def _only(self, book: str | int) -> Phonebook:
        books = self._store.phonebooks
        if isinstance(book, int):
            return books.get(self._tenant, book)
        return books.find(self._tenant, book)

    def _keep(self, books: Iterable[Phonebook]) -> None:
        known = self._shelves
        self._shelves = {book.id: known.get(book.id) or self._shelf(book) for book in books}

    def _shelf(self, book: Phonebook) -> Shelf:
        return Shelf(self._store.phonebook(self._tenant, book.id), self._columns)
