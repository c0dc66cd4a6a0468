"""One connection to a broker in this process."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from pelagos.messaging.broker.core import ExchangeSpec
from pelagos.messaging.codec.errors import CodecError
from pelagos.messaging.codec.properties import encode_header
from pelagos.messaging.errors import ConnectionLostError, MessagingError, TopologyError
from pelagos.messaging.exchange import Exchange
from pelagos.messaging.transports.base import (
    Delivery,
    Done,
    Envelope,
    EverythingConfirmed,
    OnDelivery,
    OnEnd,
    Properties,
    Queue,
    QueueInfo,
    check_names,
)
from pelagos.messaging.transports.memory.broker import MemoryBroker
from pelagos.messaging.transports.refusal import unwritable

_LATE = 2**63  # Unix seconds


class MemoryConnection(EverythingConfirmed):
    """One connection; nothing here waits, unless the bus was told to freeze."""

    def __init__(self, broker: MemoryBroker, timeout: float) -> None:
        self._broker = broker
        self._faults = broker.faults
        self._timeout = timeout
        self._put = broker.publish
        self._settle = broker.settle
        broker.attach(self, first_receipt=broker.first_receipt())

    @property
    def is_open(self) -> bool:
        """Whether the broker still knows it."""
        return self._broker.is_attached(self)

    @property
    def blocked(self) -> str | None:
        """Why no messages are taken just now, or None; a full queue refuses instead."""
        return self._faults.blocked

    # What the broker has.

    def declare_exchange(self, exchange: type[Exchange]) -> None:
        """Make sure that the exchange exists as described."""
        check_names(exchange.name)
        broker = self._asked()
        if exchange.name:
            spec = ExchangeSpec(
                exchange.name,
                exchange.exchange_type,
                exchange.durable,
                exchange.auto_delete,
                arguments=exchange.arguments,
            )
            broker.declare_exchange(self, spec, passive=exchange.passive)

    def delete_exchange(self, exchange: str) -> None:
        """Delete an exchange."""
        check_names(exchange)
        self._asked().delete_exchange(self, exchange)

    def declare_queue(self, queue: Queue) -> QueueInfo:
        """Make sure that the queue exists as described."""
        return self._asked().declare_queue(self, queue)

    def delete_queue(self, queue: str) -> None:
        """Delete a queue with its messages."""
        check_names(queue=queue)
        self._asked().delete_queue(self, queue)

    def purge_queue(self, queue: str) -> int:
        """Drop what waits in a queue; how many messages that were."""
        check_names(queue=queue)
        return self._asked().purge_queue(self, queue)

    def bind(
        self, exchange: str, queue: str, key: str, arguments: Mapping[str, Any] | None = None
    ) -> None:
        """Let the exchange put what matches into the queue."""
        check_names(exchange, queue, key)
        self._asked().bind(self, exchange, queue, key, arguments)

    def unbind(
        self, exchange: str, queue: str, key: str, arguments: Mapping[str, Any] | None = None
    ) -> None:
        """Take a binding away."""
        check_names(exchange, queue, key)
        self._asked().unbind(self, exchange, queue, key, arguments)

    def bind_exchange(self, source: str, destination: str, key: str) -> None:
        """Let one exchange pass what matches the key on to another."""
        check_names(source, key=key)
        check_names(destination)
        self._asked().bind_exchange(self, source, destination, key)

    # Messages.

    def publish(self, envelope: Envelope, done: Done) -> None:
        """Hand a message over; `done` is called before this returns, unless a fault delays it."""
        given = envelope.properties
        if given.headers or not _is_plain(given):
            try:  # what AMQP has no form for is refused here, too
                encode_header(0, given)
            except (CodecError, TypeError) as error:
                done(unwritable(error, envelope))
                return
        if self._faults.armed:
            self._faults.publish(self, envelope, self._take, done)
            return
        refused = self._put(self, envelope).refused
        done(self._fatal(refused) if isinstance(refused, TopologyError) else refused)

    def _take(self, envelope: Envelope) -> MessagingError | None:
        refused = self._put(self, envelope).refused
        return self._fatal(refused) if isinstance(refused, TopologyError) else refused

    def _fatal(self, problem: TopologyError) -> ConnectionLostError:
        """What a broker answers by ending the connection."""
        self._broker.cut(self, reason=str(problem))
        return ConnectionLostError(str(problem), hint=problem.hint)

    def get(self, queue: str) -> Delivery | None:
        """Take the first message of a queue; None: it is empty."""
        check_names(queue=queue)
        found = self._asked().get(self, queue)
        return found[0] if found else None

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
        """Let deliveries come; a name for `cancel`."""
        check_names(queue=queue)
        return self._asked().consume(
            self,
            "",
            queue,
            on_delivery,
            on_end,
            prefetch=prefetch,
            no_ack=no_ack,
            exclusive=exclusive,
            arguments=arguments,
        )

    def cancel(self, consumer: str) -> None:
        """Let no more deliveries come."""
        self._asked().cancel(self, consumer)

    def ack(self, delivery: Delivery) -> None:
        """It is done."""
        self._settled(delivery, accept=True, requeue=False)

    def reject(self, delivery: Delivery, *, requeue: bool) -> None:
        """Give it back, or refuse it."""
        self._settled(delivery, accept=False, requeue=requeue)

    def _settled(self, delivery: Delivery, *, accept: bool, requeue: bool) -> None:
        receipt = delivery.receipt
        if not isinstance(receipt, int):
            raise ConnectionLostError("this delivery came over another connection")

        def late() -> None:
            with suppress(ConnectionLostError):
                self._settle(self, receipt, accept=accept, requeue=requeue, counts=False)

        if self._faults.armed and self._faults.later(late):
            return
        self._settle(self, receipt, accept=accept, requeue=requeue, counts=False)

    def holds(self, delivery: Delivery) -> bool:  # noqa: ARG002 - as told
        """It is: there are no channels that end before the connection."""
        return True

    def close(self) -> None:
        """End it; what was not settled goes back to its queue."""
        self._broker.detach(self)

    def _asked(self) -> MemoryBroker:
        """The broker, when it answers."""
        if self._faults.armed:
            self._faults.await_answer(self, self._timeout)
        return self._broker


def _is_plain(given: Properties) -> bool:
    """Whether its numbers can certainly be written; nearly always they can."""
    made = given.timestamp
    return (
        given.priority is None
        and given.expiration is None
        and (made is None or (type(made) is int and 0 <= made < _LATE))
    )
