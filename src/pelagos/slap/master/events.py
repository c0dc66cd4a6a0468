"""News: who waits for events is woken, who was promised them is told. After the commit only."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

from pelagos.slap.model import Event

log = logging.getLogger(__name__)

Notify = Callable[[tuple[Event, ...]], None]


class EventHub:
    """Carries committed events to the listener and wakes those who wait.

    Args:
        notify: told of each transaction's events, of none when another master has some; must not
            block for long.
        waiters_limit: how many may wait at once.
        crowded_wait: seconds that one waits when too many wait already.
    """

    def __init__(self, notify: Notify | None, *, waiters_limit: int, crowded_wait: float) -> None:
        self._notify = notify
        self._limit = waiters_limit
        self._crowded_wait = crowded_wait
        self._news = threading.Condition()
        self._count = 0
        self._waiting = 0
        self._closed = False

    @property
    def count(self) -> int:
        """How many batches of events went by: take it before you look, then `wait` for more."""
        return self._count

    def publish(self, events: Sequence[Event]) -> None:
        """Spread events that are committed."""
        if not events:
            return
        self.wake()
        self._tell(tuple(events))

    def _tell(self, events: tuple[Event, ...]) -> None:
        if self._notify is None:
            return
        try:
            self._notify(events)
        except Exception:  # the listener is a guest: the change is made and stays
            log.warning("a listener failed on %d events", len(events), exc_info=True)

    def hear(self) -> None:
        """Another master on the database has news, which the log tells: wake all who wait."""
        self.wake()
        self._tell(())

    def wake(self) -> None:
        """Wake those who wait."""
        with self._news:
            self._count += 1
            self._news.notify_all()

    def wait(self, seen: int, seconds: float) -> bool:
        """Sleep until there is more than the `seen` batches; False when time ran out or closed."""
        with self._news:
            if self._waiting >= self._limit:
                seconds = min(seconds, self._crowded_wait)
            self._waiting += 1
            try:
                self._news.wait_for(lambda: self._closed or self._count > seen, seconds)
            finally:
                self._waiting -= 1
            return self._count > seen and not self._closed

    def close(self) -> None:
        """Wake everyone for good."""
        with self._news:
            self._closed = True
            self._news.notify_all()
