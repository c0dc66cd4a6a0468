"""Calls back at a time: one thread for all, which lives while something is set."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from pelagos.core.clock import Clock

T = TypeVar("T")


class Alarm(Generic[T]):
    """Rings for each item that was set, once, in a thread of its own."""

    def __init__(self, clock: Clock, ring: Callable[[T], None]) -> None:
        self._clock = clock
        self._ring = ring
        self._changed = threading.Condition()
        self._set: list[tuple[float, int, T]] = []
        self._number = 0
        self._running = False

    def set(self, when: float, item: T) -> None:
        """Ring for the item at this time (monotonic)."""
        with self._changed:
            self._number += 1
            heapq.heappush(self._set, (when, self._number, item))
            if not self._running:
                self._running = True
                threading.Thread(target=self._run, name="rpc-alarm", daemon=True).start()
            elif self._set[0][1] == self._number:
                self._changed.notify()

    def _run(self) -> None:
        while (item := self._next()) is not None:
            self._ring(item)

    def _next(self) -> T | None:
        with self._changed:
            while self._set:
                remaining = self._set[0][0] - self._clock.monotonic()
                if remaining <= 0:
                    return heapq.heappop(self._set)[2]
                self._changed.wait(remaining)
            self._running = False
            return None
