"""Back-end `wazo`, also known as `xivo`: the users of a telephone system."""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Mapping
from typing import Any

from pelagos.directory.backends.pbx.backend import PbxBackend, Row, plain
from pelagos.directory.index import Table
from pelagos.directory.model import SourceResult

_RELATIONS = {"agent_id": "agent_id", "user_uuid": "uuid", "endpoint_id": "line_id"}
_RELATED = "\x00related"  # what the relations are made of, beside the columns of a row


class UsersBackend(PbxBackend):
    """Users.

    The system searches more columns than one has chosen, and in its own way: what it finds is
    looked through again.
    """

    COLUMNS = (
        "id", "exten", "firstname", "lastname", "full_name", "userfield", "email", "description",
        "mobile_phone_number", "voicemail_number",
    )  # fmt: skip
    LIST = "users"

    def search(self, term: str, args: Mapping[str, Any] | None = None) -> list[SourceResult]:
        """The users in whose searched columns the term occurs."""
        del args
        return self._results(self._table(**({"search": term} if term else {})).search(term))

    def first_match(
        self, exten: str, args: Mapping[str, Any] | None = None
    ) -> SourceResult | None:
        """The first user one of whose first-matched columns equals `exten`."""
        del args
        settings = self._settings
        if not exten or not settings.matched:
            return None
        # The system knows one way to write a number; who wants others looks at all users.
        row = self._table(**({"search": exten} if settings.plan is None else {})).first_match(
            exten
        )
        return None if row is None else self._results([row])[0]

    def match_all(
        self, extens: Iterable[str], args: Mapping[str, Any] | None = None
    ) -> dict[str, SourceResult]:
        """`first_match` for many at once: one goes alone, more are sought among all users."""
        wanted = [exten for exten in dict.fromkeys(extens) if exten]
        if not wanted or not self._settings.matched:
            return {}
        if len(wanted) == 1:
            found = self.first_match(wanted[0], args)
            return {} if found is None else {wanted[0]: found}
        rows = self._table().match_all(wanted)
        return dict(zip(rows, self._results(rows.values()), strict=True))

    def check(self) -> builtins.list[str]:
        """What this source cannot do now, one line each; none when all is well.

        Raises:
            SourceError: the telephone system cannot be asked.
        """
        settings, pbx = self._asked
        self._table(search="pelagos source check")
        if pbx.uuid() is None:
            return [f"{settings.confd.url}/infos does not tell the id of the telephone system"]
        return []

    def _table(self, **query: str) -> Table:
        return super()._table(view="directory", **query)

    def _row(self, item: Mapping[str, Any]) -> Row:
        row = {column: plain(item.get(column)) for column in self.COLUMNS}
        names = (row["firstname"], row["lastname"])
        row["full_name"] = " ".join(str(name) for name in names if name is not None) or None
        row[_RELATED] = {ours: plain(item.get(theirs)) for ours, theirs in _RELATIONS.items()}
        return row

    def _results(self, rows: Iterable[Row]) -> builtins.list[SourceResult]:
        found = builtins.list(rows)
        xivo_id = self._asked[1].uuid() if found else None
        return [
            self._make(row, **row.pop(_RELATED), xivo_id=xivo_id, user_id=row["id"])
            for row in found
        ]
