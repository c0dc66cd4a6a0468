"""What the directory needs of a bus. Who assembles the program gives one, or none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

#: Gets what a message says; what it raises is logged by the bus and ends nothing.
Handler = Callable[[Mapping[str, Any]], None]


class Bus(Protocol):
    """Tells other programs what happened here, and us what happened elsewhere."""

    def publish(self, name: str, routing_key: str, body: Mapping[str, Any]) -> None:
        """Send an event; returns without waiting for anybody who hears it.

        Args:
            name: of the event, e.g. `favorite_added`.
            routing_key: words between dots, by which others choose what they hear.
            body: plain data.

        Raises:
            PelagosError: it cannot be sent.
        """

    def subscribe(self, routing_key: str, handler: Handler) -> None:
        """Call the handler for each message with that key, on a thread of the bus.

        Args:
            routing_key: `*` stands for one word, `#` for any number of them.
        """
