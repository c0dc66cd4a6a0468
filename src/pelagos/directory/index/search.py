"""Where a text occurs: all folded texts in one run of bytes, of which little has to be read."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from pelagos.directory.folding import fold
from pelagos.directory.index.blocks import BlockFilter
from pelagos.directory.index.rows import smallest

_JOIN = "\0"  # while folding; folding leaves it alone
_BETWEEN = b"\xff"  # between texts, so that no term matches across two; occurs in no UTF-8
_FEW = 512  # rows that are read faster than filtered


class TextIndex:
    """Finds the rows in one of whose texts a term occurs, without regard to case and accents."""

    def __init__(self) -> None:
        self._text = bytearray()
        self._starts = array("Q")
        self._filter: BlockFilter | None = None

    def add(self, texts: Sequence[str]) -> None:
        """Append the texts of the next row."""
        self._starts.append(len(self._text))
        folded = fold(_JOIN.join(texts)).encode("utf-8", "surrogatepass")
        self._text += folded.replace(b"\0", _BETWEEN)
        self._text += _BETWEEN

    def freeze(self) -> None:
        """Make ready for `find`; nothing is added any more."""
        self._starts = smallest(self._starts, len(self._text))
        if len(self._starts) > _FEW:
            self._filter = BlockFilter(self._text, self._starts)

    def find(self, term: str) -> Iterator[int]:
        """The numbers of the rows, ascending; the empty term occurs in all."""
        needle = fold(term).encode("utf-8", "surrogatepass")
        if not needle or self._filter is None:
            yield from self._find(needle, 0, len(self._starts))
            return
        for first, last in self._filter.runs(needle):
            yield from self._find(needle, first, last)

    def _find(self, needle: bytes, first: int, last: int) -> Iterator[int]:
        """The same of the rows from the first to before the last."""
        if not needle or first == last:
            yield from range(first, last)
            return
        text, starts = self._text, self._starts
        end = starts[last] if last < len(starts) else len(text)
        place = text.find(needle, starts[first], end)
        while place >= 0:
            first = bisect_right(starts, place, first, last)  # the row after the one where it is
            yield first - 1
            place = text.find(needle, starts[first], end) if first < last else -1

    @property
    def size(self) -> int:
        """Bytes that the index takes."""
        filtered = self._filter.size if self._filter is not None else 0
        return len(self._text) + self._starts.itemsize * len(self._starts) + filtered
