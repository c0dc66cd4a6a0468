"""Which of the sources that answer from memory really do so at once."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager

from pelagos.core.clock import Clock

#: Seconds above which a source that is to answer from memory is asked in another thread.
QUICK = 0.1


class Pace:
    """How long the calls of each source took; safe to share between threads.

    A back-end may say that it answers from memory and then read a file after all. The first call
    that takes long, while it still runs, turns its source to threads; a quick one turns it back.
    There is no lock: each step on the dictionary and the set is one that no other thread divides,
    and with many threads a lock for each call costs more than the calls.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._slow: set[str] = set()
        self._running: dict[str, dict[int, float]] = {}

    def is_quick(self, name: str) -> bool:
        """Whether the last call was, and those that run have not run for long."""
        if name in self._slow:
            return False
        running = self._running.get(name)
        if not running:
            return True
        now = self._clock.monotonic()
        return now - min(list(running.values()), default=now) <= QUICK

    def measured(self, name: str) -> AbstractContextManager[None]:
        """Around each call of such a source."""
        return _Measured(self, name)

    def forget(self, name: str) -> None:
        """Take a source for quick, as a new one is."""
        self._slow.discard(name)

    def _begin(self, name: str) -> float:
        began = self._clock.monotonic()
        self._running.setdefault(name, {})[threading.get_ident()] = began
        return began

    def _end(self, name: str, began: float) -> None:
        self._running[name].pop(threading.get_ident(), None)
        if self._clock.monotonic() - began > QUICK:
            self._slow.add(name)
        else:
            self._slow.discard(name)


class _Measured:
    """One call; a class of its own, for it costs half of what a generator does."""

    __slots__ = ("_began", "_name", "_pace")

    def __init__(self, pace: Pace, name: str) -> None:
        self._pace = pace
        self._name = name

    def __enter__(self) -> None:
        self._began = self._pace._begin(self._name)  # noqa: SLF001 - of this module

    def __exit__(self, *_: object) -> None:
        self._pace._end(self._name, self._began)  # noqa: SLF001 - of this module
