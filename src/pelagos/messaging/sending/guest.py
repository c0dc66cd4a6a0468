"""What else lives on a sender's connection, and hears of its coming and going."""

from __future__ import annotations

from pelagos.messaging.errors import MessagingError
from pelagos.messaging.transports.base import Connection


class Guest:
    """What else lives on a sender's connection; the base wants nothing.

    The methods may call the sender; `prepare` and `give_up` run in the thread that connects.
    """

    def needs_connection(self) -> bool:
        """Whether a lost connection has to be opened again although nothing is to be sent."""
        return False

    def prepare(self, connection: Connection) -> None:
        """A connection was opened, and nothing has been sent over it."""

    def give_up(self, error: MessagingError) -> None:
        """No connection will be opened: the broker refuses us."""

    def connected(self) -> None:
        """A connection is there."""

    def disconnected(self, error: MessagingError | None) -> None:
        """It was closed (None), or lost."""
