"""The store as one object: what services and back-ends are given."""

from __future__ import annotations

from typing import Self

import sqlalchemy as sa

from pelagos.directory.store import schema
from pelagos.directory.store.engine import Database
from pelagos.directory.store.favorites import Favorites
from pelagos.directory.store.lists import ContactList, ListKey
from pelagos.directory.store.paging import Pages
from pelagos.directory.store.phonebooks import Phonebooks
from pelagos.directory.store.sources import KeptSources


class DirectoryStore:
    """Favourites, contacts, phonebooks and kept sources in one database; close it when done.

    Safe to share between threads, and the database between directories. What a method has
    returned from is on disk.

    Args:
        url: `sqlite:////PATH`, or `postgresql://USER@HOST/DATABASE`.
        busy_timeout: seconds to wait for another writer.

    Attributes:
        favorites: the favourites of all persons.
        phonebooks: the phonebooks of all tenants.
        sources: those that were made over HTTP.

    Raises:
        ConfigError: the URL cannot be used.
        SchemaError: a newer directory made the database.
    """

    def __init__(self, url: str, *, busy_timeout: float = 15.0) -> None:
        self._database = Database(url, busy_timeout=busy_timeout)
        self._pages = Pages()
        self.favorites = Favorites(self._database)
        self.phonebooks = Phonebooks(self._database)
        self.sources = KeptSources(self._database)

    def personal(self, person: str) -> ContactList:
        """The contacts of a person."""
        return self.contacts(ListKey.personal(person))

    def phonebook(self, tenant: str, number: int) -> ContactList:
        """The contacts of a phonebook."""
        return self.contacts(ListKey.phonebook(tenant, number))

    def contacts(self, key: ListKey) -> ContactList:
        """The contacts of a list."""
        return ContactList(self._database, self._pages, key)

    def forget_person(self, person: str) -> None:
        """Remove a person's contacts and favourites; again is harmless.

        Raises:
            StoreError: the database cannot be used.
        """
        with self._database.change() as connection:
            connection.execute(sa.delete(schema.lists).where(ListKey.personal(person).clause()))
            connection.execute(
                sa.delete(schema.favorites).where(schema.favorites.c.person == person)
            )

    def close(self) -> None:
        """Release the database."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
