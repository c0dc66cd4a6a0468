"""The database opened: connections, transactions, schema versions, failures in our words.

What only SQLite knows is in `_SqliteWays`; everything else is portable.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc, pool

from pelagos.core.errors import ConfigError
from pelagos.slap.errors import SlapError
from pelagos.slap.master.errors import (
    Conflict,
    SchemaError,
    StoreBusy,
    StoreError,
    StoreFull,
)
from pelagos.slap.master.store import schema
from pelagos.slap.master.store.changes import Writer
from pelagos.slap.master.store.queries import REVISION, Reader

log = logging.getLogger(__name__)

_WRITES = "pelagos_writes"


class Store:
    """A database of a master; safe to share between threads. Close it when done.

    Args:
        database_url: SQLAlchemy URL, e.g. `sqlite:////var/lib/pelagos/plane.db`.
        busy_timeout: seconds to wait for another process that holds the database.
        new_id: makes the random name of a new database.

    Raises:
        ConfigError: the URL cannot be used.
        SchemaError: the database was made by a newer Pelagos, or is none of ours.
        StoreError: it cannot be opened.
    """

    def __init__(
        self, database_url: str, *, busy_timeout: float, new_id: Callable[[], str]
    ) -> None:
        self._engine = _open(database_url, busy_timeout)
        self._revision_query = str(REVISION.compile(dialect=self._engine.dialect))
        self._driver_error: type[Exception] = self._engine.dialect.loaded_dbapi.Error
        self._writing = threading.Lock()
        try:
            self.name = self._prepare(new_id)
        except BaseException:
            self._engine.dispose()
            raise

    @contextmanager
    def read(self) -> Iterator[Reader]:
        """Questions to one consistent state of the database."""
        with _our_errors(self._engine), self._engine.begin() as connection:
            yield Reader(connection)

    def revision(self, computer_id: str) -> int | None:
        """The computer's revision, None when it is unknown.

        Asked at each fetch of a computer, so it goes the driver's short way: a fifth of the cost.
        """
        with _our_errors(self._engine), closing(self._engine.raw_connection()) as connection:
            cursor = connection.cursor()
            try:
                cursor.execute(self._revision_query, (computer_id,))
                row = cursor.fetchone()
            except self._driver_error as error:
                raise exc.DBAPIError.instance(
                    self._revision_query, None, error, self._driver_error
                ) from error
            finally:
                cursor.close()
        return None if row is None else int(row[0])

    @contextmanager
    def change(self) -> Iterator[Writer]:
        """One transaction: on disk when the block has ended, undone when it raised.

        Writers of this process queue here, and not in the database, whose waiting is coarser.
        """
        with _our_errors(self._engine), self._writing, self._engine.connect() as plain:
            connection = plain.execution_options(**{_WRITES: True})
            with connection.begin():
                yield Writer(connection)

    def close(self) -> None:
        """Release the file; the store must not be used afterwards."""
        self._engine.dispose()

    def _prepare(self, new_id: Callable[[], str]) -> str:
        """Create or migrate the tables; return the random name of this database."""
        facts = schema.facts.c
        with _our_errors(self._engine), self._engine.connect() as plain:
            connection = plain.execution_options(**{_WRITES: True})
            with connection.begin():
                present = set(sa.inspect(connection).get_table_names())
                if "facts" not in present:
                    _create(connection, present, new_id())
                rows = connection.execute(sa.select(facts.name, facts.value)).all()
                known = {row.name: row.value for row in rows}
                _migrate(connection, int(known.get("schema_version", 0)))
        return str(known["name"])


def _create(connection: sa.Connection, present: set[str], name: str) -> None:
    if present:
        raise SchemaError(
            f"this database holds other tables ({', '.join(sorted(present)[:3])}), "
            "it is not a master's",
            hint="give the master a database of its own",
        )
    schema.metadata.create_all(connection)
    connection.execute(
        sa.insert(schema.facts),
        [
            {"name": "schema_version", "value": str(schema.SCHEMA_VERSION)},
            {"name": "name", "value": name},
        ],
    )


def _migrate(connection: sa.Connection, version: int) -> None:
    if version > schema.SCHEMA_VERSION:
        raise SchemaError(
            f"this database has schema {version}; this Pelagos knows up to "
            f"{schema.SCHEMA_VERSION}, so a newer one made it",
            hint="run the newer Pelagos, or give this one another database",
        )
    for step in range(version + 1, schema.SCHEMA_VERSION + 1):
        schema.MIGRATIONS[step](connection)
        log.info("the database was brought to schema %d", step)
    connection.execute(
        sa.update(schema.facts)
        .where(schema.facts.c.name == "schema_version")
        .values(value=str(schema.SCHEMA_VERSION))
    )


def _open(database_url: str, busy_timeout: float) -> sa.Engine:
    try:
        url = sa.make_url(database_url)
        ways = _SqliteWays(busy_timeout) if url.get_backend_name() == "sqlite" else None
        if ways is not None:
            ways.prepare_file(url.database)
        # As many connections as threads ask for: each is small and kept.
        engine = sa.create_engine(url, poolclass=pool.QueuePool, pool_size=16, max_overflow=-1)
    except (exc.ArgumentError, exc.NoSuchModuleError, ModuleNotFoundError) as error:
        raise ConfigError(
            f"the database URL cannot be used: {error}",
            hint="for example sqlite:////var/lib/pelagos/plane.db",
        ) from error
    if ways is not None:
        ways.attach(engine)
    return engine


class _SqliteWays:
    """What SQLite needs to be durable, strict and patient."""

    def __init__(self, busy_timeout: float) -> None:
        self._busy_timeout = busy_timeout

    def prepare_file(self, database: str | None) -> None:
        """Make the file readable for its owner only; SQLite gives its side files the same mode."""
        if not database or database == ":memory:":
            raise ConfigError(
                "a master keeps what it accepted, so it needs a database on disk",
                hint="for example sqlite:////var/lib/pelagos/plane.db",
            )
        try:
            os.close(os.open(Path(database), os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            raise StoreError(
                f"the database {database} cannot be opened: {error.strerror}",
                hint="check that its folder exists and that you may write there",
            ) from error

    def attach(self, engine: sa.Engine) -> None:
        """Set up each new connection, and begin transactions ourselves."""
        sa.event.listen(engine, "connect", self._set_up)
        sa.event.listen(engine, "begin", _begin)

    def _set_up(self, connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {int(self._busy_timeout * 1000)}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")  # an acknowledged commit survives a power cut
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()


def _begin(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES)
    # IMMEDIATE: take the one write lock first, so that what was read stays true until the commit.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def _our_errors(engine: sa.Engine) -> Iterator[None]:
    try:
        yield
    except exc.IntegrityError as error:
        raise Conflict("this contradicts what is stored", status=409) from error
    except exc.DBAPIError as error:
        raise _store_error(error, engine.url.database) from error
    except exc.SQLAlchemyError as error:
        raise StoreError("the database cannot be used now", status=500) from error


def _store_error(error: exc.DBAPIError, database: str | None) -> SlapError:
    name = getattr(error.orig, "sqlite_errorname", "")
    if name == "SQLITE_FULL":
        return StoreFull(
            "the disk of the master's database is full; nothing was changed",
            status=507,
            hint="free some space on the master, then try again",
        )
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return StoreBusy(
            "another process holds the master's database; nothing was changed",
            status=500,
            hint="try again; look for a second program that uses the database file",
            retry_after=1.0,
        )
    if name in {"SQLITE_NOTADB", "SQLITE_CORRUPT"}:
        return SchemaError(
            f"{database} is not a sound SQLite database",
            status=500,
            hint="restore it from a backup, or put it aside: then the master begins anew",
        )
    return StoreError(
        f"the database cannot be used now: {error.orig}",
        status=500,
        hint="check the disk and the permissions of the master's database file",
    )
