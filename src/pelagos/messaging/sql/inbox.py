"""An inbox in the database of the effects: both are committed together, or neither."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.dialects import postgresql, sqlite

from pelagos.core.clock import Clock, SystemClock
from pelagos.messaging.errors import (
    AckAndRestart,
    ExitScheduler,
    FilterError,
    InboxAwayError,
    MessagingError,
    RejectMessage,
)
from pelagos.messaging.inbox import Receipt, busy
from pelagos.messaging.sql.tables import PREFIX, check_kind, our_errors, tables

log = logging.getLogger(__name__)

#: Seconds for which an effect is remembered, unless told: longer than an outage lasts.
LIFETIME = 7 * 86_400.0

#: Rows that one trimming removes at the most, and seconds between two.
_STEP = 1000
_TRIM_INTERVAL = 10.0
#: What PostgreSQL says when somebody else holds what is needed.
_HELD = frozenset({"55P03", "40P01", "40001"})
#: How its states begin when it ends, starts, or lets nobody more in: no fault of a statement.
_AWAY = ("08", "57P01", "57P02", "57P03", "53300")
#: How they begin when it knows no such user, password or database; and the same in words, as who
#: cannot connect is not always told a state.
_REFUSED = ("28", "3D000")
_REFUSAL = re.compile(
    r'authentication failed|(role|database) ".*" does not exist|pg_hba\.conf|no password supplied'
    r"|permission denied for database"
)
#: Seconds until a message comes again, from so many seconds without the database on.
PAUSES = ((60.0, 16.0), (5.0, 4.0), (0.0, 1.0))
_MEND = "mend the user, password or database in its URL, or make them on the server"
#: What a handler decides, whether the database is there or not.
_DECISIONS = (RejectMessage, FilterError, AckAndRestart, ExitScheduler, StopIteration)


class SqlInbox:
    """Remembers in SQL which messages had their effect; safe to share between threads.

    The effect belongs into `receipt.transaction`, a SQLAlchemy connection:

        with inbox.receive(message.message_id, "billing") as receipt:
            if receipt.first:
                receipt.transaction.execute(...)

    The transaction commits when the block ends, and is undone when it raises. A second copy that
    comes meanwhile waits, in this process or another, as long as the database lets it.

    Args:
        engine: the program's own database, with the tables of `create_tables`.
        prefix: how the tables' names begin.
        lifetime: seconds for which an effect is remembered; choose it longer than a message can
            be under way, outages and dead letters included.
        limit: effects that are remembered at the most; the oldest are forgotten first.
        clock: the time.
    """

    def __init__(
        self,
        engine: sa.Engine,
        *,
        prefix: str = PREFIX,
        lifetime: float = LIFETIME,
        limit: int = 10_000_000,
        clock: Clock | None = None,
    ) -> None:
        check_kind(engine)
        self._engine = engine
        self._table = tables(prefix).inbox
        self._lifetime = lifetime
        self._limit = limit
        self._clock = clock or SystemClock()
        self._trimming = threading.Lock()
        self._trim_at = self._clock.monotonic() + min(_TRIM_INTERVAL, lifetime)
        self._note = self._prepare_note()
        self._away_since: float | None = None
        self._refused = False
        self._away_lock = threading.Lock()

    @contextmanager
    def receive(self, key: str, consumer: str) -> Iterator[Receipt]:
        """See `pelagos.messaging.inbox.Inbox`.

        Raises:
            InboxBusyError: somebody held the database, or the first copy, for too long.
            InboxAwayError: the database cannot be reached, was lost meanwhile, or refuses the
                login.
            MessagingError: the database cannot be used; nothing was done.
        """
        with self._held(key, connecting=True):
            transaction = self._engine.connect()
        with transaction:
            with self._held(key):
                receipt = self._begin(transaction, key, consumer)
            self._back()
            try:
                yield receipt  # what is raised here passes, and undoes all
            except _DECISIONS:
                raise
            except Exception as error:
                if transaction.invalidated or _is_away(_of_database(error)):
                    raise self._away(error) from error
                raise
            with self._held(key):
                if receipt.first and key and receipt.reply is not None:
                    self._keep_reply(transaction, key, consumer, receipt.reply)
                transaction.commit()
        if self._clock.monotonic() >= self._trim_at:
            self._trim_if_it_can()

    def _trim_if_it_can(self) -> None:
        """The effect is committed by now: whatever goes wrong here must not undo its success."""
        try:
            self.trim()
        except MessagingError as error:
            self._trim_at = self._clock.monotonic() + _TRIM_INTERVAL
            log.warning("old entries of the inbox stay for now: %s", error)

    def trim(self) -> int:
        """Forget what is too old or too much, a step of it; how many were forgotten.

        It happens by itself while messages come.

        Raises:
            MessagingError: the database cannot be used now.
        """
        if not self._trimming.acquire(blocking=False):
            return 0
        try:
            done = self._trim()
            pause = 0.0 if done >= _STEP else min(_TRIM_INTERVAL, self._lifetime)
            self._trim_at = self._clock.monotonic() + pause
            return done
        finally:
            self._trimming.release()

    def _trim(self) -> int:
        row = self._table.c
        before = self._clock.time() - self._lifetime
        with our_errors(), self._engine.begin() as connection:
            newest = connection.execute(sa.select(sa.func.max(row.id))).scalar() or 0
            surplus = sa.select(row.id).where(row.id <= newest - self._limit)
            for found in (sa.select(row.id).where(row.at < before), surplus):
                keys = list(connection.execute(found.order_by(row.id).limit(_STEP)).scalars())
                if keys:
                    connection.execute(sa.delete(self._table).where(row.id.in_(keys)))
                    return len(keys)
        return 0

    def _prepare_note(self) -> Any:
        """The statement that notes a key, unless it is noted: it waits for who notes the same."""
        make = postgresql.insert if self._engine.dialect.name == "postgresql" else sqlite.insert
        fresh = make(self._table).on_conflict_do_nothing(index_elements=["consumer", "key"])
        return fresh.returning(self._table.c.id)

    def _begin(self, transaction: sa.Connection, key: str, consumer: str) -> Receipt:
        if not key:
            return Receipt(first=True, transaction=transaction)
        noted = {"consumer": consumer, "key": key, "at": self._clock.time()}
        if transaction.execute(self._note, noted).first() is not None:
            return Receipt(first=True, transaction=transaction)
        row = self._table.c
        known = sa.select(row.reply).where(row.consumer == consumer, row.key == key)
        reply = transaction.execute(known).scalar()
        return Receipt(
            first=False,
            transaction=transaction,
            reply=None if reply is None else bytes(reply),
        )

    def _keep_reply(
        self, transaction: sa.Connection, key: str, consumer: str, reply: bytes
    ) -> None:
        row = self._table.c
        transaction.execute(
            sa.update(self._table)
            .where(row.consumer == consumer, row.key == key)
            .values(reply=reply)
        )

    @contextmanager
    def _held(self, key: str, *, connecting: bool = False) -> Iterator[None]:
        """Failures in our words; what is held by another one, or away, is a matter of waiting."""
        with our_errors():
            try:
                yield
            except exc.TimeoutError as error:  # all connections of the engine are in use
                raise busy(key) from error
            except exc.DBAPIError as error:
                if _is_held(error):
                    raise busy(key) from error
                unreachable = isinstance(error, exc.OperationalError | exc.InterfaceError)
                refused = connecting and _is_refused(error)
                if _is_away(error) or refused or (connecting and unreachable):
                    raise self._away(error, refused=refused) from error
                raise

    def _away(self, error: Exception, *, refused: bool = False) -> InboxAwayError:
        """The database is away, or lets us not in; the log has each once until it is back."""
        now = self._clock.monotonic()
        with self._away_lock:
            first = self._away_since is None or (refused and not self._refused)
            since = self._away_since = now if self._away_since is None else self._away_since
            self._refused = self._refused or refused
        cause = _of_database(error)
        said = " ".join(str(cause.orig if cause else "the connection was lost").split())[:300]
        if refused:
            what, hint = "refuses the login", f"{_MEND}; what waits for it comes again by itself"
        else:
            what, hint = "cannot be reached", "see that it runs; what waits comes again by itself"
        if first and refused:
            log.error("the inbox's database %s, its messages wait: %s; %s", what, said, _MEND)
        elif first:
            log.warning("the inbox's database is away, its messages come again: %s", said)
        pause = next(pause for age, pause in PAUSES if now - since >= age)
        return InboxAwayError(f"the inbox's database {what}: {said}", hint=hint, retry_after=pause)

    def _back(self) -> None:
        if self._away_since is None:
            return
        with self._away_lock:
            since, self._away_since, self._refused = self._away_since, None, False
        if since is not None:
            log.info("the inbox's database is back after %.0f s", self._clock.monotonic() - since)


def _of_database(error: BaseException) -> exc.DBAPIError | None:
    """What the database said, also where the program wrapped it once."""
    return next((e for e in (error, error.__cause__) if isinstance(e, exc.DBAPIError)), None)


def _is_away(error: exc.DBAPIError | None) -> bool:
    if error is None:
        return False
    name = str(getattr(error.orig, "sqlite_errorname", ""))
    state = str(getattr(error.orig, "sqlstate", None))
    return error.connection_invalidated or name == "SQLITE_CANTOPEN" or state.startswith(_AWAY)


def _is_refused(error: exc.DBAPIError) -> bool:
    state = getattr(error.orig, "sqlstate", None)
    return str(state).startswith(_REFUSED) if state else bool(_REFUSAL.search(str(error.orig)))


def _is_held(error: exc.DBAPIError) -> bool:
    name = str(getattr(error.orig, "sqlite_errorname", ""))
    state = getattr(error.orig, "sqlstate", None)
    return name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")) or state in _HELD
