"""Calls back at a time: one thread for all, which lives while something is set."""

from __future__ import annotations

import heapq
import logging
import threading
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from pelagos.core.clock import Clock

log = logging.getLogger(__name__)

T = TypeVar("T")

#: Items that are kept at least before those that are over are looked for.
_SWEEP: Final = 1000


class Alarm(Generic[T]):
    """Rings for each item that was set, once, in a thread of its own."""

    def __init__(
        self, clock: Clock, ring: Callable[[T], None], is_over: Callable[[T], bool]
    ) -> None:
        self._clock = clock
        self._ring = ring
        self._is_over = is_over  # such items need not be rung for, nor kept
        self._sweep_at = _SWEEP
        self._changed = threading.Condition()
        self._set: list[tuple[float, int, T]] = []
        self._number = 0
        self._running = False

    def set(self, when: float, item: T) -> None:
        """Ring for the item at this time (monotonic)."""
        with self._changed:
            self._number += 1
            if len(self._set) >= self._sweep_at:
                self._sweep()
            heapq.heappush(self._set, (when, self._number, item))
            if not self._running:
                threading.Thread(target=self._run, name="bus-alarm", daemon=True).start()
                self._running = True
            elif self._set[0][1] == self._number:
                self._changed.notify()

    def _sweep(self) -> None:
        self._set = [one for one in self._set if not self._is_over(one[2])]
        heapq.heapify(self._set)
        self._sweep_at = max(_SWEEP, 2 * len(self._set))

    def _run(self) -> None:
        while (item := self._next()) is not None:
            try:
                self._ring(item)
            except BaseException:  # also of a callback that exits: the time of others comes, too
                log.exception("what was to be done at its time failed")

    def _next(self) -> T | None:
        with self._changed:
            while self._set:
                when, _, item = self._set[0]
                if self._is_over(item):  # all of these at one waking, and not each at its time
                    heapq.heappop(self._set)
                elif (remaining := when - self._clock.monotonic()) <= 0:
                    return heapq.heappop(self._set)[2]
                else:
                    self._changed.wait(min(remaining, threading.TIMEOUT_MAX))
            self._running = False
            return None
