"""AMQP 0-9-1 as bytes: frames, methods, tables and properties, for both ends of a connection.

Admission rule: pure. Nothing here reads, writes, waits or knows the time. Whatever bytes come in,
the only error is CodecError.

>>> from pelagos.messaging import codec
>>> declare = codec.methods.QueueDeclare("tasks", durable=True, arguments={"x-expires": 60_000})
>>> data = codec.encode_method(1, declare)
>>> [(channel, method == declare) for channel, method, _ in codec.Decoder().feed(data)]
[(1, True)]
"""

from __future__ import annotations

from pelagos.messaging.codec import methods
from pelagos.messaging.codec.errors import CodecError
from pelagos.messaging.codec.frames import (
    FRAME_MAX,
    FRAME_MIN,
    HEARTBEAT_BYTES,
    PROTOCOL_HEADER,
    Content,
    Decoder,
    Frame,
    Heartbeat,
    encode_content,
    encode_message,
    encode_method,
)
from pelagos.messaging.codec.methods import Method
from pelagos.messaging.codec.properties import decode_properties, encode_header
from pelagos.messaging.codec.table import decode_table, encode_table

__all__ = [
    "FRAME_MAX",
    "FRAME_MIN",
    "HEARTBEAT_BYTES",
    "PROTOCOL_HEADER",
    "CodecError",
    "Content",
    "Decoder",
    "Frame",
    "Heartbeat",
    "Method",
    "decode_properties",
    "decode_table",
    "encode_content",
    "encode_header",
    "encode_message",
    "encode_method",
    "encode_table",
    "methods",
]
