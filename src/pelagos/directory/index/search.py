"""Where a text occurs: all folded texts in one run of bytes, which is searched as a whole."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from pelagos.directory.folding import fold
from pelagos.directory.index.rows import smallest

_JOIN = "\0"  # while folding; folding leaves it alone
_BETWEEN = b"\xff"  # between texts, so that no term matches across two; occurs in no UTF-8


class TextIndex:
    """Finds the rows in one of whose texts a term occurs, without regard to case and accents."""

    def __init__(self) -> None:
        self._text = bytearray()
        self._starts = array("Q")

    def add(self, texts: Sequence[str]) -> None:
        """Append the texts of the next row."""
        self._starts.append(len(self._text))
        folded = fold(_JOIN.join(texts)).encode("utf-8", "surrogatepass")
        self._text += folded.replace(b"\0", _BETWEEN)
        self._text += _BETWEEN

    def freeze(self) -> None:
        """Keep what is there in the least memory; nothing is added any more."""
        self._starts = smallest(self._starts, len(self._text))

    def find(self, term: str) -> Iterator[int]:
        """The numbers of the rows, ascending; the empty term occurs in all."""
        needle = fold(term).encode("utf-8", "surrogatepass")
        if not needle:
            yield from range(len(self._starts))
            return
        text, starts = self._text, self._starts
        place = text.find(needle)
        row = 0
        while place >= 0:
            row = bisect_right(starts, place, row)  # the row after the one where it is
            yield row - 1
            place = text.find(needle, starts[row]) if row < len(starts) else -1

    @property
    def size(self) -> int:
        """Bytes that the index takes."""
        return len(self._text) + self._starts.itemsize * len(self._starts)
