"""Messages as bytes, for one channel; what is the same for many of them is written once."""

from __future__ import annotations

from typing import Final

from pelagos.messaging import codec
from pelagos.messaging.codec import methods
from pelagos.messaging.transports.base import Envelope

_KEPT: Final = 512  # so many frames of methods are kept for the next message of the same way


class Routes:
    """Knows the frames that begin the messages of each way."""

    def __init__(self, channel: int, frame_max: int) -> None:
        self._channel = channel
        self._frame_max = frame_max
        self._known: dict[tuple[str, str, bool], bytes] = {}

    def encode(self, envelope: Envelope) -> bytes:
        """All frames of a message.

        Raises:
            CodecError, TypeError: it cannot be written.
        """
        route = (envelope.exchange, envelope.key, envelope.mandatory)
        method = self._known.get(route)
        if method is None:
            method = codec.encode_method(self._channel, methods.BasicPublish(*route))
            if len(self._known) >= _KEPT:
                self._known.clear()
            self._known[route] = method
        return codec.encode_message(
            self._channel, envelope.properties, envelope.body, self._frame_max, method
        )
