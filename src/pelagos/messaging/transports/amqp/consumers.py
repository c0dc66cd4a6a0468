"""All consumers of one connection, each on a channel of its own, and what they settle."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final, cast

from pelagos.messaging import codec
from pelagos.messaging.codec import CodecError, Content, methods
from pelagos.messaging.errors import ConnectionLostError, MessagingError, TopologyError
from pelagos.messaging.transports.amqp.consuming import Ledger, Subscription
from pelagos.messaging.transports.amqp.outgoing import Outgoing
from pelagos.messaging.transports.amqp.publishing import CHANNEL as PUBLISHING
from pelagos.messaging.transports.amqp.publishing import Publishing
from pelagos.messaging.transports.amqp.requests import GETTING
from pelagos.messaging.transports.base import DIRECT_REPLY_TO, Delivery, OnDelivery, OnEnd
from pelagos.messaging.transports.broker_transport import Wish
from pelagos.messaging.transports.refusal import refusal

_FIRST_FREE: Final = 5  # the channels below have their purpose
_HELD: Final = 256  # so many acknowledgements are held back at most
_PRECONDITION: Final = 406

_Receipt = tuple[Ledger, int]


class Consumers:
    """Knows who consumes what, and where a delivery is settled."""

    def __init__(
        self,
        outgoing: Outgoing,
        publishing: Publishing,
        channel_max: int,
        url: str,
        check: Callable[[], None],
    ) -> None:
        self._outgoing = outgoing
        self._publishing = publishing
        self._url = url
        self._check = check
        self._channels = _Channels(channel_max)
        self._numbers = itertools.count(1)
        # Inside the lock of `outgoing`.
        self._subscriptions: dict[tuple[int, str], Subscription] = {}
        self._holding: dict[Ledger, None] = {}  # those with acknowledgements to send
        self._got: Ledger | None = None
        self._retiring: dict[int, Ledger] = {}  # by channel, until that is closed
        outgoing.late = self._late

    def begin(self, wish: Wish, on_delivery: OnDelivery, on_end: OnEnd) -> Subscription:
        """Ask the broker for a consumer; the future of what is returned tells its answer.

        Raises:
            TopologyError: the arguments cannot be written, or direct answers are to be settled.
        """
        queue = wish.queue
        direct = queue == DIRECT_REPLY_TO
        if direct and not wish.no_ack:
            raise TopologyError(
                "direct answers cannot be acknowledged", code=_PRECONDITION, name=queue
            )
        number = PUBLISHING if direct else self._channels.take()
        ledger = Ledger(number, max(1, min(wish.prefetch // 2, _HELD)))
        name = f"pelagos.{next(self._numbers)}"
        subscription = Subscription(name, ledger, wish, on_delivery, on_end)
        try:
            data = subscription.begin(direct=direct)
        except CodecError as error:
            self._channels.give_back(number)
            raise TopologyError(
                f"the arguments of a consumer of {queue!r} cannot be written: {error}",
                code=_PRECONDITION,
                name=queue,
            ) from error
        with self._outgoing.lock:
            self._check()
            self._subscriptions[number, name] = subscription
            if direct:
                self._publishing.open()
            else:
                data = codec.encode_method(number, methods.ChannelOpen()) + data
            self._outgoing.add(data)
        self._outgoing.send()
        return subscription

    def cancel(self, name: str) -> Future[None] | None:
        """Ask the broker to let no more come; done when none do, None: none do already."""
        with self._outgoing.lock:
            self._check()
            for subscription in self._subscriptions.values():
                if subscription.name == name and subscription.cancelled is None:
                    subscription.cancelled = Future()
                    break
            else:
                return None
            cancel = methods.BasicCancel(name)
            self._outgoing.add(codec.encode_method(subscription.ledger.number, cancel))
        self._outgoing.send()
        return subscription.cancelled

    def got(self, queue: str, method: methods.BasicGetOk, content: Content) -> Delivery:
        """What a request brought instead of a consumer."""
        with self._outgoing.lock:
            if self._got is None:
                self._got = Ledger(GETTING, 1)
            ledger = self._got
            ledger.took(method.delivery_tag)
        return Delivery(
            queue,
            method.exchange,
            method.routing_key,
            content[1],
            content[0],
            method.redelivered,
            (ledger, method.delivery_tag),
            content[2],
        )

    # Settling.

    def ack(self, delivery: Delivery) -> None:
        """It is done; the broker is told soon, of many at a time."""
        receipt = cast("_Receipt | None", delivery.receipt)
        if receipt is None:
            return
        ledger, tag = receipt
        outgoing = self._outgoing
        with outgoing.lock:
            now = ledger.accept(tag)
            self._holding[ledger] = None
        if now:
            outgoing.send()
        else:
            outgoing.send_soon()
        if ledger.retiring:
            self._retire(ledger)

    def reject(self, delivery: Delivery, *, requeue: bool) -> None:
        """Give it back, or refuse it."""
        receipt = cast("_Receipt | None", delivery.receipt)
        if receipt is None:
            return
        ledger, tag = receipt
        with self._outgoing.lock:
            data = ledger.refuse(tag, requeue=requeue)
            if ledger.is_open and data:
                self._outgoing.add(data)
        self._outgoing.send()
        if ledger.retiring:
            self._retire(ledger)

    @staticmethod
    def holds(delivery: Delivery) -> bool:
        """Whether it can be settled, or need not be."""
        receipt = cast("_Receipt | None", delivery.receipt)
        return receipt is None or receipt[0].is_open

    def _late(self) -> None:
        """Add the acknowledgements that were held back; inside the lock."""
        if self._holding:
            for ledger in self._holding:
                data = ledger.late()
                if data:
                    self._outgoing.add(data)
            self._holding.clear()

    def _retire(self, ledger: Ledger) -> None:
        """Close a channel on which nothing comes any more and nothing is left to settle."""
        with self._outgoing.lock:
            if not (ledger.is_open and ledger.is_settled):
                return
            self._late()
            ledger.is_open = False
            self._outgoing.add(codec.encode_method(ledger.number, methods.ChannelClose()))
        self._outgoing.send()

    # What the broker says, in the connection's own thread.

    def on_deliver(self, channel: int, method: methods.BasicDeliver, content: Content) -> None:
        """A message came."""
        subscription = self._subscriptions.get((channel, method.consumer_tag))
        if subscription is not None:
            subscription.on_deliver(method, content)

    def on_started(self, channel: int, name: str) -> None:
        """A consumer was accepted."""
        subscription = self._subscriptions.get((channel, name))
        if subscription is not None:
            subscription.started()

    def on_cancel(self, channel: int, name: str) -> None:
        """The broker lets no more come, or agrees that none do."""
        with self._outgoing.lock:
            subscription = self._subscriptions.pop((channel, name), None)
            if subscription is not None and channel != PUBLISHING:
                self._retiring[channel] = subscription.ledger
        if subscription is None:
            return
        queue = subscription.wish.queue
        subscription.end(
            ConnectionLostError(f"the broker cancelled the consumer of queue {queue!r}")
        )
        if channel != PUBLISHING:
            subscription.ledger.retiring = True
            self._retire(subscription.ledger)

    def on_close(self, channel: int, code: int, text: str) -> None:
        """The broker closed a channel; what was not settled there is in its queue again."""
        with self._outgoing.lock:
            self._outgoing.add(codec.encode_method(channel, methods.ChannelCloseOk()))
            ended = [s for (number, _), s in self._subscriptions.items() if number == channel]
            for subscription in ended:
                del self._subscriptions[channel, subscription.name]
                subscription.ledger.is_open = False
            if channel == GETTING and self._got is not None:
                self._got.is_open, self._got = False, None
            retiring = self._retiring.get(channel)
            awaits_close_ok = retiring is not None and not retiring.is_open
            if retiring is not None and not awaits_close_ok:
                retiring.is_open = False
                del self._retiring[channel]
        if not awaits_close_ok:
            self._channels.give_back(channel)
        for subscription in ended:
            subscription.end(refusal(code, text, self._url, subscription.wish.queue))

    def on_close_ok(self, channel: int) -> None:
        """The broker agrees that a channel is closed."""
        with self._outgoing.lock:
            retiring = self._retiring.get(channel)
            if retiring is None or retiring.is_open:
                return  # nobody asked for that: the number is in use
            del self._retiring[channel]
        self._channels.give_back(channel)

    def give_up(self, loss: MessagingError, *, quiet: bool) -> None:
        """The connection is over; `quiet`: its owner closed it, and need not be told."""
        with self._outgoing.lock:
            ended = list(self._subscriptions.values())
            self._subscriptions.clear()
        for subscription in ended:
            if not (quiet and subscription.is_told):
                subscription.end(loss)


class _Channels:
    """The numbers of channels that nobody uses."""

    def __init__(self, channel_max: int) -> None:
        self._lock = threading.Lock()
        self._max = channel_max
        self._free: set[int] = set()
        self._next = _FIRST_FREE

    def take(self) -> int:
        """A number for a channel of one's own."""
        with self._lock:
            if self._free:
                return self._free.pop()
            if self._next > self._max:
                raise MessagingError(
                    f"one connection has at most {self._max} channels",
                    hint="open another connection, or consume from fewer queues",
                )
            self._next += 1
            return self._next - 1

    def give_back(self, number: int) -> None:
        """Nobody uses it any more."""
        with self._lock:
            if _FIRST_FREE <= number < self._next:
                self._free.add(number)
