"""One consumer on a channel of its own, so that its prefetch and its errors are its own.

Everything here runs in the connection's I/O thread, except where `future` is waited for.
"""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any, cast

from pelagos.messaging.errors import ConnectionLostError, MessagingError
from pelagos.messaging.transports.address import BrokerAddress
from pelagos.messaging.transports.base import Delivery, OnDelivery, OnEnd
from pelagos.messaging.transports.pika.translate import (
    as_text,
    damage_of,
    refusal,
    unpack_properties,
)


class Subscription:
    """Opens its channel, limits it, consumes, and tells once when that ends.

    Attributes:
        future: done when deliveries may come, or with the broker's refusal.
    """

    def __init__(
        self,
        address: BrokerAddress,
        queue: str,
        on_delivery: OnDelivery,
        on_end: OnEnd,
        prefetch: int,
        registry: set[Subscription],
    ) -> None:
        self._address = address
        self._queue = queue
        self._on_delivery = on_delivery
        self._on_end = on_end
        self._prefetch = prefetch
        self._registry = registry
        self.future: Future[None] = Future()

    def open_io(self, connection: Any) -> None:
        """Begin; `registry` knows it until it ends."""
        self._registry.add(self)
        if not connection.is_open:
            return  # it is about to be lost, and says so
        channel = connection.channel(on_open_callback=self._on_open_io)
        channel.add_on_close_callback(self._on_close_io)
        channel.add_on_cancel_callback(self._on_cancel_io)

    def _on_open_io(self, channel: Any) -> None:
        channel.basic_qos(
            prefetch_count=self._prefetch, callback=lambda _frame: self._consume_io(channel)
        )

    def _consume_io(self, channel: Any) -> None:
        channel.basic_consume(
            self._queue, self._on_message_io, callback=lambda _frame: self._started_io()
        )

    def _started_io(self) -> None:
        if not self.future.done():
            self.future.set_result(None)

    def _on_message_io(self, channel: Any, method: Any, properties: Any, body: bytes) -> None:
        self._on_delivery(
            Delivery(
                queue=self._queue,
                exchange=as_text(method.exchange),
                key=as_text(method.routing_key),
                body=body,
                properties=unpack_properties(properties),
                redelivered=method.redelivered,
                receipt=(channel, method.delivery_tag),
                damage=damage_of(properties),
            )
        )

    def _on_cancel_io(self, _frame: Any) -> None:
        self.end_io(
            ConnectionLostError(f"the broker cancelled the consumer of queue {self._queue!r}")
        )

    def _on_close_io(self, _channel: Any, reason: Exception) -> None:
        self.end_io(refusal(reason, self._address, self._queue))

    def end_io(self, problem: MessagingError) -> None:
        """It is over; whoever waits or listens is told, once."""
        if self not in self._registry:
            return
        self._registry.discard(self)
        if self.future.done():
            self._on_end(problem)
        else:
            self.future.set_exception(problem)

    def forget_io(self) -> None:
        """The connection is being closed by its owner, who need not be told."""
        self._registry.discard(self)


def settle_io(delivery: Delivery, method: str, **options: bool) -> None:
    """Acknowledge or reject; a channel that is gone has given the message back already."""
    channel, tag = cast("tuple[Any, int]", delivery.receipt)  # as _on_message_io made it
    if channel.is_open:
        getattr(channel, method)(tag, **options)
