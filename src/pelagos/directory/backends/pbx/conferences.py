"""Back-end `conference`: the conference rooms of a telephone system."""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Mapping
from typing import Any

from pelagos.directory.backends.pbx.backend import PbxBackend, Row, plain
from pelagos.directory.model import SourceResult


class ConferencesBackend(PbxBackend):
    """Rooms; there are never so many that they could not all be fetched.

    `extensions` is the list of a room's numbers, `incalls` of those to call it from outside.
    """

    COLUMNS = ("id", "name", "extensions", "incalls")
    LIST = "conferences"

    def search(self, term: str, args: Mapping[str, Any] | None = None) -> list[SourceResult]:
        """The rooms in whose searched columns, each item of a list counting, the term occurs."""
        del args
        return self._results(self._table().search(term))

    def first_match(
        self, exten: str, args: Mapping[str, Any] | None = None
    ) -> SourceResult | None:
        """The first room one of whose first-matched columns is or has `exten`."""
        return self.match_all([exten], args).get(exten)

    def match_all(
        self, extens: Iterable[str], args: Mapping[str, Any] | None = None
    ) -> dict[str, SourceResult]:
        """`first_match` for many at once, with one question to the system."""
        del args
        wanted = [exten for exten in extens if exten]
        if not wanted or not self._settings.matched:
            return {}
        rows = self._table().match_all(wanted)
        return dict(zip(rows, self._results(rows.values()), strict=True))

    def check(self) -> builtins.list[str]:
        """What this source cannot do now; raises SourceError when the system cannot be asked."""
        self._table()
        return []

    def _row(self, item: Mapping[str, Any]) -> Row:
        incalls = [number for call in _items(item, "incalls") for number in _numbers(call)]
        return {
            "id": plain(item.get("id")),
            "name": plain(item.get("name")),
            "extensions": _numbers(item),
            "incalls": incalls,
        }


def _items(item: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    found = item.get(key)
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def _numbers(item: Mapping[str, Any]) -> list[str]:
    found = (plain(extension.get("exten")) for extension in _items(item, "extensions"))
    return [str(number) for number in found if number is not None]
