"""Results as a person reads them: rows below headings, or a line for each key of one thing.

Rows stay lines: what is too wide for the terminal is cut. Nothing printed can steer it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pelagos.cli.terminal import clean, paint
from pelagos.cli.values import Data, pick

if TYPE_CHECKING:  # not for a cycle: who prints it loads this
    from typing import TextIO

    from pelagos.cli.output import Column
    from pelagos.cli.pager import Paged

_NARROW = (20, 12)
"""Characters to which columns are cut for a narrow terminal: first the wide ones, then all."""

_STATE_COLOURS = {
    "started": "green",
    "available": "green",
    "ok": "green",
    "error": "red",
    "fail": "red",
    "warn": "yellow",
    "waiting": "yellow",
    "building": "yellow",
    "requested": "yellow",
}
_COLOURED = {"status", "verdict", "cause.code"}


class Table:
    """Prints tables.

    Args:
        stream: where to.
        colour: whether to colour them.
        width: columns of the terminal that they should fit in; None = no limit.
    """

    def __init__(
        self, stream: TextIO | Paged, *, colour: bool = False, width: int | None = None
    ) -> None:
        self._stream = stream
        self._colour = colour
        self._width = width

    def rows(
        self,
        rows: Sequence[Data],
        columns: Sequence[Column],
        least: Sequence[int],
        *,
        has_head: bool,
    ) -> list[int]:
        """Print rows; return how wide the columns became, at least as wide as `least`."""
        cells = [[clean(one.show(pick(row, one.key))) for one in columns] for row in rows]
        titles = [clean(one.title.upper()) for one in columns]
        measured = [max(map(len, column)) for column in zip(titles, *cells, strict=True)]
        widths = [max(pair) for pair in zip(least, measured, strict=True)]
        self._shrink(widths)
        if has_head:
            self._stream.write(self._row(titles, widths, ["bold"] * len(titles)))
        for row in cells:
            colours = [
                _STATE_COLOURS.get(cell, "") if one.key in _COLOURED else ""
                for one, cell in zip(columns, row, strict=True)
            ]
            self._stream.write(self._row(row, widths, colours))
        return widths

    def _shrink(self, widths: list[int]) -> None:
        """Take what is too much for the terminal from the widest columns; rows stay lines."""
        if self._width is None:
            return
        excess = sum(widths) + 2 * (len(widths) - 1) - self._width
        for least in _NARROW:
            while excess > 0 and max(widths) > least:
                widths[widths.index(max(widths))] -= 1
                excess -= 1

    def _row(self, cells: Sequence[str], widths: Sequence[int], colours: Sequence[str]) -> str:
        parts = []
        for position, (cell, width, colour) in enumerate(zip(cells, widths, colours, strict=True)):
            is_last = position == len(cells) - 1
            cut = _cut(cell, width)
            painted = paint(cut, colour) if colour and self._colour and cut else cut
            parts.append(painted if is_last else painted + " " * (width - len(cut)))
        return "  ".join(parts).rstrip() + "\n"

    def pairs(self, data: Data, columns: Sequence[Column]) -> None:
        """Print one thing: keys, and what is under them."""
        margin = max((len(one.key) for one in columns), default=0)
        for one in columns:
            key = clean(one.key).ljust(margin)
            value = clean(one.show(pick(data, one.key)), keep="\n")
            value = value.rstrip("\n").replace("\n", "\n" + " " * (margin + 2))
            if self._colour:
                key = paint(key, "bold")
                colour = _STATE_COLOURS.get(value, "") if one.key in _COLOURED else ""
                value = paint(value, colour) if colour else value
            self._stream.write(f"{key}  {value}".rstrip() + "\n")


def _cut(cell: str, width: int) -> str:
    """The cell in that width; of a path or URL the end says more than the beginning."""
    if len(cell) <= width:
        return cell
    is_path = "/" in cell and " " not in cell
    return "…" + cell[1 - width :] if is_path else cell[: width - 1] + "…"
