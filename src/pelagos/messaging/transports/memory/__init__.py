"""A bus inside one process: the same rules as a broker, without one.

All users of one name share one broker; it lives as long as somebody holds a transport or a
connection of that name, and forgets everything afterwards.
"""

from __future__ import annotations

import threading
import weakref
from typing import Final

from pelagos.messaging.errors import BusUrlError
from pelagos.messaging.transports.base import REQUEST_TIMEOUT, Capabilities, Connection
from pelagos.messaging.transports.memory.broker import MemoryBroker
from pelagos.messaging.transports.memory.connection import MemoryConnection

__all__ = ["MemoryBroker", "MemoryConnection", "MemoryTransport"]

CAPABILITIES: Final = Capabilities(crosses_processes=False)

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
        return self.broker.name

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        return CAPABILITIES

    def open(self, timeout: float = REQUEST_TIMEOUT) -> Connection:
        """A new connection.

        Args:
            timeout: seconds that a request waits while the bus is frozen by its `faults`.

        Raises:
            BrokerUnreachableError: the broker is stopped.
        """
        return MemoryConnection(self.broker, timeout)

    def drain(self, queue: str | None = None, *, timeout: float = 10.0) -> None:
        """Wait until all that was published has been settled; see MemoryBroker.drain.

        Raises:
            TimeoutError: says where something is left.
        """
        self.broker.drain(queue, timeout=timeout)

    def __repr__(self) -> str:
        return f"<MemoryTransport {self.url}>"
