"""Rows kept as bytes: a million contacts need about the memory that their text has on disk."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

from pelagos.core import wire

_JOIN = "\x1f"  # hardly in any text, and one that has it is joined with more care
_JOIN_BYTE = b"\x1f"
_BETWEEN = b"\xff"  # between the cells of a row; occurs in no UTF-8
_ENCODED = 0xFE  # before a cell that is no text, kept as JSON; occurs in no UTF-8
_ENCODED_MARK = b"\xfe"


class RowStore:
    """Rows, added one by one and read by their number; a dict is made only of those read.

    A value is text, None, or plain data (numbers, lists of texts) that JSON can carry. The empty
    text is kept as None. Rows may have different columns; each set of them is kept once.
    """

    def __init__(self) -> None:
        self.shapes: list[tuple[str, ...]] = []
        self._cells = bytearray()
        self._starts = array("Q", (0,))
        self._shape_of = array("I")

    def __len__(self) -> int:
        return len(self._shape_of)

    def shape(self, columns: tuple[str, ...]) -> int:
        """Announce a set of columns; give its number to `add`."""
        self.shapes.append(columns)
        return len(self.shapes) - 1

    def add(self, shape: int, cells: Sequence[Any]) -> None:
        """Append a row with a value for each column of the shape."""
        self._cells += _encode_row(cells)
        self._starts.append(len(self._cells))
        self._shape_of.append(shape)

    def __getitem__(self, number: int) -> dict[str, Any]:
        shape = self.shapes[self._shape_of[number]]
        if not shape:
            return {}
        row = self._cells[self._starts[number] : self._starts[number + 1]]
        if _ENCODED_MARK in row or _JOIN_BYTE in row:
            return dict(zip(shape, map(_decode, row.split(_BETWEEN)), strict=True))
        texts = row.replace(_BETWEEN, _JOIN_BYTE).decode("utf-8", "surrogatepass").split(_JOIN)
        return dict(zip(shape, [text or None for text in texts], strict=True))

    def freeze(self) -> None:
        """Keep what is there in the least memory; nothing is added any more."""
        self._starts = smallest(self._starts, len(self._cells))
        self._shape_of = smallest(self._shape_of, len(self.shapes))

    @property
    def size(self) -> int:
        """Bytes that the rows take."""
        return len(self._cells) + sum(a.itemsize * len(a) for a in (self._starts, self._shape_of))


def smallest(numbers: array[int], highest: int) -> array[int]:
    """The same numbers in the narrowest array that holds `highest`."""
    code = next(code for code in "BHIQ" if highest < 256 ** array(code).itemsize)
    return numbers if numbers.typecode == code else array(code, numbers)


def texts_of(value: Any) -> Sequence[str]:
    """The texts by which a value is searched and matched: a list's are those of its items."""
    if type(value) is str:
        return (value,) if value else ()
    if value is None:
        return ()
    if isinstance(value, list | tuple):
        return [text for item in value for text in texts_of(item)]
    return (str(value),)


def _encode_row(cells: Sequence[Any]) -> bytes:
    """The cells, one after another; most rows are texts only, and encoded in one step."""
    try:
        text = _JOIN.join(["" if cell is None else cell for cell in cells])
    except TypeError:  # a number, a list
        return _BETWEEN.join([_encode(cell) for cell in cells])
    if text.count(_JOIN) != len(cells) - 1:
        return _BETWEEN.join([_encode(cell) for cell in cells])
    return text.encode("utf-8", "surrogatepass").replace(_JOIN_BYTE, _BETWEEN)


def _encode(cell: Any) -> bytes:
    if type(cell) is str:
        return cell.encode("utf-8", "surrogatepass")
    if cell is None:
        return b""
    return _ENCODED_MARK + wire.encode(cell)


def _decode(cell: bytearray) -> Any:
    if not cell:
        return None
    if cell[0] == _ENCODED:
        return wire.decode(bytes(cell[1:]), Any)
    return cell.decode("utf-8", "surrogatepass")
