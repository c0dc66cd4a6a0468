"""Messages as they come over the wire and leave over it again, unchanged."""

from __future__ import annotations

import struct
import threading
from typing import Final

from pelagos.messaging import codec
from pelagos.messaging.broker.core import LONGEST_TIME
from pelagos.messaging.broker.server.refusals import Refusal
from pelagos.messaging.transports.base import Properties

#: Bytes that a message takes beside its body and its properties; a round figure.
OVERHEAD: Final = 1_000

_COPY: Final = 300  # bytes that each further queue takes that it is in
_READ_HEADERS: Final = 20  # bytes at most that a byte of a header becomes once it is read

_FRAME: Final = struct.Struct(">BHI")
_HEADER: Final = 2
_BODY: Final = 3
_END: Final = b"\xce"
_AROUND: Final = 8
_EXPIRATION: Final = 1 << 8


class Meter:
    """Bytes of all messages that came over the wire and are still somewhere."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a message may go while another thread comes by
        self.used = 0

    def add(self, size: int) -> None:
        """So many more, or fewer."""
        with self._lock:
            self.used += size


class StoredBody(bytes):
    """A body that knows the properties with which it came, and is counted while it lives.

    Attributes:
        header: the properties as they came: the payload of the header's frame.
        properties: what was read from it.
    """

    header: bytes
    properties: Properties
    _meter: Meter
    _cost: int

    @classmethod
    def of(cls, body: bytes, header: bytes, properties: Properties, meter: Meter) -> StoredBody:
        """The body as it is kept."""
        made = cls(body)
        made.header = header
        made.properties = properties
        made._cost = len(body) + cost_of(header, properties)
        made._meter = meter
        meter.add(made._cost)
        return made

    def add_copies(self, count: int) -> None:
        """It is in so many queues more; all of them count until the last one has let it go."""
        self._cost += count * _COPY
        self._meter.add(count * _COPY)

    def __reduce__(self) -> tuple[type[bytes], tuple[bytes]]:
        """A copy is a body like any other, and is not counted."""
        return bytes, (bytes(self),)

    def __del__(self) -> None:
        self._meter.add(-self._cost)


def cost_of(header: bytes, properties: Properties) -> int:
    """Bytes that a message takes beside its body, about, and not less."""
    return OVERHEAD + len(header) * (_READ_HEADERS if properties.headers else 1)


def check_expiration(header: bytes, properties: Properties) -> None:
    """See that a message lives for a number of milliseconds, if it says how long.

    Raises:
        Refusal: it says something else.
    """
    if properties.expiration is None and (header[12] << 8 | header[13]) & _EXPIRATION:
        raise Refusal("the expiration of a message is no number of milliseconds", code=406)
    if properties.expiration is not None and properties.expiration * 1000 > LONGEST_TIME:
        raise Refusal("the expiration of a message is longer than ten years", code=406)


def encode(channel: int, properties: Properties, body: bytes, frame_max: int) -> bytes:
    """The frames of a message that follow the one of a method.

    Raises:
        CodecError: the properties do not fit into one frame.
    """
    if not isinstance(body, StoredBody) or body.properties is not properties:
        return codec.encode_message(channel, properties, body, frame_max)
    header, size, room = body.header, len(body), frame_max - _AROUND
    if len(header) > room:
        raise codec.CodecError(f"properties of {len(header)} bytes; a frame has room for {room}")
    parts = [_FRAME.pack(_HEADER, channel, len(header)), header, _END]
    for begin in range(0, size, room):
        piece = body if size <= room else body[begin : begin + room]
        parts += (_FRAME.pack(_BODY, channel, len(piece)), piece, _END)
    return b"".join(parts)
