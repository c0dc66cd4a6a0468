"""Sends what stands in an outbox; of several relays on one database one works."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Sequence
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy import exc

from pelagos.core.backoff import Backoff
from pelagos.messaging.environment import open_bus
from pelagos.messaging.errors import MessagingError
from pelagos.messaging.relay import Letter, Relay
from pelagos.messaging.sql.outbox import described, read_properties
from pelagos.messaging.sql.tables import PREFIX, check_kind, our_errors, tables
from pelagos.messaging.transports.base import Envelope, Transport

# Tables of the same name in another schema are another outbox.
_TRY_LOCK = sa.text(
    "SELECT pg_try_advisory_lock(hashtextextended(current_schema() || '.' || :name, 0))"
)


class OutboxRelay(Relay):
    """Publishes the messages of an outbox in the order of their commits, each at least once.

    A message is removed when the broker has confirmed it. When it cannot be published (the broker
    is away, refuses it, or the exchange exists with other flags) it waits with all that follow,
    `problem` says why, and it is tried again and again: order and completeness before speed.

    Args:
        engine: the database with the outbox.
        bus: where the messages go, or its URL.
        prefix: how the tables' names begin.
        poll: seconds between two looks into the table.
        confirm_timeout: see `Relay`.
        backoff: see `Relay`.
    """

    def __init__(
        self,
        engine: sa.Engine,
        bus: Transport | str,
        *,
        prefix: str = PREFIX,
        poll: float = 0.1,
        confirm_timeout: float = 30.0,
        backoff: Backoff | None = None,
    ) -> None:
        super().__init__(
            open_bus(bus),
            OutboxLetters(engine, prefix),
            poll=poll,
            confirm_timeout=confirm_timeout,
            backoff=backoff,
            name=f"relay of {prefix}outbox",
        )


class Lead(Protocol):
    """The right to be the one that sends."""

    def has(self) -> bool:
        """Whether it is ours, taken now if it is free."""

    def release(self) -> None:
        """Let another have it."""


class OutboxLetters:
    """The outbox as a relay reads it; see `pelagos.messaging.relay.Letters`."""

    def __init__(self, engine: sa.Engine, prefix: str = PREFIX) -> None:
        check_kind(engine)
        self._engine = engine
        self._table = tables(prefix).outbox
        self._lead = _lead(engine, self._table.name)

    def lead(self) -> bool:
        """Whether no other relay of this outbox works."""
        with our_errors():
            return self._lead.has()

    def read(self, limit: int) -> Sequence[Letter]:
        """The first ones."""
        with our_errors(), self._engine.connect() as connection:
            query = sa.select(self._table).order_by(self._table.c.id).limit(limit)
            rows = connection.execute(query).all()
        return [_letter(row) for row in rows]

    def done(self, letters: Sequence[Letter]) -> None:
        """Remove them; just these, as an earlier one may have been committed meanwhile."""
        keys = [letter.position for letter in letters]
        with our_errors(), self._engine.begin() as connection:
            connection.execute(sa.delete(self._table).where(self._table.c.id.in_(keys)))

    def close(self) -> None:
        """Let another relay work."""
        self._lead.release()


def _letter(row: sa.Row[tuple[object, ...]]) -> Letter:
    try:
        exchange = described(row.exchange)
        properties = read_properties(row.properties)
    except (TypeError, ValueError, KeyError) as error:
        raise MessagingError(
            f"message {row.id} of the outbox cannot be read: {error}",
            hint="another version wrote it: let that one send it, or take the row out",
        ) from error
    envelope = Envelope(
        exchange.name, row.key, bytes(row.body), properties, mandatory=row.mandatory
    )
    return Letter(row.id, exchange, envelope)


def _lead(engine: sa.Engine, name: str) -> Lead:
    if engine.dialect.name == "postgresql":
        return ServerLead(engine, name)
    path = engine.url.database
    if not path or path == ":memory:" or path.startswith("file:"):
        return FileLead(None)
    return FileLead(f"{path}-{name}.lock")


class FileLead:
    """A locked file beside the database; the system frees it when its process ends.

    Args:
        path: None for a database in memory, which only one process can see.
    """

    def __init__(self, path: str | None) -> None:
        self._path = path
        self._file: int | None = None

    def has(self) -> bool:
        """Whether the lock is ours."""
        if self._path is None or self._file is not None:
            return True
        try:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise MessagingError(
                f"{self._path} cannot be opened: {error.strerror}",
                hint="the relay locks this file, so that no other one sends the same",
            ) from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        self._file = file
        return True

    def release(self) -> None:
        """Unlock it."""
        if self._file is not None:
            fcntl.flock(self._file, fcntl.LOCK_UN)  # a process that was forked has it open, too
            os.close(self._file)
            self._file = None


class ServerLead:
    """An advisory lock of the database, held by a connection of its own."""

    def __init__(self, engine: sa.Engine, name: str) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._name = name
        self._connection: sa.Connection | None = None
        self._is_ours = False

    def has(self) -> bool:
        """Whether the lock is ours, which it is as long as its connection lives."""
        try:
            if self._connection is None:
                self._connection = self._engine.connect()
            if self._is_ours:
                self._connection.exec_driver_sql("SELECT 1")
            else:
                taken = self._connection.execute(_TRY_LOCK, {"name": self._name}).scalar_one()
                self._is_ours = bool(taken)
        except exc.SQLAlchemyError:
            self.release()
            raise
        return self._is_ours

    def release(self) -> None:
        """End the connection, and with it the lock."""
        self._is_ours = False
        if self._connection is not None:
            connection, self._connection = self._connection, None
            with contextlib.suppress(exc.SQLAlchemyError):  # else the server notices by itself
                connection.exec_driver_sql("SELECT pg_advisory_unlock_all()")
            connection.invalidate()
            connection.close()
