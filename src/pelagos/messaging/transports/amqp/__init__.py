"""Over AMQP 0-9-1 by our own hand: the default for `amqp:` and `amqps:`."""

from __future__ import annotations

from pelagos.messaging.transports.amqp.connection import AmqpConnection
from pelagos.messaging.transports.base import REQUEST_TIMEOUT, Connection
from pelagos.messaging.transports.broker_transport import BrokerTransport

__all__ = ["AmqpConnection", "AmqpTransport"]


class AmqpTransport(BrokerTransport):
    """The transport of an `amqp://` or `amqps://` URL."""

    def open(self, timeout: float = REQUEST_TIMEOUT) -> Connection:
        """A new connection to the first host that answers; see the base."""
        return AmqpConnection(self.address, timeout)
