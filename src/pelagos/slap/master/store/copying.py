"""A site copied from one database to another: all or nothing, and compared afterwards."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from pelagos.slap.master.errors import Conflict, SchemaError, StoreError
from pelagos.slap.master.store import schema
from pelagos.slap.master.store.engine import open_engine, our_errors
from pelagos.slap.master.store.ways import WRITES, Ways

#: Rows in memory at a time.
_BATCH = 1000
#: Seconds to wait for whoever else uses one of the databases.
_BUSY_TIMEOUT = 5.0

#: Told of the table, the rows of it that are copied, and how many there are.
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class CopiedTable:
    """One table that is alike in both databases.

    Attributes:
        sha256: of all its rows in the order of their keys.
    """

    table: str
    rows: int
    sha256: str


def copy_database(
    source_url: str, target_url: str, progress: Progress, *, is_running: bool = False
) -> list[CopiedTable]:
    """Copy all of a master's database into an empty one, and compare the two.

    Args:
        source_url: of a master's database of this version of Pelagos, on which none runs.
        target_url: of an empty database. It stays empty when anything fails.
        progress: told while it goes on.
        is_running: whether a master may run on the source, which is then copied as it was at
            one moment, and not held up meanwhile.

    Returns:
        What was copied, one for each table.

    Raises:
        ConfigError: a URL cannot be used.
        Conflict: the target holds something.
        SchemaError: the source is no master's database, or one of another version.
        StoreBusy: a master uses one of the two.
        StoreError: one of the two cannot be used, or they are not alike afterwards.
    """
    fresh = _missing_file(target_url)
    try:
        reading = _seen if is_running else _opened
        with reading(source_url) as (source, _), _opened(target_url) as (target, ways):
            _check_source(source)
            _make_tables(target)
            ways.begin_filling(target)
            copied = [_copy_table(source, target, table, progress) for table in _tables()]
            ways.end_filling(target, _last_event(source))
            for done in copied:
                _compare(target, done)
    except BaseException:
        if fresh is not None:
            for name in ("", "-wal", "-shm"):
                Path(f"{fresh}{name}").unlink(missing_ok=True)
        raise
    return copied


def _missing_file(url: str) -> Path | None:
    """The file of a SQLite database that is not there yet."""
    scheme, _, path = url.partition(":///")
    return Path(path) if scheme == "sqlite" and path and not Path(path).exists() else None


@contextmanager
def _opened(url: str) -> Iterator[tuple[sa.Connection, Ways]]:
    """One transaction that is alone on the database; committed at the end."""
    engine, ways = open_engine(url, _BUSY_TIMEOUT)
    writing = engine.execution_options(**{WRITES: True})
    try:
        with our_errors(ways, engine.dialect.loaded_dbapi.Error), writing.begin() as connection:
            ways.lock(connection)
            ways.check(connection)
            ways.claim(connection)
            yield connection, ways
    finally:
        engine.dispose()


@contextmanager
def _seen(url: str) -> Iterator[tuple[sa.Connection, Ways]]:
    """One state of a database that others use."""
    engine, ways = open_engine(url, _BUSY_TIMEOUT)
    try:
        with (
            our_errors(ways, engine.dialect.loaded_dbapi.Error),
            ways.reading(engine).begin() as connection,
        ):
            yield connection, ways
    finally:
        engine.dispose()


def _tables() -> list[sa.Table]:
    return list(schema.metadata.sorted_tables)


def _check_source(source: sa.Connection) -> None:
    facts = schema.facts.c
    if "facts" not in sa.inspect(source).get_table_names():
        raise SchemaError(
            "the source is not a master's database",
            hint="see that its URL is right: pelagos config list shows master.database",
        )
    found = source.execute(sa.select(facts.value).where(facts.name == "schema_version")).scalar()
    if found != str(schema.SCHEMA_VERSION):
        raise SchemaError(
            f"the source has schema {found}, this Pelagos copies {schema.SCHEMA_VERSION}",
            hint="start a master of this version on it once, and end it: that brings it up",
        )


def _make_tables(target: sa.Connection) -> None:
    present = sorted(sa.inspect(target).get_table_names())
    if present:
        raise Conflict(
            f"the target is not empty, it holds {', '.join(present[:3])}",
            hint="name a new file, or create a new database",
        )
    schema.metadata.create_all(target)


def _copy_table(
    source: sa.Connection, target: sa.Connection, table: sa.Table, progress: Progress
) -> CopiedTable:
    total = source.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
    digest, count = hashlib.sha256(), 0
    progress(table.name, 0, total)
    for rows in _batches(source, table):
        target.execute(sa.insert(table), [row._asdict() for row in rows])
        _add(digest, rows)
        count += len(rows)
        progress(table.name, count, total)
    return CopiedTable(table.name, count, digest.hexdigest())


def _compare(target: sa.Connection, copied: CopiedTable) -> None:
    digest, count = hashlib.sha256(), 0
    for rows in _batches(target, schema.metadata.tables[copied.table]):
        _add(digest, rows)
        count += len(rows)
    if (count, digest.hexdigest()) != (copied.rows, copied.sha256):
        raise StoreError(
            f"the copy of {copied.table} is not like the original: {count} of {copied.rows} rows",
            hint="nothing was kept; the source is as it was",
        )


def _batches(connection: sa.Connection, table: sa.Table) -> Iterator[list[sa.Row[Any]]]:
    """All rows in the order of their keys, some at a time."""
    query = sa.select(table).order_by(*table.primary_key.columns)
    with connection.execute(query, execution_options={"yield_per": _BATCH}) as found:
        rows = iter(found)
        while batch := list(islice(rows, _BATCH)):
            yield batch


def _add(digest: hashlib._Hash, rows: list[sa.Row[Any]]) -> None:
    for row in rows:
        digest.update(json.dumps(list(row), ensure_ascii=False).encode() + b"\n")


def _last_event(source: sa.Connection) -> int:
    """The highest id that an event ever had; the newest may be trimmed away."""
    facts = schema.facts.c
    last = source.execute(sa.select(sa.func.max(schema.events.c.id))).scalar() or 0
    trimmed = source.execute(
        sa.select(facts.value).where(facts.name == schema.TRIMMED_FACT)
    ).scalar()
    return max(last, int(trimmed or 0))
