"""Time as something that is passed in, so that a test can own it."""

from __future__ import annotations

import threading
import time as system
from typing import Protocol


class Clock(Protocol):
    """What tells the time and waits."""

    def time(self) -> float:
        """Seconds since the Unix epoch; may jump when the machine's clock is set."""

    def monotonic(self) -> float:
        """Seconds that only grow; the start is arbitrary."""

    def sleep(self, seconds: float) -> None:
        """Wait; zero or less returns at once."""


class SystemClock:
    """The clock of this machine.

    Attributes:
        time: called without arguments: the seconds since the Unix epoch, a float; may jump when
            the machine's clock is set.
        monotonic: called without arguments: seconds that only grow, a float; the start is
            arbitrary and the same in all threads and objects of this process. Only differences
            mean something.
    """

    # The system's own functions, not methods that call them: asked several times for each message.
    time = staticmethod(system.time)
    monotonic = staticmethod(system.monotonic)

    def sleep(self, seconds: float) -> None:
        """Wait for real."""
        if seconds > 0:
            system.sleep(seconds)


class ManualClock:
    """A clock that stands still until it is told: for tests and simulations.

    >>> clock = ManualClock(start=1000.0)
    >>> clock.advance(2.5)
    >>> clock.time(), clock.monotonic()
    (1002.5, 2.5)
    """

    def __init__(self, start: float = 1_000_000_000.0) -> None:
        self._lock = threading.Lock()
        self._time = start
        self._monotonic = 0.0

    def time(self) -> float:
        """Seconds since the Unix epoch, as set."""
        with self._lock:
            return self._time

    def monotonic(self) -> float:
        """Seconds advanced so far; a jump does not move it."""
        with self._lock:
            return self._monotonic

    def sleep(self, seconds: float) -> None:
        """Advance instead of waiting."""
        self.advance(max(0.0, seconds))

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        if seconds < 0:
            raise ValueError("time does not run backwards; use jump() for a clock that is set")
        with self._lock:
            self._time += seconds
            self._monotonic += seconds

    def jump(self, seconds: float) -> None:
        """Set the wall clock forwards or backwards, as an administrator or NTP would."""
        with self._lock:
            self._time += seconds
