"""Where a text occurs: all folded texts in one run of bytes, of which little has to be read."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

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
        joined = _JOIN.join(texts)
        if joined.count(_JOIN) < max(1, len(texts)):
            self._text += _bytes(joined).replace(b"\0", _BETWEEN)
        else:  # a text has that character itself
            self._text += _BETWEEN.join([_bytes(text) for text in texts])
        self._text += _BETWEEN

    def freeze(self) -> None:
        """Make ready for `find`; nothing is added any more."""
        self._starts = smallest(self._starts, len(self._text))
        if len(self._starts) > _FEW:
            self._filter = BlockFilter(self._text, self._starts)

    def find(self, term: str) -> Iterator[int]:
        """The numbers of the rows, ascending; the empty term occurs in all."""
        needle = _bytes(term)
        text, starts, count = self._text, self._starts, len(self._starts)
        if not needle:
            yield from range(count)
            return
        for first, last in self._runs(needle):
            end = starts[last] if last < count else len(text)
            place = text.find(needle, starts[first], end)
            row = first
            while place >= 0:
                row = bisect_right(starts, place, row, last)  # after the one where it is
                yield row - 1
                place = text.find(needle, starts[row], end) if row < last else -1

    def find_words(self, words: Iterable[str]) -> Iterator[int]:
        """The numbers of the rows, ascending, in which each word begins one of some text."""
        needles = sorted(map(_bytes, words), key=len, reverse=True)
        for row in self.find(needles[0].decode("utf-8", "surrogatepass")):
            if all(self._begins(needle, row) for needle in needles):
                yield row

    def _begins(self, needle: bytes, row: int) -> bool:
        text, starts = self._text, self._starts
        end = starts[row + 1] if row + 1 < len(starts) else len(text)
        place = text.find(needle, starts[row], end)
        while place >= 0:
            if place == 0 or _is_no_letter(text[place - 1]):
                return True
            place = text.find(needle, place + 1, end)
        return False

    def _runs(self, needle: bytes) -> Iterable[tuple[int, int]]:
        """Rows that may have it, from the first to before the last."""
        if self._filter is not None:
            return self._filter.runs(needle)
        return [(0, len(self._starts))] if self._starts else []

    @property
    def size(self) -> int:
        """Bytes that the index takes."""
        filtered = self._filter.size if self._filter is not None else 0
        return len(self._text) + self._starts.itemsize * len(self._starts) + filtered


def _is_no_letter(byte: int) -> bool:
    """Whether a word may begin behind it: the end of a text, or a sign of ASCII."""
    return byte == _BETWEEN[0] or not (byte >= 0x80 or chr(byte).isalnum())  # noqa: PLR2004  # ASCII


def _bytes(text: str) -> bytes:
    return fold(text).encode("utf-8", "surrogatepass")
