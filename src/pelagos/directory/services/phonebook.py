"""Service `phonebook`: contacts that a tenant's people share, in books with names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pelagos.core import spelling
from pelagos.directory.errors import InvalidError
from pelagos.directory.services import contact_csv
from pelagos.directory.services.base import BaseServicePlugin
from pelagos.directory.services.contact_body import read_body
from pelagos.directory.services.contact_csv import Failure, RejectedFileError, Row
from pelagos.directory.services.person import store_of
from pelagos.directory.store import (
    ORDERS,
    Contact,
    ContactList,
    DirectoryStore,
    NewContact,
    Page,
    Phonebook,
    Wanted,
    sort_key,
)

_TENANT = re.compile(r"[a-z0-9_.-]+")
_MAX_NAME = 255


@dataclass(frozen=True, slots=True)
class Books:
    """Some phonebooks of a tenant.

    Attributes:
        total: how many there are, shown or not, in which the search occurs.
    """

    items: Sequence[Phonebook]
    total: int


@dataclass(frozen=True, slots=True)
class BookImported:
    """What became of a file.

    Attributes:
        created: the contacts that are new; those that were there already are passed over.
        failed: the rows that could not be stored.
    """

    created: Sequence[Contact]
    failed: Sequence[Failure]


class PhonebookService:
    """Phonebooks of tenants; safe to share between threads.

    A phonebook that is not there, or another tenant's, is a `NotThereError`; a tenant that cannot
    be one is an `InvalidError`. Each method raises `StoreError` when the database cannot be used.
    """

    def __init__(self, store: DirectoryStore) -> None:
        self._store = store

    # ---- phonebooks ---------------------------------------------------------------------------

    def list(self, tenant: str, wanted: Wanted) -> Books:
        """The tenant's phonebooks in whose name or description the search occurs.

        Raises:
            InvalidError: they cannot be sorted by this.
        """
        if wanted.order is not None:
            spelling.refuse_unknown([wanted.order], ORDERS, _BadOrder, kind="order")
        found = self._store.phonebooks.all(check_tenant(tenant), wanted.search)
        found.sort(key=sort_key(wanted.order or "id"), reverse=wanted.is_descending)
        end = None if wanted.limit is None else wanted.offset + wanted.limit
        return Books(found[wanted.offset : end], len(found))

    def get(self, tenant: str, number: int) -> Phonebook:
        """One of the tenant's phonebooks."""
        return self._store.phonebooks.get(check_tenant(tenant), number)

    def create(self, tenant: str, body: object) -> Phonebook:
        """Make a phonebook, and its tenant if there is none of this name.

        Raises:
            InvalidError: the name is missing, or is no text of 1 to 255 characters.
            DuplicateError: the tenant has one of this name.
        """
        return self._store.phonebooks.create(check_tenant(tenant), *_read_book(body))

    def edit(self, tenant: str, number: int, body: object) -> Phonebook:
        """Give a phonebook another name and description.

        Raises:
            InvalidError: the name is missing, or is no text of 1 to 255 characters.
            DuplicateError: the tenant has another one of this name.
        """
        return self._store.phonebooks.edit(check_tenant(tenant), number, *_read_book(body))

    def remove(self, tenant: str, number: int) -> None:
        """Remove a phonebook with all its contacts."""
        self._store.phonebooks.remove(check_tenant(tenant), number)

    # ---- their contacts -----------------------------------------------------------------------

    def contacts(self, tenant: str, number: int, wanted: Wanted) -> Page:
        """The contacts of a phonebook in any of whose values the search occurs."""
        return self._book(tenant, number).page(wanted)

    def get_contact(self, tenant: str, number: int, contact_id: str) -> Contact:
        """One contact.

        Raises:
            NotThereError: the phonebook has none of this id.
        """
        return self._book(tenant, number).get(contact_id)

    def create_contact(self, tenant: str, number: int, body: object) -> Contact:
        """Store a contact.

        Raises:
            InvalidError: it is no mapping of texts to texts.
            DuplicateError: the phonebook has such a contact.
        """
        book = self._book(tenant, number)
        book.size()  # one that is not there is told before what is wrong with the body
        return book.add(NewContact.of(read_body(body)))

    def edit_contact(self, tenant: str, number: int, contact_id: str, body: object) -> Contact:
        """Give a contact other attributes instead of all that it has.

        Raises:
            NotThereError: the phonebook has none of this id.
            InvalidError: it is no mapping of texts to texts.
            DuplicateError: another contact of the phonebook is the same; nothing was changed.
        """
        book = self._book(tenant, number)
        book.size()
        return book.replace(contact_id, NewContact.of(read_body(body)))

    def remove_contact(self, tenant: str, number: int, contact_id: str) -> None:
        """Remove a contact.

        Raises:
            NotThereError: the phonebook has none of this id.
        """
        self._book(tenant, number).remove(contact_id)

    def import_csv(
        self, tenant: str, number: int, data: bytes, charset: str, *, whole: bool = False
    ) -> BookImported:
        """Store the contacts of a file in one transaction; again is harmless.

        An `id` in the file counts for nothing: the phonebook gives its own.

        Args:
            whole: whether to store nothing unless every row can be stored.

        Raises:
            InvalidError: the file cannot be read at all.
            RejectedFileError: not one row could be stored, or of a whole file one could not.
        """
        book = self._book(tenant, number)
        book.size()
        file = contact_csv.read(data, charset)
        failed = list(file.failures)
        news = []
        for row in file.rows:
            try:
                news.append(_new_contact(row))
            except InvalidError as error:
                failed.append(Failure(row.line, error.reasons, row.values))
        failed.sort(key=lambda failure: failure.line)
        if not news or (whole and failed):
            raise RejectedFileError(failed)
        additions = book.add_many(news)
        created = [a.contact for a in additions if a.is_new and a.contact is not None]
        return BookImported(created, failed)

    def _book(self, tenant: str, number: int) -> ContactList:
        return self._store.phonebook(check_tenant(tenant), number)


