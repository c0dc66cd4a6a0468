"""Statements over many rows at once, in the way in which each database is quick."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from pelagos.directory.store import schema

_CHUNK = 1000  # values of one IN
_BATCH = 5000  # rows of one statement

_T = TypeVar("_T")
_row = schema.contacts.c

_UNNEST = sa.text(
    "INSERT INTO directory_contacts (list_id, revision, uuid, digest, attributes, folded)"
    " SELECT :list_id, :revision, new.* FROM unnest("
    "CAST(:uuid AS text[]), CAST(:digest AS text[]),"
    " CAST(:attributes AS text[]), CAST(:folded AS text[])"
    ") AS new (uuid, digest, attributes, folded)"
)
_COLUMNS = ("uuid", "digest", "attributes", "folded")


def chunks(values: Sequence[_T], size: int = _CHUNK) -> Iterator[Sequence[_T]]:
    """The values in pieces that one statement takes."""
    for begin in range(0, len(values), size):
        yield values[begin : begin + size]


def known(
    connection: sa.Connection, list_id: int, column: sa.Column[str], values: Sequence[str]
) -> dict[str, str]:
    """Those of the values that contacts of the list have in a column, with the contacts' ids."""
    wanted = set(values)
    if not wanted:
        return {}
    query = sa.select(column, _row.uuid).where(_row.list_id == list_id)
    if len(wanted) <= _CHUNK:
        query = query.where(column.in_(sorted(wanted)))
    # Many are compared here: a server that has no statistics yet would scan the list for each.
    return {row[0]: row[1] for row in connection.execute(query) if row[0] in wanted}


def insert_contacts(connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store rows of one list, all of the same revision."""
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        connection.execute(sa.insert(schema.contacts), list(rows))
        return
    for batch in chunks(rows, _BATCH):
        arrays = {name: [row[name] for row in batch] for name in _COLUMNS}
        place = {name: batch[0][name] for name in ("list_id", "revision")}
        connection.execute(_UNNEST, arrays | place)
    if len(rows) > _CHUNK:  # questions that follow must not wait until the server does it itself
        connection.exec_driver_sql("ANALYZE directory_contacts")


def insert_once(connection: sa.Connection, table: sa.Table) -> Any:
    """An insert that does nothing when the row is there already."""
    make = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    return make(table).on_conflict_do_nothing()


def holds(connection: sa.Connection, column: Any, text: str) -> sa.ColumnElement[bool]:
    """Whether a column holds a text; nothing in the text has a meaning of its own."""
    find = sa.func.instr if connection.dialect.name == "sqlite" else sa.func.strpos
    return find(column, text) > 0
