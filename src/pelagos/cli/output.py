"""How results are printed: table, json, yaml, csv or value; the same keys in all of them.

A result is JSON-compatible data: one mapping, or a list of mappings. Tables choose some columns
and word them for a person; every other format gives all keys, raw. Nothing printed can steer
the terminal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from pelagos.cli.failures import UsageError
from pelagos.cli.terminal import clean
from pelagos.cli.values import Data, as_text, flat, has, is_told, only, pick, plain
from pelagos.core.spelling import nearest

if TYPE_CHECKING:  # not for a cycle: only who pages, narrows or sorts pays for it
    from typing import TextIO

    from pelagos.cli.keys import Keys
    from pelagos.cli.pager import Paged
    from pelagos.cli.selection import Selection
    from pelagos.cli.table import Table

_BATCH = 500
"""Rows that are read before the first is printed, of a list that comes bit by bit: one page."""


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


class Output:
    """Prints results in one format.

    Args:
        stream: where to.
        form: one of `pelagos.cli.command_base.FORMATS`.
        columns: only these keys, in this order; None = all (a table: those it is made for).
        selection: which rows of a list are printed, in which order; None = all, as they come.
        colour: whether to colour tables.
        width: columns of the terminal that tables should fit in; None = no limit.
        keys: those that rows of lists may have besides the columns of their table; None = rows
            have any, and only those that are there tell which.
    """

    def __init__(
        self,
        stream: TextIO | Paged,
        form: str = "table",
        *,
        columns: Sequence[str] | None = None,
        selection: Selection | None = None,
        colour: bool = False,
        width: int | None = None,
        keys: Keys | None = None,
    ) -> None:
        self._stream = stream
        self._form = form
        self._columns = columns
        self._selection = selection
        self._colour = colour
        self._width = width
        self._keys = keys

    @cached_property
    def _table(self) -> Table:
        from pelagos.cli.table import Table

        return Table(self._stream, colour=self._colour, width=self._width)

    @property
    def is_table(self) -> bool:
        """Whether a person reads it."""
        return self._form == "table"

    @property
    def is_selective(self) -> bool:
        """Whether rows may be left out or change places: who lists must not stop before all."""
        return self._selection is not None

    def show_list(
        self,
        items: Iterable[Any],
        columns: Sequence[Column],
        *,
        empty: str = "",
        limit: int | None = None,
        keys: Keys | None = None,
    ) -> None:
        """Print a list.

        Args:
            items: dataclasses or mappings. Of what comes bit by bit some hundreds are in memory
                at a time, and printed before the next; a table widens its columns on the way.
            columns: those of the table; their keys are also the columns of csv and value.
            empty: what a table prints when the list is empty.
            limit: at the most so many of what is selected.
            keys: that these rows may have, when they are not those of the command.

        Raises:
            UsageError: --columns, --filter or --sort name a key that no row has.
        """
        if keys is not None:
            self._keys = keys
        batches = self._selected(_batches(items), columns)
        if limit is not None:
            batches = _at_most(batches, limit)
        first = next(batches, [])
        shown = self._chosen(first, columns)
        if first or not self.is_table:
            self._listed(self._flushed(chain([first], batches)), shown)
        elif self._selection is not None and self._selection.seen:
            self.line(f"--filter leaves none of {self._selection.seen}")
        elif empty:
            self.line(empty)

    def live(self) -> None:
        """Print what follows at once, without a pager: it goes on as long as somebody watches."""
        release = getattr(self._stream, "live", None)
        if release is not None:
            release()
        else:
            self._stream.flush()

    def show_parts(
        self, parts: Iterable[Sequence[Any]], columns: Sequence[Column], *, keys: Keys
    ) -> None:
        """Print a list whose parts come one after another, each as soon as it is there.

        Args:
            parts: dataclasses or mappings; empty parts print nothing.
            columns: as of `show_list`.
            keys: as of `show_list`.
        """
        self._keys = keys
        self.live()
        batches = ([plain(item) for item in part] for part in parts)
        there = self._selected((rows for rows in batches if rows), columns)
        first = next(there, [])
        if first or not self.is_table:
            self._listed(self._flushed(chain([first], there)), self._chosen(first, columns))

    def _selected(
        self, batches: Iterator[list[Data]], columns: Sequence[Column]
    ) -> Iterator[list[Data]]:
        if self._selection is None:
            return batches
        return self._selection.of(batches, lambda key, rows: self._key(key, rows, columns))

    def _listed(self, batches: Iterable[list[Data]], shown: Sequence[Column]) -> None:
        keys = None if self._columns is None else [one.key for one in shown]
        if self._form == "json":
            self._json_list(batches, keys)
            return
        widths = [0] * len(shown)
        for number, rows in enumerate(batches):
            if self._form == "yaml":
                self._structured([only(row, keys) for row in rows])
            elif self._form == "csv":
                self._csv(rows, shown, has_head=not number)
            elif self._form == "value":
                self._values(rows, shown)
            else:
                widths = self._table.rows(rows, shown, widths, has_head=not number)

    def _values(self, rows: Sequence[Data], shown: Sequence[Column]) -> None:
        for row in rows:
            self.line("\t".join(as_text(pick(row, one.key)) for one in shown))

    def _flushed(self, batches: Iterable[list[Data]]) -> Iterator[list[Data]]:
        """The same, each written out before the next is waited for."""
        for rows in batches:
            yield rows
            self._stream.flush()

    def _json_list(self, batches: Iterable[list[Data]], keys: Sequence[str] | None) -> None:
        from pelagos.cli.harmless_json import dumps

        before = "[\n  "
        for rows in batches:
            for row in rows:
                text = dumps(only(row, keys))
                self._stream.write(before + text.replace("\n", "\n  "))
                before = ",\n  "
        self._stream.write("[]\n" if before.startswith("[") else "\n]\n")

    def show_one(self, item: Any, columns: Sequence[Column] = ()) -> None:
        """Print one thing: a table has a line for each key, nested keys with dots.

        Args:
            item: a dataclass or mapping.
            columns: how the table words some keys; the other keys follow.

        Raises:
            UsageError: rows of a list were to be selected.
        """
        if self._selection is not None:
            raise UsageError(
                "--filter and --sort are for lists; this is one thing",
                hint="leave them out, or choose what is shown of it: --columns A,B",
            )
        self.show_item(item, columns)

    def admits(self, item: Any, columns: Sequence[Column] = ()) -> bool:
        """Whether one of a list that comes one by one is meant; `columns` as of `show_list`."""
        batch: Iterator[list[Data]] = iter([[plain(item)]])
        return any(self._selected(batch, columns))

    def show_item(self, item: Any, columns: Sequence[Column] = ()) -> None:
        """Print one thing, or the next of a list that comes one by one; as `show_one`."""
        data = plain(item)
        self._check(data)
        if self._form in ("json", "yaml"):
            self._structured(only(data, self._columns))
            return
        pairs = dict(flat(data))
        worded = {column.key: column for column in columns}
        keys = self._columns or [*worded, *(key for key in pairs if key not in worded)]
        shown = [worded.get(key) or Column(key) for key in keys]
        if self._form == "csv":
            self._csv([data], [Column(key) for key in keys])
        elif self._form == "value":
            show = self.block if len(shown) == 1 else self.line
            for one in shown:
                show(as_text(pick(data, one.key)))
        else:
            told = [one for one in shown if self._columns or is_told(data, one.key)]
            self._table.pairs(data, told)

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
            from pelagos.cli.harmless_json import dumps

            self._stream.write(dumps(data) + "\n")

    def _chosen(self, rows: Sequence[Data], columns: Sequence[Column]) -> list[Column]:
        if self._columns is None:
            return list(columns)
        known = {column.key: column for column in columns}
        keys = [self._key(key, rows, columns) for key in self._columns]
        return [known.get(key) or Column(key, key) for key in keys]

    def _key(self, word: str, rows: Sequence[Data], columns: Sequence[Column]) -> str:
        """The key that a person means: one that rows have, or the heading of a column."""
        keys = [column.key for column in columns]
        if word in keys or any(has(row, word) for row in rows):
            return word
        titled = {column.title.lower(): column.key for column in columns}
        if word.lower() in titled:
            return titled[word.lower()]
        if self._keys is None:
            if rows:
                raise _no_column(word, [*keys, *titled, *rows[0]])
            return word
        from pelagos.cli.keys import may_be, names_of

        if may_be(self._keys, word):
            return word
        known = rows[0] if rows else names_of(self._keys)
        raise _no_column(word, [*keys, *titled, *known])

    def _check(self, data: Data) -> None:
        for key in self._columns or ():
            if not has(data, key):
                raise _no_column(key, [*data, *dict(flat(data))])

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


def _batches(items: Iterable[Any]) -> Iterator[list[Data]]:
    """What is there already as one, what comes bit by bit in pieces."""
    size = max(len(items), 1) if isinstance(items, Sequence) else _BATCH
    left = iter(items)
    while rows := [plain(item) for item in islice(left, size)]:
        yield rows


def _at_most(batches: Iterator[list[Data]], limit: int) -> Iterator[list[Data]]:
    for rows in batches:
        yield rows[:limit]
        limit -= len(rows)
        if limit <= 0:
            return


def _no_column(key: str, known: Sequence[str]) -> UsageError:
    near = nearest(key, known)
    names = ", ".join(dict.fromkeys(known))
    return UsageError(
        f"there is no column {key}",
        hint=f"did you mean {near}?" if near else f"there are: {names}",
    )
