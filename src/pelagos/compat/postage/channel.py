"""A producer's messages and calls over a channel of the shape that pika had up to 0.13.

For programs and tests that bring a connection of their own, a fake one for example. Nothing here
confirms, reconnects or sends again unasked: that is what the bus is for.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pelagos.messaging import Encoder, Exchange
from pelagos.messaging.transports.base import Properties

Pairs = Iterable[tuple[type[Exchange], str]]

#: Opens a connection with these host, user and password, and this virtual host.
OpenConnection = Callable[[Mapping[str, Any], str], Any]


class ChannelDesk:
    """Sends over one channel of one connection."""

    def __init__(self, connection: Any, encoder: type[Encoder]) -> None:
        self._connection = connection
        self._encoder = encoder
        self.channel = connection.channel()

    def declare(self, exchanges: Iterable[type[Exchange]]) -> None:
        """Make sure that the exchanges are there."""
        for exchange in exchanges:
            if exchange.name:
                self.channel.exchange_declare(**exchange.parameters)

    def properties(self, reply_to: str | None = None) -> Any:
        """What travels beside a body."""
        from pelagos.messaging.transports.pika.translate import (  # noqa: PLC0415 - pika is optional
            pack_properties,
        )

        content_type = self._encoder.content_type
        return pack_properties(Properties("", content_type=content_type, reply_to=reply_to))

    def send(self, pairs: Pairs, body: bytes, reply_to: str | None = None) -> None:
        """Publish to each of the pairs."""
        for exchange, key in pairs:
            self.channel.basic_publish(
                body=body,
                exchange=exchange.name,
                properties=self.properties(reply_to),
                routing_key=key,
            )

    def ask(self, pair: tuple[type[Exchange], str], body: bytes) -> str:
        """Publish a call; the name of the queue in which its answers arrive."""
        name = f"reply-{uuid.uuid4().hex}"
        self.channel.queue_declare(queue=name, exclusive=True, auto_delete=True)
        self.send([pair], body, reply_to=name)
        return name

    def gather(self, queue: str, count: int, timeout: float) -> list[Any]:
        """So many decoded answers from a queue, or as many as came in so many seconds."""
        found: list[Any] = []

        def take(_channel: Any, _method: Any, _header: Any, body: Any) -> None:
            found.append(self._encoder.decode(body))
            if len(found) >= count:
                self.channel.stop_consuming()

        timer = self._connection.add_timeout(timeout, self.channel.stop_consuming)
        self.channel.basic_consume(take, queue=queue)
        if len(found) < count:
            self.channel.start_consuming()
        self._connection.remove_timeout(timer)
        return found
