"""One channel of a connection: what a client asks on it, and what it is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol, cast

from pelagos.messaging import codec
from pelagos.messaging.broker.core import Broker
from pelagos.messaging.broker.server import content, declaring
from pelagos.messaging.broker.server.publishing import Client, Publishing, Room, Settlement
from pelagos.messaging.broker.server.refusals import Refusal
from pelagos.messaging.codec import methods
from pelagos.messaging.errors import MessagingError
from pelagos.messaging.transports.base import DIRECT_REPLY_TO, Delivery


class Peer(Client, Protocol):
    """What a channel needs of its connection."""

    room: Room

    @property
    def hears_cancels(self) -> bool:
        """Whether the client understands that its consumers are cancelled."""

    def give_up(self, error: codec.CodecError) -> None:
        """End the connection soon; from any thread."""

    @property
    def is_full(self) -> bool:
        """Whether more is to be sent than the client takes."""

    def hold(self) -> None:
        """Let no consumer of this client have more for now; the broker's core is locked."""


class Channel:
    """A channel that is open; it is the `link` of the broker's core.

    Attributes:
        closing: it was refused, and the client has not agreed yet: nothing else is heard.
    """

    def __init__(self, peer: Peer, number: int, broker: Broker) -> None:
        self.peer = peer
        self.number = number
        self.broker = broker
        self.closing = False
        self.last_queue = ""
        self.prefetch = 0
        broker.attach(self, owner=peer)
        self.publishing = Publishing(self, peer.room)

    def handle(self, method: codec.Method, message: codec.Content | None, header: bytes) -> None:
        """Do what the client asks.

        Raises:
            MessagingError: with a `code`: it may not.
        """
        if type(method) is methods.BasicPublish and message is not None:
            self.publishing.publish(method, message, header)
            return
        handler = _HANDLERS.get(type(method))
        if handler is None:
            raise Refusal(f"a client does not say {type(method).__name__} here", code=503)
        if type(method) in _MAKING:
            self.peer.room.crowd.check(self.broker, getattr(method, "arguments", None))
        handler(self, method)

    def send(self, method: codec.Method) -> None:
        """Tell the client, after what it was told before."""
        self.publishing.flush()
        self.peer.write(codec.encode_method(self.number, method, self.peer.frame_max))

    def answer(self, asked: Any, method: codec.Method) -> None:
        """Tell the client, unless it does not want an answer."""
        if not getattr(asked, "nowait", False):
            self.send(method)

    def open_again(self, _asked: methods.ChannelOpen) -> None:
        """It is open."""
        raise Refusal("second 'channel.open' seen", code=504)

    def queue_name(self, name: str) -> str:
        """The queue that is meant; an empty name is the one declared last."""
        if name:
            return name
        if not self.last_queue:
            raise Refusal("no queue was declared on this channel", code=404)
        return self.last_queue

    def close(self) -> None:
        """What was not settled goes back."""
        self.publishing.drop()
        self.broker.detach(self)

    # Deliveries.

    def consume(self, asked: methods.BasicConsume) -> None:
        """Let deliveries come."""
        queue = self.queue_name(asked.queue)
        direct = queue == DIRECT_REPLY_TO

        def start(tag: str) -> None:
            on_delivery.tag = tag
            self.answer(asked, methods.BasicConsumeOk(tag))

        on_delivery = _ToClient(self, direct=direct)
        self.broker.consume(
            self,
            asked.consumer_tag,
            queue,
            on_delivery,
            lambda problem: self._ended(on_delivery.tag, problem),
            prefetch=self.prefetch,
            no_ack=asked.no_ack,
            exclusive=asked.exclusive,
            arguments=asked.arguments,
            on_start=start,
        )

    def _ended(self, tag: str, _problem: MessagingError) -> None:
        if self.peer.hears_cancels and not self.closing:
            self.send(methods.BasicCancel(tag, nowait=True))

    def cancel(self, asked: methods.BasicCancel) -> None:
        """Let no more deliveries come."""
        self.broker.cancel(self, asked.consumer_tag)
        self.answer(asked, methods.BasicCancelOk(asked.consumer_tag))

    def get(self, asked: methods.BasicGet) -> None:
        """Hand out the first message of a queue."""
        found = self.broker.get(self, self.queue_name(asked.queue), no_ack=asked.no_ack)
        if found is None:
            self.send(methods.BasicGetEmpty())
            return
        delivery, left = found
        self.deliver(
            methods.BasicGetOk(
                _tag(delivery), delivery.redelivered, delivery.exchange, delivery.key, left
            ),
            delivery,
        )

    def deliver(self, method: codec.Method, delivery: Delivery) -> None:
        """Write a method with a message."""
        self.publishing.flush()
        self.peer.write(self.encoded(method, delivery))

    def encoded(self, method: codec.Method, delivery: Delivery) -> bytes:
        """The frames of a method with a message."""
        size = self.peer.frame_max
        return codec.encode_method(self.number, method, size) + content.encode(
            self.number, delivery.properties, delivery.body, size
        )

    def qos(self, asked: methods.BasicQos) -> None:
        """Set how many deliveries may be unsettled."""
        if asked.prefetch_size:
            raise Refusal("a prefetch in bytes", code=540)
        if asked.is_global:
            self.broker.limit(self, prefetch=asked.prefetch_count)
        else:
            self.prefetch = asked.prefetch_count
        self.send(methods.BasicQosOk())

    def ack(self, asked: methods.BasicAck) -> None:
        """Something is done."""
        self.publishing.settle(Settlement(asked.delivery_tag, asked.multiple, accept=True))

    def nack(self, asked: methods.BasicNack) -> None:
        """Something is given back or refused."""
        tag, multiple, requeue = asked.delivery_tag, asked.multiple, asked.requeue
        self.publishing.settle(Settlement(tag, multiple, requeue=requeue, counts=False))

    def reject(self, asked: methods.BasicReject) -> None:
        """One delivery is given back or refused."""
        self.publishing.settle(Settlement(asked.delivery_tag, requeue=asked.requeue))

    def settle(self, what: Settlement) -> None:
        """Settle at once.

        Raises:
            Refusal: there is no such delivery to be settled.
        """
        if not self.broker.settle(
            self,
            what.tag,
            accept=what.accept,
            requeue=what.requeue,
            multiple=what.multiple,
            counts=what.counts,
        ):
            raise Refusal(f"unknown delivery tag {what.tag}", code=406)

    def recover(self, asked: methods.BasicRecover | methods.BasicRecoverAsync) -> None:
        """Deliver again what is not settled."""
        if not asked.requeue:
            raise Refusal("requeue=false", code=540)
        if isinstance(asked, methods.BasicRecover):
            self.send(methods.BasicRecoverOk())
        self.broker.recover(self)

    def flow(self, asked: methods.ChannelFlow) -> None:
        """A client may not stop deliveries; RabbitMQ does not let it either."""
        if not asked.active:
            raise Refusal("active=false", code=540)
        self.send(methods.ChannelFlowOk(active=True))


