"""Content headers: the properties that travel beside a body, to and from our own Properties."""

from __future__ import annotations

import functools
import struct
from typing import Any, Final

from pelagos.messaging.codec.errors import CodecError
from pelagos.messaging.codec.table import (
    decode_table,
    encode_short,
    encode_table,
    read_short,
    repaired,
)
from pelagos.messaging.errors import MessagingError
from pelagos.messaging.transports.base import Properties

BASIC: Final = 60  # the class of all content

_HEADER: Final = struct.Struct(">HHQH")  # class, weight, size of the body, which properties
_U64: Final = struct.Struct(">Q")

_CONTENT_TYPE: Final = 1 << 15
_CONTENT_ENCODING: Final = 1 << 14
_HEADERS: Final = 1 << 13
_DELIVERY_MODE: Final = 1 << 12
_PRIORITY: Final = 1 << 11
_CORRELATION_ID: Final = 1 << 10
_REPLY_TO: Final = 1 << 9
_EXPIRATION: Final = 1 << 8
_MESSAGE_ID: Final = 1 << 7
_TIMESTAMP: Final = 1 << 6
_TYPE: Final = 1 << 5
_USER_ID: Final = 1 << 4
_APP_ID: Final = 1 << 3
_CLUSTER_ID: Final = 1 << 2
_MORE: Final = 1
_RARE: Final = _TYPE | _USER_ID | _APP_ID | _CLUSTER_ID
_PERSISTENT: Final = 2

#: The same, for texts that many messages have in common.
_often: Final = functools.lru_cache(maxsize=256)(encode_short)


def encode_header(  # noqa: C901, PLR0912, PLR0915 - one branch a property
    size: int, properties: Properties
) -> bytes:
    """The payload of the header frame of a body of so many bytes.

    Raises:
        CodecError: a property that cannot be written; says why.
    """
    flags = _DELIVERY_MODE
    parts = [b""]
    if properties.content_type:
        flags |= _CONTENT_TYPE
        parts.append(_often(properties.content_type))
    if properties.content_encoding is not None:
        flags |= _CONTENT_ENCODING
        parts.append(encode_short(properties.content_encoding))
    if properties.headers:
        flags |= _HEADERS
        parts.append(encode_table(properties.headers))
    parts.append(b"\2" if properties.persistent else b"\1")
    if properties.priority is not None:
        flags |= _PRIORITY
        parts.append(_octet(properties.priority))
    if properties.correlation_id is not None:
        flags |= _CORRELATION_ID
        parts.append(correlation_id := encode_short(properties.correlation_id))
    if properties.reply_to is not None:
        flags |= _REPLY_TO
        parts.append(_often(properties.reply_to))
    if properties.expiration is not None:
        flags |= _EXPIRATION
        parts.append(encode_short(_milliseconds(properties.expiration)))
    if properties.message_id:
        flags |= _MESSAGE_ID
        if properties.message_id is properties.correlation_id:  # of a call
            parts.append(correlation_id)
        else:
            parts.append(encode_short(properties.message_id))
    if properties.timestamp is not None:
        flags |= _TIMESTAMP
        parts.append(_seconds(properties.timestamp))
    if properties.type is not None:
        flags |= _TYPE
        parts.append(encode_short(properties.type))
    if properties.user_id is not None:
        flags |= _USER_ID
        parts.append(encode_short(properties.user_id))
    if properties.app_id is not None:
        flags |= _APP_ID
        parts.append(encode_short(properties.app_id))
    parts[0] = _HEADER.pack(BASIC, 0, size, flags)
    return b"".join(parts)


def _octet(priority: int) -> bytes:
    try:
        return bytes((priority,))
    except (TypeError, ValueError) as error:
        raise CodecError(f"a priority of {priority!r}; possible are 0 to 255") from error


def _milliseconds(expiration: float) -> str:
    try:
        milliseconds = round(expiration * 1000)
    except (ArithmeticError, TypeError, ValueError) as error:
        raise CodecError(f"an expiration of {expiration!r} is no number of seconds") from error
    if milliseconds < 0:
        raise CodecError(f"an expiration of {expiration!r} seconds is in the past")
    return str(milliseconds)


