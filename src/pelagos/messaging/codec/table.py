"""Field tables: the typed mappings of AMQP 0-9-1, as RabbitMQ writes and reads them.

Values are None, bool, int (up to 64 bits), float, Decimal, str, bytes, datetime (with its zone),
list and dict. Text that is not UTF-8 is read as bytes, a time beyond the calendar as its number
of seconds.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from pelagos.messaging.codec.errors import CodecError

_DEPTH: Final = 64  # levels of nesting; more is an attack or a mistake
_SHORT: Final = 255  # bytes of a short string
_INT32: Final = 2**31
_INT64: Final = 2**63
_DIGITS: Final = 10  # of the largest decimal number

_SIZES: Final = tuple(bytes((size,)) for size in range(_SHORT + 1))

_U32: Final = struct.Struct(">I")
_I32: Final = struct.Struct(">i")
_I64: Final = struct.Struct(">q")
_U64: Final = struct.Struct(">Q")
_F64: Final = struct.Struct(">d")
_DECIMAL: Final = struct.Struct(">Bi")


def encode_short(text: str) -> bytes:
    """A short string: at most 255 bytes of UTF-8.

    Raises:
        CodecError: it is longer, or cannot be written as UTF-8.
    """
    try:
        data = text.encode()
    except (AttributeError, UnicodeEncodeError) as error:
        raise CodecError(f"{text!r} cannot be written as UTF-8") from error
    size = len(data)
    if size > _SHORT:
        raise CodecError(f"a short string of {size} bytes; at most {_SHORT} are possible")
    return _SIZES[size] + data


def encode_table(table: Mapping[str, Any]) -> bytes:
    """A table with its length before it.

    Raises:
        CodecError: a key or value that a table cannot hold; says which.
    """
    return _table(table, 0)


def _table(table: Mapping[str, Any], depth: int) -> bytes:
    if not table:
        return b"\0\0\0\0"
    parts: list[bytes] = []
    for key, value in table.items():
        parts.append(encode_short(key))
        parts.append(_value(value, depth + 1))
    data = b"".join(parts)
    return _U32.pack(len(data)) + data


def _value(value: object, depth: int) -> bytes:
    writer = _WRITERS.get(type(value))
    if writer is not None:
        return writer(value)
    if depth > _DEPTH:
        raise CodecError(f"a table is nested more than {_DEPTH} levels deep")
    if isinstance(value, Mapping):
        return b"F" + _table(value, depth)
    if isinstance(value, list | tuple):
        data = b"".join([_value(entry, depth + 1) for entry in value])
        return b"A" + _U32.pack(len(data)) + data
    for kind, write in _WRITERS.items():
        if isinstance(value, kind):
            return write(value)
    raise CodecError(f"a table cannot hold a value of type {type(value).__name__}")


def _integer(value: int) -> bytes:
    if -_INT32 <= value < _INT32:
        return b"I" + _I32.pack(value)
    if -_INT64 <= value < _INT64:
        return b"l" + _I64.pack(value)
    raise CodecError("a table cannot hold a number of more than 64 bits")


def _text(value: str) -> bytes:
    try:
        data = value.encode()
    except UnicodeEncodeError as error:
        raise CodecError(f"{value[:40]!r} cannot be written as UTF-8") from error
    return b"S" + _U32.pack(len(data)) + data


def _decimal(value: Decimal) -> bytes:
    sign, digits, exponent = value.as_tuple()
    if isinstance(exponent, str):
        raise CodecError(f"a table cannot hold the number {value}")
    if exponent > _DIGITS or len(digits) > _DIGITS:
        raise CodecError("a table cannot hold a decimal number as long as this")
    number = int("".join(map(str, digits))) * (-1 if sign else 1) * 10 ** max(exponent, 0)
    scale = max(-exponent, 0)
    if scale > _SHORT or not -_INT32 <= number < _INT32:
        raise CodecError(f"a table cannot hold a decimal number as long as {value}")
    return b"D" + _DECIMAL.pack(scale, number)


def _time(value: datetime) -> bytes:
    try:
        seconds = int(value.timestamp())
    except (OverflowError, OSError, ValueError):  # far away from 1970, and without a zone
        seconds = -1
    if seconds < 0:
        raise CodecError(f"a table cannot hold a time before 1970: {value}")
    return b"T" + _U64.pack(seconds)


_WRITERS: Final[dict[type, Callable[[Any], bytes]]] = {
    str: _text,
    bool: lambda value: b"t\1" if value else b"t\0",
    int: _integer,
    float: lambda value: b"d" + _F64.pack(value),
    type(None): lambda _value: b"V",
    bytes: lambda value: b"x" + _U32.pack(len(value)) + value,
    bytearray: lambda value: b"x" + _U32.pack(len(value)) + bytes(value),
    Decimal: _decimal,
    datetime: _time,
}


# Reading. Whatever goes beyond the data raises IndexError or struct.error in here; `decode_table`
# and the readers of methods turn that into CodecError.


def read_short(data: bytes, offset: int) -> tuple[str, int]:
    """A short string at the offset, and where it ends."""
    end = offset + 1 + data[offset]
    if end > len(data):
        raise CodecError("a short string goes beyond its frame")
    text = data[offset + 1 : end]
    try:
        return text.decode(), end
    except UnicodeDecodeError:
        return repaired(text), end


def repaired(data: bytes) -> str:
    """A short string that is no UTF-8 as text that can be written again as a short string.

    Raises:
        CodecError: there is too much in it that is no UTF-8.
    """
    text = data.decode("utf-8", "replace")
    if len(text.encode()) > _SHORT:
        raise CodecError("a short string is no UTF-8")
    return text


def read_long(data: bytes, offset: int) -> tuple[bytes, int]:
    """A long string at the offset, and where it ends."""
    begin = offset + 4
    end = begin + _U32.unpack_from(data, offset)[0]
    if end > len(data):
        raise CodecError("a long string goes beyond its frame")
    return data[begin:end], end


def decode_table(data: bytes, offset: int = 0) -> tuple[dict[str, Any], int]:
    """The table that begins at the offset, and where it ends.

    Raises:
        CodecError: these bytes are no table.
    """
    try:
        return _read_table(data, offset, 0)
    except (IndexError, struct.error) as error:
        raise CodecError("a table goes beyond its frame") from error


def _read_table(data: bytes, offset: int, depth: int) -> tuple[dict[str, Any], int]:
    end = _end(data, offset)
    offset += 4
    table: dict[str, Any] = {}
    while offset < end:
        key, offset = read_short(data, offset)
        table[key], offset = _read_value(data, offset, depth + 1)
    if offset != end:
        raise CodecError("a table does not end where its length says")
    return table, end


def _read_list(data: bytes, offset: int, depth: int) -> tuple[list[Any], int]:
    end = _end(data, offset)
    offset += 4
    entries: list[Any] = []
    while offset < end:
        entry, offset = _read_value(data, offset, depth + 1)
        entries.append(entry)
    if offset != end:
        raise CodecError("a list does not end where its length says")
    return entries, end


def _end(data: bytes, offset: int) -> int:
    end: int = offset + 4 + _U32.unpack_from(data, offset)[0]
    if end > len(data):
        raise CodecError("a table or list goes beyond its frame")
    return end


def _read_value(data: bytes, offset: int, depth: int) -> tuple[Any, int]:
    kind = data[offset]
    offset += 1
    fixed = _FIXED.get(kind)
    if fixed is not None:
        return fixed.unpack_from(data, offset)[0], offset + fixed.size
    reader = _READERS.get(kind)
    if reader is None:
        raise CodecError(f"a table holds a value of the unknown kind {bytes((kind,))!r}")
    if depth > _DEPTH and kind in _NESTED:
        raise CodecError(f"a table is nested more than {_DEPTH} levels deep")
    return reader(data, offset, depth)


def _read_text(data: bytes, offset: int, _depth: int) -> tuple[str | bytes, int]:
    value, end = read_long(data, offset)
    try:
        return value.decode(), end
    except UnicodeDecodeError:
        return value, end


def _read_decimal(data: bytes, offset: int, _depth: int) -> tuple[Decimal, int]:
    scale, number = _DECIMAL.unpack_from(data, offset)
    return Decimal(number).scaleb(-scale), offset + _DECIMAL.size


def _read_time(data: bytes, offset: int, _depth: int) -> tuple[datetime | float, int]:
    seconds = _U64.unpack_from(data, offset)[0]
    try:
        return datetime.fromtimestamp(seconds, UTC), offset + 8
    except (OverflowError, OSError, ValueError):
        # as it must be possible to write it again
        return seconds if seconds < _INT64 else float(seconds), offset + 8


_FIXED: Final = {
    ord(kind): struct.Struct(form)
    for kind, form in {
        "t": ">?",
        "b": ">b",
        "B": ">B",
        "s": ">h",
        "U": ">h",
        "u": ">H",
        "I": ">i",
        "i": ">I",
        "l": ">q",
        "L": ">q",
        "f": ">f",
        "d": ">d",
    }.items()
}

_NESTED: Final = b"AF"
_READERS: Final[dict[int, Callable[[bytes, int, int], tuple[Any, int]]]] = {
    ord("S"): _read_text,
    ord("x"): lambda data, offset, _depth: read_long(data, offset),
    ord("A"): _read_list,
    ord("F"): _read_table,
    ord("D"): _read_decimal,
    ord("T"): _read_time,
    ord("V"): lambda _data, offset, _depth: (None, offset),
}
