"""Which rows of a list are printed, and in which order: --filter and --sort, the same everywhere.

A key is that of the data (dots lead into what is nested), or the heading of a column. Rows are
compared as they are under their keys, not as a table words them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from pelagos.cli.argument import Argument, RepeatableArgument
from pelagos.cli.failures import UsageError
from pelagos.cli.values import Data, as_text, pick

Resolve = Callable[[str, Sequence[Data]], str]
"""Finds the key of the rows that a person means; raises `UsageError` when there is none."""

_OPERATORS = re.compile("!=|=|~")
_DIGITS = re.compile("([0-9]+)")
_WORDS = {True: ("yes", "true"), False: ("no", "false")}


class Condition:
    """What a row must be like under a key.

    Args:
        key: where to look.
        operator: "=" (the text is so; * stands for anything), "!=" or "~" (the text has this in
            it). Upper and lower case count the same. A list is `=` when one of it is.
        text: what to compare with.
    """

    __slots__ = ("_fits", "_text", "key", "operator")

    def __init__(self, key: str, operator: str, text: str) -> None:
        self.key = key
        self.operator = operator
        self._text = text.casefold()
        parts = map(re.escape, self._text.split("*"))
        self._fits = re.compile(".*".join(parts), re.DOTALL).fullmatch

    def holds(self, value: Any) -> bool:
        """Whether a value is so."""
        if self.operator == "~":
            return any(self._text in text for text in _texts(value))
        found = value if isinstance(value, list) and value else [value]
        is_so = any(self._fits(text) for one in found for text in _texts(one))
        return is_so == (self.operator == "=")


class FilterArgument(RepeatableArgument):
    """`--filter KEY=VALUE`, several times: a list of conditions that must all hold."""

    def parse_one(self, text: str) -> Condition:
        """One condition."""
        found = _OPERATORS.search(text)
        key = text[: found.start()].strip() if found else ""
        if not found or not key:
            raise UsageError(
                f"{self.name}: {text!r} is no condition",
                hint=f"write {self.name} KEY=VALUE, KEY!=VALUE or KEY~TEXT: "
                f"{self.name} status=started",
            )
        return Condition(key, found.group(), text[found.end() :])


class SortArgument(Argument):
    """`--sort KEY,-KEY,KEY:desc`: a list of pairs (key, whether the largest comes first)."""

    may_begin_with_dash = True

    def parse_one(self, text: str) -> list[tuple[str, bool]]:
        """The keys, in the order in which they count."""
        keys = []
        for word in text.split(","):
            key, _, order = word.strip().partition(":")
            is_down = key.startswith("-") or order.lower() == "desc"
            key = key.removeprefix("-")
            if not key or order.lower() not in ("", "asc", "desc"):
                raise UsageError(
                    f"{self.name}: {word!r} is no order",
                    hint=f"write {self.name} KEY, or -KEY or KEY:desc for the largest first",
                )
            keys.append((key, is_down))
        return keys


class Selection:
    """Filters rows and sorts them.

    Args:
        conditions: that all must hold.
        order: keys and whether the largest comes first; empty: rows stay as they come, and none
            is kept longer than its batch.

    Attributes:
        seen: how many rows there were.
    """

    def __init__(
        self, conditions: Sequence[Condition] = (), order: Sequence[tuple[str, bool]] = ()
    ) -> None:
        self._conditions = conditions
        self._order = order
        self.seen = 0

    def of(self, batches: Iterable[list[Data]], resolve: Resolve) -> Iterator[list[Data]]:
        """The batches without the rows that are not meant; one batch when they are sorted.

        Raises:
            UsageError: no row has a key that is named.
        """
        kept: list[Data] = []
        there = (rows for rows in batches if rows)
        first = next(there, [])
        conditions = [(one, resolve(one.key, first)) for one in self._conditions]
        order = [(resolve(key, first), is_down) for key, is_down in self._order]
        for rows in _again(first, there):
            self.seen += len(rows)
            fit = [
                row for row in rows if all(one.holds(pick(row, key)) for one, key in conditions)
            ]
            if order:
                kept += fit
            elif fit:
                yield fit
        if kept:
            yield ordered(kept, order)


def ordered(rows: Iterable[Data], order: Sequence[tuple[str, bool]]) -> list[Data]:
    """The rows by these keys; those without a value last, numbers in texts as numbers.

    >>> [row["name"] for row in ordered([{"name": "web10"}, {"name": "web9"}], [("name", False)])]
    ['web9', 'web10']
    """
    found = list(rows)
    for key, is_down in reversed(order):
        there = [row for row in found if pick(row, key) not in (None, "")]
        without = [row for row in found if pick(row, key) in (None, "")]
        there.sort(key=lambda row: _rank(pick(row, key)), reverse=is_down)  # used at once
        found = there + without
    return found


def _rank(value: Any) -> tuple[int, float, tuple[Any, ...]]:
    if isinstance(value, int | float):
        return 0, value, ()
    parts: list[Any] = _DIGITS.split(as_text(value).casefold())
    for position in range(1, len(parts), 2):  # texts and digits take turns
        digits = parts[position].lstrip("0")
        parts[position] = (len(digits), digits)
    return 1, 0, tuple(parts)


def _texts(value: Any) -> tuple[str, ...]:
    """How a value may be written."""
    if isinstance(value, bool):
        return _WORDS[value]
    return (as_text(value).casefold(),)


def _again(first: list[Data], rest: Iterator[list[Data]]) -> Iterator[list[Data]]:
    if first:
        yield first
    yield from rest
