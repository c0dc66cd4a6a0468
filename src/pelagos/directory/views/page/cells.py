"""How one value of a result looks on the page. Pure, and the same with and without JavaScript."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, TypedDict
from urllib.parse import quote, urlsplit

from pelagos.directory.model import Display

_NUMBER = re.compile(r"[0-9*#+]+")
_ADDRESS = re.compile(r"[^@\s<>\"']+@[^@\s<>\"']+")


class Cell(TypedDict):
    """Attributes: text, and href, where it leads to; empty when nowhere."""

    text: str
    href: str


def cells(values: Sequence[Any], types: Sequence[str | None]) -> list[Cell]:
    """The values of a row as a person reads them."""
    return [_cell(value, kind or "") for value, kind in zip(values, types, strict=True)]


def titles(display: Display) -> list[str]:
    """The headings; a column without a title is called by its type or field."""
    return [c.title or c.type or c.field or "" for c in display.columns]


def _cell(value: Any, kind: str) -> Cell:
    if value is None:
        return Cell(text="", href="")
    if isinstance(value, bool):
        return Cell(text="✓" if value else "", href="")
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return Cell(text=text, href=_href(text, kind))


def _href(text: str, kind: str) -> str:
    """Only links that cannot run anything, whatever a source writes into a field."""
    if kind in {"number", "callable", "mobile"}:
        digits = "".join(_NUMBER.findall(re.sub(r"\(0\)", "", text)))
        return f"tel:{quote(digits, safe='+*')}" if digits else ""
    if kind == "email":
        return f"mailto:{quote(text, safe='@+')}" if _ADDRESS.fullmatch(text) else ""
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    return text if parts.scheme in {"http", "https"} and parts.netloc and kind == "url" else ""


def summary(results: int, sources: Sequence[tuple[str, bool]]) -> str:
    """What came of a search, in one sentence.

    Args:
        results: how many were found.
        sources: for each source its name and whether it answered.

    >>> summary(2, [("crm", True), ("ldap", False)])
    '2 results; 1 of 2 sources answered, without: ldap'
    """
    found = "1 result" if results == 1 else f"{results or 'no'} results"
    away = [name for name, has_answered in sources if not has_answered]
    if not away:
        return found
    there = len(sources) - len(away)
    return f"{found}; {there} of {len(sources)} sources answered, without: {', '.join(away)}"
