"""From the results of a lookup to what a phone lists: names, numbers to dial, pages. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pelagos.directory.folding import fold
from pelagos.directory.settings import PhoneDisplay, PhoneNumber
from pelagos.directory.template import Template, TemplateError

#: Characters of a number; more is none.
_LONGEST = 64
_NOT_DIALLED = re.compile(r"[^0-9*#+()]")
#: +44(0)20…: the digit in parentheses is dialled inside the country only.
_TRUNK_PREFIX = re.compile(r"\+([0-9]+)\([0-9]+\)([0-9]+)")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a phone's list.

    Attributes:
        number: what is dialled; empty on a line that only says something.
    """

    name: str
    number: str


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list.

    Attributes:
        offset: entries before it.
        total: entries of the whole list.
        previous: offset of the page before; None on the first.
        next: offset of the page after; None on the last.
    """

    entries: tuple[Entry, ...]
    offset: int
    total: int
    previous: int | None = None
    next: int | None = None


def dialled(number: str) -> str:
    """The number as a phone dials it; empty when nothing of it can be dialled.

    >>> dialled("+44 (0)20 7946-0000"), dialled("+49 30 1"), dialled("(030) 1"), dialled("n/a")
    ('00442079460000', '+49301', '0301', '')
    """
    kept = _NOT_DIALLED.sub("", number)
    if len(kept) > _LONGEST:
        return ""
    if trunk := _TRUNK_PREFIX.fullmatch(kept):
        return f"00{trunk[1]}{trunk[2]}"
    return kept.replace("(", "").replace(")", "")


def list_entries(rows: Iterable[Mapping[str, Any]], display: PhoneDisplay) -> list[Entry]:
    """One entry per number of each result that has a name, by name and number.

    Args:
        rows: the fields of the results.
    """
    numbers = [(item, _template(item)) for item in display.number]
    found = [entry for fields in rows for entry in _of_one(fields, display.name, numbers)]
    return sorted(found, key=lambda entry: (fold(entry.name), entry.name, entry.number))


def _template(item: PhoneNumber) -> Template | None:
    try:
        return None if item.name_format is None else Template.parse(item.name_format)
    except TemplateError:
        return None


def _of_one(
    fields: Mapping[str, Any],
    names: Iterable[str],
    numbers: Iterable[tuple[PhoneNumber, Template | None]],
) -> Iterable[Entry]:
    name = next(filter(None, (_shown(fields.get(key)) for key in names)), "")
    if not name:
        return
    for item, template in numbers:
        number = next(filter(None, (dialled(_shown(fields.get(key))) for key in item.field)), "")
        if number:
            yield Entry(_named(template, fields, name, number), number)


def _named(template: Template | None, fields: Mapping[str, Any], name: str, number: str) -> str:
    if template is None:
        return name
    try:
        return _shown(template.render({**fields, "name": name, "number": number})) or name
    except TemplateError:
        return name


def _shown(value: Any) -> str:
    """A value on one line; empty when it is neither text nor a number."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    text = str(value)
    return " ".join((text if text.isprintable() else _CONTROLS.sub(" ", text)).split())


def cut(
    entries: Sequence[Entry], offset: int, limit: int | None, shown: int | None = None
) -> Page:
    """The page that begins at an offset.

    Args:
        limit: entries of a page as asked for; None is all of them, 0 a page without entries.
        shown: how many of them fit; the next page begins behind these.
    """
    total = len(entries)
    size = total if limit is None else limit
    count = size if shown is None else min(size, shown)
    taken = tuple(entries[offset : offset + count])
    end = offset + len(taken)
    return Page(
        taken,
        offset,
        total,
        previous=max(0, min(offset, total) - size) if offset > 0 and size else None,
        next=end if taken and end < total else None,
    )
