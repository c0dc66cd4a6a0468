"""What was reported, as values of the ancestor's library: a status, journals of usage. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Self

from pelagos.slap.errors import BadRequest

_JOURNAL = re.compile(
    r"\A\ufeff?\s*(?:<\?xml[^>]*\?>\s*)?<journal\s*(?:/>|>(?P<inside>.*)</journal>)\s*\Z",
    re.DOTALL,
)


class Status(str):
    """A report: its text, and by its keys what the master says beside it."""

    __slots__ = ("_facts",)

    _facts: Mapping[str, Any]

    def __new__(cls, text: str, facts: Mapping[str, Any]) -> Self:
        """The text with its facts."""
        made = super().__new__(cls, text)
        made._facts = dict(facts)
        return made

    def __getitem__(self, key: Any) -> Any:
        """A fact by its name, or the text's characters by a number or slice."""
        return self._facts[key] if isinstance(key, str) else super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        """A fact, or the default without one."""
        return self._facts.get(key, default)

    def keys(self) -> Iterable[str]:
        """Names of the facts; `dict(status)` has them all."""
        return self._facts.keys()


def join_journals(reports: Iterable[str | None]) -> str:
    """The transactions of several TioXML journals in one; empty when there are none.

    Raises:
        BadRequest: one of them is no journal.
    """
    inside: list[str] = []
    for report in reports:
        if not report:
            continue
        match = _JOURNAL.search(report)
        if match is None:
            raise BadRequest(
                "a usage report is not a TioXML journal",
                hint="give setUsage a document whose root is <journal>",
            )
        inside.append(match["inside"] or "")
    return f"<journal>{''.join(inside)}</journal>" if inside else ""
