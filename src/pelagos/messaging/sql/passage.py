"""A bus that leads into an outbox, so that any producer can send within a transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import sqlalchemy as sa

from pelagos.messaging.errors import MessagingError
from pelagos.messaging.exchange import Exchange
from pelagos.messaging.transports.base import (
    REQUEST_TIMEOUT,
    Capabilities,
    Connection,
    Delivery,
    Done,
    Envelope,
    EverythingConfirmed,
    OnDelivery,
    OnEnd,
    Queue,
    QueueInfo,
)

Put = Callable[[sa.Connection, type[Exchange], Envelope], None]


class _DefaultExchange(Exchange):
    """Whose keys are the names of queues."""

    name = ""


class OutboxTransport:
    """The outbox within one transaction, as a bus that can only be published to."""

    url = "outbox:"
    capabilities = Capabilities(crosses_processes=True, in_transaction=True)

    def __init__(self, transaction: sa.Connection, put: Put) -> None:
        self._transaction = transaction
        self._put = put

    def open(self, timeout: float = REQUEST_TIMEOUT) -> Connection:  # noqa: ARG002 - never waits
        """A connection that is open as long as the transaction's is."""
        return OutboxConnection(self._transaction, self._put)


class OutboxConnection(EverythingConfirmed):
    """Publishes into the outbox; nothing else can be done before the commit."""

    blocked = None

    def __init__(self, transaction: sa.Connection, put: Put) -> None:
        self._transaction = transaction
        self._put = put
        self._exchanges: dict[str, type[Exchange]] = {"": _DefaultExchange}

    @property
    def is_open(self) -> bool:
        """Whether the transaction can still be used."""
        return not self._transaction.closed

    def declare_exchange(self, exchange: type[Exchange]) -> None:
        """Noted, and declared by the relay."""
        self._exchanges[exchange.name] = exchange

    def publish(self, envelope: Envelope, done: Done) -> None:
        """Put the message into the outbox."""
        exchange = self._exchanges.get(envelope.exchange)
        if exchange is None:
            problem = MessagingError(
                f"the exchange {envelope.exchange} was not declared",
                hint="declare it on this connection first, so that the relay can, too",
            )
            done(problem)
            return
        try:
            self._put(self._transaction, exchange, envelope)
        except MessagingError as error:
            done(error)
        else:
            done(None)

    def close(self) -> None:
        """The transaction is its owner's."""

    # What needs a broker.

    def declare_queue(self, queue: Queue) -> QueueInfo:
        """Cannot be done."""
        _refuse(f"declare the queue {queue.name}")

    def delete_exchange(self, exchange: str) -> None:
        """Cannot be done."""
        _refuse(f"delete the exchange {exchange}")

    def bind(
        self, exchange: str, queue: str, key: str, arguments: Mapping[str, Any] | None = None
    ) -> None:
        """Cannot be done."""
        _refuse(f"bind {queue} to {exchange} with {key} and {arguments or 'no arguments'}")

    def unbind(
        self, exchange: str, queue: str, key: str, arguments: Mapping[str, Any] | None = None
    ) -> None:
        """Cannot be done."""
        _refuse(f"unbind {queue} from {exchange} with {key} and {arguments or 'no arguments'}")

    def bind_exchange(self, source: str, destination: str, key: str) -> None:
        """Cannot be done."""
        _refuse(f"bind the exchange {destination} to {source} with {key}")

    def delete_queue(self, queue: str) -> None:
        """Cannot be done."""
        _refuse(f"delete the queue {queue}")

    def purge_queue(self, queue: str) -> int:
        """Cannot be done."""
        _refuse(f"purge the queue {queue}")

    def get(self, queue: str) -> Delivery | None:
        """Cannot be done."""
        _refuse(f"read the queue {queue}")

    def consume(
        self,
        queue: str,
        on_delivery: OnDelivery,  # noqa: ARG002 - the protocol's
        on_end: OnEnd,  # noqa: ARG002 - the protocol's
        *,
        prefetch: int,  # noqa: ARG002 - the protocol's
        no_ack: bool = False,  # noqa: ARG002 - the protocol's
        exclusive: bool = False,  # noqa: ARG002 - the protocol's
        arguments: Mapping[str, Any] | None = None,  # noqa: ARG002 - the protocol's
    ) -> str:
        """Cannot be done."""
        _refuse(f"consume {queue}")

    def cancel(self, consumer: str) -> None:
        """Cannot be done."""
        _refuse(f"cancel {consumer}")

    def ack(self, delivery: Delivery) -> None:
        """Cannot be done."""
        _refuse(f"acknowledge a message of {delivery.queue}")

    def reject(self, delivery: Delivery, *, requeue: bool) -> None:  # noqa: ARG002 - the protocol's
        """Cannot be done."""
        _refuse(f"reject a message of {delivery.queue}")

    def holds(self, delivery: Delivery) -> bool:  # noqa: ARG002 - the protocol's
        """Nothing ever came."""
        return False


def _refuse(what: str) -> NoReturn:
    raise MessagingError(
        f"an outbox cannot {what}: messages leave it after the commit, and nothing comes back",
        hint="call and consume on the bus itself",
    )
