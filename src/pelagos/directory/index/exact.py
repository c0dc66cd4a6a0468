"""Where a text stands as it is: eight bytes for each of them."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator

_BITS = 30  # of a row's number, and of a text's hash; both together are one small int of Python
_MASK = (1 << _BITS) - 1
_AT_ONCE = 10_000  # keys


class ExactIndex:
    """Which rows may have a text; the one who asks compares, for two texts may have one hash."""

    def __init__(self) -> None:
        self._keys = array("Q")

    def add(self, text: str, row: int) -> None:
        """Note that a row has a text."""
        self._keys.append((hash(text) & _MASK) << _BITS | row)

    def freeze(self) -> None:
        """Make ready for `candidates`; nothing is added any more."""
        parts = [array("Q") for _ in range(1 + len(self._keys) // _AT_ONCE)]
        span = (1 << 2 * _BITS) // len(parts) + 1
        for key in self._keys:
            parts[key // span].append(key)
        del self._keys[:]
        for part in parts:  # sorting stops all other threads, so a little at a time
            self._keys.extend(sorted(part))

    def candidates(self, text: str) -> Iterable[int]:
        """Numbers of rows that probably have the text, ascending; none that has it is missed.

        An empty tuple where no row has it.
        """
        wanted = (hash(text) & _MASK) << _BITS
        place = bisect_left(self._keys, wanted)
        if place == len(self._keys) or self._keys[place] & ~_MASK != wanted:
            return ()  # as of most tables that are asked for a number
        return self._rows_of(wanted, place)

    def _rows_of(self, wanted: int, place: int) -> Iterator[int]:
        keys = self._keys
        while place < len(keys) and keys[place] & ~_MASK == wanted:
            yield keys[place] & _MASK
            place += 1

    @property
    def size(self) -> int:
        """Bytes that the index takes."""
        return self._keys.itemsize * len(self._keys)
