"""What a client publishes on a channel: at once or in a transaction, and how it is confirmed."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from pelagos.messaging import codec
from pelagos.messaging.broker.core import Broker
from pelagos.messaging.broker.server import content
from pelagos.messaging.broker.server.bounds import Crowd
from pelagos.messaging.broker.server.faults import Faults
from pelagos.messaging.broker.server.refusals import Refusal
from pelagos.messaging.codec import methods
from pelagos.messaging.errors import ConnectionLostError, TopologyError, UnroutableError
from pelagos.messaging.transports.base import Envelope

_NO_ROUTE = 312


class Room(NamedTuple):
    """What messages may take, and who counts it.

    Attributes:
        message: bytes of the largest body.
        transaction: bytes that one channel may hold in a transaction.
        crowd: counts what is declared.
    """

    meter: content.Meter
    faults: Faults
    message: int
    transaction: int
    crowd: Crowd


class Client(Protocol):
    """The connection of a channel, as far as publishing needs it."""

    confirming: list[Publishing]

    @property
    def frame_max(self) -> int:
        """Bytes of the largest frame."""

    @property
    def user(self) -> str:
        """Who is logged in."""

    def write(self, data: bytes) -> None:
        """Send it soon, after what was written before; from any thread."""


class Settlement(NamedTuple):
    """What becomes of a delivery, or with `multiple` of it and all before it.

    Attributes:
        accept: it is done; else it is refused, or goes back to its queue with `requeue`.
        counts: as a failed attempt, where it goes back to a quorum queue.
    """

    tag: int
    multiple: bool = False
    accept: bool = False
    requeue: bool = False
    counts: bool = True


class _Channel(Protocol):
    number: int
    broker: Broker
    closing: bool

    @property
    def peer(self) -> Client:
        """Its connection."""

    def send(self, method: codec.Method) -> None:
        """Tell the client."""

    def answer(self, asked: methods.ConfirmSelect, method: codec.Method) -> None:
        """Tell the client, unless it does not want an answer."""

    def settle(self, what: Settlement) -> None:
        """Settle at once."""


class Publishing:
    """The publishing half of a channel, and whatever else a transaction holds back."""

    def __init__(self, channel: _Channel, room: Room) -> None:
        self._channel = channel
        self._room = room
        self._confirming = False
        self._next = 1  # the number of the next message that is confirmed
        self._acked: tuple[int, int] | None = None  # first and last that are to be confirmed
        self._told = 0  # all up to this number were confirmed or refused
        self._transaction: list[Envelope | Settlement] | None = None
        self._held = 0  # bytes in the transaction

    # Messages.

    def publish(self, asked: methods.BasicPublish, message: codec.Content, header: bytes) -> None:
        """Take a message.

        Raises:
            MessagingError: with a code: it is refused with the channel or the connection.
        """
        properties, body, damage = message
        if asked.immediate:
            raise Refusal("immediate=true", code=540)
        if damage is not None:
            raise Refusal(damage, code=406)
        content.check_expiration(header, properties)
        if properties.user_id is not None and properties.user_id != self._channel.peer.user:
            raise Refusal(
                f"user_id property set to '{properties.user_id}' but authenticated user was "
                f"'{self._channel.peer.user}'",
                code=406,
            )
        envelope = Envelope(
            asked.exchange,
            asked.routing_key,
            content.StoredBody.of(body, header, properties, self._room.meter),
            properties,
            asked.mandatory,
        )
        if self._transaction is not None:
            self._hold(envelope, len(body) + content.cost_of(header, properties))
        else:
            self._put(envelope)

    def _put(self, envelope: Envelope) -> None:
        taken = not (self._confirming and self._room.faults.confirms == "refuse")
        refused = None
        if taken:
            routed, refused = self._channel.broker.publish(self._channel, envelope)
            if routed > 1 and isinstance(envelope.body, content.StoredBody):
                envelope.body.add_copies(routed - 1)
        if refused is not None:
            if isinstance(refused, UnroutableError):
                self._return(envelope)
            elif isinstance(refused, TopologyError | ConnectionLostError):
                raise refused
            else:
                taken = False
        if self._confirming:
            number, self._next = self._next, self._next + 1
            self._room.faults.confirm(self, number, taken=taken)

    def _return(self, envelope: Envelope) -> None:
        self.flush()
        channel = self._channel
        size = channel.peer.frame_max
        method = methods.BasicReturn(_NO_ROUTE, "NO_ROUTE", envelope.exchange, envelope.key)
        channel.peer.write(
            codec.encode_method(channel.number, method, size)
            + content.encode(channel.number, envelope.properties, envelope.body, size)
        )

    # Confirms.

    def select_confirms(self, asked: methods.ConfirmSelect) -> None:
        """Confirm from now on."""
        if self._transaction is not None:
            raise Refusal("cannot switch from tx to confirm mode", code=406)
        self._confirming = True
        self._channel.answer(asked, methods.ConfirmSelectOk())

    def confirm(self, number: int, *, taken: bool) -> None:
        """Say that a message is taken or not; those that are taken are told together."""
        if self._channel.closing:
            return
        if taken and self._acked is not None and self._acked[1] + 1 == number:
            self._acked = self._acked[0], number
            return
        self.flush()
        if taken:
            self._acked = number, number
            self._channel.peer.confirming.append(self)
        else:
            self._write(methods.BasicNack(number, multiple=False, requeue=False))
            self._told = number if self._told + 1 == number else self._told

    def flush(self) -> None:
        """Tell what has been confirmed."""
        if self._acked is None:
            return
        (first, last), self._acked = self._acked, None
        if self._told + 1 == first:
            self._told = last
            self._write(methods.BasicAck(last, multiple=first != last))
            return
        for number in range(first, last + 1):
            self._write(methods.BasicAck(number, multiple=False))

    def _write(self, method: codec.Method) -> None:
        self._channel.peer.write(
            codec.encode_method(self._channel.number, method, self._channel.peer.frame_max)
        )

    # Transactions.

    def select_transactions(self) -> None:
        """Hold back from now on."""
        if self._confirming:
            raise Refusal("cannot switch from confirm to tx mode", code=406)
        if self._transaction is None:
            self._transaction = []
        self._channel.send(methods.TxSelectOk())

    def settle(self, what: Settlement) -> None:
        """Settle a delivery: at once, or with the transaction."""
        if self._transaction is None:
            self._channel.settle(what)
        else:
            self._hold(what, content.OVERHEAD)

    def _hold(self, what: Envelope | Settlement, size: int) -> None:
        self._held += size
        if self._held > self._room.transaction:
            raise Refusal(f"a transaction of more than {self._room.transaction} bytes", code=506)
        if self._transaction is not None:
            self._transaction.append(what)

    def commit(self) -> None:
        """Do what was held back."""
        for what in self._taken():
            if isinstance(what, Envelope):
                self._put(what)
            else:
                self._channel.settle(what)
        self._channel.send(methods.TxCommitOk())

    def roll_back(self) -> None:
        """Forget what was held back."""
        self._taken()
        self._channel.send(methods.TxRollbackOk())

    def _taken(self) -> list[Envelope | Settlement]:
        if self._transaction is None:
            raise Refusal("channel is not transactional", code=406)
        held, self._transaction, self._held = self._transaction, [], 0
        return held

    def drop(self) -> None:
        """The channel ends."""
        self._transaction, self._acked = None, None
