"""What one connection brought to a consumer, until it is taken."""

from __future__ import annotations

import contextlib
import queue
from collections.abc import Iterator
from dataclasses import dataclass, field

from pelagos.messaging.transports.base import Connection, Delivery


@dataclass(slots=True, eq=False)
class Lane:
    """Deliveries of one connection.

    Attributes:
        inbox: what can be taken; None says: look whether this is still the lane.
        names: of queues, as given: as the broker says.
        consumers: by queue, as given.
        later: what can be taken from a time on (monotonic); for the thread that fills the lane.
    """

    connection: Connection | None = None
    inbox: queue.SimpleQueue[Delivery | None] = field(default_factory=queue.SimpleQueue)
    names: dict[str, str] = field(default_factory=dict)
    consumers: dict[str, str] = field(default_factory=dict)
    later: list[tuple[float, Delivery]] = field(default_factory=list)

    def come_due(self, now: float) -> tuple[bool, float | None]:
        """Let be taken what is due; whether there was any, and seconds until there is more."""
        due = [delivery for at, delivery in self.later if at <= now]
        self.later = [(at, delivery) for at, delivery in self.later if at > now]
        for delivery in due:
            self.inbox.put(delivery)
        return bool(due), min((at - now for at, _ in self.later), default=None)

    def emptied(self) -> Iterator[Delivery]:
        """All that is there now, taken out."""
        for _ in range(self.inbox.qsize()):
            with contextlib.suppress(queue.Empty):  # who takes them may be faster
                delivery = self.inbox.get_nowait()
                if delivery is not None:
                    yield delivery
        later, self.later = self.later, []
        for _, delivery in later:
            yield delivery