def _seconds(timestamp: int) -> bytes:
    try:
        return _U64.pack(timestamp)
    except struct.error as error:
        raise CodecError(f"a timestamp of {timestamp!r} is no number of seconds") from error


def decode_size(data: bytes) -> int:
    """The size in bytes of the body whose header this is.

    Raises:
        CodecError: it is no header of a message.
    """
    if len(data) < _HEADER.size:
        raise CodecError("a content header is cut short")
    kind, _, size, _ = _HEADER.unpack_from(data)
    if kind != BASIC:
        raise CodecError(f"a content header of the unknown class {kind}")
    return int(size)


def decode_properties(data: bytes) -> tuple[Properties, str | None]:
    """The properties in a header frame's payload, and why they cannot be read, or None.

    A message whose properties cannot be read is still a message: it has empty ones then.
    """
    try:
        try:
            return _properties(data, "strict"), None
        except UnicodeDecodeError:
            return _repaired(_properties(data, "replace")), None
    except (IndexError, struct.error, MessagingError) as error:
        return Properties(""), f"its properties cannot be read ({error})"


def _repaired(properties: Properties) -> Properties:
    """The same, when all of its text can be written again."""
    for text in (
        properties.content_type,
        properties.correlation_id,
        properties.reply_to,
        properties.message_id,
    ):
        repaired((text or "").encode())
    return properties


def _properties(data: bytes, errors: str) -> Properties:  # noqa: C901, PLR0912, PLR0915 - one branch a property
    # Each short string is taken where it stands, as a call for each would double the cost.
    flags = data[12] << 8 | data[13]
    offset = 14
    content_type = message_id = ""
    persistent = False
    headers: dict[str, Any] = {}
    encoding = priority = correlation_id = reply_to = expiration = timestamp = None
    if flags & _MORE:
        raise CodecError("there are more kinds of them than are known")
    if flags & _CONTENT_TYPE:
        end = offset + 1 + data[offset]
        content_type = data[offset + 1 : end].decode("utf-8", errors)
        offset = end
    if flags & _CONTENT_ENCODING:
        encoding, offset = read_short(data, offset)
    if flags & _HEADERS:
        headers, offset = decode_table(data, offset)
    if flags & _DELIVERY_MODE:
        persistent = data[offset] == _PERSISTENT
        offset += 1
    if flags & _PRIORITY:
        priority = data[offset]
        offset += 1
    if flags & _CORRELATION_ID:
        end = offset + 1 + data[offset]
        correlation_id = data[offset + 1 : end].decode("utf-8", errors)
        offset = end
    if flags & _REPLY_TO:
        end = offset + 1 + data[offset]
        reply_to = data[offset + 1 : end].decode("utf-8", errors)
        offset = end
    if flags & _EXPIRATION:
        text, offset = read_short(data, offset)
        expiration = int(text) / 1000 if text.isascii() and text.isdigit() else None
    if flags & _MESSAGE_ID:
        end = offset + 1 + data[offset]
        message_id = data[offset + 1 : end].decode("utf-8", errors)
        offset = end
    if flags & _TIMESTAMP:
        timestamp = _U64.unpack_from(data, offset)[0]
        offset += 8
    if offset > len(data):
        raise CodecError("they are cut short")
    rare = _rare(data, offset, flags) if flags & _RARE else ()
    return Properties(
        message_id,
        content_type,
        persistent,
        headers,
        reply_to,
        correlation_id,
        expiration,
        timestamp,
        encoding,
        priority,
        *rare,
    )


def _rare(data: bytes, offset: int, flags: int) -> list[str | None]:
    """The type, the user's and the application's id."""
    values: list[str | None] = []
    for flag in (_TYPE, _USER_ID, _APP_ID):
        value = None
        if flags & flag:
            value, offset = read_short(data, offset)
        values.append(value)
    if flags & _CLUSTER_ID:
        read_short(data, offset)
    return values
