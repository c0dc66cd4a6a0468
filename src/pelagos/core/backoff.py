"""How long to wait before trying again. Pure: the caller brings the number of failures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential back-off without jitter (one waiter per subject: there is no herd to spread).

    Attributes:
        first: seconds after the first failure.
        factor: growth per further failure, at least 1.
        limit: the longest wait, in seconds.

    >>> [Backoff(first=1, factor=2, limit=5).delay(n) for n in (1, 2, 3, 4, 10_000)]
    [1.0, 2.0, 4.0, 5.0, 5.0]
    """

    first: float = 1.0
    factor: float = 2.0
    limit: float = 300.0

    def delay(self, failures: int) -> float:
        """Seconds to wait after so many failures in a row (1 or more)."""
        if failures < 1:
            raise ValueError("there is no delay before the first failure")
        wait = float(self.first)
        for _ in range(failures - 1):
            if wait >= self.limit or self.factor == 1:
                break
            wait *= self.factor
        return min(wait, float(self.limit))
