"""Messages of an LDAP server, written by hand (RFC 4511), right and wrong ones."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence


def element(tag: int, *parts: bytes) -> bytes:
    """One element of BER, in its shortest form."""
    body = b"".join(parts)
    size = len(body)
    if size < 128:
        return bytes([tag, size]) + body
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(length)]) + length + body


def text(value: str | bytes) -> bytes:
    return element(0x04, value.encode() if isinstance(value, str) else value)


def message(number: int, operation: bytes, *controls: bytes) -> bytes:
    parts = [element(0xA0, *controls)] if controls else []
    return element(0x30, element(0x02, bytes([number])), operation, *parts)


def result(tag: int, code: int = 0) -> bytes:
    return element(tag, element(0x0A, bytes([code])), text(""), text("said"))


def bound(number: int = 1, code: int = 0) -> bytes:
    return message(number, result(0x61, code))


def done(number: int, code: int = 0) -> bytes:
    paged = element(0x30, element(0x02, b"\x00"), text(""))
    control = element(0x30, text("1.2.840.113556.1.4.319"), text(paged))
    return message(number, result(0x65, code), control)


def entry(number: int, name: str, attributes: Mapping[str, Sequence[str | bytes]]) -> bytes:
    pairs = [
        element(0x30, text(key), element(0x31, *map(text, values)))
        for key, values in attributes.items()
    ]
    return message(number, element(0x64, text(name), element(0x30, *pairs)))


def reference(number: int, *urls: str) -> bytes:
    return message(number, element(0x73, *map(text, urls)))


def damaged(data: bytes, chance: random.Random) -> bytes:
    """The same with some bytes changed, gone, or too many."""
    spoiled = bytearray(data)
    for _ in range(chance.choice([1, 1, 2, 5])):
        place = chance.randrange(len(spoiled) + 1)
        match chance.randrange(4):
            case 0:
                spoiled[place : place + 1] = chance.randbytes(1)
            case 1:
                del spoiled[place : place + chance.randrange(1, 4)]
            case 2:
                spoiled[place:place] = chance.randbytes(chance.randrange(1, 5))
            case _:
                del spoiled[place:]
    return bytes(spoiled)
