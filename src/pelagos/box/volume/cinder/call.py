"""One request to Cinder: who asks, in which microversion, and what is common to its answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from pelagos.box.errors import Refused
from pelagos.box.fields import Check, record
from pelagos.box.identity.tokens import Token
from pelagos.box.records import Record
from pelagos.box.web import Answer, Request, json_answer

PREFIX = "/volume"
#: Microversions: the second number of 3.N.
OLDEST, NEWEST = 0, 71
_VERSION = re.compile(r"([0-9]{1,3})\.([0-9]{1,3})")
_HEADER = "OpenStack-API-Version"
_MOST = 1000
_PAGING = frozenset({"limit", "marker", "offset", "sort", "sort_key", "sort_dir", "all_tenants"})
_WRITERS = frozenset({"admin", "manager", "member"})

Shown = dict[str, Any]
Work = Callable[..., Answer]


@dataclass(frozen=True, slots=True)
class Call:
    """One request.

    Attributes:
        minor: its microversion is 3.this.
    """

    request: Request
    token: Token
    minor: int

    @property
    def project_id(self) -> str:
        """The project of the token."""
        return self.token.project_id or ""

    @property
    def is_admin(self) -> bool:
        """Whether the caller may do everything."""
        return self.token.is_admin

    @property
    def sees_all(self) -> bool:
        """Whether things of all projects are asked for, by somebody who may."""
        told = self.request.query.get("all_tenants", "")
        return self.is_admin and told.lower() in {"1", "true", "t", "yes"}

    def since(self, minor: int) -> bool:
        """Whether 3.this, or a later one, is spoken."""
        return self.minor >= minor

    def need_admin(self, rule: str) -> None:
        """Refuse all others.

        Raises:
            Refused: 403.
        """
        if not self.is_admin:
            raise Refused(403, f"Policy doesn't allow {rule} to be performed.")

    def need_writer(self) -> None:
        """Refuse those who may read only.

        Raises:
            Refused: 403.
        """
        if not self.token.role_names & _WRITERS:
            raise Refused(403, "Policy doesn't allow volume:create to be performed.")

    def told(self, name: str, checks: Mapping[str, Check], *required: str) -> Shown:
        """What the body says of a thing, checked.

        Raises:
            Refused: 400.
        """
        check = record({name: record(checks, required=required)}, required=(name,), is_open=True)
        found: Shown = check(self.request.document(), "body")[name]
        return found

    def links(self, *words: str) -> list[dict[str, str]]:
        """The two addresses of a thing."""
        base = f"{self.request.host}{PREFIX}"
        path = "/".join((self.project_id, *words))
        return [
            {"rel": "self", "href": f"{base}/v3/{path}"},
            {"rel": "bookmark", "href": f"{base}/{path}"},
        ]

    def listing(
        self,
        plural: str,
        found: Sequence[Record],
        show: Callable[[Record], Shown],
        known: Sequence[str] = (),
        path: str = "",
    ) -> Answer:
        """A page of things: filtered, sorted, and with the address of the next page.

        Args:
            found: all that the caller may see.
            known: by which of their fields they may be filtered; `name` stands for itself.

        Raises:
            Refused: 400, an odd filter or page.
        """
        query = self.request.query
        by = {key: value for key, value in query.items() if key not in _PAGING}
        unknown = sorted(set(by) - {*known, "with_count"})
        if unknown and not self.is_admin:
            by = {key: value for key, value in by.items() if key in known}
        those = [
            one for one in found if all(_fits(one, key, by[key]) for key in by if key in known)
        ]
        those = _sorted(those, query)
        start, limit = _start(those, query), _limit(query)
        page = those[start : start + limit]
        body: Shown = {plural: [show(one) for one in page]}
        if self.since(45) and query.get("with_count", "").lower() in {"true", "1"}:
            body["count"] = len(those)
        if page and start + limit < len(those):
            told = {**{k: v for k, v in query.items() if k != "offset"}, "marker": page[-1]["id"]}
            href = f"{self.links(path or plural)[0]['href']}?{urlencode(told)}"
            body[f"{plural}_links"] = [{"rel": "next", "href": href}]
        return json_answer(body)


def _fits(one: Record, key: str, told: str) -> bool:
    value = one.get({"bootable": "is_bootable"}.get(key, key))
    if key == "name~":
        return told in (one.get("name") or "")
    if isinstance(value, bool):
        return str(value).lower() == told.lower()
    if isinstance(value, dict):
        wanted = dict(re.findall(r"['\"]([^'\"]*)['\"]\s*:\s*u?['\"]([^'\"]*)['\"]", told))
        return bool(wanted) and wanted.items() <= value.items()
    return str(value if value is not None else "") == told


def _sorted(those: list[Record], query: Mapping[str, str]) -> list[Record]:
    told = query.get("sort")
    if told is None and "sort_key" in query:
        told = f"{query['sort_key']}:{query.get('sort_dir', 'desc')}"
    keys = [one.strip().partition(":") for one in (told or "created_at:desc").split(",")]
    for key, _, way in reversed(keys):
        field = {"created_at": "created", "updated_at": "updated"}.get(key, key)
        if way not in {"", "asc", "desc"}:
            raise Refused(400, f"Invalid input received: Unknown sort direction, must be {way!r}")
        if field not in {"created", "updated", "id", "name", "size", "status", "volume_type"}:
            raise Refused(400, f"Invalid input received: sort_key is invalid: {key}")
        those = sorted(
            those,
            key=lambda one, name=field: (  # type: ignore[misc]  # its default names the key
                one.get(name) is not None, one.get(name) or 0 if name in _NUMBERS
                else str(one.get(name) or ""), one["number"],
            ),
            reverse=way != "asc",
        )  # fmt: skip
    return those


_NUMBERS = frozenset({"created", "updated", "size"})


def _start(those: Sequence[Record], query: Mapping[str, str]) -> int:
    marker = query.get("marker")
    if marker:
        ids = [one["id"] for one in those]
        if marker not in ids:
            raise Refused(400, f"Invalid input received: marker [{marker}] not found")
        return ids.index(marker) + 1
    return _number(query, "offset", 0)


def _limit(query: Mapping[str, str]) -> int:
    return min(_number(query, "limit", _MOST), _MOST)


def _number(query: Mapping[str, str], key: str, default: int) -> int:
    text = query.get(key)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()) or len(text) > 9:  # noqa: PLR2004  # 32 bits
        raise Refused(400, f"Invalid input received: {key} must be an integer and not negative")
    return int(text)


def minor_of(request: Request) -> int:
    """The microversion that a request speaks.

    Raises:
        Refused: 400 it cannot be read; 406 it is not spoken here.
    """
    told = ""
    for one in request.header(_HEADER).split(","):
        service, _, version = one.strip().partition(" ")
        if service.lower() == "volume":
            told = version.strip()
    if not told:
        return OLDEST
    if told.lower() == "latest":
        return NEWEST
    match = _VERSION.fullmatch(told)
    if match is None:
        raise Refused(
            400, f"API Version String {told} is of invalid format. Must be of format "
            "MajorNum.MinorNum.",
        )  # fmt: skip
    major, minor = int(match[1]), int(match[2])
    if major != 3 or not OLDEST <= minor <= NEWEST:  # noqa: PLR2004  # the only one
        message = (
            f"Version {told} is not supported by the API. Minimum is 3.{OLDEST} and maximum is "
            f"3.{NEWEST}."
        )
        raise Refused(406, message)
    return minor


def moment(seconds: float | None) -> str | None:
    """A time as Cinder writes it."""
    if seconds is None:
        return None
    found = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
    return found.isoformat(timespec="microseconds")
