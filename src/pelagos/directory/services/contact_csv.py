"""Contacts as CSV: what people import and export. Pure decisions."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pelagos.directory.errors import InvalidError, SourceError
from pelagos.directory.index import charset as known_charset

#: What may part the values of a file; the comma, unless the header has another one and no comma.
_SEPARATORS = (";", "\t", "|")
_UNCLOSED = 'a quote (") that opens here is never closed'
#: What one file may have. Each row takes a thousand times its bytes while it is looked at, so a
#: file that is not too large could still take all memory; nobody has a contact of more columns.
MAX_ROWS = 200_000
MAX_COLUMNS = 1_000
_MAX_LINES = 5 * MAX_ROWS  # blank ones, and the further lines of a quoted value, included
_SHOWN = 5  # columns that an error names


@dataclass(frozen=True, slots=True)
class Row:
    """One contact of a file.

    Attributes:
        line: where it begins; the header is line 1.
        values: by name of their column; empty ones are left out.
    """

    line: int
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Failure:
    """One contact of a file that cannot be stored, and why.

    Attributes:
        values: as far as it could be read; values without a column stand under "null".
    """

    line: int
    errors: Sequence[str]
    values: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """As personal imports show it."""
        return {"line": self.line, "errors": list(self.errors)}


@dataclass(frozen=True, slots=True)
class ContactFile:
    """What a file contains."""

    rows: Sequence[Row]
    failures: Sequence[Failure]


class RejectedFileError(InvalidError):
    """Not one row of a file was stored: none could be, or one could not and all were to be.

    Attributes:
        reasons: for each row a mapping of `line` and `errors`, as clients know it.
    """

    def __init__(self, failures: Sequence[Failure]) -> None:
        super().__init__([f"line {f.line}: {', '.join(f.errors)}" for f in failures])
        self.reasons = tuple(f.as_dict() for f in failures)  # type: ignore[misc]  # see above


def read(data: bytes, charset: str = "utf-8") -> ContactFile:
    """The contacts of a CSV file (RFC 4180) whose first line names the columns.

    Raises:
        InvalidError: there is no contact in it, the charset is unknown or another one, the header
            names a column twice, or there is more in it than one import takes.
    """
    text = _decode(data, charset)
    if not text.strip():
        raise InvalidError(["the file is empty; its first line names the columns"])
    header, reader = _open(text)
    rows: list[Row] = []
    failures: list[Failure] = []
    while True:
        if len(rows) + len(failures) > MAX_ROWS or reader.line_num > _MAX_LINES:
            raise InvalidError([f"the file has more than {MAX_ROWS:,} rows; import it in parts"])
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            reason = str(error)
            failures.append(
                Failure(line, [_UNCLOSED if reason == "unexpected end of data" else reason])
            )
            continue
        if cells is None:
            break
        if cells:  # else it is a blank line
            _sort_in(line, header, cells, rows, failures)
    if not rows and not failures:
        raise InvalidError(["the file has a header and no contact"])
    return ContactFile(rows, failures)


def write(contacts: Iterable[Mapping[str, str]]) -> str:
    """The contacts as CSV: all attributes of any of them as columns, sorted; lines end in CRLF."""
    listed = list(contacts)
    columns = sorted({name for contact in listed for name in contact})
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(listed)
    return text.getvalue()


def _decode(data: bytes, charset: str) -> str:
    try:
        return data.decode(known_charset(charset))
    except SourceError as error:
        hint = f" ({error.hint})" if error.hint else ""
        raise InvalidError([f"{error.message}{hint}"]) from error
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        place = f"byte 0x{data[error.start]:02x} in line {line}"
        meant = "say which charset it has, such as cp1252 of spreadsheets"
        raise InvalidError([f"the file is not {charset} ({place}); {meant}"]) from error
    except ValueError as error:
        raise InvalidError([f"the file is not {charset}: {error}"]) from error


def _open(text: str) -> tuple[list[str], Any]:
    first = text.lstrip("\r\n").partition("\n")[0]
    others = [separator for separator in _SEPARATORS if separator in first]
    separator = others[0] if "," not in first and len(others) == 1 else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        header = next((cells for cells in reader if cells), [])
    except csv.Error as error:
        raise InvalidError([f"the first line is not CSV: {error}"]) from error
    if len(header) > MAX_COLUMNS:
        raise InvalidError(
            [f"the first line names {len(header):,} columns; {MAX_COLUMNS:,} at most"]
        )
    named = Counter(name for name in header if name)
    if twice := sorted(name for name, times in named.items() if times > 1):
        shown = ", ".join(twice[:_SHOWN])
        raise InvalidError([f"the first line names a column twice: {shown}"])
    return header, reader


def _sort_in(
    line: int, header: list[str], cells: list[str], rows: list[Row], failures: list[Failure]
) -> None:
    values: dict[str, Any] = dict(zip(header, cells, strict=False))
    errors = []
    if "" in header:
        errors.append("the first line has a column without a name")
    if len(cells) > len(header):
        values["null"] = cells[len(header) : len(header) + MAX_COLUMNS]
    if len(cells) != len(header):
        errors.append(f"{len(cells)} values, but the header names {len(header)} columns")
    if not errors and not any(cells):
        errors.append("there is no value in it")
    if errors:
        failures.append(Failure(line, errors, values))
    else:
        rows.append(Row(line, {name: value for name, value in values.items() if value}))
