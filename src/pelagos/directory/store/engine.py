"""The database opened: connections, transactions, schema versions; SQLite and PostgreSQL."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc, pool

from pelagos.core.errors import ConfigError
from pelagos.directory.errors import SchemaError, StoreError
from pelagos.directory.store import schema
from pelagos.directory.store.failures import our_errors

log = logging.getLogger(__name__)

#: Advisory lock of PostgreSQL that is held while the tables are made: "pelagdir" in ASCII.
_LOCK_KEY = int.from_bytes(b"pelagdir")
_WRITES = "pelagos_writes"
_EXAMPLE = (
    "for example sqlite:////var/lib/pelagos/directory.db, or postgresql://USER@HOST/DATABASE"
)
#: Seconds.
_CONNECT_TIMEOUT = 5
_STATEMENT_TIMEOUT = 60
_IDLE_TIMEOUT = 60
#: Connections at the most, fewer than a directory has threads to serve with: those who wait for a
#: database that hangs must leave some to the others, and a server has a hundred for all.
CONNECTIONS = 32
#: Seconds to wait for one of them.
_CONNECTION_PATIENCE = 2.0
#: After these a server is given up that vanished without a word, as one does whose cable is cut.
_KEEPALIVES = {
    "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3,
    "tcp_user_timeout": 30_000,  # ms
}  # fmt: skip


class Database:
    """One database; safe to share between threads. Close it when done.

    A server that is away does not keep a directory from starting: the tables are made, or brought
    up to date, when it is there.

    Args:
        url: SQLAlchemy URL of a file of SQLite, or of PostgreSQL.
        busy_timeout: seconds to wait for another writer.

    Raises:
        ConfigError: the URL cannot be used.
        SchemaError: a newer directory made the database.
    """

    def __init__(self, url: str, *, busy_timeout: float = 15.0) -> None:
        self._engine = _open(url, busy_timeout)
        self._is_sqlite = self._engine.dialect.name == "sqlite"
        self._writing = self._engine.execution_options(**{_WRITES: True})
        self._password = self._engine.url.password
        self._busy_timeout = busy_timeout
        # Writers of this process queue here: SQLite itself makes them look again and again.
        self._queue = threading.Lock()
        self._preparing = threading.Lock()
        self._is_ready = False
        try:
            self._ready()
        except SchemaError:
            self._engine.dispose()
            raise
        except StoreError as error:
            log.warning("%s; the directory tries again when it is needed", error)

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file of this machine."""
        return self._is_sqlite

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A connection for questions; all of them see one state.

        Raises:
            StoreError: the database cannot be used.
        """
        self._ready()
        with our_errors(self._password), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def change(self) -> Iterator[sa.Connection]:
        """A transaction: on disk when the block has ended, undone when it raised.

        Raises:
            DuplicateError: it contradicts what is stored.
            StoreError: the database cannot be used.
        """
        self._ready()
        with self._queued(), our_errors(self._password), self._writing.begin() as connection:
            yield connection

    def close(self) -> None:
        """Release the database; what a thread still uses is closed when it gives it back."""
        sa.event.listen(self._engine, "checkin", _close)
        self._engine.dispose()

    @contextmanager
    def _queued(self) -> Iterator[None]:
        if not self._is_sqlite:
            yield
            return
        if not self._queue.acquire(timeout=self._busy_timeout):
            raise StoreError(
                ["the directory's database is busy; nothing was changed"], retry_after=1.0
            )
        try:
            yield
        finally:
            self._queue.release()

    def _ready(self) -> None:
        if self._is_ready:
            return
        if not self._preparing.acquire(timeout=_CONNECTION_PATIENCE):
            raise StoreError(  # each would wait for a server that is away, one after another
                ["the directory's database does not answer"],
                hint="see that it runs and can be reached, then try again",
                retry_after=_CONNECTION_PATIENCE,
            )
        try:
            if not self._is_ready:
                with our_errors(self._password), self._writing.begin() as connection:
                    self._prepare(connection)
                self._is_ready = True
        finally:
            self._preparing.release()

    def _prepare(self, connection: sa.Connection) -> None:
        if not self._is_sqlite:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK_KEY})")
            encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
            if encoding != "UTF8":
                raise ConfigError(
                    f"the directory's database is encoded in {encoding}, not UTF8",
                    hint="createdb --encoding=UTF8 --template=template0 NAME",
                )
        facts = schema.facts.c
        if not sa.inspect(connection).has_table(schema.facts.name):
            schema.metadata.create_all(connection)
            connection.execute(
                sa.insert(schema.facts),
                {"name": "schema_version", "value": str(schema.SCHEMA_VERSION)},
            )
        known = connection.execute(
            sa.select(facts.value).where(facts.name == "schema_version")
        ).scalar()
        _migrate(connection, int(known or 0))


def _migrate(connection: sa.Connection, version: int) -> None:
    if version > schema.SCHEMA_VERSION:
        raise SchemaError(
            f"the directory's database has schema {version}; this Pelagos knows up to "
            f"{schema.SCHEMA_VERSION}, so a newer one made it",
            hint="run the newer Pelagos, or give this one another database (db_uri)",
        )
    for step in range(version + 1, schema.SCHEMA_VERSION + 1):
        schema.MIGRATIONS[step](connection)
        log.info("the directory's database was brought to schema %d", step)
    if version < schema.SCHEMA_VERSION:
        connection.execute(
            sa.update(schema.facts)
            .where(schema.facts.c.name == "schema_version")
            .values(value=str(schema.SCHEMA_VERSION))
        )


def _close(connection: Any, _record: object) -> None:
    if connection is not None:  # it is when it broke
        connection.close()


def _open(text: str, busy_timeout: float) -> sa.Engine:
    try:
        url, arguments = _ways(sa.make_url(text), busy_timeout)
        engine = sa.create_engine(
            url,
            poolclass=pool.QueuePool,
            pool_size=CONNECTIONS // 2,
            max_overflow=CONNECTIONS - CONNECTIONS // 2,
            pool_timeout=_CONNECTION_PATIENCE,
            pool_pre_ping=url.get_backend_name() != "sqlite",  # a restarted server is noticed
            connect_args=arguments,
            hide_parameters=True,  # they are people's data
        )
    except (exc.ArgumentError, exc.NoSuchModuleError, ValueError) as error:
        # No word of the URL: it may hold a password.
        raise ConfigError("db_uri: the database URL cannot be used", hint=_EXAMPLE) from error
    except ImportError as error:
        raise ConfigError(
            "db_uri: a database on PostgreSQL needs psycopg, which is not installed",
            hint="pip install 'pelagos[postgresql]'",
        ) from error
    if url.get_backend_name() == "sqlite":
        sa.event.listen(engine, "connect", _sqlite_setter(busy_timeout))
        sa.event.listen(engine, "begin", _begin_sqlite)
    else:
        sa.event.listen(engine, "connect", _set_up_postgresql)
    return engine


def _ways(url: sa.URL, busy_timeout: float) -> tuple[sa.URL, dict[str, Any]]:
    """The URL with a driver, and what the driver is told."""
    kind = url.get_backend_name()
    if kind == "sqlite":
        _prepare_file(url.database)
        return url, {}
    if kind not in {"postgresql", "postgres"}:
        raise ConfigError(
            f"db_uri: a directory cannot use a database of the kind {kind}", hint=_EXAMPLE
        )
    settings = {
        "lock_timeout": int(busy_timeout * 1000),
        "statement_timeout": _STATEMENT_TIMEOUT * 1000,
        "idle_in_transaction_session_timeout": _IDLE_TIMEOUT * 1000,
    }
    own = url.query.get("options", "")
    given = own if isinstance(own, str) else " ".join(own)
    options = " ".join(f"-c {name}={value}" for name, value in settings.items())
    arguments: dict[str, Any] = {"options": f"{options} {given}".strip()}
    defaults = {
        "connect_timeout": _CONNECT_TIMEOUT,
        "application_name": "pelagos-directory",
        **_KEEPALIVES,
    }
    arguments |= {name: value for name, value in defaults.items() if name not in url.query}
    # Whatever driver the ancestor's URL names, ours is psycopg.
    return url.set(drivername="postgresql+psycopg"), arguments


def _prepare_file(database: str | None) -> None:
    if not database or database == ":memory:" or database.startswith("file:"):
        raise ConfigError(
            "db_uri: a directory keeps what people gave it, so it needs a database on disk",
            hint=_EXAMPLE,
        )
    try:
        os.close(os.open(Path(database), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise ConfigError(
            f"db_uri: {database} cannot be opened: {error.strerror}",
            hint="see that its folder exists and that the directory may write there",
        ) from error


def _sqlite_setter(busy_timeout: float) -> Any:
    def set_up(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {int(busy_timeout * 1000)}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")  # an acknowledged commit survives a power cut
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    return set_up


def _begin_sqlite(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES)
    # IMMEDIATE: take the one write lock first, so that what was read stays true until the commit.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _set_up_postgresql(connection: Any, _record: object) -> None:
    connection.execute(
        "SELECT set_config('synchronous_commit', 'on', false)"
        " WHERE current_setting('synchronous_commit') = 'off'"
    )
    connection.commit()
