"""The last answers of sources, for the time when they have none: bounded, oldest out first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

from pelagos.core.clock import Clock

#: Results that are kept in all; an answer counts as one more than it has results.
CAPACITY = 100_000


class Memory:
    """What was answered to which question, and when; safe to share between threads."""

    def __init__(self, clock: Clock, capacity: int = CAPACITY) -> None:
        self._clock = clock
        self._capacity = capacity
        self._lock = threading.Lock()
        self._size = 0
        self._held: OrderedDict[Hashable, tuple[float, int, Any]] = OrderedDict()

    def keep(self, question: Hashable, value: Any) -> None:
        """Remember an answer, instead of the former one to this question."""
        size = 1 + (len(value) if hasattr(value, "__len__") else 1)
        with self._lock:
            self._drop(question)
            if size > self._capacity // 4:
                return  # one answer must not push out all others
            self._held[question] = (self._clock.monotonic(), size, value)
            self._size += size
            while self._size > self._capacity:
                self._drop(next(iter(self._held)))

    def recall(self, question: Hashable, longest: float) -> tuple[float, Any] | None:
        """The age in seconds and the answer, when it is not older than `longest` seconds."""
        with self._lock:
            held = self._held.get(question)
            if held is None:
                return None
            age = self._clock.monotonic() - held[0]
            if age > longest:
                return None
            return age, held[2]

    def forget(self, belongs: Callable[[Hashable], bool]) -> None:
        """Drop the answers to these questions."""
        with self._lock:
            for question in [one for one in self._held if belongs(one)]:
                self._drop(question)

    def _drop(self, question: Hashable) -> None:
        if (held := self._held.pop(question, None)) is not None:
            self._size -= held[1]
