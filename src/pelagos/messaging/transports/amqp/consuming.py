"""Channels on which messages come: what was delivered, and what the broker is told of it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future

from pelagos.messaging import codec
from pelagos.messaging.codec import Content, methods
from pelagos.messaging.errors import MessagingError
from pelagos.messaging.transports.base import Delivery, OnDelivery, OnEnd
from pelagos.messaging.transports.broker_transport import Wish


class Ledger:
    """Which deliveries of a channel are settled, and of which the broker has not heard yet.

    `accept`, `refuse` and `late` belong inside the outgoing lock, the rest to the connection's own
    thread.

    Attributes:
        number: of the channel.
        is_open: whether its deliveries can still be settled.
        retiring: nothing new comes; the channel goes when all is settled.
    """

    def __init__(self, number: int, hold: int) -> None:
        self.number = number
        self.is_open = True
        self.retiring = False
        self._hold = hold  # so many acknowledgements may be held back
        self._last = 0  # the last number of a delivery; they are 1, 2, 3 …
        self._lowest = 1  # of those that are not settled
        self._ahead: set[int] = set()  # settled, and above that
        self._acked: list[int] = []  # and the broker does not know yet

    def took(self, tag: int) -> None:
        """A delivery came that is to be settled."""
        self._last = tag

    @property
    def is_settled(self) -> bool:
        """Whether nothing is in anybody's hands."""
        return self._lowest > self._last

    def accept(self, tag: int) -> bool:
        """Hold an acknowledgement back; whether it is time to send."""
        if self._settle(tag):
            self._acked.append(tag)
        return len(self._acked) >= self._hold or self._lowest > self._last

    def refuse(self, tag: int, *, requeue: bool) -> bytes:
        """What the broker is told about a message that is given back or refused."""
        if not self._settle(tag):
            return b""
        # Quorum queues do not count a nack as a failed attempt, and count a reject.
        method: codec.Method = methods.BasicReject(tag, requeue=False)
        if requeue:
            method = methods.BasicNack(tag, requeue=True)
        return codec.encode_method(self.number, method)

    def _settle(self, tag: int) -> bool:
        ahead = self._ahead
        if tag == self._lowest:
            tag += 1
            while tag in ahead:
                ahead.discard(tag)
                tag += 1
            self._lowest = tag
            return True
        if tag < self._lowest or tag in ahead:
            return False  # it was settled before
        ahead.add(tag)
        return True

    def late(self) -> bytes:
        """The acknowledgements that were held back, in as few frames as possible.

        A frame for several names one that the broker still waits for: with any other, some
        brokers would take all that it waits for as meant.
        """
        acked = self._acked
        if not acked:
            return b""
        self._acked = []
        if not self.is_open:
            return b""
        below = acked if max(acked) < self._lowest else [t for t in acked if t < self._lowest]
        parts = [
            codec.encode_method(self.number, methods.BasicAck(tag))
            for tag in (acked if below is not acked else ())
            if tag >= self._lowest
        ]
        if below:
            parts.append(
                codec.encode_method(self.number, methods.BasicAck(max(below), len(below) > 1))
            )
        return b"".join(parts)


class Subscription:
    """One consumer.

    Attributes:
        name: the broker's name for it, chosen here.
        future: done when deliveries may come, or with the broker's refusal.
        cancelled: done when none come any more, once somebody asked for that.
    """

    def __init__(
        self,
        name: str,
        ledger: Ledger,
        wish: Wish,
        on_delivery: OnDelivery,
        on_end: OnEnd,
    ) -> None:
        self.name = name
        self.ledger = ledger
        self.wish = wish
        self.future: Future[None] = Future()
        self.cancelled: Future[None] | None = None
        self._queue = wish.queue
        self._takes = not wish.no_ack
        self._on_delivery: Callable[[Delivery], None] = on_delivery
        self._on_end = on_end

    def begin(self, *, direct: bool) -> bytes:
        """The request to the broker; direct answers know no prefetch.

        Raises:
            CodecError: the arguments cannot be written.
        """
        wish = self.wish
        number = self.ledger.number
        consume = methods.BasicConsume(
            wish.queue,
            self.name,
            no_ack=wish.no_ack,
            exclusive=wish.exclusive,
            arguments=wish.arguments,
        )
        if direct:
            return codec.encode_method(number, consume)
        qos = methods.BasicQos(prefetch_count=wish.prefetch)
        return codec.encode_method(number, qos) + codec.encode_method(number, consume)

    def on_deliver(self, method: methods.BasicDeliver, content: Content) -> None:
        """A message came."""
        tag = method.delivery_tag
        ledger = self.ledger
        if self._takes:
            ledger.took(tag)
        self._on_delivery(
            Delivery(
                self._queue,
                method.exchange,
                method.routing_key,
                content[1],
                content[0],
                method.redelivered,
                (ledger, tag) if self._takes else None,
                content[2],
            )
        )

    def started(self) -> None:
        """The broker agrees."""
        if not self.future.done():
            self.future.set_result(None)

    @property
    def is_told(self) -> bool:
        """Whether nobody waits for anything here."""
        waits = self.cancelled is not None and not self.cancelled.done()
        return self.future.done() and not waits

    def end(self, problem: MessagingError) -> None:
        """No more will come; whoever waits or listens is told."""
        if self.cancelled is not None:
            if not self.cancelled.done():
                self.cancelled.set_result(None)
        elif self.future.done():
            self._on_end(problem)
        else:
            self.future.set_exception(problem)
