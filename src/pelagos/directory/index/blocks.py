"""Which blocks of rows cannot have a text: sixteen bytes a row save reading nearly all of them."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator

#: Rows of one block: the fewer, the less is read for nothing, and the more memory it takes.
ROWS = 32
#: Numbers that the triples of bytes are reduced to; two triples may have the same.
BUCKETS = 4096

_TRIPLE = 3
_RUN = re.compile("1+")


class BlockFilter:
    """For each triple of bytes, a bit per block: whether the block's text may have it.

    Args:
        text: all texts, one row after another.
        starts: where each row begins in it.
    """

    def __init__(self, text: bytearray, starts: array[int]) -> None:
        self._rows = len(starts)
        blocks = -(-self._rows // ROWS)
        self._width = -(-blocks // 8)  # bytes of one triple's bits
        self._bits = bytearray(BUCKETS * self._width)
        for block in range(blocks):
            first, last = block * ROWS, (block + 1) * ROWS
            end = starts[last] if last < self._rows else len(text)
            self._note(block, bytes(text[starts[first] : end]))

    def _note(self, block: int, text: bytes) -> None:
        bits, width = self._bits, self._width
        place, bit = block >> 3, 1 << (block & 7)
        for bucket in {number % BUCKETS for number in set(_triples(text))}:
            bits[bucket * width + place] |= bit

    def runs(self, needle: bytes) -> Iterator[tuple[int, int]]:
        """Rows that may have a text: from the first to before the last, ascending."""
        if len(needle) < _TRIPLE:
            yield 0, self._rows
            return
        width = self._width
        left = -1
        for number in _triples(needle):
            place = number % BUCKETS * width
            left &= int.from_bytes(self._bits[place : place + width], "little")
        digits = f"{left:b}"[::-1]  # the lowest bit first: one character a block
        for run in _RUN.finditer(digits):
            yield run.start() * ROWS, min(run.end() * ROWS, self._rows)

    @property
    def size(self) -> int:
        """Bytes that the filter takes."""
        return len(self._bits)


def _triples(text: bytes) -> Iterator[int]:
    """A number for every three bytes that follow each other."""
    return map(hash, zip(text, text[1:], text[2:], strict=False))
