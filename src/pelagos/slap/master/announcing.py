"""What is to be announced of the log of events: each event at least once, in order.

How far the log was announced is kept in the database, so that a master that is killed, and the
next one, go on where the bus was told last. It is written once a second at the most: a position
that is a little old only has some events announced twice.
"""

from __future__ import annotations

from collections.abc import Sequence

from pelagos.slap.master.desk import Desk, UseCases
from pelagos.slap.master.store import Duty
from pelagos.slap.model import Event

#: Seconds between two writes of the position.
NOTE_INTERVAL = 1.0


class Announcements(UseCases):
    """The log as whoever announces it reads it; used by one thread. Close it before the master.

    Every method raises `StoreError` when the database cannot be used now.
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._lead = desk.store.make_lead(Duty.ANNOUNCING)
        self._leads = False
        self._position = 0
        self._noted = 0
        self._noted_at = 0.0
        with desk.store.change() as writer:  # what follows is announced, even after a kill
            writer.begin_announcing()

    @property
    def database(self) -> str:
        """The random name of the database, for ids that are good beyond it."""
        return self._desk.store.name

    def lead(self) -> bool:
        """Whether this master is the one that announces now."""
        leads = self._desk.store.leads(self._lead)
        if leads and not self._leads:  # another one may have been at it
            with self._desk.store.change() as writer:
                self._position = self._noted = writer.begin_announcing()
        self._leads = leads
        return leads

    def read(self, limit: int) -> Sequence[Event]:
        """The next events, oldest first."""
        with self._desk.store.read() as reader:
            found = reader.events(after=self._position, limit=limit)
        if not found:
            self._note()
        return found

    def done(self, event_id: int) -> None:
        """The bus has the events up to this one."""
        self._position = event_id
        self._note()

    def close(self) -> None:
        """Keep the position, and let another master announce."""
        try:
            if self._leads:
                self._write()
        finally:
            self._lead.release()

    def _note(self) -> None:
        if self._desk.clock.monotonic() - self._noted_at >= NOTE_INTERVAL:
            self._write()

    def _write(self) -> None:
        if self._position > self._noted:
            with self._desk.store.change() as writer:
                writer.note_announced(self._position)
            self._noted = self._position
            self._noted_at = self._desk.clock.monotonic()
