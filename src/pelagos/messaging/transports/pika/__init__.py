"""Over AMQP 0-9-1 with pika: the second implementation. The only door to pika."""

from __future__ import annotations

import time

from pelagos.messaging.errors import BrokerUnreachableError
from pelagos.messaging.transports.base import REQUEST_TIMEOUT, Connection
from pelagos.messaging.transports.broker_transport import BrokerTransport
from pelagos.messaging.transports.pika.connection import PikaConnection

__all__ = ["PikaConnection", "PikaTransport"]


class PikaTransport(BrokerTransport):
    """The transport of an `amqp+pika://` or `amqps+pika://` URL."""

    def open(self, timeout: float = REQUEST_TIMEOUT) -> Connection:
        """A new connection to the first host that answers; see the base."""
        deadline = time.monotonic() + timeout
        problem: BrokerUnreachableError | None = None
        places = self.address.hosts
        for number, place in enumerate(places):
            share = max(deadline - time.monotonic(), 0.0) / (len(places) - number)
            try:
                return PikaConnection(self.address, timeout, place, share)
            except BrokerUnreachableError as error:
                problem = error
        raise problem or BrokerUnreachableError(f"{self.url} names no host")
