"""An answer as it comes in: `[boolean, text, code, …]` with the text still flowing.

A large pool is one text of many megabytes, with each `<` written as `&lt;`. It is turned back
piece by piece, so that neither the escaped nor the plain text is ever in memory as a whole. All
that does not look just as OpenNebula writes it goes through `values` instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pelagos.one.errors import OneAnswerException
from pelagos.one.xmlrpc.values import Fault, decode_answer

#: What begins a successful answer with a text.
_HEAD = re.compile(
    rb"""\s*+(?:<\?xml\s++version=["']1\.\d["'](?:\s++encoding=["'](?i:utf-8|us-ascii)["'])?"""
    rb"""\s*+\?>)?\s*+<methodResponse>\s*+<params>\s*+<param>\s*+<value>\s*+<array>\s*+<data>\s*+"""
    rb"""<value>\s*+<boolean>\s*+1\s*+</boolean>\s*+</value>\s*+<value>(?:<string>|(?=[^\s<]))"""
)
#: … and what follows the text.
_TAIL = re.compile(
    rb"(?:</string>\s*+)?</value>\s*+<value>\s*+<(?:i4|int)>\s*+(-?\d{1,10})\s*+</(?:i4|int)>\s*+"
    rb"</value>(?:\s*+<value>\s*+<(i4|int|i8)>\s*+-?\d{1,20}\s*+</\2>\s*+</value>)*+"
    rb"\s*+</data>\s*+</array>\s*+</value>\s*+</param>\s*+</params>\s*+</methodResponse>\s*+\Z"
)
_HEAD_SIZE = 1024
_TAIL_SIZE = 16 * 1024
#: The longest reference of a character: `&#x10FFFF;`.
_LONGEST = 12
#: The characters that XML allows.
_CHARACTERS = (
    (0x9, 0xA, 0xD),
    range(0x20, 0xD800),
    range(0xE000, 0xFFFE),
    range(0x10000, 0x110000),
)
_NUMBER = re.compile(rb"&#(?:x([0-9A-Fa-f]{1,6})|([0-9]{1,7}));")


@dataclass(frozen=True, slots=True)
class Flowing:
    """A successful answer whose text is still to be read.

    Attributes:
        pieces: the text in UTF-8, to be taken once; taking the last one checks the end of the
            answer.
    """

    pieces: Iterator[bytes]


def read_answer(body: Iterator[bytes]) -> Any:
    """A list of values, a `Fault`, or a `Flowing` text.

    Args:
        body: pieces of the answer's body; none is taken behind its end.

    Raises:
        OneAnswerException: it is not XML-RPC.
    """
    start = b""
    for piece in body:
        start += piece
        if len(start) >= _HEAD_SIZE:
            break
    head = _HEAD.match(start)
    if head is not None:
        return Flowing(_text(start[head.end() :], body))
    value = decode_answer(start + b"".join(body))
    if isinstance(value, Fault | list):
        return value
    raise OneAnswerException(
        "the answer is not the array that OpenNebula gives",
        hint="check that the address is that of an OpenNebula server (…:2633/RPC2)",
    )


def _text(piece: bytes, body: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    while True:
        end = piece.find(b"<")
        if end >= 0:
            break
        piece = rest + piece
        cut = _whole_until(piece)
        rest = piece[cut:]
        plain = plain_text(piece[:cut])
        if plain:
            yield plain
        piece = next(body, b"")
        if not piece:
            raise _cut_off()
    plain = plain_text(rest + piece[:end])
    if plain:
        yield plain
    _check_tail(piece[end:], body)


def _check_tail(tail: bytes, body: Iterator[bytes]) -> None:
    for piece in body:
        tail += piece
        if len(tail) > _TAIL_SIZE:
            break
    if _TAIL.match(tail) is None:
        if len(tail) < _TAIL_SIZE and b"</methodResponse>" not in tail:
            raise _cut_off()
        raise OneAnswerException(f"the answer goes on with {tail[:40]!r} behind its text")


def _whole_until(piece: bytes) -> int:
    """Up to where references of characters and ends of lines are whole."""
    cut = len(piece)
    mark = piece.rfind(b"&", max(0, cut - _LONGEST))
    if mark >= 0 and piece.find(b";", mark) < 0:
        cut = mark
    if piece[cut - 1 : cut] == b"\r":
        cut -= 1
    return cut


def plain_text(text: bytes) -> bytes:
    r"""Character references turned back, ends of lines as XML wants them.

    Raises:
        OneAnswerException: a reference that XML does not know by itself.

    >>> plain_text(b"&lt;A&gt;1 &amp;amp; 2&#10;")
    b'<A>1 &amp; 2\n'
    """
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if b"&" not in text:
        return text
    text = text.replace(b"&lt;", b"<").replace(b"&gt;", b">")
    marks = text.count(b"&")
    if not marks:
        return text
    plain = text.replace(b"&amp;", b"&")
    if (len(text) - len(plain)) // len("amp;") == marks:
        return plain
    return _rare(text)


def _rare(text: bytes) -> bytes:
    """Quotes and numbers, too."""
    text = text.replace(b"&quot;", b'"').replace(b"&apos;", b"'")
    text = _NUMBER.sub(_character, text)
    if text.count(b"&") != text.count(b"&amp;"):
        raise OneAnswerException(
            "the answer refers to an entity that XML does not know, or has a bare &",
            hint="OpenNebula does not write that; check what is in between",
        )
    return text.replace(b"&amp;", b"&")


def _character(found: re.Match[bytes]) -> bytes:
    number = int(found[1], 16) if found[1] else int(found[2])
    if not any(number in span for span in _CHARACTERS):
        raise OneAnswerException(f"the answer refers to the character {number}, which XML forbids")
    if number == ord("&"):
        return b"&amp;"
    return chr(number).encode()


def _cut_off() -> OneAnswerException:
    return OneAnswerException(
        "the answer was cut off before its end",
        hint="try again; look at what is between here and the server",
        retry_after=1.0,
    )
