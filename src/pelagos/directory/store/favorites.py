"""Which contacts of which sources are a person's favourites."""

from __future__ import annotations

import sqlalchemy as sa

from pelagos.directory.errors import InvalidError, NotThereError
from pelagos.directory.store import schema
from pelagos.directory.store.engine import Database
from pelagos.directory.store.failures import duplicate

_MAX_LENGTH = 2000  # characters; an index of PostgreSQL takes a third of a page
_row = schema.favorites.c


class Favorites:
    """The favourites of persons; safe to share between threads.

    Each method raises `StoreError` when the database cannot be used.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, person: str) -> dict[str, set[str]]:
        """The ids of a person's favourites, by name of their source."""
        query = sa.select(_row.source, _row.contact).where(_row.person == person)
        found: dict[str, set[str]] = {}
        with self._database.read() as connection:
            for source, contact in connection.execute(query):
                found.setdefault(source, set()).add(contact)
        return found

    def add(self, person: str, source: str, contact: str) -> None:
        """Make a contact a favourite; whether the source knows it is not asked.

        Raises:
            DuplicateError: it is one already.
            InvalidError: such an id cannot be stored.
        """
        if len(contact) > _MAX_LENGTH or "\x00" in contact:
            raise InvalidError([f"a contact's id has at most {_MAX_LENGTH} characters, none NUL"])
        new = {"person": person, "source": source, "contact": contact}
        taken = duplicate(f"contact {contact!r} of {source!r} is a favourite already")
        with taken, self._database.change() as connection:
            connection.execute(sa.insert(schema.favorites), new)

    def remove(self, person: str, source: str, contact: str) -> None:
        """Make it one no more.

        Raises:
            NotThereError: it is none.
        """
        mine = sa.and_(_row.person == person, _row.source == source, _row.contact == contact)
        missing = NotThereError([f"contact {contact!r} of {source!r} is no favourite"])
        if "\x00" in contact:
            raise missing
        with self._database.change() as connection:
            if not connection.execute(sa.delete(schema.favorites).where(mine)).rowcount:
                raise missing
