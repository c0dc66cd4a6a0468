"""Parts of an object, as people write them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pelagos.clients.errors import ClientError


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes from `start` up to and without `end`."""

    start: int
    end: int

    @property
    def length(self) -> int:
        """How many bytes."""
        return self.end - self.start

    @property
    def header(self) -> str:
        """As the header Range says it; a server of Pithos refuses an end behind the object's."""
        return f"bytes={self.start}-{self.end - 1}"

    def common(self, start: int, end: int) -> Part | None:
        """What lies in another part, too."""
        first, last = max(self.start, start), min(self.end, end)
        return Part(first, last) if first < last else None


def parse_ranges(text: str, size: int) -> list[Part]:
    """The parts that a list of ranges means in an object of so many bytes, in its order.

    A list with commas of `A-B` (both included), `A-` (to the end), `-N` (the last N bytes) and
    `N` (from 0 to N, included). What reaches behind the end is cut there.

    >>> [(part.start, part.end) for part in parse_ranges("5,10-12,-3,95-", 100)]
    [(0, 6), (10, 13), (97, 100), (95, 100)]

    Raises:
        ClientError: it is not such a list, or a part begins behind the end (status 416).
    """
    return [_part(piece.strip(), size) for piece in text.split(",")]


def _part(piece: str, size: int) -> Part:
    first, dash, last = piece.partition("-")
    if not all(
        number == "" or (number.isascii() and number.isdigit()) for number in (first, last)
    ) or (not first and not last):
        raise ClientError(f"{piece!r} is not a range of bytes; write A-B, A-, -N or N")
    if not dash:
        start, end = 0, int(first) + 1
    elif not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), int(last) + 1 if last else size
    if dash and first and last and int(last) < int(first):
        raise ClientError(f"the range {piece!r} ends before it begins")
    if start >= size or (not first and int(last) == 0):
        raise ClientError(f"the range {piece!r} is behind the end: there are {size:,} bytes", 416)
    return Part(start, min(end, size))


def cut(parts: Sequence[Part], size: int) -> list[Part]:
    """The parts in pieces of at most so many bytes, in order."""
    return [
        Part(start, min(start + size, part.end))
        for part in parts
        for start in range(part.start, part.end, size)
    ]
