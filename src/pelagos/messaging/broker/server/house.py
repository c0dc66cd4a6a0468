"""What all connections of a broker share."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

from pelagos.messaging.broker.server.handshake import Entry
from pelagos.messaging.broker.server.publishing import Room


class House(Entry, Protocol):
    """The broker as its connections see it.

    Attributes:
        blocked: why publishers have to wait, or None.
    """

    loop: asyncio.AbstractEventLoop
    room: Room
    version: str
    blocked: str | None

    @property
    def connections(self) -> set[Any]:
        """Those that are open."""

    def left(self, connection: Any) -> None:
        """A client has gone."""

    def check_memory(self) -> None:
        """See whether there is still room for messages."""
