"""A broker in this process, which keeps time by itself and can be made to fail."""

from __future__ import annotations

import itertools
from collections.abc import Collection
from typing import Literal

from pelagos.core.clock import Clock, ManualClock, SystemClock
from pelagos.messaging.broker.core import QUEUE_LIMIT, Broker
from pelagos.messaging.transports.memory.faults import Faults
from pelagos.messaging.transports.memory.timer import Timer

# Receipts of different connections differ, so that one of them is not settled over another.
_RECEIPTS_OF_A_CONNECTION = 1 << 40


class MemoryBroker(Broker):
    """The rules of a broker, in one process, with the answers of RabbitMQ.

    Besides what connections use, it can be looked at (`queues`, `depth`, `waiting`), waited for
    (`drain`), stopped, started and cut off, and made to fail in other ways (`faults`), so that a
    test or a person sees what components do then.

    Args:
        name: the NAME of its URL, memory:NAME.
        clock: with the machine's clock what is due is done at its time; with another one when
            somebody comes, and by `advance`.
        queue_limit: messages that a queue without x-max-length holds.
        version: see Broker.
    """

    def __init__(
        self,
        name: str,
        *,
        clock: Clock | None = None,
        queue_limit: int = QUEUE_LIMIT,
        version: Literal["3.10", "4"] = "3.10",
    ) -> None:
        real = clock is None or isinstance(clock, SystemClock)
        self._timer = Timer(self) if real else None
        super().__init__(
            f"memory:{name}",
            clock=clock,
            queue_limit=queue_limit,
            version=version,
            on_deadline=self._timer.note if self._timer else None,
        )
        self.faults = Faults(self)
        self._connections = itertools.count()

    def first_receipt(self) -> int:
        """The number from which a new connection counts its deliveries."""
        return next(self._connections) * _RECEIPTS_OF_A_CONNECTION + 1

    def advance(self, seconds: float) -> None:
        """Let time pass, for a broker that was made with a ManualClock.

        Raises:
            TypeError: its clock is another one.
        """
        if not isinstance(self.clock, ManualClock):
            raise TypeError("the clock of this broker cannot be advanced: give it a ManualClock")
        self.clock.advance(seconds)
        self.expire()

    def notice(self, at: float) -> None:
        """Something outside the queues is due at this time."""
        if self._timer is not None:
            self._timer.note(at)

    def next_deadline(self) -> float | None:
        """When `expire` has something to do, in seconds of the clock's `monotonic`, or None."""
        both = [at for at in (super().next_deadline(), self.faults.next_deadline()) if at]
        return min(both, default=None)

    def expire(self) -> None:
        """Do what is due: messages, queues and held confirmations whose time is over go."""
        super().expire()
        self.faults.expire()

    def detach(self, link: object) -> None:
        """It goes; what was not settled goes back. Again is harmless."""
        super().detach(link)
        self.faults.forget_lost()

    def _cut(self, reason: str, links: Collection[object] = (), *, stop: bool) -> None:
        super()._cut(reason, links, stop=stop)
        self.faults.forget_lost()
