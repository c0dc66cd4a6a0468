"""Over AMQP 0-9-1 with pika: the second implementation. The only door to pika."""

from __future__ import annotations

import time
from typing import Final

from pelagos.messaging.errors import BrokerUnreachableError
from pelagos.messaging.transports.address import BrokerAddress
from pelagos.messaging.transports.base import REQUEST_TIMEOUT, Capabilities, Connection
from pelagos.messaging.transports.pika.connection import PikaConnection

__all__ = ["PikaConnection", "PikaTransport"]

CAPABILITIES: Final = Capabilities(
    exchange_types=frozenset({"direct", "topic", "fanout", "headers"}),
    outlives_process=True,
    crosses_processes=True,
    queue_arguments=None,
)


class PikaTransport:
    """Opens connections to one broker."""

    def __init__(self, address: BrokerAddress) -> None:
        self.address = address

    @classmethod
    def from_url(cls, url: str) -> PikaTransport:
        """The transport of an `amqp+pika://` URL."""
        return cls(BrokerAddress.from_url(url))

    @property
    def url(self) -> str:
        """The address without the password."""
        return self.address.url

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        return CAPABILITIES

    def open(self, timeout: float = REQUEST_TIMEOUT) -> Connection:
        """A new connection.

        Raises:
            BrokerUnreachableError: nobody answers in time.
            LoginError: the broker refuses the credentials or the virtual host.
        """
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

    def __repr__(self) -> str:
        return f"<PikaTransport {self.url}>"
