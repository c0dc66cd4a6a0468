"""The phonebooks of tenants. A tenant is a name; it is there while it has a phonebook."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from pelagos.directory.errors import NotThereError
from pelagos.directory.folding import fold
from pelagos.directory.store import schema
from pelagos.directory.store.contacts import folded_term, folded_values
from pelagos.directory.store.engine import Database
from pelagos.directory.store.failures import duplicate
from pelagos.directory.store.lists import ListKey, no_phonebook

#: By what phonebooks can be sorted.
ORDERS = ("id", "name", "description")

_list = schema.lists.c
_COLUMNS = (_list.id, _list.name, _list.description)


@dataclass(frozen=True, slots=True)
class Phonebook:
    """One phonebook.

    Attributes:
        id: its number, never given twice.
        name: unique in its tenant.
    """

    id: int
    name: str
    description: str | None = None


class Phonebooks:
    """The phonebooks; each question names the tenant, and no other's is ever seen.

    Each method raises `StoreError` when the database cannot be used.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self, tenant: str, search: str = "") -> list[Phonebook]:
        """The tenant's phonebooks in whose name or description the text occurs, oldest first."""
        term = folded_term(search)
        query = sa.select(*_COLUMNS, _list.folded).where(_of(tenant)).order_by(_list.id)
        with self._database.read() as connection:
            return [_phonebook(row) for row in connection.execute(query) if term in row.folded]

    def get(self, tenant: str, number: int) -> Phonebook:
        """One of them.

        Raises:
            NotThereError: the tenant has none of this number.
        """
        key = ListKey.phonebook(tenant, number)
        if not _fits(number):
            raise no_phonebook(key)
        with self._database.read() as connection:
            row = connection.execute(sa.select(*_COLUMNS).where(key.clause())).first()
        if row is None:
            raise no_phonebook(key)
        return _phonebook(row)

    def find(self, tenant: str, name: str) -> Phonebook:
        """The one of this name.

        Raises:
            NotThereError: the tenant has none of this name.
        """
        query = sa.select(*_COLUMNS).where(_of(tenant), _list.name == name)
        with self._database.read() as connection:
            row = connection.execute(query).first()
        if row is None:
            raise NotThereError([f"tenant {tenant} has no phonebook {name!r}"])
        return _phonebook(row)

    def create(self, tenant: str, name: str, description: str | None = None) -> Phonebook:
        """Make one.

        Raises:
            DuplicateError: the tenant has one of this name.
        """
        values = {
            "kind": "phonebook", "owner": tenant, "revision": 1, "size": 0,
            **_described(name, description),
        }  # fmt: skip
        make = sa.insert(schema.lists).values(**values).returning(_list.id)
        with duplicate(_taken(name)), self._database.change() as connection:
            number = connection.execute(make).scalar_one()
        return Phonebook(int(number), name, description)

    def edit(
        self, tenant: str, number: int, name: str, description: str | None = None
    ) -> Phonebook:
        """Give one another name and description.

        Raises:
            NotThereError: the tenant has none of this number.
            DuplicateError: the tenant has another one of this name.
        """
        key = ListKey.phonebook(tenant, number)
        if not _fits(number):
            raise no_phonebook(key)
        change = sa.update(schema.lists).where(key.clause())
        with duplicate(_taken(name)), self._database.change() as connection:
            if not connection.execute(change.values(**_described(name, description))).rowcount:
                raise no_phonebook(key)
        return Phonebook(number, name, description)

    def remove(self, tenant: str, number: int) -> None:
        """Remove one with all its contacts.

        Raises:
            NotThereError: the tenant has none of this number.
        """
        key = ListKey.phonebook(tenant, number)
        if not _fits(number):
            raise no_phonebook(key)
        with self._database.change() as connection:
            if not connection.execute(sa.delete(schema.lists).where(key.clause())).rowcount:
                raise no_phonebook(key)


def sort_key(order: str) -> Any:
    """By what phonebooks are sorted: without case and accents, a missing one as the empty text."""

    def key(book: Phonebook) -> Any:
        return book.id if order == "id" else fold(getattr(book, order) or "")

    return key


def _taken(name: str) -> str:
    return f"there is a phonebook {name!r} in this tenant already"


def _of(tenant: str) -> sa.ColumnElement[bool]:
    return sa.and_(_list.kind == "phonebook", _list.owner == tenant)


def _fits(number: int) -> bool:
    return 0 < number < 2**63


def _described(name: str, description: str | None) -> dict[str, Any]:
    folded = folded_values((name, description))
    return {"name": name, "description": description, "folded": folded}


def _phonebook(row: Any) -> Phonebook:
    return Phonebook(int(row.id), row.name, row.description)
