"""What the transports to a broker of AMQP 0-9-1 have in common, whoever writes the frames."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from pelagos.messaging.transports.address import BrokerAddress
from pelagos.messaging.transports.base import REQUEST_TIMEOUT, Capabilities, Connection

_CAPABILITIES: Final = Capabilities(crosses_processes=True)
#: The largest prefetch that AMQP has a number for.
PREFETCH_MAX: Final = 65_535


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be consumed, and how; see `Connection.consume`."""

    queue: str
    prefetch: int
    no_ack: bool
    exclusive: bool
    arguments: Mapping[str, Any]


class BrokerTransport(ABC):
    """Opens connections to one broker, which may have several hosts."""

    def __init__(self, address: BrokerAddress) -> None:
        self.address = address

    @classmethod
    def from_url(cls, url: str) -> Self:
        """The transport of a URL.

        Raises:
            BusUrlError: it has another form.
        """
        return cls(BrokerAddress.from_url(url))

    @property
    def url(self) -> str:
        """The address without the password."""
        return self.address.url

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        return _CAPABILITIES

    @abstractmethod
    def open(self, timeout: float = REQUEST_TIMEOUT) -> Connection:
        """A new connection to the first host that answers.

        Raises:
            BrokerUnreachableError: nobody answers in time.
            LoginError: the broker refuses the credentials or the virtual host.
            BusUrlError: the certificates that the URL names cannot be used.
        """

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.url}>"