class _ToClient:
    """Writes deliveries of one consumer; the broker is locked while it runs."""

    __slots__ = ("_channel", "_direct", "tag")

    def __init__(self, channel: Channel, *, direct: bool) -> None:
        self._channel = channel
        self._direct = direct
        self.tag = ""

    def __call__(self, delivery: Delivery) -> None:
        channel = self._channel
        peer = channel.peer
        if self._direct and peer.is_full:
            return  # an answer that its asker cannot take is dropped
        method = methods.BasicDeliver(
            self.tag, _tag(delivery), delivery.redelivered, delivery.exchange, delivery.key
        )
        try:
            peer.write(channel.encoded(method, delivery))
        except codec.CodecError as error:  # its frames are too small for these properties
            channel.broker.hold(channel)
            peer.give_up(error)
        if peer.is_full:
            peer.hold()


def _tag(delivery: Delivery) -> int:
    return cast("int", delivery.receipt)


_MAKING: Final = frozenset(
    {
        methods.BasicConsume,
        methods.ExchangeBind,
        methods.ExchangeDeclare,
        methods.QueueBind,
        methods.QueueDeclare,
    }
)

_HANDLERS: Final[dict[type[codec.Method], Callable[[Channel, Any], None]]] = {
    methods.BasicAck: Channel.ack,
    methods.BasicCancel: Channel.cancel,
    methods.BasicConsume: Channel.consume,
    methods.BasicGet: Channel.get,
    methods.BasicNack: Channel.nack,
    methods.BasicQos: Channel.qos,
    methods.BasicRecover: Channel.recover,
    methods.BasicRecoverAsync: Channel.recover,
    methods.BasicReject: Channel.reject,
    methods.ChannelFlow: Channel.flow,
    methods.ChannelOpen: Channel.open_again,
    methods.ConfirmSelect: lambda channel, asked: channel.publishing.select_confirms(asked),
    methods.ExchangeBind: declaring.bind_exchange,
    methods.ExchangeDeclare: declaring.declare_exchange,
    methods.ExchangeDelete: declaring.delete_exchange,
    methods.ExchangeUnbind: declaring.unbind_exchange,
    methods.QueueBind: declaring.bind_queue,
    methods.QueueDeclare: declaring.declare_queue,
    methods.QueueDelete: declaring.delete_queue,
    methods.QueuePurge: declaring.purge_queue,
    methods.QueueUnbind: declaring.unbind_queue,
    methods.TxCommit: lambda channel, _: channel.publishing.commit(),
    methods.TxRollback: lambda channel, _: channel.publishing.roll_back(),
    methods.TxSelect: lambda channel, _: channel.publishing.select_transactions(),
}
