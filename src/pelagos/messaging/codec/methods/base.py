"""What all methods have in common: their fields in order, and how to write and read them.

The kinds of field, one letter each: `b` 8 bits, `h` 16, `l` 32, `q` 64, `s` short string, `S` long
string (bytes), `t` bit, `F` table; `0`, `1`, `2`, `3` are reserved fields without a name: 16 bits,
a short string, a bit, a long string.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Self, dataclass_transform

from pelagos.messaging.codec.errors import NOT_IMPLEMENTED, CodecError
from pelagos.messaging.codec.table import (
    decode_table,
    encode_short,
    encode_table,
    read_long,
    read_short,
)

_U32: Final = struct.Struct(">I")
_NUMBERS: Final = {
    "b": struct.Struct(">B"),
    "h": struct.Struct(">H"),
    "l": struct.Struct(">I"),
    "q": struct.Struct(">Q"),
}
_RESERVED: Final = {"0": b"\0\0", "1": b"\0", "3": b"\0\0\0\0"}
_BITS: Final = "t2"

_known: Final[dict[bytes, type[Method]]] = {}


@dataclass_transform(eq_default=False, field_specifiers=(field,))
class Method:
    """One method of the protocol; each subclass is made a dataclass of the protocol's fields.

    Attributes:
        INDEX: its class and its number in it.
        KINDS: the kinds of its fields; see the module.
        CONTENT: whether a message follows it.
    """

    INDEX: ClassVar[tuple[int, int]] = (0, 0)
    KINDS: ClassVar[str] = ""
    CONTENT: ClassVar[bool] = False
    PREFIX: ClassVar[bytes] = b""

    def __init_subclass__(cls) -> None:
        dataclass(eq=False, repr=False)(cls)
        cls.PREFIX = struct.pack(">HH", *cls.INDEX)
        _known[cls.PREFIX] = cls

    def encode(self) -> bytes:
        """The payload of its frame.

        Raises:
            CodecError: a field has a value that cannot be written.
        """
        values = iter(self.__dict__.values())
        parts = [self.PREFIX]
        bits: list[bool] = []
        try:
            for kind in self.KINDS:
                if kind in _BITS:
                    bits.append(kind == "t" and next(values))
                    continue
                _flush(bits, parts)
                parts.append(_RESERVED.get(kind) or _written(kind, next(values)))
        except (struct.error, TypeError, AttributeError) as error:
            raise CodecError(f"{self!r} cannot be written: {error}") from error
        _flush(bits, parts)
        return b"".join(parts)

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read the payload of a frame that begins with PREFIX."""
        values: list[Any] = []
        offset = 4
        bit = 0
        for kind in cls.KINDS:
            if kind in _BITS:
                if kind == "t":
                    values.append(bool(data[offset] & 1 << bit))
                bit += 1
                continue
            if bit:
                offset, bit = offset + 1, 0
            value, offset = _read(kind, data, offset)
            if kind not in _RESERVED:
                values.append(value)
        return cls(*values)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash(self.PREFIX)

    def __repr__(self) -> str:
        fields = ", ".join(
            f"{name}={'…' if name == 'response' else repr(value)}"
            for name, value in self.__dict__.items()
        )
        return f"{type(self).__name__}({fields})"


def _flush(bits: list[bool], parts: list[bytes]) -> None:
    if bits:
        parts.append(bytes((sum(1 << place for place, bit in enumerate(bits) if bit),)))
        bits.clear()


def _written(kind: str, value: Any) -> bytes:
    if kind == "s":
        return encode_short(value)
    if kind == "S":
        return _U32.pack(len(value)) + bytes(value)
    if kind == "F":
        return encode_table(value)
    return _NUMBERS[kind].pack(value)


def _read(kind: str, data: bytes, offset: int) -> tuple[Any, int]:
    if kind in "s1":
        return read_short(data, offset)
    if kind in "S3":
        return read_long(data, offset)
    if kind == "F":
        return decode_table(data, offset)
    number = _NUMBERS["h" if kind == "0" else kind]
    return number.unpack_from(data, offset)[0], offset + number.size


def decode_method(data: bytes) -> Method:
    """The method that a frame's payload holds.

    Raises:
        CodecError: it is unknown, or its fields cannot be read.
    """
    kind = _known.get(data[:4])
    if kind is None:
        raise CodecError(f"no method has the number {data[:4].hex()}", code=NOT_IMPLEMENTED)
    try:
        return kind.decode(data)
    except (IndexError, struct.error) as error:
        raise CodecError(f"a {kind.__name__} is cut short") from error
