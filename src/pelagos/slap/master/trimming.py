"""When the log of events is cut: in small steps, beside the changes that make it grow."""

from __future__ import annotations

import threading

#: Ids that one step goes through: some ten milliseconds of the database.
STEP = 500
#: Seconds from one step to the next, when all that is too old is gone, and when there is more.
_PAUSE, _SHORT_PAUSE = 300.0, 1.0


class Trimming:
    """Says when it is time for a step; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next = 0.0

    def is_due(self, now: float) -> bool:
        """Whether the caller shall take a step; True for one caller at a time.

        Args:
            now: seconds of a clock that never goes back.
        """
        with self._lock:
            if now < self._next:
                return False
            self._next = now + _PAUSE
            return True

    def done(self, now: float, *, has_more: bool) -> None:
        """A step was taken."""
        with self._lock:
            self._next = now + (_SHORT_PAUSE if has_more else _PAUSE)
