"""How often, and when, a message is tried again whose handler failed. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from pelagos.core.backoff import Backoff
from pelagos.messaging.errors import MessagingError

_ENDLESS: Final = 1e9  # seconds; a note of what waits has room for less


@dataclass(frozen=True, slots=True)
class Retry:
    """A message that failed waits outside its queue, longer each time, and then is dead.

    Attributes:
        attempts: how often it is tried in all; 1 for never again.
        first: seconds that it waits after the first failure.
        factor: growth of that per further failure.
        limit: the longest that it waits, in seconds.

    >>> Retry(attempts=4, first=1, factor=4).delays_ms()
    [1000, 4000, 16000]
    """

    attempts: int = 6
    first: float = 1.0
    factor: float = 4.0
    limit: float = 3600.0

    def __post_init__(self) -> None:
        attempts: Any = self.attempts
        numbers: tuple[Any, ...] = (self.first, self.factor, self.limit)
        if not (
            isinstance(attempts, int)
            and all(isinstance(number, int | float) for number in numbers)
            and attempts >= 1
            and self.factor >= 1
            and 0 <= self.first <= self.limit < _ENDLESS
        ):
            raise MessagingError(
                f"{self!r} cannot be used",
                hint="1 or more attempts, a factor of 1 or more, no limit below the first delay"
                " or of more than 30 years",
            )

    def delay_ms(self, attempt: int) -> int | None:
        """Milliseconds to wait after this attempt failed (1 is the first); None: no more."""
        if attempt >= self.attempts:
            return None
        backoff = Backoff(self.first, self.factor, self.limit)
        return max(1, round(backoff.delay(max(1, attempt)) * 1000))

    def delays_ms(self) -> list[int]:
        """All the pauses, in order."""
        delays = (self.delay_ms(attempt) for attempt in range(1, self.attempts))
        return [delay for delay in delays if delay is not None]
