"""Rows that are searched in memory: read from CSV text, indexed once, never changed."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pelagos.directory.errors import SourceError
from pelagos.directory.folding import fold

#: Lines that are left out of a file and remembered one by one; the others are only counted.
MAX_PROBLEMS = 1000

_BETWEEN = "\x00"  # between the folded columns of a row, so that no term matches across two
_Cells = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """A line that was left out, and why; the header is line 1."""

    line: int
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"


@dataclass(slots=True)
class Rows:
    """What a CSV text contains.

    Attributes:
        columns: names of the columns; empty for one without a name, which is not shown.
        rows: values in the order of the columns, None for an empty one; a short line is shorter.
        problems: the first `MAX_PROBLEMS` lines that were left out.
        problem_count: how many lines were left out.
    """

    columns: tuple[str, ...] = ()
    rows: list[_Cells] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    problem_count: int = 0

    def leave_out(self, line: int, reason: str) -> None:
        """Note a line that is not among the rows."""
        self.problem_count += 1
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(Problem(line, reason))


def read_csv(lines: Iterable[str], separator: str = ",") -> Rows:
    """Read CSV text (RFC 4180) whose first line names the columns.

    Args:
        lines: text decoded from UTF-8 with `surrogateescape`, so that a line with other bytes
            can be told from the rest and left out.

    Raises:
        SourceError: the header cannot be used.
    """
    text = _Lines(lines)
    reader = csv.reader(text, delimiter=separator, strict=True)
    found = Rows()
    while (line := text.count + 1) and (cells := _next(reader, found, line)) is not None:
        if not cells:
            continue  # a blank line, or one that was left out
        if text.last_undecodable >= line:
            found.leave_out(text.last_undecodable, "the bytes are not UTF-8")
        elif not found.columns:
            found.columns = _header(cells)
        elif len(cells) > len(found.columns):
            reason = f"{len(cells)} values, but the header names {len(found.columns)} columns"
            found.leave_out(line, reason)
        else:
            found.rows.append(tuple(cell or None for cell in cells))
    return found


class _Lines:
    """Counts the lines that the reader takes, and notes those that were not UTF-8."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self.count = 0
        self.last_undecodable = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.count += 1
        if not line.isascii() and any("\ud800" <= c <= "\udfff" for c in line):
            self.last_undecodable = self.count
        return line


def _next(reader: Iterator[list[str]], found: Rows, line: int) -> list[str] | None:
    """The cells of the next row; none of them when it cannot be read; None at the end."""
    try:
        return next(reader, None)
    except csv.Error as error:
        reason = str(error)
        if reason == "unexpected end of data":
            reason = 'a quote (") that opens here is never closed'
        found.leave_out(line, reason)
        return []


def _header(cells: Sequence[str]) -> tuple[str, ...]:
    columns = tuple(cell.strip() for cell in cells)
    named = [column for column in columns if column]
    twice = sorted({column for column in named if named.count(column) > 1})
    if twice:
        raise SourceError(f"the first line names a column twice: {', '.join(twice)}")
    if not named:
        raise SourceError("the first line names no column")
    return columns


@dataclass(frozen=True, slots=True)
class Table:
    """Rows with their indexes; safe to share between threads.

    Args of `Table.of`: columns that the rows do not have are passed over; see `missing`.
    """

    columns: tuple[str, ...]
    rows: Sequence[_Cells]
    missing: tuple[str, ...]
    _folded: Sequence[str]
    _exact: Mapping[str, int]
    _by_id: Mapping[str, Sequence[int]]

    @classmethod
    def of(
        cls,
        found: Rows,
        *,
        searched: Sequence[str] = (),
        first_matched: Sequence[str] = (),
        unique: str | None = None,
    ) -> Table:
        """Index rows by the columns that are searched, matched exactly, and unique."""
        place = {column: number for number, column in enumerate(found.columns) if column}
        wanted = [*searched, *first_matched, *([unique] if unique else [])]
        in_search = [place[column] for column in searched if column in place]
        exact: dict[str, int] = {}
        by_id: dict[str, list[int]] = {}
        for number, row in enumerate(found.rows):
            for column in first_matched:
                if value := _value(row, place.get(column)):
                    exact.setdefault(value, number)
            if unique and (value := _value(row, place.get(unique))):
                by_id.setdefault(value, []).append(number)
        return cls(
            columns=found.columns,
            rows=found.rows,
            missing=tuple(dict.fromkeys(c for c in wanted if c not in place)),
            _folded=[_fold_row(row, in_search) for row in found.rows] if in_search else [],
            _exact=exact,
            _by_id=by_id,
        )

    def search(self, term: str) -> list[dict[str, Any]]:
        """The rows in one of whose searched columns the term occurs, without case and accents."""
        needle = fold(term)
        return [self._dict(n) for n, folded in enumerate(self._folded) if needle in folded]

    def first_match(self, exten: str) -> dict[str, Any] | None:
        """The first row one of whose matched columns equals `exten`."""
        number = self._exact.get(exten)
        return None if number is None else self._dict(number)

    def list(self, uids: Iterable[str]) -> list[dict[str, Any]]:
        """The rows with these unique ids, in the order of the rows."""
        numbers = {number for uid in uids for number in self._by_id.get(str(uid), ())}
        return [self._dict(number) for number in sorted(numbers)]

    def _dict(self, number: int) -> dict[str, Any]:
        pairs = zip(self.columns, self.rows[number], strict=False)  # a short line lacks the last
        return {column: value for column, value in pairs if column}


def _value(row: _Cells, place: int | None) -> str | None:
    return row[place] if place is not None and place < len(row) else None


def _fold_row(row: _Cells, places: Sequence[int]) -> str:
    return _BETWEEN.join(fold(_value(row, place) or "") for place in places)
