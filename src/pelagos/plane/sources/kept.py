"""What is slow to read, kept for a few seconds: read once for all who ask meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import Generic, TypeVar

from pelagos.core.clock import Clock, SystemClock
from pelagos.core.verdict import describe
from pelagos.core.wanted import is_wanted
from pelagos.directory.errors import SourceError
from pelagos.directory.former import is_former

T = TypeVar("T")

#: Seconds that a reading may have taken when who asks is answered from before, where that may be.
_PATIENCE = 0.5
_LOOK = 0.2  # seconds between two looks whether anybody still waits


@dataclass(frozen=True, slots=True)
class _Known(Generic[T]):
    value: T
    since: float  # on the monotonic clock, when it had come


class _Reading(Future[T]):
    """What comes of one reading.

    Attributes:
        began: on the machine's own monotonic clock.
    """

    def __init__(self) -> None:
        super().__init__()
        self.began = time.monotonic()


class Kept(Generic[T]):
    """A value that is read again when it is old and somebody asks; safe to share between threads.

    There is one reading at a time, in a thread of its own, and all who ask meanwhile get what
    comes of it, an error too. It goes on when nobody waits any more: the next one finds it.

    Args:
        read: reads it; may take long, and must end.
        fresh: seconds for which it is not read again.
        stale: seconds for which a former value stands in while the next one does not come; None:
            never.
        limit: seconds that one who asks waits at the most.
        clock: tells how old a value is.
    """

    def __init__(
        self,
        read: Callable[[], T],
        *,
        fresh: float,
        stale: float | None,
        limit: float,
        clock: Clock | None = None,
    ) -> None:
        self._read = read
        self._fresh = fresh
        self._stale = stale
        self._limit = limit
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._known: _Known[T] | None = None
        self._reading: _Reading[T] | None = None

    def get(self) -> T:
        """The value; a former one only where `stale` allows it, and then `is_former` is said.

        Raises:
            SourceError: it does not come in time.
            Exception: whatever `read` raised.
        """
        with self._lock:
            known = self._known
            if known is not None and self._age(known) < self._fresh:
                return known.value
            reading = self._reader()
        ends = time.monotonic() + self._limit
        if known is not None and self._may_stand_in(known):
            ends = min(ends, reading.began + min(_PATIENCE, self._limit / 2))
        try:
            return _awaited(reading, ends, self._limit)
        except Exception as error:
            if known is None or not self._may_stand_in(known):
                raise
            now = describe(error) if reading.done() else "it is still being asked"
            is_former(f"answered {self._age(known):.0f} s ago; now: {now}")
            return known.value

    def _reader(self) -> _Reading[T]:
        """Who reads now; to be called with the lock."""
        if self._reading is None:
            reading: _Reading[T] = _Reading()
            reader = threading.Thread(target=self._read_anew, args=(reading,), name="kept")
            reader.daemon = True  # a reading that hangs must not keep the program
            reader.start()
            self._reading = reading
        return self._reading

    def _read_anew(self, reading: _Reading[T]) -> None:
        try:
            value = self._read()
        except BaseException as error:  # noqa: BLE001  # those who wait for it raise it
            with self._lock:
                self._reading = None
            reading.set_exception(error)
        else:
            with self._lock:
                self._known = _Known(value, self._clock.monotonic())
                self._reading = None
            reading.set_result(value)

    def _may_stand_in(self, known: _Known[T]) -> bool:
        return self._stale is not None and self._age(known) <= self._stale

    def _age(self, known: _Known[T]) -> float:
        return self._clock.monotonic() - known.since


def _awaited(reading: _Reading[T], ends: float, limit: float) -> T:
    """What comes of a reading, while somebody waits for it.

    Raises:
        SourceError: it does not come in time, or nobody waits.
    """
    while not reading.done():
        left = ends - time.monotonic()
        if left <= 0:
            raise SourceError(f"no answer within {limit:g} s")
        if not is_wanted():
            raise SourceError("nobody waits for the answer any more")
        wait([reading], min(left, _LOOK))
    return reading.result()
