"""When which queue has to be looked at, because a message or the queue itself is over. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from heapq import heapify, heappop, heappush

from pelagos.messaging.broker.core.queues import StoredQueue

_TIDY = 1024  # alarms from which on those that are moot are forgotten


def _matters(at: float, queue: StoredQueue) -> bool:
    return queue.alarm == at and not queue.gone


class Deadlines:
    """The queues by the time of their alarm, in seconds of the broker's clock.

    A queue is looked at when its nearest alarm is due and then says anew when it wants to be; a
    look that finds nothing is harmless.
    """

    def __init__(self, on_nearer: Callable[[float], None] | None = None) -> None:
        self._heap: list[tuple[float, int, StoredQueue]] = []
        self._numbers = itertools.count()
        self._on_nearer = on_nearer
        self._tidy_at = _TIDY
        self.nearest: float | None = None

    def note(self, queue: StoredQueue, at: float) -> None:
        """Let the queue be looked at at this time, unless it will be before."""
        if queue.alarm is not None and queue.alarm <= at:
            return
        queue.alarm = at
        if len(self._heap) >= self._tidy_at:
            self._tidy()
        heappush(self._heap, (at, next(self._numbers), queue))
        if self.nearest is None or at < self.nearest:
            self.nearest = at
            if self._on_nearer is not None:
                self._on_nearer(at)

    def _tidy(self) -> None:
        """Forget what is moot, most of all queues that are gone."""
        self._heap = [entry for entry in self._heap if _matters(entry[0], entry[2])]
        heapify(self._heap)
        self._tidy_at = max(_TIDY, 2 * len(self._heap))

    def due(self, now: float) -> list[StoredQueue]:
        """The queues whose time has come; each is told once."""
        found: list[StoredQueue] = []
        while self._heap and self._heap[0][0] <= now:
            at, _, queue = heappop(self._heap)
            if queue.alarm == at:
                queue.alarm = None
                found.append(queue)
        self.nearest = self._heap[0][0] if self._heap else None
        return found
