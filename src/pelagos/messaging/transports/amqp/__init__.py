"""Over AMQP 0-9-1 by our own hand: the default for `amqp:` and `amqps:`."""

from __future__ import annotations

from typing import Final

from pelagos.messaging.transports.address import BrokerAddress
from pelagos.messaging.transports.amqp.connection import AmqpConnection
from pelagos.messaging.transports.base import REQUEST_TIMEOUT, Capabilities, Connection

__all__ = ["AmqpConnection", "AmqpTransport"]

CAPABILITIES: Final = Capabilities(
    exchange_types=frozenset({"direct", "topic", "fanout", "headers"}),
    outlives_process=True,
    crosses_processes=True,
    queue_arguments=None,
)


class AmqpTransport:
    """Opens connections to one broker, which may have several hosts."""

    def __init__(self, address: BrokerAddress) -> None:
        self.address = address

    @classmethod
    def from_url(cls, url: str) -> AmqpTransport:
        """The transport of an `amqp://` or `amqps://` URL."""
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
        """A new connection to the first host that answers.

        Raises:
            BrokerUnreachableError: nobody answers in time.
            LoginError: the broker refuses the credentials or the virtual host.
            BusUrlError: the certificates that the URL names cannot be used.
        """
        return AmqpConnection(self.address, timeout)

    def __repr__(self) -> str:
        return f"<AmqpTransport {self.url}>"
