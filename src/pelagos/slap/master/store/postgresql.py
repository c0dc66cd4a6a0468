"""What PostgreSQL needs so that several masters can share one database.

Writers queue at one advisory lock of the database, over all masters, as they do on SQLite; so what
a writer reads stays true until its commit. See docs/decisions/0019-one-writer-at-a-time.md.
"""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Callable
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy import exc

from pelagos.core.errors import ConfigError
from pelagos.slap.errors import BadRequest, SlapError
from pelagos.slap.master.errors import StoreBusy, StoreError, StoreFull
from pelagos.slap.master.store import schema
from pelagos.slap.master.store.announcing import Duty, Lead, LockedLead
from pelagos.slap.master.store.lean import Lean, Prepared, failure
from pelagos.slap.master.store.listener import Listener, readable
from pelagos.slap.master.store.ways import WRITES, Line, News

log = logging.getLogger(__name__)

#: The lock's number in the database: "pelagos" in ASCII.
_LOCK_KEY = int.from_bytes(b"pelagos")
#: One exchange with the server. What follows sees what was committed before the lock was had.
_BEGIN_ALONE = f"BEGIN; SELECT pg_advisory_xact_lock({_LOCK_KEY})"
_BEGIN_SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
#: Held, shared with others, by each master that runs.
_RUNNING_KEY = _LOCK_KEY + 1
#: Each is held by the one of them that has the duty.
_DUTY_KEYS = {Duty.ANNOUNCING: _LOCK_KEY + 2, Duty.MACHINES: _LOCK_KEY + 3}
_CLAIM = sa.text(f"SELECT pg_try_advisory_xact_lock({_RUNNING_KEY})")
_CHANNEL = "pelagos_master"
_NOTIFY = Prepared(sa.text("SELECT pg_notify(:channel, :payload)"))
_SET_UP = (
    "SELECT set_config('synchronous_commit', 'on', false)"
    " WHERE current_setting('synchronous_commit') = 'off'"
)
#: Seconds to wait for the server to accept a connection.
_CONNECT_TIMEOUT = 10
#: Seconds after which the server ends one statement: far above the slowest of a healthy site.
_STATEMENT_TIMEOUT = 120
#: Seconds after which the server ends a transaction that does nothing, so that a master that
#: hangs holds up the others no longer.
_IDLE_TIMEOUT = 60
#: The server looks after this silence whether a client is still there, then as often as named.
_KEEPALIVES = {"tcp_keepalives_idle": 30, "tcp_keepalives_interval": 10, "tcp_keepalives_count": 3}

#: Execution option of a transaction that sees one state and can change nothing.
_SNAPSHOT = "pelagos_snapshot"
_RETRY = 2.0
_BUSY = frozenset({"55P03", "40P01", "40001", "57014", "25P03"})
_FULL = frozenset({"53100"})
#: What libpq says, without a SQLSTATE, when the server is there and refuses to let somebody in.
_NOT_LET_IN = ("authentication failed", "no password supplied", "does not exist", "pg_hba.conf")
_AWAY = frozenset({"53300", "57P01", "57P02", "57P03", "57P05"})
#: Texts that the server cannot take: too long for an index, or with a NUL.
_UNFIT = frozenset({"54000", "22001", "22021", "22P05"})


def server_url(url: sa.URL) -> sa.URL:
    """The URL with the driver that is used.

    Raises:
        ConfigError: another driver is named.
    """
    if url.drivername == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    if url.drivername != "postgresql+psycopg":
        raise ConfigError(
            f"a master reaches PostgreSQL through psycopg, not {url.drivername}",
            hint="write postgresql://USER@HOST/DATABASE",
        )
    return url


