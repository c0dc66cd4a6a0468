"""A table: rows with what finds them by a part of a text, by a number, and by their id."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

from pelagos.directory.folding import fold
from pelagos.directory.index.exact import ExactIndex
from pelagos.directory.index.rows import RowStore, texts_of
from pelagos.directory.index.search import TextIndex

#: Makes two ways to write one number the same text; None of what is no number.
Normal = Callable[[str], str | None]


class _Plan(NamedTuple):
    """What is done with rows of one shape: the places of the columns in question."""

    shape: int
    searched: tuple[int, ...]
    matched: tuple[int, ...]
    unique: int | None


class Table:
    """Rows that are searched in memory; complete when built, safe to share between threads.

    >>> table = Table.of([{"id": "7", "name": "Zoë"}], searched=["name"], unique="id")
    >>> table.search("zoe")
    [{'id': '7', 'name': 'Zoë'}]

    Attributes:
        columns: names of all columns, in the order of their first appearance.
        missing: columns that were to be searched, matched or unique, and that no row has.
    """

    def __init__(
        self,
        rows: Iterable[tuple[tuple[str, ...], Sequence[Any]]],
        *,
        searched: Sequence[str] = (),
        first_matched: Sequence[str] = (),
        unique: str | None = None,
        normal: Normal | None = None,
        columns: tuple[str, ...] = (),
    ) -> None:
        self._searched = tuple(searched)
        self._matched = tuple(first_matched)
        self._unique = unique
        self._normal = normal
        self._rows = RowStore()
        self._text = TextIndex()
        self._exact, self._by_normal, self._by_id = ExactIndex(), ExactIndex(), ExactIndex()
        plans: dict[tuple[str, ...], _Plan] = {}
        if columns:
            plans[columns] = self._plan(columns)
        for names, cells in rows:
            plan = plans.get(names) or plans.setdefault(names, self._plan(names))
            self._add(plan, cells)
        for part in (self._rows, self._text, self._exact, self._by_normal, self._by_id):
            part.freeze()
        self._is_searched = any(plan.searched for plan in plans.values())
        self.columns = tuple(dict.fromkeys(name for names in plans for name in names))
        wanted = dict.fromkeys([*searched, *first_matched, *([unique] if unique else [])])
        self.missing = tuple(n for n in wanted if n not in self.columns) if plans else ()

    @classmethod
    def of(
        cls,
        rows: Iterable[Mapping[str, Any]],
        *,
        searched: Sequence[str] = (),
        first_matched: Sequence[str] = (),
        unique: str | None = None,
        normal: Normal | None = None,
    ) -> Table:
        """Index rows, each a mapping of column to value; they are taken one by one and copied.

        Args:
            rows: values are text, None, or plain data (numbers, lists) that JSON can carry; of a
                list, each item is searched and matched. The empty text becomes None.
            searched: columns in which `search` looks.
            first_matched: columns that `first_match` compares.
            unique: the column of ids for `list`.
            normal: see `first_match`.
        """
        return cls(
            ((tuple(row), tuple(row.values())) for row in rows),
            searched=searched,
            first_matched=first_matched,
            unique=unique,
            normal=normal,
        )

    @classmethod
    def of_lines(
        cls,
        columns: tuple[str, ...],
        lines: Iterable[Sequence[str | None]],
        *,
        searched: Sequence[str] = (),
        first_matched: Sequence[str] = (),
        unique: str | None = None,
        normal: Normal | None = None,
    ) -> Table:
        """Index lines of values in the order of the columns; a short line lacks the last ones."""
        width = len(columns)
        return cls(
            ((columns if len(line) == width else columns[: len(line)], line) for line in lines),
            searched=searched,
            first_matched=first_matched,
            unique=unique,
            normal=normal,
            columns=columns,
        )

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def size(self) -> int:
        """Bytes that the table takes in memory."""
        parts = (self._rows, self._text, self._exact, self._by_normal, self._by_id)
        return sum(part.size for part in parts)

    def search(self, term: str, limit: int | None = None) -> builtins.list[dict[str, Any]]:
        """The rows in one of whose searched columns the term occurs, without case and accents.

        With more than one searched column also those in which each word of the term begins a word
        of any of them: who types a first name and a last one means both.

        Args:
            term: the empty one occurs in every row.
            limit: no more rows than these.
        """
        if not self._is_searched:
            return []
        return [self._rows[number] for number in islice(self._numbers(term), limit)]

    def _numbers(self, term: str) -> Iterable[int]:
        """The rows that a term finds, ascending."""
        words = set(fold(term).split())
        if len(words) <= 1 or len(self._searched) <= 1:
            return self._text.find(term)
        return sorted({*self._text.find(term), *self._text.find_words(words)})

    def first_match(self, exten: str, without: Container[str] = ()) -> dict[str, Any] | None:
        """The first row one of whose matched columns equals `exten`.

        When none does, and `normal` was given, the first one that equals it in normal form.

        Args:
            without: unique ids of rows that are passed over.
        """
        form = _form(self._normal, exten) if self._normal is not None else None
        if form is None:
            return self._having(exten, self._exact, None, without)
        if not self._by_normal.candidates(form):  # nor has any row the text itself
            return None
        row = self._having(exten, self._exact, None, without)
        if row is not None:
            return row
        return self._having(form, self._by_normal, self._normal, without)

    def match_all(
        self, extens: Iterable[str], without: Container[str] = ()
    ) -> dict[str, dict[str, Any]]:
        """`first_match` for many: the rows of those found, by what was asked."""
        found = ((exten, self.first_match(exten, without)) for exten in dict.fromkeys(extens))
        return {exten: row for exten, row in found if row is not None}

    def list(self, uids: Iterable[str]) -> builtins.list[dict[str, Any]]:
        """The rows with these unique ids, in the order of the rows."""
        if self._unique is None:
            return []
        wanted = {str(uid) for uid in uids}
        candidates = {row for uid in wanted for row in self._by_id.candidates(uid)}
        rows = (self._rows[number] for number in sorted(candidates))
        return [row for row in rows if not wanted.isdisjoint(texts_of(row.get(self._unique)))]

    def _having(
        self, text: str, index: ExactIndex, normal: Normal | None, without: Container[str]
    ) -> dict[str, Any] | None:
        for number in index.candidates(text):
            row = self._rows[number]
            values = (value for column in self._matched for value in texts_of(row.get(column)))
            is_equal = any(text == (v if normal is None else normal(v)) for v in values)
            if is_equal and row.get(self._unique or "") not in without:
                return row
        return None

    def _plan(self, names: tuple[str, ...]) -> _Plan:
        place = {name: number for number, name in enumerate(names)}
        return _Plan(
            self._rows.shape(names),
            tuple(place[name] for name in self._searched if name in place),
            tuple(place[name] for name in self._matched if name in place),
            place.get(self._unique) if self._unique else None,
        )

    def _add(self, plan: _Plan, cells: Sequence[Any]) -> None:
        number = len(self._rows)
        self._rows.add(plan.shape, cells)
        if self._searched:
            self._text.add(_texts(cells, plan.searched))
        for text in _texts(cells, plan.matched):
            self._exact.add(text, number)
            if self._normal is not None and (form := self._normal(text)) is not None:
                self._by_normal.add(form, number)
        if plan.unique is not None:
            for text in texts_of(cells[plan.unique]):
                self._by_id.add(text, number)


@lru_cache(maxsize=1024)
def _form(normal: Normal, text: str) -> str | None:
    """The form of a number that is asked for: many tables are asked for one, in turn."""
    return normal(text)


def _texts(cells: Sequence[Any], places: Iterable[int]) -> builtins.list[str]:
    """The texts of some cells; hardly any cell is something else than a text or None."""
    texts: builtins.list[str] = []
    for place in places:
        cell = cells[place]
        if type(cell) is str:
            if cell:
                texts.append(cell)
        elif cell is not None:
            texts += texts_of(cell)
    return texts
