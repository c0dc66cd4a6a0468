"""A circuit breaker: a source that fails again and again is left alone, longer each time.

It spares people the wait for a source that will not answer, and a struggling system the questions.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass

from pelagos.core.backoff import Backoff
from pelagos.core.clock import Clock

#: Failures in a row after which a source is left alone.
FAILURES = 5

# Failing at once costs nobody time, so one that does is tried again sooner.
_AFTER_ERRORS = Backoff(first=1, factor=2, limit=5)
_AFTER_LATENESS = Backoff(first=1, factor=2, limit=30)
_FAILING = math.inf  # patience does not help


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a source is not asked.

    Attributes:
        failures: how many questions in a row it has failed.
        seconds: until it will be tried again.
        reason: of the last failure.
    """

    failures: int
    seconds: float
    reason: str

    def __str__(self) -> str:
        again = f"tried again in {self.seconds:.1f} s" if self.seconds > 0 else "being tried now"
        return f"left alone after {self.failures} failures in a row, {again}; last: {self.reason}"


class Breaker:
    """The breaker of one source; safe to share between threads.

    Closed, every question passes. After `FAILURES` in a row it opens for a second; then one
    question passes as a trial, and its failure opens the breaker for twice as long, its success
    closes it. Whoever is ready to wait longer than those whom the source kept waiting passes too:
    a source that is too slow for one profile need not be for another.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._reason = ""
        self._patience = 0.0  # the longest wait among the failures in a row, in seconds
        self._opened = 0.0
        self._trial_from = 0.0  # when the next question may pass as a trial
        self._trial_ends = -math.inf

    def refusal(self, limit: float) -> Refusal | None:
        """Why a question that waits `limit` seconds must not be asked; None when it may.

        A question that may be asked is followed by `succeeded`, `failed` or `abandoned`.
        """
        if self._failures < FAILURES:
            return None
        with self._lock:
            if self._failures < FAILURES or limit > self._patience:
                return None
            now = self._clock.monotonic()
            wait = max(self._trial_from, self._trial_ends) - now
            if wait <= 0:
                self._trial_ends = now + limit
                return None
            left = max(0.0, self._trial_from - now)
            return Refusal(self._failures, left, self._reason)

    def succeeded(self) -> None:
        """The source has answered."""
        if self._failures:
            with self._lock:
                self._failures = 0
                self._patience = 0.0
                self._trial_ends = -math.inf

    def failed(self, reason: str, asked: float, waited: float | None = None) -> None:
        """The source has not answered.

        Args:
            asked: when it was asked, on the monotonic clock.
            waited: seconds after which it was given up; None when it failed by itself.
        """
        backoff = _AFTER_ERRORS if waited is None else _AFTER_LATENESS
        with self._lock:
            self._patience = max(self._patience, _FAILING if waited is None else waited)
            if self._failures >= FAILURES and asked < self._opened:
                return  # it was on its way when the breaker opened, and says nothing new
            self._failures += 1
            self._reason = reason
            self._trial_ends = -math.inf
            if self._failures >= FAILURES:
                self._opened = self._clock.monotonic()
                self._trial_from = self._opened + backoff.delay(self._failures - FAILURES + 1)

    def abandoned(self) -> None:
        """Nobody waited for what the source would have said; the next question may be a trial."""
        with self._lock:
            self._trial_ends = -math.inf
