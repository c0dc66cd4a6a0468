"""The channel of messages of which nobody waits to hear: requests and answers of calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pelagos.messaging import codec
from pelagos.messaging.codec import CodecError, Content, methods
from pelagos.messaging.errors import (
    ConnectionLostError,
    MessagingError,
    UnroutableError,
    unroutable,
)
from pelagos.messaging.transports.amqp.outgoing import Outgoing
from pelagos.messaging.transports.amqp.routes import Routes
from pelagos.messaging.transports.base import DIRECT_REPLY_TO, Envelope

CHANNEL: Final = 4

#: Messages that are worth a write: who gets them can begin while we go on. Of 8 calls that go
#: round together, each side would else wait while the other one works on all of them.
_ENOUGH: Final = 4
_BACKLOG: Final = 1_048_576  # bytes that may wait for a busy broker; then others are to count them


class Posting:
    """Publishes without confirmations."""

    def __init__(self, outgoing: Outgoing, frame_max: int) -> None:
        self._outgoing = outgoing
        self._routes = Routes(CHANNEL, frame_max)
        self._loss: MessagingError | None = None
        self._is_open = False
        self.returned: Callable[[UnroutableError], None] = lambda _error: None

    def post(self, envelope: Envelope, *, at_once: bool) -> bool:
        """Hand a message over; whether it was taken."""
        outgoing = self._outgoing
        # Direct answers come on the channel on which was asked, and that is another one.
        if outgoing.size > _BACKLOG or envelope.properties.reply_to == DIRECT_REPLY_TO:
            return False
        try:
            data = self._routes.encode(envelope)
        except (CodecError, TypeError):
            return False  # whoever publishes it is told
        with outgoing.lock:
            if self._loss is not None:
                raise ConnectionLostError(str(self._loss))
            if not self._is_open:
                self._is_open = True
                outgoing.add(codec.encode_method(CHANNEL, methods.ChannelOpen()))
            outgoing.add(data)
        if outgoing.count >= _ENOUGH:
            outgoing.send_now()
        elif at_once:
            outgoing.send()
        else:
            outgoing.send_soon()
        return True

    # In the connection's own thread.

    def on_return(self, method: methods.BasicReturn, content: Content) -> None:
        """A mandatory message comes back."""
        self.returned(unroutable(method.exchange, method.routing_key, content[0].message_id))

    def give_up(self, loss: MessagingError) -> None:
        """The connection is over; inside no lock."""
        with self._outgoing.lock:
            self._loss = self._loss or loss