class PostgresqlWays:
    """A database on a server; any number of masters.

    Args:
        url: with the driver.
        busy_timeout: seconds to wait for another writer.
    """

    def __init__(self, url: sa.URL, busy_timeout: float) -> None:
        self._url = url
        self._origin = uuid.uuid4().hex
        self.connect_arguments = _connect_arguments(url, busy_timeout)

    def attach(self, engine: sa.Engine) -> None:
        """Set up each new connection, and look at a kept one before it is used."""
        sa.event.listen(engine, "connect", _set_up)
        sa.event.listen(engine, "begin", _begin)
        sa.event.listen(engine, "checkout", _check_alive)

    def reading(self, engine: sa.Engine) -> sa.Engine:
        """Snapshots of one state, that can change nothing."""
        return engine.execution_options(**{_SNAPSHOT: True})

    def lock(self, connection: sa.Connection) -> None:
        """Nothing to do: `_begin` waited until no other master writes."""

    def check(self, connection: sa.Connection) -> None:
        """See that the database keeps all characters, and what is committed.

        Raises:
            ConfigError: its encoding is another.
        """
        encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
        if encoding != "UTF8":
            raise ConfigError(
                f"the database {self._url.database} is encoded in {encoding}, not UTF8",
                hint="createdb --encoding=UTF8 --template=template0 NAME",
            )
        if connection.exec_driver_sql("SHOW fsync").scalar_one() == "off":
            log.warning("the PostgreSQL server runs with fsync=off: a power cut loses data")

    def claim(self, connection: sa.Connection) -> None:
        """See that no master holds the lock of those that run.

        Raises:
            StoreBusy: one does.
        """
        if not connection.execute(_CLAIM).scalar_one():
            raise StoreBusy(
                f"a master runs on the database {self._url.database}",
                status=500,
                hint="end it first: pelagos down",
            )

    def begin_filling(self, connection: sa.Connection) -> None:
        """Check references at the commit."""
        connection.exec_driver_sql("SET CONSTRAINTS ALL DEFERRED")

    def end_filling(self, connection: sa.Connection, last_event: int) -> None:
        """Set the sequences of all keys that the server numbers."""
        for table in schema.metadata.sorted_tables:
            column = table.autoincrement_column
            if column is None:
                continue
            last = connection.execute(sa.select(sa.func.max(column))).scalar_one() or 0
            if table is schema.events:
                last = max(last, last_event)
            sequence = sa.func.pg_get_serial_sequence(table.name, column.name)
            connection.execute(sa.select(sa.func.setval(sequence, max(last, 1), last > 0)))

    def tell(self, connection: sa.Connection, news: News) -> None:
        """Notify with the transaction: heard after its commit, and only then."""
        payload = [self._origin, int(news.events), news.computer_id, news.revision]
        Lean(connection).run(_NOTIFY, {"channel": _CHANNEL, "payload": json.dumps(payload)})

    def listen(self, engine: sa.Engine, heard: Callable[[News], None]) -> Line | None:
        """Hear on a connection of its own."""
        words, named = engine.dialect.create_connect_args(engine.url)

        def on_payload(payload: str | None) -> None:
            news = News(missed=True) if payload is None else self._news(payload)
            if news is not None:
                heard(news)

        return Listener(
            words,
            {**named, **self.connect_arguments},
            (f"SELECT pg_advisory_lock_shared({_RUNNING_KEY})", f"LISTEN {_CHANNEL}"),
            on_payload,
        )

    def lead(self, engine: sa.Engine, duty: Duty) -> Lead:
        """A lock that one master at a time can hold."""
        return LockedLead(engine, _DUTY_KEYS[duty])

    def _news(self, payload: str) -> News | None:
        """What a payload says; None when it is our own, or another program's."""
        try:
            origin, events, computer_id, revision = json.loads(payload)
            news = News(bool(events), str(computer_id), int(revision))
        except (ValueError, TypeError):
            log.warning("what came over %s is not a master's", _CHANNEL)
            return None
        return None if origin == self._origin else news

    def error(self, error: exc.DBAPIError) -> SlapError:
        """A failure by its SQLSTATE."""
        state = getattr(error.orig, "sqlstate", None) or ""
        if state in _FULL:
            return StoreFull(
                "the disk of the database server is full; nothing was changed",
                status=507,
                hint="free some space on the database server, then try again",
            )
        if state in _BUSY:
            return StoreBusy(
                "the database is busy; nothing was changed",
                status=500,
                hint="try again; look for a program that holds locks: "
                "SELECT * FROM pg_stat_activity",
                retry_after=1.0,
            )
        if state in _UNFIT or (not state and isinstance(error, exc.DataError)):
            return BadRequest(
                "a text is too long for the database, or holds a character that it cannot keep",
                status=400,
                hint="send a shorter text, without NUL",
            )
        is_unknown = not state and any(words in str(error.orig) for words in _NOT_LET_IN)
        if state[:2] == "28" or is_unknown:
            return StoreError(
                f"the database server does not let this user in: {self._told(error)}",
                status=500,
                hint="see that user, password and database of the URL are right; a password may "
                "stand in ~/.pgpass",
            )
        if error.connection_invalidated or state in _AWAY or state[:2] in {"08", ""}:
            return StoreError(
                f"the database server does not answer: {self._told(error)}",
                status=500,
                hint="see that it runs and can be reached, then try again",
                retry_after=_RETRY,
            )
        return StoreError(
            f"the database cannot be used now: {self._told(error)}",
            status=500,
            hint="the server's log says more; see that the URL, the user and his rights are right",
        )

    def _told(self, error: exc.DBAPIError) -> str:
        """The server's own words on one line, without the password."""
        text = " ".join(str(error.orig).split())
        password = self._url.password
        return text.replace(str(password), "***") if password else text


def _connect_arguments(url: sa.URL, busy_timeout: float) -> dict[str, Any]:
    settings = {
        "lock_timeout": int(busy_timeout * 1000),
        "statement_timeout": _STATEMENT_TIMEOUT * 1000,
        "idle_in_transaction_session_timeout": _IDLE_TIMEOUT * 1000,
        **_KEEPALIVES,
    }
    own = url.query.get("options", "")
    given = own if isinstance(own, str) else " ".join(own)
    options = " ".join(f"-c {name}={value}" for name, value in settings.items())
    arguments: dict[str, Any] = {
        # What the URL says comes last and wins.
        "options": f"{options} {given}".strip(),
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
    }
    if "connect_timeout" not in url.query:
        arguments["connect_timeout"] = _CONNECT_TIMEOUT
    if "application_name" not in url.query:
        arguments["application_name"] = "pelagos"
    return arguments


def _set_up(connection: Any, _record: object) -> None:
    # The driver begins nothing by itself: a single statement is one exchange with the server.
    connection.autocommit = True
    connection.execute(_SET_UP)  # an acknowledged commit survives a power cut


def _begin(connection: sa.Connection) -> None:
    options = connection.get_execution_options()
    if options.get(WRITES):
        text = _BEGIN_ALONE
    else:
        text = _BEGIN_SNAPSHOT if options.get(_SNAPSHOT) else "BEGIN"
    driver: Any = connection.connection.driver_connection
    try:
        driver.execute(text, prepare=False).close()
    except psycopg.Error as error:
        raise failure(connection, text, error) from error


def _check_alive(connection: Any, _record: object, _proxy: object) -> None:
    """Have the pool replace a connection that the server closed.

    An idle one has nothing to say: what can be read is the end, or a farewell. It costs no
    exchange with the server.
    """
    if readable(connection.fileno(), seconds=0):
        raise exc.DisconnectionError("the server closed the connection")
