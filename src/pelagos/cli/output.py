"""How results are printed: table, json, yaml, csv or value; the same keys in all of them.

A result is JSON-compatible data: one mapping, or a list of mappings. Tables choose some columns
and word them for a person; every other format gives all keys, raw. Nothing printed can steer
the terminal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any, TextIO

from pelagos.cli.failures import UsageError
from pelagos.cli.terminal import clean, paint
from pelagos.core.spelling import nearest

Data = Mapping[str, Any]

_BATCH = 500
"""Rows that are read before the first is printed, of a list that comes bit by bit: one page."""

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


class Column:
    """A column of a table.

    Args:
        key: where the value is in the data; dots go into nested mappings ("cause.code").
        title: heading of the table; the key's last part when empty.
        show: words the value for a person; the value as text when not given.
    """

    __slots__ = ("key", "show", "title")

    def __init__(
        self, key: str, title: str = "", show: Callable[[Any], str] | None = None
    ) -> None:
        self.key = key
        self.title = title or key.rpartition(".")[2]
        self.show = show or as_text


def plain(value: Any) -> Any:
    """The value as JSON-compatible data: dataclasses and mappings become dicts, tuples lists."""
    fields = getattr(value, "__dataclass_fields__", None)
    if fields is not None:
        return {name: plain(getattr(value, name)) for name in fields}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, str):
        return str.__str__(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    return str(value)


def as_text(value: Any) -> str:
    """One value on one line: text as it is, None as nothing, nested data as JSON."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return str(value)
    import json

    return json.dumps(value, ensure_ascii=False)


def pick(data: Data, key: str) -> Any:
    """The value at a dotted key; None where there is none."""
    if key in data:
        return data[key]
    head, dot, rest = key.partition(".")
    inner = data.get(head)
    return pick(inner, rest) if dot and isinstance(inner, Mapping) else None


