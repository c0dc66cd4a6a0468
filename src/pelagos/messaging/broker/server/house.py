"""What all connections of a broker share."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol

from pelagos.messaging.broker.core import Broker
from pelagos.messaging.broker.server.handshake import Bounds
from pelagos.messaging.broker.server.publishing import Room


class House(Protocol):
    """The broker as its connections see it.

    Attributes:
        blocked: why publishers have to wait, or None.
    """

    loop: asyncio.AbstractEventLoop
    bounds: Bounds
    room: Room
    version: str
    blocked: str | None

    @property
    def connections(self) -> set[Any]:
        """Those that are open."""

    @property
    def users(self) -> Mapping[str, str]:
        """Passwords by name."""

    @property
    def brokers(self) -> Mapping[str, Broker]:
        """The virtual hosts by name."""

    def left(self, connection: Any) -> None:
        """A client has gone."""

    def check_memory(self) -> None:
        """See whether there is still room for messages."""
