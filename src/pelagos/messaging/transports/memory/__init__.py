"""A bus inside one process: the same rules as a broker, without one.

All users of one name share one broker; it lives as long as somebody holds a transport or a
connection of that name, and forgets everything afterwards.
"""

from __future__ import annotations

import threading
import weakref
from typing import Final

from pelagos.messaging.errors import BusUrlError, ConnectionLostError
from pelagos.messaging.exchange import Exchange
from pelagos.messaging.transports.base import (
    REQUEST_TIMEOUT,
    Capabilities,
    Connection,
    Delivery,
    Done,
    Envelope,
    OnDelivery,
    OnEnd,
    Queue,
    QueueInfo,
    check_names,
)
from pelagos.messaging.transports.memory.broker import MemoryBroker
from pelagos.messaging.transports.memory.rules import CAPABILITIES

__all__ = ["MemoryBroker", "MemoryConnection", "MemoryTransport"]

# The one piece of state in this room that belongs to the process: a name finds its broker.
_brokers: Final[weakref.WeakValueDictionary[str, MemoryBroker]] = weakref.WeakValueDictionary()
_brokers_lock: Final = threading.Lock()


class MemoryTransport:
    """Opens connections to the broker of one name, or to a given one."""

    def __init__(self, name: str, *, broker: MemoryBroker | None = None) -> None:
        if broker is not None:
            self.broker = broker
            return
        with _brokers_lock:
            found = _brokers.get(name)
            if found is None:
                found = _brokers[name] = MemoryBroker(name)
            self.broker = found

    @classmethod
    def from_url(cls, url: str) -> MemoryTransport:
        """The transport of `memory:NAME`."""
        name = url.partition(":")[2].strip("/")
        if not name or "?" in name:
            raise BusUrlError(
                "the URL of a bus in memory is memory:NAME, and nothing else",
                hint="give it a name; the same name is the same bus within one process",
            )
        return cls(name)

    @property
    def url(self) -> str:
        """The address."""
        return f"memory:{self.broker.name}"

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        return CAPABILITIES

    def open(self, timeout: float = REQUEST_TIMEOUT) -> Connection:  # noqa: ARG002 - never waits
        """A new connection.

        Raises:
            BrokerUnreachableError: the broker is stopped.
        """
        return MemoryConnection(self.broker)

    def __repr__(self) -> str:
        return f"<MemoryTransport {self.url}>"


class MemoryConnection:
    """One connection to a broker in this process; nothing here waits."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker
        broker.attach(self)

    @property
    def is_open(self) -> bool:
        """Whether the broker still knows it."""
        return self._broker.is_attached(self)

    @property
    def blocked(self) -> str | None:
        """Nothing blocks it: a full queue refuses."""
        return None

    def declare_exchange(
        self,
        exchange: type[Exchange],
    ) -> None:
        """Make sure that the exchange exists as described."""
        check_names(exchange.name)
        self._broker.declare_exchange(self, exchange)

    def declare_queue(
        self,
        queue: Queue,
    ) -> QueueInfo:
        """Make sure that the queue exists as described."""
        return self._broker.declare_queue(self, queue)

    def bind(
        self,
        exchange: str,
        queue: str,
        key: str,
    ) -> None:
        """Let the exchange put what matches the key into the queue."""
        check_names(exchange, queue, key)
        self._broker.bind(self, exchange, queue, key)

    def unbind(
        self,
        exchange: str,
        queue: str,
        key: str,
    ) -> None:
        """Take a binding away."""
        check_names(exchange, queue, key)
        self._broker.unbind(self, exchange, queue, key)

    def delete_queue(
        self,
        queue: str,
    ) -> None:
        """Delete a queue with its messages."""
        check_names(queue=queue)
        self._broker.delete_queue(self, queue)

    def publish(self, envelope: Envelope, done: Done) -> None:
        """Hand a message over; `done` is called before this returns."""
        done(self._broker.publish(self, envelope))

    def consume(
        self,
        queue: str,
        on_delivery: OnDelivery,
        on_end: OnEnd,
        *,
        prefetch: int,
    ) -> None:
        """Let deliveries come."""
        check_names(queue=queue)
        self._broker.consume(self, queue, on_delivery, on_end, prefetch)

    def ack(self, delivery: Delivery) -> None:
        """It is done."""
        self._broker.settle(self, _tag(delivery), accept=True)

    def reject(self, delivery: Delivery, *, requeue: bool) -> None:
        """Give it back, or refuse it."""
        self._broker.settle(self, _tag(delivery), accept=False, requeue=requeue)

    def close(self) -> None:
        """End it; what was not settled goes back to its queue."""
        self._broker.detach(self)


def _tag(delivery: Delivery) -> int:
    if not isinstance(delivery.receipt, int):
        raise ConnectionLostError("this delivery came over another connection")
    return delivery.receipt
