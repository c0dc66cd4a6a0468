"""What a transport must do, so that producers and consumers need not know which one carries them.

A transport is a place (a URL) and opens connections to it. A connection lives once: when it is
lost it stays lost, and says so. Opening a new one, declaring again and sending again belongs to
the producer and the consumer, once for all transports.

Rules for every connection:

- every method may be called from any thread; none waits longer than the `timeout` with which the
  connection was opened, and one that had to wait so long loses the connection;
- `publish` never waits: `done` is called exactly once, on any thread, with None when the broker
  has the message (in the queue, and on disk when message and queue are durable) or with the error;
- `on_delivery` and the other callbacks run on the transport's own thread or on a publisher's:
  they hand over and return, and never call the connection;
- the deliveries of one consumer come in order; what is neither acknowledged nor rejected when
  the connection ends goes back to its place in the queue, marked as redelivered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from pelagos.messaging.errors import MessagingError, UnroutableError
from pelagos.messaging.exchange import Exchange

#: Seconds that one request to the broker may take, unless told.
REQUEST_TIMEOUT = 10.0

#: Consumed instead of a queue, it brings the answers to what this connection published.
DIRECT_REPLY_TO = "amq.rabbitmq.reply-to"


_NAME_LIMIT = 255  # bytes; a short string of AMQP


def check_name(value: object, what: str) -> None:
    """See that a name or key is one that every broker can carry.

    Raises:
        MessagingError: it is no text, too long, or cannot be written as UTF-8.
    """
    if not isinstance(value, str):
        raise MessagingError(f"{what} is not text but of type {type(value).__name__}")
    try:
        size = len(value if value.isascii() else value.encode())
    except UnicodeEncodeError as error:
        raise MessagingError(f"{what} cannot be written as UTF-8: {value!r}") from error
    if size > _NAME_LIMIT:
        raise MessagingError(
            f"{what} is {size} bytes long; at most {_NAME_LIMIT} are possible: {value[:40]}…"
        )


def check_names(exchange: object = "", queue: object = "", key: object = "") -> None:
    """See that these can be carried.

    Raises:
        MessagingError: says which cannot, and why.
    """
    check_name(exchange, "the name of an exchange")
    check_name(queue, "the name of a queue")
    check_name(key, "a routing key")


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What not every transport can do.

    Attributes:
        crosses_processes: other processes can talk over it.
        in_transaction: what is published is part of a transaction of the publisher's, who may
            commit it as soon as he is told to go on: nothing can be sent later.
    """

    crosses_processes: bool
    in_transaction: bool = False


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue as it is declared.

    Attributes:
        name: empty for a name that the broker chooses.
        durable: it survives a restart of the broker.
        exclusive: it belongs to this connection and goes with it.
        auto_delete: it goes when its last consumer goes.
        passive: only check that it exists.
        arguments: the broker's x-arguments.
    """

    name: str = ""
    durable: bool = True
    exclusive: bool = False
    auto_delete: bool = False
    passive: bool = False
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_names(queue=self.name)
        if not isinstance(self.arguments, Mapping):
            raise MessagingError(
                f"the arguments of the queue {self.name!r} are {self.arguments!r}, and no mapping"
            )


@dataclass(frozen=True, slots=True)
class QueueInfo:
    """What the broker answers about a queue: its name, waiting messages and consumers."""

    name: str
    messages: int
    consumers: int


# The next three are made for every message, and a frozen dataclass takes six times as long to make
# as one that is not. They are values all the same: nobody changes one.


@dataclass(slots=True, unsafe_hash=True)
class Properties:
    """What travels beside the body: the properties of AMQP 0-9-1 under its own names.

    Attributes:
        persistent: the message survives a restart of the broker in a durable queue.
        expiration: seconds that it may wait in a queue, or None.
        timestamp: Unix seconds when it was made, or None.
        priority: higher ones first in a queue that has priorities (x-max-priority); 0 to 255.
        type: the sender's word for the kind of message.
        user_id: the broker refuses another name than that of the connection.
    """

    message_id: str
    content_type: str = ""
    persistent: bool = True
    headers: Mapping[str, Any] = field(default_factory=dict)
    reply_to: str | None = None
    correlation_id: str | None = None
    expiration: float | None = None
    timestamp: int | None = None
    content_encoding: str | None = None
    priority: int | None = None
    type: str | None = None
    user_id: str | None = None
    app_id: str | None = None


@dataclass(slots=True, unsafe_hash=True)
class Envelope:
    """One message on its way in.

    Attributes:
        exchange: an exchange's name; empty for the default exchange, whose keys are queue names.
        mandatory: it is an error when no queue takes it.
    """

    exchange: str
    key: str
    body: bytes
    properties: Properties
    mandatory: bool = False

    def __post_init__(self) -> None:
        properties = self.properties
        texts = (
            self.exchange,
            self.key,
            properties.message_id,
            properties.content_type or "",
            properties.content_encoding or "",
            properties.reply_to or "",
            properties.correlation_id or "",
            properties.type or "",
            properties.user_id or "",
            properties.app_id or "",
        )
        try:  # all of them at once: nearly always there is nothing more to see
            whole = "".join(texts)
            if len(whole) <= _NAME_LIMIT and whole.isascii():
                return
        except TypeError:
            pass  # one is no text, as is said below
        check_names(self.exchange, key=self.key)
        check_name(properties.message_id, "a message id")
        for value in texts[3:]:
            check_name(value, "a property of a message")


@dataclass(slots=True, unsafe_hash=True)
class Delivery:
    """One message on its way out.

    Attributes:
        queue: where it came from.
        redelivered: it may have been delivered before.
        receipt: what the connection needs to settle it; opaque.
        damage: why its properties could not be read and are empty, or None.
    """

    queue: str
    exchange: str
    key: str
    body: bytes
    properties: Properties
    redelivered: bool
    receipt: object = field(repr=False)
    damage: str | None = None

    @property
    def origin(self) -> str:
        """Its size and where it came from, for a log."""
        return (
            f"{len(self.body)} bytes from queue {self.queue} (exchange {self.exchange}, "
            f"key {self.key}, id {self.properties.message_id})"
        )


Done = Callable[[MessagingError | None], None]
OnDelivery = Callable[[Delivery], None]
OnEnd = Callable[[MessagingError], None]


class Connection(Protocol):
    """One open connection; see the rules of this module.

    Every method raises ConnectionLostError when the connection is lost, and TopologyError when
    the broker refuses.
    """

    @property
    def is_open(self) -> bool:
        """Whether it can still be used, as far as is known."""

    @property
    def blocked(self) -> str | None:
        """Why the broker takes no messages just now (its memory or disk is full), or None."""

    def declare_exchange(self, exchange: type[Exchange]) -> None:
        """Make sure that the exchange exists as described; the default exchange always does."""

    def declare_queue(self, queue: Queue) -> QueueInfo:
        """Make sure that the queue exists as described."""

    def delete_exchange(self, exchange: str) -> None:
        """Delete an exchange; one that is not there is no error."""

    def bind(
        self, exchange: str, queue: str, key: str, arguments: Mapping[str, Any] | None = None
    ) -> None:
        """Let the exchange put what matches the key, or the headers in `arguments`, there."""

    def unbind(
        self, exchange: str, queue: str, key: str, arguments: Mapping[str, Any] | None = None
    ) -> None:
        """Take a binding away; one that is not there is no error."""

    def bind_exchange(self, source: str, destination: str, key: str) -> None:
        """Let one exchange pass what matches the key on to another."""

    def delete_queue(self, queue: str) -> None:
        """Delete a queue with its messages; one that is not there is no error."""

    def purge_queue(self, queue: str) -> int:
        """Drop what waits in a queue; how many messages that were."""

    def publish(self, envelope: Envelope, done: Done) -> None:
        """Hand a message over; `done` tells when the broker has it. Never waits."""

    def post(self, envelope: Envelope, *, at_once: bool = True) -> bool:
        """Hand a message over that is not confirmed, as it is sent again if no answer comes.

        It may be lost with the connection, and never waits. What is `mandatory` and taken by no
        queue is told to `on_return`.

        Args:
            envelope: the message.
            at_once: False: it may stay here for about a millisecond, for others to go with it.

        Returns:
            whether it was taken; if not, too much waits, or this kind of connection has no such
            way: publish it.
        """

    def on_return(self, tell: Callable[[UnroutableError], None]) -> None:
        """Whom to tell of posted messages that no queue takes; the last one who asks."""

    def get(self, queue: str) -> Delivery | None:
        """Take the first message of a queue, to be settled like any other; None: it is empty."""

    def consume(
        self,
        queue: str,
        on_delivery: OnDelivery,
        on_end: OnEnd,
        *,
        prefetch: int,
        no_ack: bool = False,
        exclusive: bool = False,
        arguments: Mapping[str, Any] | None = None,
    ) -> str:
        """Let deliveries come, at most `prefetch` of them unsettled.

        Args:
            queue: an existing queue, or DIRECT_REPLY_TO: then messages published over this
                connection with that name in `reply_to` are answered straight to it (needs no_ack).
            on_delivery: called with each delivery.
            on_end: called once when no more will come although nobody cancelled: the connection
                was lost, the queue was deleted, or the broker cancelled the consumer.
            prefetch: 1 or more.
            no_ack: what is delivered counts as settled.
            exclusive: refuse if there is another consumer, and keep others away.
            arguments: the broker's x-arguments, such as x-priority.

        Returns:
            a name for `cancel`.
        """

    def cancel(self, consumer: str) -> None:
        """Let no more deliveries come; those that came are still to be settled."""

    def ack(self, delivery: Delivery) -> None:
        """It is done: the broker may forget it. At most once per delivery."""

    def reject(self, delivery: Delivery, *, requeue: bool) -> None:
        """Give it back to the queue, or refuse it: to the dead letters if the queue has any."""

    def holds(self, delivery: Delivery) -> bool:
        """Whether it is still ours to settle; else the broker has taken it back."""

    def close(self) -> None:
        """End it in order; what was settled before is settled. Never raises; again is harmless."""


class EverythingConfirmed:
    """The part of a connection that has no way for messages without confirmation."""

    def post(self, envelope: Envelope, *, at_once: bool = True) -> bool:  # noqa: ARG002 - as told
        """It is not taken."""
        return False

    def on_return(self, tell: Callable[[UnroutableError], None]) -> None:
        """Nothing is posted, and nothing returned."""


class Transport(Protocol):
    """A place where messages are exchanged; immutable, safe to share between threads."""

    @property
    def url(self) -> str:
        """The address without the password."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""

    def open(self, timeout: float = REQUEST_TIMEOUT) -> Connection:
        """A new connection.

        Args:
            timeout: seconds that opening it, and later each request on it, may take.

        Raises:
            BrokerUnreachableError: nobody answers (in time).
            LoginError: the broker refuses the credentials or the virtual host.
        """
