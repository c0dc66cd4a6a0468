"""The database opened: connections, transactions, schema versions, failures in our words.

What only one kind of database knows is in `sqlite` and `postgresql`; everything else is portable.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc, pool

from pelagos.core.errors import ConfigError
from pelagos.slap.master.errors import Conflict, SchemaError, StoreError
from pelagos.slap.master.store import schema
from pelagos.slap.master.store.announcing import Duty, Lead
from pelagos.slap.master.store.changes import Writer
from pelagos.slap.master.store.grouping import Groups
from pelagos.slap.master.store.identities import (
    HOLDER_OF_CERTIFICATE,
    HOLDER_OF_TOKEN,
    Holder,
)
from pelagos.slap.master.store.queries import Reader
from pelagos.slap.master.store.sqlite import SqliteWays
from pelagos.slap.master.store.statements import EXISTS, REVISION
from pelagos.slap.master.store.ways import WRITES, Line, News, Ways

log = logging.getLogger(__name__)


class Store:
    """A database of a master; safe to share between threads. Close it when done.

    Args:
        database_url: SQLAlchemy URL, e.g. `sqlite:////var/lib/pelagos/plane.db` or
            `postgresql://pelagos@db.example.org/pelagos`.
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
        self._engine, self._ways = open_engine(database_url, busy_timeout)
        self._reading = self._ways.reading(self._engine)
        self._changing = self._engine.execution_options(**{WRITES: True})
        self._revision_query = str(REVISION.compile(dialect=self._engine.dialect))
        self._token_query = str(HOLDER_OF_TOKEN.compile(dialect=self._engine.dialect))
        self._certificate_query = str(HOLDER_OF_CERTIFICATE.compile(dialect=self._engine.dialect))
        self._exists_query = str(EXISTS.compile(dialect=self._engine.dialect))
        self._is_positional = self._engine.dialect.positional
        self._driver_error: type[Exception] = self._engine.dialect.loaded_dbapi.Error
        self._groups = Groups(self._alone, self._commit, self._ways.error)
        self._line: Line | None = None
        self._made_leads: list[Lead] = []
        try:
            self.name = self._prepare(new_id)
        except BaseException:
            self._engine.dispose()
            raise

    @contextmanager
    def read(self) -> Iterator[Reader]:
        """Questions to one consistent state of the database."""
        with our_errors(self._ways), self._reading.begin() as connection:
            yield Reader(connection)

    def revision(self, computer_id: str) -> int | None:
        """The computer's revision, None when it is unknown.

        Asked at each fetch of a computer, so it goes the driver's short way: a fifth of the cost.
        """
        row = self._first(self._revision_query, computer_id)
        return None if row is None else int(row[0])

    def holder_of_token(self, digest: str) -> Holder | None:
        """Who holds the token of this digest; as cheap as `revision`, for it is asked as often."""
        row = self._first(self._token_query, digest)
        return None if row is None else Holder(*row)

    def holder_of_certificate(self, serial: str) -> Holder | None:
        """Who holds the certificate of this serial number, revoked or not; as cheap."""
        row = self._first(self._certificate_query, serial)
        return None if row is None else Holder(*row)

    def has_instance(self, scope: str, title: str) -> bool:
        """Whether one of that title lives, among an owner's roots or in a tree; as cheap."""
        return self._first(self._exists_query, title, scope) is not None

    def _first(self, query: str, *values: str) -> Any:
        """The first row of a query with a parameter or two, by the driver's short way."""
        named = dict(zip(("id", "in"), values, strict=False))
        with our_errors(self._ways):
            try:
                with closing(self._engine.raw_connection()) as connection:
                    cursor = connection.cursor()
                    try:
                        cursor.execute(query, values if self._is_positional else named)
                        return cursor.fetchone()
                    finally:
                        cursor.close()
            except self._driver_error as error:
                failure = exc.DBAPIError.instance(
                    query, None, error, self._driver_error, hide_parameters=True
                )
                raise failure from error

    @contextmanager
    def change(self) -> Iterator[Writer]:
        """One change: on disk when the block has ended, undone when it raised.

        Writers of this process queue here, and not in the database, whose waiting is coarser;
        those that wait for each other share a commit.
        """
        with our_errors(self._ways), self._groups.change() as connection:
            yield Writer(connection, self._ways.tell)

    def _commit(self, connection: sa.Connection) -> None:
        try:
            with our_errors(self._ways):
                connection.commit()
        except StoreError as error:
            cause = error.__cause__
            if not (isinstance(cause, exc.DBAPIError) and cause.connection_invalidated):
                raise
            raise StoreError(
                "the connection to the database broke at the commit: it is not known "
                "whether the change was kept",
                status=500,
                hint="try again: a request that was kept changes nothing the second time",
                retry_after=1.0,
            ) from error

    def _alone(self) -> sa.Connection:
        """A connection in a transaction that is the only writer; closed, it is undone."""
        try:
            return self._begin()
        except exc.DBAPIError as error:
            if not error.connection_invalidated:
                raise
        # A kept one had ended unseen, nothing was done yet, and now all are made anew.
        return self._begin()

    def _begin(self) -> sa.Connection:
        connection = self._changing.connect()
        try:
            connection.begin()
            self._ways.lock(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def listen(self, heard: Callable[[News], None]) -> None:
        """From now on hear what other masters on this database do, on a thread of the store."""
        self._line = self._ways.listen(self._engine, heard)

    def tell(self, news: News) -> None:
        """Have other masters on this database hear something that is no change.

        Raises:
            StoreError: they cannot be told.
        """
        if self._line is not None:
            with our_errors(self._ways), self._engine.connect() as connection:
                self._ways.tell(connection, news)

    def make_lead(self, duty: Duty) -> Lead:
        """What one of the masters on this database holds at a time; asked by one thread."""
        lead = self._ways.lead(self._engine, duty)
        self._made_leads.append(lead)
        return lead

    def leads(self, lead: Lead) -> bool:
        """Whether this master holds it, taken now if it is free.

        Raises:
            StoreError: the database does not say.
        """
        with our_errors(self._ways):
            try:
                return lead.has()
            except self._driver_error as error:
                raise exc.DBAPIError.instance(
                    "lead", None, error, self._driver_error, hide_parameters=True
                ) from error

    def close(self) -> None:
        """Release the database; the store must not be used afterwards."""
        if self._line is not None:
            self._line.close()
        for lead in self._made_leads:
            lead.release()
        # What a thread still uses is closed when it gives it back.
        sa.event.listen(self._engine, "checkin", _close)
        self._engine.dispose()

    def _prepare(self, new_id: Callable[[], str]) -> str:
        """Create or migrate the tables; return the random name of this database."""
        facts = schema.facts.c
        with our_errors(self._ways), self._changing.begin() as connection:
            self._ways.lock(connection)
            self._ways.check(connection)
            present = set(sa.inspect(connection).get_table_names())
            if "facts" not in present:
                _create(connection, present, new_id())
            rows = connection.execute(sa.select(facts.name, facts.value)).all()
            known = {row.name: row.value for row in rows}
            _migrate(connection, int(known.get("schema_version", 0)))
        return str(known["name"])


def _close(connection: Any, _record: object) -> None:
    if connection is not None:  # it is when it broke
        connection.close()


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
    if version < schema.SCHEMA_VERSION:
        connection.execute(
            sa.update(schema.facts)
            .where(schema.facts.c.name == "schema_version")
            .values(value=str(schema.SCHEMA_VERSION))
        )


def open_engine(database_url: str, busy_timeout: float) -> tuple[sa.Engine, Ways]:
    """A database by its URL, and how to treat its kind; as `Store` says."""
    try:
        url = sa.make_url(database_url)
        ways, url, arguments = _ways(url, busy_timeout)
        # As many connections as threads ask for: each is small and kept.
        engine = sa.create_engine(
            url,
            poolclass=pool.QueuePool,
            pool_size=16,
            max_overflow=-1,
            connect_args=arguments,
            hide_parameters=True,  # they hold secrets
        )
    except (exc.ArgumentError, exc.NoSuchModuleError, ValueError) as error:
        raise ConfigError(
            "the database URL cannot be used",  # no word of it: it may hold a password
            hint="for example sqlite:////var/lib/pelagos/plane.db, or "
            "postgresql://USER@HOST/DATABASE",
        ) from error
    ways.attach(engine)
    return engine, ways


def _ways(url: sa.URL, busy_timeout: float) -> tuple[Ways, sa.URL, dict[str, Any]]:
    """How to treat this kind of database, its URL with a driver, and what the driver is told."""
    if url.get_backend_name() == "sqlite":
        sqlite = SqliteWays(url, busy_timeout)
        sqlite.prepare_file()
        return sqlite, url, {}
    if url.get_backend_name() != "postgresql":
        raise ConfigError(
            f"a master cannot use a database of the kind {url.get_backend_name()}",
            hint="use sqlite:////PATH or postgresql://USER@HOST/DATABASE",
        )
    try:
        from pelagos.slap.master.store import postgresql  # noqa: PLC0415  # an extra of its own
    except ImportError as error:
        raise ConfigError(
            "a database on PostgreSQL needs psycopg, which is not installed",
            hint="pip install 'pelagos[postgresql]'",
        ) from error
    url = postgresql.server_url(url)
    ways = postgresql.PostgresqlWays(url, busy_timeout)
    return ways, url, ways.connect_arguments


@contextmanager
def our_errors(ways: Ways, driver: type[Exception] = Exception) -> Iterator[None]:
    """Let what the database fails with out in our words.

    Args:
        ways: has the words.
        driver: base of its driver's errors, where another database is used in the same block.
    """
    try:
        yield
    except exc.IntegrityError as error:
        raise Conflict(
            "this contradicts what is stored",
            status=409,
            hint="ask again: somebody else was faster",
        ) from error
    except exc.DBAPIError as error:
        if not isinstance(error.orig, driver):
            raise
        raise ways.error(error) from error
    except exc.SQLAlchemyError as error:
        raise StoreError("the database cannot be used now", status=500) from error