def _new_contact(row: Row) -> NewContact:
    if not row.values.keys() - {"id"}:
        raise InvalidError(["there is no value in it but an id"])
    return NewContact.of(row.values)


class _BadOrder(InvalidError):
    """What `refuse_unknown` raises: a message with a hint instead of reasons."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__([f"{message}; {hint}" if hint else message])


def check_tenant(tenant: str) -> str:
    """The name of a tenant.

    Raises:
        InvalidError: none can have this name.
    """
    if _TENANT.fullmatch(tenant) is None or len(tenant) > _MAX_NAME:
        raise InvalidError(
            ["the name of a tenant has small letters, digits, dots, dashes and underscores only"]
        )
    return tenant


def _read_book(body: object) -> tuple[str, str | None]:
    if not isinstance(body, Mapping):
        raise InvalidError(["a phonebook is a JSON object with `name` and `description`"])
    name, description = body.get("name"), body.get("description")
    reasons = []
    if not isinstance(name, str) or not 1 <= len(name) <= _MAX_NAME:
        reasons.append(f"name: a text of 1 to {_MAX_NAME} characters is needed")
    if description is not None and not isinstance(description, str):
        reasons.append("description: a text or null is needed")
    texts = [text for text in (name, description) if isinstance(text, str)]
    if any("\x00" in text or _is_broken(text) for text in texts):
        reasons.append("name and description are text without NUL and broken Unicode")
    if reasons or not isinstance(name, str):
        raise InvalidError(reasons)
    return name, description


def _is_broken(text: str) -> bool:
    return any("\ud800" <= c <= "\udfff" for c in text)


class PhonebookPlugin(BaseServicePlugin):
    """The plugin `phonebook` of `pelagos.directory.services`."""

    def load(self, args: Mapping[str, Any]) -> PhonebookService:
        """The service.

        Raises:
            DirectoryError: there is no store.
        """
        return PhonebookService(store_of(args))