class Output:
    """Prints results in one format.

    Args:
        stream: where to.
        form: one of `pelagos.cli.command.FORMATS`.
        columns: only these keys, in this order; None = all (a table: those it is made for).
        colour: whether to colour tables.
        width: columns of the terminal that tables should fit in; None = no limit.
    """

    def __init__(
        self,
        stream: TextIO,
        form: str = "table",
        *,
        columns: Sequence[str] | None = None,
        colour: bool = False,
        width: int | None = None,
    ) -> None:
        self._stream = stream
        self._form = form
        self._columns = columns
        self._colour = colour
        self._width = width

    @property
    def is_table(self) -> bool:
        """Whether a person reads it."""
        return self._form == "table"

    def show_list(
        self, items: Iterable[Any], columns: Sequence[Column], *, empty: str = ""
    ) -> None:
        """Print a list.

        Args:
            items: dataclasses or mappings. Of what comes bit by bit some hundreds are in memory
                at a time, and printed before the next; a table widens its columns on the way.
            columns: those of the table; their keys are also the columns of csv and value.
            empty: what a table prints when the list is empty.
        """
        batches = _batches(items)
        first = next(batches, [])
        shown = self._chosen(first, columns)
        if first or not self.is_table:
            self._listed(self._flushed(chain([first], batches)), shown)
        elif empty:
            self.line(empty)

    def show_parts(self, parts: Iterable[Sequence[Any]], columns: Sequence[Column]) -> None:
        """Print a list whose parts come one after another, each as soon as it is there.

        Args:
            parts: dataclasses or mappings; empty parts print nothing.
            columns: as of `show_list`.
        """
        batches = ([plain(item) for item in part] for part in parts)
        there = (rows for rows in batches if rows)
        first = next(there, [])
        if first or not self.is_table:
            self._listed(self._flushed(chain([first], there)), self._chosen(first, columns))

    def _listed(self, batches: Iterable[list[Data]], shown: Sequence[Column]) -> None:
        if self._form == "json":
            self._json_list(batches)
            return
        widths = [0] * len(shown)
        for number, rows in enumerate(batches):
            if self._form == "yaml":
                self._structured([_only(row, self._columns) for row in rows])
            elif self._form == "csv":
                self._csv(rows, shown, has_head=not number)
            elif self._form == "value":
                self._values(rows, shown)
            else:
                widths = self._table(rows, shown, widths, has_head=not number)

    def _values(self, rows: Sequence[Data], shown: Sequence[Column]) -> None:
        for row in rows:
            self.line("\t".join(as_text(pick(row, one.key)) for one in shown))

    def _flushed(self, batches: Iterable[list[Data]]) -> Iterator[list[Data]]:
        """The same, each written out before the next is waited for."""
        for rows in batches:
            yield rows
            self._stream.flush()

    def _json_list(self, batches: Iterable[list[Data]]) -> None:
        before = "[\n  "
        for rows in batches:
            for row in rows:
                text = _as_json(_only(row, self._columns))
                self._stream.write(before + text.replace("\n", "\n  "))
                before = ",\n  "
        self._stream.write("[]\n" if before.startswith("[") else "\n]\n")

    def show_one(self, item: Any, columns: Sequence[Column] = ()) -> None:
        """Print one thing: a table has a line for each key, nested keys with dots.

        Args:
            item: a dataclass or mapping.
            columns: how the table words some keys; the other keys follow.
        """
        data = plain(item)
        self._check(data)
        if self._form in ("json", "yaml"):
            self._structured(_only(data, self._columns))
            return
        flat = dict(_flat(data))
        worded = {column.key: column for column in columns}
        keys = self._columns or [*worded, *(key for key in flat if key not in worded)]
        shown = [worded.get(key) or Column(key) for key in keys]
        if self._form == "csv":
            self._csv([data], [Column(key) for key in keys])
        elif self._form == "value":
            show = self.block if len(shown) == 1 else self.line
            for one in shown:
                show(as_text(pick(data, one.key)))
        else:
            self._pairs(data, [one for one in shown if self._columns or _is_told(data, one.key)])

    def show_values(self, values: Data) -> None:
        """Print connection parameters: a table has a line `key = value` for each."""
        if self.is_table and self._columns is None:
            for key, value in plain(values).items():
                self.line(f"{key} = {as_text(value)}")
        else:
            self.show_one(values)

    def line(self, text: str = "") -> None:
        """Print one line of text, made harmless."""
        self._stream.write(clean(text, keep="\t") + "\n")

    def block(self, text: str) -> None:
        """Print text of several lines, each made harmless."""
        self._stream.write(clean(text.removesuffix("\n"), keep="\t\n") + "\n")

    def _structured(self, data: Any) -> None:
        if self._form == "yaml":
            from pelagos.cli import yaml

            # What steers a terminal is in double quotes there, where these escapes mean the same.
            self._stream.write(clean(yaml.dumps(data), keep="\n"))
        else:
            self._stream.write(_as_json(data) + "\n")

    def _chosen(self, rows: Sequence[Data], columns: Sequence[Column]) -> list[Column]:
        if self._columns is None:
            return list(columns)
        known = {column.key: column for column in columns}
        for key in self._columns:
            if key not in known and rows and not any(_has(row, key) for row in rows):
                raise _no_column(key, [*known, *rows[0]])
        return [known.get(key) or Column(key, key) for key in self._columns]

    def _check(self, data: Data) -> None:
        for key in self._columns or ():
            if not _has(data, key):
                raise _no_column(key, [*data, *dict(_flat(data))])

    def _csv(
        self, rows: Sequence[Data], columns: Sequence[Column], *, has_head: bool = True
    ) -> None:
        import csv

        writer = csv.writer(self._stream, lineterminator="\n")
        if has_head:
            writer.writerow(clean(column.key) for column in columns)
        for row in rows:
            cells = (as_text(pick(row, column.key)) for column in columns)
            writer.writerow(clean(cell, keep="\n\t") for cell in cells)

    def _table(
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

    def _pairs(self, data: Data, columns: Sequence[Column]) -> None:
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


def _batches(items: Iterable[Any]) -> Iterator[list[Data]]:
    """What is there already as one, what comes bit by bit in pieces."""
    size = max(len(items), 1) if isinstance(items, Sequence) else _BATCH
    left = iter(items)
    while rows := [plain(item) for item in islice(left, size)]:
        yield rows


def _cut(cell: str, width: int) -> str:
    """The cell in that width; of a path or URL the end says more than the beginning."""
    if len(cell) <= width:
        return cell
    is_path = "/" in cell and " " not in cell
    return "…" + cell[1 - width :] if is_path else cell[: width - 1] + "…"


def _as_json(data: Any) -> str:
    import json

    text = json.dumps(data, indent=2, ensure_ascii=False)
    is_harmless = text.isascii() and "\x7f" not in text
    return text if is_harmless else _escaped_json(text)


def _escaped_json(text: str) -> str:
    """JSON text with an escape for each character that could steer a terminal."""
    import json

    # json itself escapes only C0, and DEL not even when it writes ASCII.
    return "".join(
        char if char == "\n" or clean(char) == char else json.dumps(char)[1:-1] for char in text
    ).replace("\x7f", "\\u007f")


def _flat(data: Data, before: str = "") -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = []
    for key, value in data.items():
        if isinstance(value, Mapping) and value:
            pairs += _flat(value, f"{before}{key}.")
        else:
            pairs.append((before + key, value))
    return pairs


def _has(data: Data, key: str) -> bool:
    head, dot, rest = key.partition(".")
    if key in data:
        return True
    inner = data.get(head)
    return bool(dot) and isinstance(inner, Mapping) and _has(inner, rest)


def _is_told(data: Data, key: str) -> bool:
    return pick(data, key) not in (None, "", [], {})


def _only(data: Data, keys: Sequence[str] | None) -> Data:
    return data if keys is None else {key: pick(data, key) for key in keys}


def _no_column(key: str, known: Sequence[str]) -> UsageError:
    near = nearest(key, known)
    names = ", ".join(dict.fromkeys(known))
    return UsageError(
        f"there is no column {key}",
        hint=f"did you mean {near}?" if near else f"there are: {names}",
    )
