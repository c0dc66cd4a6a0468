"""Messages of a server (RFC 4511), looked at before the library that reads them. Pure.

The library trusts what it is sent: one that is not what it expects ends the whole process. So only
answers of the kind that was asked for, and well-formed to the last byte, are handed on to it.
"""

from __future__ import annotations

BIND, ENTRY, DONE, REFERENCE = 0x61, 0x64, 0x65, 0x73
#: What may come while a bind, and while a search waits for its answer.
OF_BIND = frozenset({BIND})
OF_SEARCH = frozenset({ENTRY, DONE, REFERENCE})

_INTEGER, _TEXT, _ENUMERATED, _BOOLEAN = 0x02, 0x04, 0x0A, 0x01
_SEQUENCE, _SET = 0x30, 0x31
_REFERRAL, _CREDENTIALS, _CONTROLS = 0xA3, 0x87, 0xA0
_PAGED = b"1.2.840.113556.1.4.319"
_MAX_NUMBER = 4  # bytes
_MAX_CODE = 0x7F


class MessageError(ValueError):
    """What came is no such message; its text says what it is not."""


def size(data: bytes | bytearray, at: int = 0) -> int | None:
    """Bytes of the message that begins there, its head included; None while too few are there.

    Raises:
        MessageError: no message begins so.
    """
    if len(data) < at + 2:
        return None
    first = data[at + 1]
    count = first & 0x7F if first & 0x80 else 0
    if data[at] != _SEQUENCE or count > _MAX_NUMBER or first == 0x80:  # noqa: PLR2004  # indefinite
        raise MessageError("it does not speak LDAP")
    if len(data) < at + 2 + count:
        return None
    body = int.from_bytes(data[at + 2 : at + 2 + count]) if count else first
    return 2 + count + body


def kind(data: bytes | bytearray, at: int = 0) -> int:
    """The operation of the message that begins there, of which at least 16 bytes are there."""
    place = at + 2 + (data[at + 1] & 0x7F if data[at + 1] & 0x80 else 0)
    place += 2 + data[place + 1]
    return data[place] if place < len(data) else 0


def check(data: bytes, expected: frozenset[int]) -> int:
    """Look through a whole message.

    Returns:
        Its operation.

    Raises:
        MessageError: it is not well-formed, or not one of those expected.
    """
    start, end = _one(data, 0, len(data), _SEQUENCE)
    at = _number(data, start, end, _INTEGER)
    operation, start, stop = _piece(data, at, end)
    if operation not in expected:
        raise MessageError("it sent something that was not asked for")
    if operation == ENTRY:
        _check_entry(data, start, stop)
    elif operation == REFERENCE:
        _check_texts(data, start, stop)
    else:
        _check_result(data, start, stop)
    if stop < end:
        _check_controls(data, *_one(data, stop, end, _CONTROLS))
    return operation


def code(data: bytes, at: int = 0) -> int | None:
    """The code of the result that stands in a message of that form; None when there is none."""
    try:
        start, end = _one(data, at, len(data), _SEQUENCE)
        _, start, stop = _piece(data, _number(data, start, end, _INTEGER), end)
        _number(data, start, stop, _ENUMERATED)
    except MessageError:
        return None
    return data[start + 2]


def _piece(data: bytes, at: int, end: int) -> tuple[int, int, int]:
    """Tag, and first and last place of the value, of the element that begins there."""
    if at + 2 > end:
        raise MessageError("its answer breaks off")
    tag, length, at = data[at], data[at + 1], at + 2
    if length & 0x80:
        count = length & 0x7F
        if not 0 < count <= _MAX_NUMBER or at + count > end:
            raise MessageError("its answer has no length")
        length = int.from_bytes(data[at : at + count])
        at += count
    if at + length > end:
        raise MessageError("its answer breaks off")
    return tag, at, at + length


def _one(data: bytes, at: int, end: int, tag: int) -> tuple[int, int]:
    """The value of an element with this tag that fills the place."""
    found, start, stop = _piece(data, at, end)
    if found != tag or stop != end:
        raise MessageError("its answer is not in the form of LDAP")
    return start, stop


def _next(data: bytes, at: int, end: int, tag: int) -> tuple[int, int]:
    found, start, stop = _piece(data, at, end)
    if found != tag:
        raise MessageError("its answer is not in the form of LDAP")
    return start, stop


def _number(data: bytes, at: int, end: int, tag: int) -> int:
    """The place behind a number, which has 1 to 4 bytes and is not negative."""
    start, stop = _next(data, at, end, tag)
    if not 0 < stop - start <= _MAX_NUMBER or data[start] > _MAX_CODE:
        raise MessageError("a number of its answer is none")
    return stop


def _check_texts(data: bytes, at: int, end: int) -> None:
    while at < end:
        _, at = _text(data, at, end)


def _text(data: bytes, at: int, end: int) -> tuple[int, int]:
    """A text that stands for a name: in UTF-8, and without NUL, where C would end it."""
    start, stop = _next(data, at, end, _TEXT)
    text = data[start:stop]
    if b"\0" in text:
        raise MessageError("a name of its answer is none")
    try:
        text.decode()
    except UnicodeDecodeError:
        raise MessageError("a name of its answer is not in UTF-8") from None
    return start, stop


def _check_entry(data: bytes, at: int, end: int) -> None:
    _, at = _text(data, at, end)
    at, stop = _one(data, at, end, _SEQUENCE)
    while at < stop:
        start, at = _next(data, at, stop, _SEQUENCE)
        first, start = _text(data, start, at)
        if first == start:
            raise MessageError("an attribute of its answer has no name")
        value, last = _one(data, start, at, _SET)
        while value < last:
            _, value = _next(data, value, last, _TEXT)


def _check_result(data: bytes, at: int, end: int) -> None:
    stop = _number(data, at, end, _ENUMERATED)
    if stop - at > 3:  # noqa: PLR2004  # tag, length, one byte: there are no codes above 127
        raise MessageError("its result has no code")
    _, at = _text(data, stop, end)
    _, at = _text(data, at, end)
    if at < end and data[at] == _REFERRAL:
        start, at = _next(data, at, end, _REFERRAL)
        _check_texts(data, start, at)
    if at < end:
        _, at = _next(data, at, end, _CREDENTIALS)
    if at != end:
        raise MessageError("its result has more than it may")


def _check_controls(data: bytes, at: int, end: int) -> None:
    while at < end:
        start, at = _next(data, at, end, _SEQUENCE)
        first, start = _text(data, start, at)
        is_paged = data[first:start] == _PAGED
        if start < at and data[start] == _BOOLEAN:
            first, start = _next(data, start, at, _BOOLEAN)
            if start - first != 1:
                raise MessageError("a control of its answer is none")
        if start < at or is_paged:
            first, stop = _one(data, start, at, _TEXT)
            if is_paged:
                place, last = _one(data, first, stop, _SEQUENCE)
                _one(data, _number(data, place, last, _INTEGER), last, _TEXT)
