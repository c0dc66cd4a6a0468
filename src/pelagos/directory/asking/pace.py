"""Which of the sources that answer from memory really do so at once."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from pelagos.core.clock import Clock

#: Seconds above which a source that is to answer from memory is asked in another thread.
QUICK = 0.1


class Pace:
    """How long the calls of each source took; safe to share between threads.

    A back-end may say that it answers from memory and then read a file after all. The first call
    that takes long, while it still runs, turns its source to threads; a quick one turns it back.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._slow: set[str] = set()
        self._running: dict[str, dict[int, float]] = {}

    def is_quick(self, name: str) -> bool:
        """Whether the last call was, and those that run have not run for long."""
        if name in self._slow:
            return False
        running = self._running.get(name)
        if not running:
            return True
        with self._lock:
            return self._clock.monotonic() - min(running.values(), default=0.0) <= QUICK

    @contextlib.contextmanager
    def measured(self, name: str) -> Iterator[None]:
        """Around each call of such a source."""
        thread, began = threading.get_ident(), self._clock.monotonic()
        with self._lock:
            self._running.setdefault(name, {})[thread] = began
        try:
            yield
        finally:
            with self._lock:
                del self._running[name][thread]
                if self._clock.monotonic() - began > QUICK:
                    self._slow.add(name)
                else:
                    self._slow.discard(name)
