"""Frames: how methods and messages travel, cut to pieces, over one connection.

Neither reads nor writes anything itself: bytes come in, methods go out, and the other way round.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from pelagos.messaging.codec.errors import FRAME_ERROR, UNEXPECTED_FRAME, CodecError
from pelagos.messaging.codec.methods import Method, decode_method
from pelagos.messaging.codec.properties import BASIC, decode_properties, decode_size, encode_header
from pelagos.messaging.transports.base import Properties

#: The first bytes that a client sends.
PROTOCOL_HEADER: Final = b"AMQP\x00\x00\x09\x01"

#: The largest frame, in bytes, before and unless another size is agreed upon.
FRAME_MAX: Final = 131_072

#: The smallest size of frame, in bytes, that may be agreed upon.
FRAME_MIN: Final = 4096

_METHOD: Final = 1
_HEADER: Final = 2
_BODY: Final = 3
_HEARTBEAT: Final = 8

_FRAME: Final = struct.Struct(">BHI")  # kind, channel, size of what follows before the end
_END: Final = 0xCE
_USUAL: Final = struct.Struct(">HHQ")  # how the header of a body of so many bytes begins
_END_AND_FRAME: Final = struct.Struct(">BBHI")
_END_BYTE: Final = b"\xce"
_HEADER_MIN: Final = 14  # bytes of the payload of a header frame
_AROUND: Final = 8  # bytes of a frame that are not its payload

#: A frame that only says that the peer is alive.
HEARTBEAT_BYTES: Final = b"\x08\x00\x00\x00\x00\x00\x00\xce"


class Heartbeat(Method):
    """Nothing but a sign of life; it is no method, and is read as one."""

    INDEX = (0, 8)


_HEARTBEAT_READ: Final = Heartbeat()

#: Properties, body, and why the properties could not be read (they are empty then), or None.
Content = tuple[Properties, bytes, str | None]

#: Channel, method, and the message that came with it.
Frame = tuple[int, Method, Content | None]


def encode_method(channel: int, method: Method, frame_max: int = FRAME_MAX) -> bytes:
    """The frame of a method without content.

    Raises:
        CodecError: a field cannot be written, or it does not fit into one frame.
    """
    return _frame(_METHOD, channel, method.encode(), frame_max)


def encode_content(
    channel: int,
    method: Method,
    properties: Properties,
    body: bytes,
    frame_max: int = FRAME_MAX,
) -> bytes:
    """The frames of a method with its message.

    Raises:
        CodecError: something cannot be written, or does not fit into one frame.
    """
    return encode_method(channel, method, frame_max) + encode_message(
        channel, properties, body, frame_max
    )


def encode_message(
    channel: int, properties: Properties, body: bytes, frame_max: int, method: bytes = b""
) -> bytes:
    """The frames that follow the one of a method: the header's and the body's.

    Args:
        channel: the channel's number.
        properties: what is in the header.
        body: what is in the others.
        frame_max: bytes of a frame at the most.
        method: the method's frame, to come before them.

    Raises:
        CodecError: a property cannot be written, or they do not fit into one frame.
    """
    header = encode_header(len(body), properties)
    size = len(body)
    room = frame_max - _AROUND
    if len(header) > room:
        raise CodecError(f"properties of {len(header)} bytes; one frame has room for {room}")
    if not size:
        return method + _FRAME.pack(_HEADER, channel, len(header)) + header + _END_BYTE
    if size <= room:
        return b"".join(
            (
                method,
                _FRAME.pack(_HEADER, channel, len(header)),
                header,
                _END_AND_FRAME.pack(_END, _BODY, channel, size),
                body,
                _END_BYTE,
            )
        )
    parts = [method, _frame(_HEADER, channel, header, frame_max)]
    for begin in range(0, size, room):
        piece = body[begin : begin + room]
        parts += [_FRAME.pack(_BODY, channel, len(piece)), piece, _END_BYTE]
    return b"".join(parts)


def _frame(kind: int, channel: int, payload: bytes, frame_max: int) -> bytes:
    if len(payload) + _AROUND > frame_max:
        raise CodecError(
            f"{len(payload)} bytes, and one frame has room for {frame_max - _AROUND}",
            code=FRAME_ERROR,
        )
    return _FRAME.pack(kind, channel, len(payload)) + payload + _END_BYTE


class _Pending:
    """A message of which not all frames have come."""

    __slots__ = ("damage", "header", "method", "parts", "remaining", "skipped")

    def __init__(self, method: Method) -> None:
        self.method = method
        self.damage: str | None = None
        self.header = b""
        self.remaining = 0
        self.skipped = False
        self.parts: list[bytes] = []


class Decoder:
    """Turns the bytes of one direction of a connection into methods, whole messages with them.

    Attributes:
        frame_max: the largest frame, in bytes, that the peer may send; may be changed at any time.
        body_max: the largest body, in bytes, that is taken.
        skip_large: a larger one is no error; it is given out empty, with the damage that says so.
        header: the payload of the header of the message that was given out last.
        held: bytes, headers among them, of the messages of which not all frames have come.
    """

    def __init__(
        self, frame_max: int = FRAME_MAX, body_max: int = 2**31, *, skip_large: bool = False
    ) -> None:
        self.frame_max = frame_max
        self.body_max = body_max
        self.skip_large = skip_large
        self.header = b""
        self.held = 0
        self._buffer = bytearray()
        self._needed = 0  # so many bytes must be there before anything new can be read
        self._pending: dict[int, _Pending] = {}

    def feed(self, data: bytes) -> Iterator[Frame]:  # noqa: C901, PLR0912 - one loop, for speed
        """What these bytes complete, in order; all of it must be taken before the next call.

        Raises:
            CodecError: they are no AMQP 0-9-1. What came before was given out. The connection
                cannot be read any further.
        """
        buffer = self._buffer
        if buffer:
            buffer += data
            if len(buffer) < self._needed:
                return
            data = bytes(buffer)
            buffer.clear()
        offset, size = 0, len(data)
        unpack = _FRAME.unpack_from
        while size - offset >= _AROUND - 1:
            kind, channel, length = unpack(data, offset)
            begin = offset + 7
            end = begin + length
            if length + _AROUND > self.frame_max or kind not in _KINDS:
                raise _no_frame(data[offset : offset + 8], length, self.frame_max)
            if end >= size:
                break
            if data[end] != _END:
                raise CodecError("a frame does not end where its size says", code=FRAME_ERROR)
            offset = end + 1
            if kind == _METHOD:
                method = self._method(channel, data[begin:end])
                if not method.CONTENT:
                    yield channel, method, None
                    continue
                whole = self._whole(data, offset, channel)
                if whole is None:
                    self._pending[channel] = _Pending(method)
                else:
                    offset = whole[0]
                    yield channel, method, whole[1]
            else:
                complete = self._take(kind, channel, data[begin:end])
                if complete is not None:
                    yield complete
        if offset < size:
            buffer += data[offset:]
            self._needed = _AROUND - 1 if size - offset < _AROUND - 1 else _AROUND + length

    def _method(self, channel: int, payload: bytes) -> Method:
        if channel in self._pending:
            raise _unexpected("a method before the end of a message")
        method = decode_method(payload)
        if method.CONTENT and channel == 0:
            raise _unexpected("a message on channel 0")
        return method

    def _whole(self, data: bytes, offset: int, channel: int) -> tuple[int, Content] | None:
        """The common case: a header and the only piece of its body are already here.

        Returns:
            where they end, and what they hold; None: take them one by one, with all checks.
        """
        if len(data) - offset < _AROUND + _HEADER_MIN:
            return None
        kind, number, length = _FRAME.unpack_from(data, offset)
        header = offset + 7
        middle = header + length
        if kind != _HEADER or number != channel or middle + _AROUND >= len(data):
            return None
        kind, number, size = _FRAME.unpack_from(data, middle + 1)
        begin = middle + _AROUND
        end = begin + size
        if (
            kind != _BODY
            or number != channel
            or end >= len(data)
            or data[end] != _END
            or data[middle] != _END
            or size + _AROUND > self.frame_max
            or length + _AROUND > self.frame_max
        ):
            return None
        payload = data[header:middle]
        if payload[:12] != _USUAL.pack(BASIC, 0, size) or size > self.body_max or not size:
            return None
        self.header = payload
        properties, damage = decode_properties(payload)
        return end + 1, (properties, data[begin:end], damage)

    def _take(self, kind: int, channel: int, payload: bytes) -> Frame | None:
        if kind == _HEARTBEAT:
            return channel, _HEARTBEAT_READ, None
        pending = self._pending.get(channel)
        if pending is None:
            raise _unexpected("a piece of a message without its method")
        if kind == _HEADER:
            self._take_header(pending, payload)
        else:
            self._take_body(pending, payload)
        if pending.remaining:
            return None
        del self._pending[channel]
        self.header = pending.header
        parts = pending.parts
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        self.held -= len(body) + len(pending.header)
        properties, damage = decode_properties(pending.header)
        return channel, pending.method, (properties, body, pending.damage or damage)

    def _take_header(self, pending: _Pending, payload: bytes) -> None:
        if pending.header:
            raise _unexpected("a second header of one message")
        pending.remaining = decode_size(payload)
        pending.header = payload  # read when all is here: that takes more room than its bytes
        self.held += len(payload)
        if pending.remaining > self.body_max:
            problem = f"a message of {pending.remaining} bytes; at most {self.body_max} are taken"
            if not self.skip_large:
                raise CodecError(problem, code=FRAME_ERROR)
            pending.skipped, pending.damage = True, problem

    def _take_body(self, pending: _Pending, payload: bytes) -> None:
        if not pending.header:
            raise _unexpected("a body before its header")
        if not payload or len(payload) > pending.remaining:
            raise _unexpected("a body of another size than its header says")
        pending.remaining -= len(payload)
        if not pending.skipped:
            self.held += len(payload)
            pending.parts.append(payload)


_KINDS: Final = frozenset({_METHOD, _HEADER, _BODY, _HEARTBEAT})


def _unexpected(what: str) -> CodecError:
    return CodecError(f"unexpected: {what}", code=UNEXPECTED_FRAME)


def _no_frame(first: bytes, length: int, frame_max: int) -> CodecError:
    if first.startswith(b"AMQP"):
        return CodecError(f"the peer speaks another version: {first!r}", code=FRAME_ERROR)
    if first[0] in _KINDS:
        return CodecError(
            f"a frame of {length} bytes; at most {frame_max} are agreed upon", code=FRAME_ERROR
        )
    return CodecError(f"this is no AMQP: {first!r}", code=FRAME_ERROR)
