"""Back-end `phonebook`: the contacts of one phonebook of a tenant, from the directory's store."""

from __future__ import annotations

import builtins
import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pelagos.core import spelling
from pelagos.directory.backends import keys
from pelagos.directory.backends.base import BaseSourcePlugin
from pelagos.directory.backends.shelf import ID, Columns, Shelf
from pelagos.directory.backends.stored import open_store
from pelagos.directory.errors import NotThereError, SourceError, StoreError
from pelagos.directory.model import SourceResult
from pelagos.directory.result import make_result_class
from pelagos.directory.settings import COMMON_KEYS
from pelagos.directory.store import DirectoryStore

log = logging.getLogger(__name__)

_KEYS = (*COMMON_KEYS, "db_uri", "tenant", "phonebook_name", "phonebook_id", "region")


class PhonebookBackend(BaseSourcePlugin):
    """One phonebook, named by `tenant` and `phonebook_name` or `phonebook_id`.

    The source fails while there is no such phonebook, and answers as soon as there is one.
    """

    #: What it answers depends on nobody who asks.
    tells_everyone_the_same = True

    def __init__(self) -> None:
        self._store: DirectoryStore | None = None
        self._release: Callable[[], None] | None = None
        self._columns = Columns()
        self._make: Callable[..., SourceResult] | None = None
        self._tenant = ""
        self._book: str | int = ""
        self._lock = threading.Lock()
        self._shelf: Shelf | None = None

    def load(self, args: Mapping[str, Any]) -> None:
        """Read the configuration and find the phonebook, if it is there.

        Raises:
            SourceError: an unknown key, no or a wrong name, or there is no store.
        """
        config = args["config"]
        spelling.refuse_unknown(config, _KEYS, SourceError)
        if config.get("unique_column", ID) != ID:
            raise SourceError(f"unique_column of phonebooks is {ID!r}, and nothing else")
        self._tenant, self._book = _named(config)
        plan = keys.number_plan(args)
        self._store, self._release = open_store(args)
        self._columns = Columns(
            tuple(config.get(self.SEARCHED_COLUMNS) or ()),
            tuple(config.get(self.FIRST_MATCHED_COLUMNS) or ()),
            plan.normal if plan is not None else None,
        )
        formats = config.get(self.FORMAT_COLUMNS) or {}
        self._make = make_result_class(self.name, ID, formats, backend=self.backend)
        try:
            self._found().warm()
        except (NotThereError, StoreError) as error:
            log.warning("source %s: %s; it fails until this is mended", self.name, error)

    def unload(self) -> None:
        """Close the store, if it is this source's own."""
        if self._release is not None:
            self._release()

    def search(self, term: str, args: Mapping[str, Any] | None = None) -> list[SourceResult]:
        """The contacts in which the term occurs."""
        del args
        return self._results(self._ask(lambda shelf: shelf.search(term)))

    def first_match(
        self, exten: str, args: Mapping[str, Any] | None = None
    ) -> SourceResult | None:
        """The first contact one of whose first-matched columns equals `exten`."""
        del args
        found = self._ask(lambda shelf: shelf.first_match(exten))
        return None if found is None else self._results([found])[0]

    def match_all(
        self, extens: Iterable[str], args: Mapping[str, Any] | None = None
    ) -> dict[str, SourceResult]:
        """`first_match` for many, by what was asked."""
        del args
        wanted = list(extens)
        found = self._ask(lambda shelf: shelf.match_all(wanted))
        return {exten: self._results([row])[0] for exten, row in found.items()}

    def list(
        self, uids: Iterable[str], args: Mapping[str, Any] | None = None
    ) -> builtins.list[SourceResult]:
        """The contacts with these ids."""
        del args
        wanted = builtins.list(uids)
        return self._results(self._ask(lambda shelf: shelf.list(wanted)))

    def _ask(self, question: Callable[[Shelf], Any]) -> Any:
        try:
            return question(self._found())
        except NotThereError:
            # The phonebook was removed; perhaps there is another one of its name by now.
            with self._lock:
                self._shelf = None
            return question(self._found())

    def _found(self) -> Shelf:
        """What is known of the phonebook.

        Raises:
            NotThereError: there is no such phonebook.
        """
        with self._lock:
            if self._shelf is None:
                if self._store is None:
                    raise SourceError("the source is not loaded")
                books = self._store.phonebooks
                if isinstance(self._book, int):
                    book = books.get(self._tenant, self._book)
                else:
                    book = books.find(self._tenant, self._book)
                contacts = self._store.phonebook(self._tenant, book.id)
                self._shelf = Shelf(contacts, self._columns)
            return self._shelf

    def _results(self, rows: Iterable[Mapping[str, Any]]) -> builtins.list[SourceResult]:
        make = self._make
        return [] if make is None else [make(row) for row in rows]


def _named(config: Mapping[str, Any]) -> tuple[str, str | int]:
    """Tenant and phonebook of a source."""
    tenant, name, number = (config.get(k) for k in ("tenant", "phonebook_name", "phonebook_id"))
    if not isinstance(tenant, str) or not tenant:
        raise SourceError("tenant: the name of the phonebook's tenant is needed")
    if isinstance(name, str) and name:
        return tenant, name
    if isinstance(number, int) and not isinstance(number, bool):
        return tenant, number
    raise SourceError("phonebook_name: the name of the phonebook is needed")
