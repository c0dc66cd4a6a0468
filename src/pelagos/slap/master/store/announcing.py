"""How far the log of events has been announced, and which master of a database has a duty."""

from __future__ import annotations

import contextlib
from enum import Enum, auto
from typing import Any, Protocol

import sqlalchemy as sa

from pelagos.slap.master.store import schema

#: The fact that names the last event that the bus has.
ANNOUNCED_FACT = "events_announced"

_facts = schema.facts.c
_IS_THE_FACT = _facts.name == ANNOUNCED_FACT
_ANNOUNCED_TO = sa.select(_facts.value).where(_IS_THE_FACT)
_NEWEST = sa.select(sa.func.max(schema.events.c.id))


class AnnouncingReader:
    """What is asked about announcing; see `Reader`."""

    _connection: sa.Connection

    def events_announced_to(self) -> int | None:
        """Id of the last event that was announced; None when none ever was noted."""
        found = self._connection.execute(_ANNOUNCED_TO).scalar()
        return None if found is None else int(found)


class AnnouncingWriter(AnnouncingReader):
    """How it is noted; see `Writer`."""

    def note_announced(self, event_id: int) -> None:
        """Events up to this one were announced; never goes back."""
        if event_id <= (self.events_announced_to() or 0):
            return
        self._note(event_id)

    def begin_announcing(self) -> int:
        """The last event that counts as announced: noted, or else the newest that there is."""
        known = self.events_announced_to()
        if known is None:
            known = int(self._connection.execute(_NEWEST).scalar() or 0)
            self._note(known)
        return known

    def _note(self, event_id: int) -> None:
        self._connection.execute(sa.delete(schema.facts).where(_IS_THE_FACT))
        self._connection.execute(
            sa.insert(schema.facts).values(name=ANNOUNCED_FACT, value=str(event_id))
        )


class Duty(Enum):
    """What one of the masters on a database does for all of them."""

    ANNOUNCING = auto()
    MACHINES = auto()


class Lead(Protocol):
    """The right to be the master that has a duty."""

    def has(self) -> bool:
        """Whether it is ours, taken now if it is free."""
        ...

    def release(self) -> None:
        """Let another master have it."""
        ...


class SoleLead:
    """There is no other master."""

    def has(self) -> bool:
        """It is ours."""
        return True

    def release(self) -> None:
        """Nobody waits for it."""


class LockedLead:
    """An advisory lock of a server, held by a connection of its own while that lives.

    Args:
        engine: of the database.
        key: the lock's number.
    """

    def __init__(self, engine: sa.Engine, key: int) -> None:
        self._engine = engine
        self._take = f"SELECT pg_try_advisory_lock({key})"
        self._connection: Any = None
        self._is_ours = False

    def has(self) -> bool:
        """Whether the lock is ours; the driver's error when the server does not answer."""
        try:
            if self._connection is None:
                self._connection = self._engine.raw_connection()
            if self._is_ours:
                self._ask("SELECT true")
            else:
                self._is_ours = self._ask(self._take)
        except BaseException:
            self.release()
            raise
        return self._is_ours

    def _ask(self, query: str) -> bool:
        cursor = self._connection.cursor()
        try:
            cursor.execute(query)
            return bool(cursor.fetchone()[0])
        finally:
            cursor.close()

    def release(self) -> None:
        """End the connection, and with it the lock."""
        connection, self._connection = self._connection, None
        self._is_ours = False
        if connection is None:
            return
        with contextlib.suppress(self._engine.dialect.loaded_dbapi.Error):
            cursor = connection.cursor()  # else the server notices by itself, a moment later
            cursor.execute("SELECT pg_advisory_unlock_all()")
            cursor.close()
        connection.invalidate()
