"""The sources that were made over HTTP, so that they are there after a restart, too."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from pelagos.core import wire
from pelagos.directory.errors import NotThereError
from pelagos.directory.store import schema
from pelagos.directory.store.engine import Database
from pelagos.directory.store.failures import duplicate

_row = schema.sources.c
_fact = schema.facts.c
_REVISION = "sources_revision"


@dataclass(frozen=True, slots=True)
class KeptSource:
    """One source.

    Attributes:
        uuid: how clients name it; the directory gives it.
        name: unique among the kept ones.
        backend: name of its back-end.
        profiles: names of the profiles that ask it.
        config: its other keys, secrets included.
    """

    uuid: str
    name: str
    backend: str
    profiles: tuple[str, ...]
    config: Mapping[str, Any]


class KeptSources:
    """The kept sources; safe to share between threads.

    Each method raises `StoreError` when the database cannot be used.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def revision(self) -> int:
        """A number that grows with each change; other directories change them, too."""
        with self._database.read() as connection:
            found = connection.execute(sa.select(_fact.value).where(_fact.name == _REVISION))
            return int(found.scalar() or 0)

    def all(self) -> list[KeptSource]:
        """All of them, oldest first."""
        query = sa.select(schema.sources).order_by(_row.id)
        with self._database.read() as connection:
            return [
                KeptSource(
                    row.uuid, row.name, row.backend, tuple(said["profiles"]), said["config"]
                )
                for row in connection.execute(query)
                for said in (wire.decode(row.settings),)
            ]

    def add(
        self, name: str, backend: str, profiles: tuple[str, ...], config: Mapping[str, Any]
    ) -> KeptSource:
        """Keep a new one.

        Raises:
            DuplicateError: there is one of this name.
        """
        made = KeptSource(str(uuid.uuid4()), name, backend, profiles, config)
        with duplicate(_taken(name)), self._database.change() as connection:
            connection.execute(sa.insert(schema.sources), {"uuid": made.uuid, **_values(made)})
            _count(connection)
        return made

    def replace(self, source: KeptSource) -> None:
        """Give one another name, other profiles and keys. Its favourites stay its own.

        Raises:
            NotThereError: it is gone.
            DuplicateError: another one has this name.
        """
        mine = _row.uuid == source.uuid
        with duplicate(_taken(source.name)), self._database.change() as connection:
            former = _name_of(connection, source.uuid)
            connection.execute(sa.update(schema.sources).where(mine).values(**_values(source)))
            if former != source.name:
                marked = schema.favorites.c.source
                _forget_favorites(connection, source.name)  # of a source that is long gone
                rename = sa.update(schema.favorites).where(marked == former)
                connection.execute(rename.values(source=source.name))
            _count(connection)

    def remove(self, source_uuid: str) -> None:
        """Forget one, and whose favourites were in it.

        Raises:
            NotThereError: it is gone.
        """
        with self._database.change() as connection:
            name = _name_of(connection, source_uuid)
            connection.execute(sa.delete(schema.sources).where(_row.uuid == source_uuid))
            _forget_favorites(connection, name)
            _count(connection)


def _read(row: sa.Row[Any]) -> KeptSource:
    said = wire.decode(row.settings)
    return KeptSource(row.uuid, row.name, row.backend, tuple(said["profiles"]), said["config"])


def _values(source: KeptSource) -> dict[str, str]:
    said = wire.encode({"profiles": list(source.profiles), "config": dict(source.config)})
    return {"name": source.name, "backend": source.backend, "settings": said.decode()}


def _taken(name: str) -> str:
    return f"there is a source {name!r} already"


def _name_of(connection: sa.Connection, source_uuid: str) -> str:
    found = connection.execute(sa.select(_row.name).where(_row.uuid == source_uuid)).scalar()
    if found is None:
        raise NotThereError([f"there is no source {source_uuid}"])
    return str(found)


def _forget_favorites(connection: sa.Connection, source: str) -> None:
    connection.execute(sa.delete(schema.favorites).where(schema.favorites.c.source == source))


def _count(connection: sa.Connection) -> None:
    mine = _fact.name == _REVISION
    former = connection.execute(sa.select(_fact.value).where(mine)).scalar()
    if former is None:
        connection.execute(sa.insert(schema.facts), {"name": _REVISION, "value": "1"})
    else:
        connection.execute(sa.update(schema.facts).where(mine).values(value=str(int(former) + 1)))
