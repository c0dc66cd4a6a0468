"""Does on time what is due in a broker, as long as there is something to wait for."""

from __future__ import annotations

import threading
import time
import weakref
from typing import Protocol


class Due(Protocol):
    """What has deadlines, in seconds of `time.monotonic`."""

    def next_deadline(self) -> float | None:
        """The nearest, or None."""

    def expire(self) -> None:
        """Do what is due."""


class Timer:
    """A thread that comes with the first deadline and goes with the last, or with its broker."""

    def __init__(self, broker: Due) -> None:
        self._broker = weakref.ref(broker, lambda _gone: self._end())
        self._changed = threading.Condition()
        self._at: float | None = None
        self._thread: threading.Thread | None = None

    def note(self, at: float) -> None:
        """Something is due at this time; never calls the broker."""
        with self._changed:
            if self._at is not None and self._at <= at:
                return
            self._at = at
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="pelagos-bus-timer", daemon=True
                )
                self._thread.start()
            else:
                self._changed.notify()

    def _end(self) -> None:
        with self._changed:
            self._at = None
            self._changed.notify()

    def _run(self) -> None:
        while self._wait():
            broker = self._broker()
            if broker is not None:
                broker.expire()
                following = broker.next_deadline()
                del broker  # so that nothing here keeps it while the next deadline is far
                if following is not None:
                    self.note(following)

    def _wait(self) -> bool:
        """Whether a deadline has come; otherwise there is none any more and the thread ends."""
        with self._changed:
            while self._at is not None:
                left = self._at - time.monotonic()
                if left <= 0:
                    self._at = None
                    return True
                self._changed.wait(min(left, threading.TIMEOUT_MAX))
            self._thread = None
            return False
