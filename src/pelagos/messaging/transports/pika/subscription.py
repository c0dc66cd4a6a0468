"""One consumer on a channel of its own, so that its prefetch and its errors are its own.

Everything here runs in the connection's I/O thread, except where `future` is waited for.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, cast

from pelagos.messaging.errors import ConnectionLostError, MessagingError
from pelagos.messaging.transports.address import BrokerAddress
from pelagos.messaging.transports.base import DIRECT_REPLY_TO, Delivery, OnDelivery, OnEnd
from pelagos.messaging.transports.broker_transport import Wish
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
        wish: Wish,
        on_delivery: OnDelivery,
        on_end: OnEnd,
        registry: set[Subscription],
    ) -> None:
        self._address = address
        self._wish = wish
        self._queue = wish.queue
        self._channel: Any = None
        self._on_delivery = on_delivery
        self._on_end = on_end
        self._unsettled = 0
        self._registry = registry
        self._cancelled: Future[None] | None = None
        self.name = f"pelagos-{uuid.uuid4().hex}"
        self.future: Future[None] = Future()

    def open_io(self, connection: Any) -> None:
        """Begin; `registry` knows it until it ends."""
        self._registry.add(self)
        if not connection.is_open:
            return  # it is about to be lost, and says so
        channel = self._channel = connection.channel(on_open_callback=self._on_open_io)
        channel.add_on_close_callback(self._on_close_io)
        channel.add_on_cancel_callback(self._on_cancel_io)

    def adopt_io(self, channel: Any) -> None:
        """Begin on the channel that publishes, where answers arrive."""
        self._channel = channel
        channel.add_on_close_callback(self._on_close_io)
        self._consume_io(channel)

    def _on_open_io(self, channel: Any) -> None:
        channel.basic_qos(
            prefetch_count=self._wish.prefetch, callback=lambda _frame: self._consume_io(channel)
        )

    def _consume_io(self, channel: Any) -> None:
        channel.basic_consume(
            self._queue,
            self._on_message_io,
            auto_ack=self._wish.no_ack,
            exclusive=self._wish.exclusive,
            consumer_tag=self.name,
            arguments=self._wish.arguments or None,
            callback=lambda _frame: self._started_io(),
        )

    def _started_io(self) -> None:
        if not self.future.done():
            self.future.set_result(None)

    def _on_message_io(self, channel: Any, method: Any, properties: Any, body: bytes) -> None:
        settle = None if self._wish.no_ack else self._settled_io
        self._unsettled += settle is not None
        self._on_delivery(make_delivery(self._queue, channel, method, properties, body, settle))

    def _settled_io(self) -> None:
        self._unsettled -= 1
        self._leave_io()

    def cancel_io(self, done: Future[None]) -> None:
        """Let nothing more come; the channel stays until all that came is settled."""
        self._registry.discard(self)
        if not self._channel.is_open:
            done.set_result(None)
            return
        self._cancelled = done
        self._channel.basic_cancel(self.name, callback=lambda _frame: self._stopped_io())

    def _stopped_io(self) -> None:
        if self._cancelled is not None and not self._cancelled.done():
            self._cancelled.set_result(None)
        self._leave_io()

    def _leave_io(self) -> None:
        over = self._cancelled is not None and self._cancelled.done() and not self._unsettled
        if over and self._queue != DIRECT_REPLY_TO and self._channel.is_open:
            self._channel.close()

    def _on_cancel_io(self, _frame: Any) -> None:
        self.end_io(
            ConnectionLostError(f"the broker cancelled the consumer of queue {self._queue!r}")
        )

    def _on_close_io(self, _channel: Any, reason: Exception) -> None:
        if self._cancelled is not None and not self._cancelled.done():
            self._cancelled.set_result(None)
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


def make_delivery(
    queue: str,
    channel: Any,
    method: Any,
    properties: Any,
    body: bytes,
    settled: Callable[[], None] | None = None,
) -> Delivery:
    """What pika hands out, in our words."""
    return Delivery(
        queue=queue,
        exchange=as_text(method.exchange),
        key=as_text(method.routing_key),
        body=body,
        properties=unpack_properties(properties),
        redelivered=method.redelivered,
        receipt=(channel, method.delivery_tag, settled),
        damage=damage_of(properties),
    )


def is_held(delivery: Delivery) -> bool:
    """Whether it can still be settled: its channel has not ended; from any thread."""
    return bool(cast("tuple[Any, ...]", delivery.receipt)[0].is_open)


def settle_io(delivery: Delivery, method: str, **options: bool) -> None:
    """Acknowledge or reject; a channel that is gone has given the message back already."""
    receipt = cast("tuple[Any, int, Callable[[], None] | None]", delivery.receipt)
    channel, tag, settled = receipt  # as make_delivery made it
    if channel.is_open:
        getattr(channel, method)(tag, **options)
        if settled is not None:
            settled()
