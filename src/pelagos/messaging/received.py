"""A message that arrived, and what its receiver decides about it."""

from __future__ import annotations

import logging
import threading
from typing import Any

from pelagos.messaging.errors import ConnectionLostError
from pelagos.messaging.transports.base import Connection, Delivery

log = logging.getLogger(__name__)


class ReceivedMessage:
    """What a consumer's callback gets.

    It is settled once: the first `ack` or `reject` counts, from whichever thread. When the
    connection is lost meanwhile, the broker delivers the message again.

    Attributes:
        body: the message's mapping, checked.
        delivery: where it came from, with its properties.
    """

    def __init__(self, body: dict[str, Any], delivery: Delivery, connection: Connection) -> None:
        self.body = body
        self.delivery = delivery
        self._connection = connection
        self._lock = threading.Lock()
        self._settled = False

    @property
    def type(self) -> str:
        """The kind of message, such as command or status."""
        return str(self.body.get("type"))

    @property
    def name(self) -> str:
        """The command's or status' name."""
        return str(self.body.get("name"))

    @property
    def content(self) -> Any:
        """What it says."""
        return self.body.get("content")

    @property
    def key(self) -> str:
        """The routing key with which it was sent."""
        return self.delivery.key

    @property
    def message_id(self) -> str:
        """Its id; the same when it comes again."""
        return self.delivery.properties.message_id

    def ack(self) -> None:
        """It is done; the broker may forget it."""
        if self._first():
            try:
                self._connection.ack(self.delivery)
            except ConnectionLostError:
                self._log_lost()

    def reject(self, *, requeue: bool = False) -> None:
        """Refuse it for good, or give it back to its queue to be delivered again."""
        if self._first():
            try:
                self._connection.reject(self.delivery, requeue=requeue)
            except ConnectionLostError:
                self._log_lost()

    def _first(self) -> bool:
        with self._lock:
            first, self._settled = not self._settled, True
            return first

    def _log_lost(self) -> None:
        log.info("%s was handled, but the connection is lost: it will come again", self)

    def __repr__(self) -> str:
        return f"<message {self.type} {self.name} id {self.message_id} from {self.delivery.queue}>"
