"""What releases say of their parameters: one text for each release."""

from __future__ import annotations

import sqlalchemy as sa

from pelagos.slap.master.store import schema

_table, _columns, _instances = (
    schema.parameter_schemas,
    schema.parameter_schemas.c,
    schema.instances.c,
)
_ONE = sa.select(_columns.document).where(_columns.url == sa.bindparam("url"))
_KEYS = (
    sa.select(_instances.id)
    .where(_instances.ended.is_(None), _instances.release_url == sa.bindparam("url"))
    .order_by(_instances.id)
)


class SchemaReader:
    """Part of `Reader`."""

    _connection: sa.Connection

    def parameter_schema(self, url: str) -> str | None:
        """What a release says of its parameters; None when nothing is known."""
        found: str | None = self._connection.execute(_ONE, {"url": url}).scalar()
        return found

    def keys_of_release(self, url: str) -> list[int]:
        """The instances of a release that exist, oldest first."""
        return list(self._connection.execute(_KEYS, {"url": url}).scalars())


class SchemaWriter(SchemaReader):
    """Part of `Writer`."""

    def put_parameter_schema(self, url: str, document: str, at: float) -> None:
        """Keep what a release says of its parameters, in place of what it said before."""
        self._connection.execute(sa.delete(_table).where(_columns.url == url))
        self._connection.execute(sa.insert(_table).values(url=url, document=document, at=at))
