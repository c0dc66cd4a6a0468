"""CSV text (RFC 4180) to rows; lines that cannot be read are left out and named."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pelagos.directory.errors import SourceError

#: Lines that are left out of a text and remembered one by one; the others are only counted.
MAX_PROBLEMS = 1000

_SHOWN = 5  # columns that an error names
_UNCLOSED = 'a quote (") that opens here is never closed'


@dataclass(frozen=True, slots=True)
class Problem:
    """A line that was left out, and why; the header is line 1."""

    line: int
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"


def read_csv(lines: Iterable[str], separator: str = ",") -> CsvRows:
    """Read CSV text whose first line names the columns.

    Args:
        lines: decoded with `surrogateescape`, so that a line with bytes that are not of the
            charset can be told from the rest and left out.

    Raises:
        SourceError: the header cannot be used.
    """
    return CsvRows(lines, separator)


class CsvRows:
    """The rows of a CSV text, read while they are iterated, once.

    A row has its values in the order of the columns, None for an empty one; that of a short line
    is shorter.

    Attributes:
        columns: names of the columns; those without a name are not shown. None of a text that
            is empty.
        problems: the first `MAX_PROBLEMS` lines that were left out so far.
        problem_count: how many lines were left out so far.
        row_count: how many rows were given so far.
    """

    def __init__(self, lines: Iterable[str], separator: str = ",") -> None:
        self.problems: list[Problem] = []
        self.problem_count = 0
        self.row_count = 0
        self._lines = _Lines(lines)
        self._reader = csv.reader(self._lines, delimiter=separator, strict=True)
        header = self._read_header()
        self._width = len(header)
        self._shown = [place for place, name in enumerate(header) if name]
        self.columns = tuple(name for name in header if name)

    def __iter__(self) -> Iterator[Sequence[str | None]]:
        if not self.columns:
            return
        lines, width, shows_all = self._lines, self._width, len(self._shown) == self._width
        while True:
            line = lines.count + 1
            try:
                cells = next(self._reader, None)
            except csv.Error as error:
                self._leave_out(line, _reason(error))
                continue
            if cells is None:
                return
            if not cells:
                continue  # a blank line
            if lines.last_undecodable >= line:
                self._leave_out(lines.last_undecodable, "the bytes are not of the charset")
            elif len(cells) > width:
                reason = f"{len(cells)} values, but the header names {width} columns"
                self._leave_out(line, reason)
            else:
                self.row_count += 1
                shown = cells if shows_all else [cells[p] for p in self._shown if p < len(cells)]
                yield [cell or None for cell in shown]

    def _read_header(self) -> tuple[str, ...]:
        try:
            cells = next((cells for cells in self._reader if cells), None)
        except csv.Error as error:
            raise SourceError(f"the first line is not CSV: {_reason(error)}") from error
        if cells is None:
            return ()
        if self._lines.last_undecodable:
            raise SourceError(
                "the first line has bytes that are not of the charset",
                hint="save the file as UTF-8, or set `charset` of this source",
            )
        columns = tuple(cell.strip() for cell in cells)
        named = Counter(column for column in columns if column)
        if twice := sorted(column for column, times in named.items() if times > 1):
            shown = ", ".join(twice[:_SHOWN])
            raise SourceError(f"the first line names a column twice: {shown}")
        if not named:
            raise SourceError("the first line names no column")
        return columns

    def _leave_out(self, line: int, reason: str) -> None:
        self.problem_count += 1
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(Problem(line, reason))


class _Lines:
    """Counts the lines that the reader takes, and notes those that could not be decoded."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self.count = 0
        self.last_undecodable = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.count += 1
        if not line.isascii():
            try:
                line.encode()
            except UnicodeEncodeError:  # `surrogateescape` put something there
                self.last_undecodable = self.count
        return line


def _reason(error: csv.Error) -> str:
    text = str(error)
    return _UNCLOSED if text == "unexpected end of data" else text
