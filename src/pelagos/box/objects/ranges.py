"""Which bytes of an object are asked for (RFC 9110, 14). Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

_ONE = re.compile(r"\s*(\d{0,18})-(\d{0,18})\s*")
_LIMIT = 50

Range = tuple[int, int]


def parse(text: str) -> list[tuple[int | None, int | None]] | None:
    """What a Range header says: first and last byte of each; None for nothing that counts.

    >>> parse("bytes=0-3, -5,7-"), parse("bytes=5-3"), parse("octets=1-2")
    ([(0, 3), (None, 5), (7, None)], None, None)
    """
    unit, found, rest = text.partition("=")
    if unit.strip().lower() != "bytes" or not found:
        return None
    told: list[tuple[int | None, int | None]] = []
    for word in rest.split(","):
        match = _ONE.fullmatch(word)
        if match is None or not (match[1] or match[2]):
            return None
        first = int(match[1]) if match[1] else None
        last = int(match[2]) if match[2] else None
        if first is not None and last is not None and first > last:
            return None
        told.append((first, last))
    return told if len(told) <= _LIMIT else None


def within(told: Sequence[tuple[int | None, int | None]], size: int) -> list[Range]:
    """Start and end of each range that an object of this size has, cut to it.

    >>> within([(0, 3), (None, 5), (7, None), (10, 12)], 9)
    [(0, 4), (4, 9), (7, 9)]
    """
    found = []
    for first, last in told:
        if first is None:
            length = min(last or 0, size)
            if length:
                found.append((size - length, size))
        elif first < size:
            found.append((first, size if last is None else min(last + 1, size)))
    return found


def exactly(told: Sequence[tuple[int | None, int | None]], size: int) -> list[Range] | None:
    """Start and end of each range; None when any of them goes beyond the object.

    >>> exactly([(0, 3)], 4), exactly([(0, 4)], 4), exactly([(None, 0)], 4)
    ([(0, 4)], None, None)
    """
    found = []
    for first, last in told:
        start = size - (last or 0) if first is None else first
        end = size if first is None or last is None else last + 1
        if not 0 <= start < end <= size:
            return None
        found.append((start, end))
    return found
