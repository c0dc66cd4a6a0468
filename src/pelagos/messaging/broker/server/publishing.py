"""What a client publishes on a channel: at once or in a transaction, and how it is confirmed."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple, Protocol

from pelagos.messaging import codec
from pelagos.messaging.broker.core import Broker, Verdict
from pelagos.messaging.broker.core.arrival import TAKEN, Routed, without_bcc
from pelagos.messaging.broker.server import content
from pelagos.messaging.broker.server.bounds import Crowd
from pelagos.messaging.broker.server.faults import Faults
from pelagos.messaging.broker.server.refusals import Refusal
from pelagos.messaging.codec import methods
from pelagos.messaging.errors import ConnectionLostError, TopologyError, UnroutableError
from pelagos.messaging.transports.base import Envelope, Properties

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


class Transaction(NamedTuple):
    """What a transaction holds back: messages, and what becomes of which deliveries."""

    messages: list[Routed]
    settlements: list[tuple[Settlement, list[int]]]


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
        self._transaction: Transaction | None = None
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
        try:
            self._check(header, properties)
        except Refusal:
            self._channel.broker.check_target(asked.exchange)  # it has the first word
            raise
        envelope = Envelope(
            asked.exchange,
            asked.routing_key,
            content.StoredBody.of(body, header, properties, self._room.meter),
            properties,
            asked.mandatory,
        )
        if self._transaction is not None:
            routed = self._channel.broker.route(self._channel, envelope)
            self._transaction.messages.append(routed)
            self._hold(len(body) + content.cost_of(header, properties))
        else:
            self._put(envelope)

    def _check(self, header: bytes, properties: Properties) -> None:
        content.check_expiration(header, properties)
        user = self._channel.peer.user
        if properties.user_id is not None and properties.user_id != user:
            raise Refusal(
                f"user_id property set to '{properties.user_id}' but authenticated user was "
                f"'{user}'",
                code=406,
            )

    def _put(self, envelope: Envelope) -> None:
        taken = not (self._confirming and self._room.faults.confirms == "refuse")
        if taken:
            verdict = self._channel.broker.publish(self._channel, envelope)
            taken = verdict is TAKEN or self._is_taken(envelope, verdict)
        if self._confirming:
            number, self._next = self._next, self._next + 1
            self._room.faults.confirm(self, number, taken=taken)

    def _is_taken(self, envelope: Envelope, verdict: Verdict) -> bool:
        routed, refused = verdict
        if routed > 1 and isinstance(envelope.body, content.StoredBody):
            envelope.body.add_copies(routed - 1)
        if isinstance(refused, UnroutableError):
            self._return(envelope)
        elif isinstance(refused, TopologyError | ConnectionLostError):
            raise refused
        return refused is None or isinstance(refused, UnroutableError)

    def _return(self, envelope: Envelope) -> None:
        self.flush()
        channel = self._channel
        size = channel.peer.frame_max
        properties = envelope.properties
        if "BCC" in properties.headers:
            properties = replace(properties, headers=without_bcc(properties.headers))
        method = methods.BasicReturn(_NO_ROUTE, "NO_ROUTE", envelope.exchange, envelope.key)
        channel.peer.write(
            codec.encode_method(channel.number, method, size)
            + content.encode(channel.number, properties, envelope.body, size)
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
            self._transaction = Transaction([], [])
        self._channel.send(methods.TxSelectOk())

    def settle(self, what: Settlement) -> None:
        """Settle a delivery: at once, or with the transaction.

        Raises:
            Refusal: there is no such delivery to be settled.
        """
        if self._transaction is None:
            self._channel.settle(what)
            return
        claimed = self._channel.broker.claim(self._channel, what.tag, multiple=what.multiple)
        if claimed is None:
            raise Refusal(f"unknown delivery tag {what.tag}", code=406)
        self._transaction.settlements.append((what, claimed))
        self._hold(content.OVERHEAD)

    def _hold(self, size: int) -> None:
        self._held += size
        if self._held > self._room.transaction:
            raise Refusal(f"a transaction of more than {self._room.transaction} bytes", code=506)

    def commit(self) -> None:
        """Do what was held back: first messages come, then others go.

        Raises:
            Refusal: all that was possible is done, but a queue is full.
        """
        broker = self._channel.broker
        messages, settlements = self._taken()
        taken = [self._is_taken(routed.envelope, broker.deliver(routed)) for routed in messages]
        for what, receipts in settlements:
            broker.settle_claimed(
                self._channel,
                receipts,
                accept=what.accept,
                requeue=what.requeue,
                counts=what.counts,
            )
        if not all(taken):
            raise Refusal("partial tx completion", code=406)
        self._channel.send(methods.TxCommitOk())

    def roll_back(self) -> None:
        """Forget what was held back."""
        self._taken()
        self._channel.broker.unclaim(self._channel)
        self._channel.send(methods.TxRollbackOk())

    def _taken(self) -> Transaction:
        if self._transaction is None:
            raise Refusal("channel is not transactional", code=406)
        held, self._transaction, self._held = self._transaction, Transaction([], []), 0
        return held

    def drop(self) -> None:
        """The channel ends."""
        self._transaction, self._acked = None, None
