"""One request to Nova: who asks, in which microversion, and what the answer's headers say."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pelagos.box.errors import Refused
from pelagos.box.identity.tokens import Token
from pelagos.box.web import Answer, Request, Router

PREFIX = "/compute"
#: Microversions: the second number of 2.N.
OLDEST, NEWEST = 1, 96
_VERSION = re.compile(r"([0-9]{1,3})\.([0-9]{1,3})")
_NEW_HEADER, _OLD_HEADER = "OpenStack-API-Version", "X-OpenStack-Nova-API-Version"
_NEW_HEADER_SINCE = 27


@dataclass(frozen=True, slots=True)
class Call:
    """One request.

    Attributes:
        minor: its microversion is 2.this.
        request_id: what the answer calls it.
    """

    request: Request
    token: Token
    minor: int
    request_id: str = field(default_factory=lambda: f"req-{uuid.uuid4()}")

    @property
    def project_id(self) -> str:
        """The project of the token."""
        return self.token.project_id or ""

    @property
    def user_id(self) -> str:
        """Who asks."""
        return self.token.user_id

    @property
    def is_admin(self) -> bool:
        """Whether he may do everything."""
        return self.token.is_admin

    def since(self, minor: int) -> bool:
        """Whether 2.this, or a later one, is spoken."""
        return self.minor >= minor

    def need_admin(self, rule: str) -> None:
        """Refuse all others.

        Raises:
            Refused: 403.
        """
        if not self.is_admin:
            raise Refused(403, f"Policy doesn't allow {rule} to be performed.")

    def url(self, *parts: str) -> str:
        """The address of a resource."""
        return "/".join((f"{self.request.host}{PREFIX}/v2.1", *parts))

    def links(self, *parts: str) -> list[dict[str, str]]:
        """The two addresses of a resource."""
        bookmark = "/".join((f"{self.request.host}{PREFIX}", *parts))
        return [
            {"rel": "self", "href": self.url(*parts)},
            {"rel": "bookmark", "href": bookmark},
        ]

    def bookmark(self, *parts: str) -> list[dict[str, str]]:
        """The address that knows no version."""
        return self.links(*parts)[1:]


Work = Callable[..., Answer]


class Routes:
    """Handlers by path, each for some of the microversions; they get a `Call`."""

    def __init__(self) -> None:
        self.router = Router()
        self._works: dict[tuple[str, str], list[tuple[int, int, Work]]] = {}

    def add(
        self, methods: str, template: str, work: Work, since: int = OLDEST, until: int = NEWEST
    ) -> None:
        """Let `work(call, **names)` answer in the microversions 2.since to 2.until."""
        for method in methods.split():
            known = self._works.setdefault((method, template), [])
            known.append((since, until, work))
            self.router.add(method, template, self._answering(known))

    @staticmethod
    def _answering(known: list[tuple[int, int, Work]]) -> Work:
        def answer(request: Request, **names: str) -> Answer:
            call: Call = request.environ["pelagos.call"]
            for since, until, work in known:
                if since <= call.minor <= until:
                    return work(call, **names)
            raise Refused(404, "The resource could not be found.")

        return answer


def minor_of(request: Request) -> int:
    """The microversion that a request speaks.

    Raises:
        Refused: 400 it cannot be read; 406 it is not spoken here.
    """
    told = ""
    for one in request.header(_NEW_HEADER).split(","):
        service, _, version = one.strip().partition(" ")
        if service.lower() in {"compute", "nova"}:
            told = version.strip()
    told = told or request.header(_OLD_HEADER).strip()
    if not told:
        return OLDEST
    if told.lower() == "latest":
        return NEWEST
    match = _VERSION.fullmatch(told)
    if match is None:
        raise Refused(
            400, f"API Version String {told} is of invalid format. Must be of format MajorNum.Min"
            "orNum.",
        )  # fmt: skip
    major, minor = int(match[1]), int(match[2])
    if major != 2 or not OLDEST <= minor <= NEWEST:  # noqa: PLR2004  # the only one
        raise Refused(
            406,
            f"Version {told} is not supported by the API. Minimum is 2.{OLDEST} and maximum is"
            f" 2.{NEWEST}.",
        )
    return minor


def version_headers(minor: int) -> dict[str, str]:
    """What an answer says of the microversion it speaks."""
    headers = {_OLD_HEADER: f"2.{minor}", "Vary": _OLD_HEADER}
    if minor >= _NEW_HEADER_SINCE:
        headers |= {_NEW_HEADER: f"compute 2.{minor}", "Vary": f"{_NEW_HEADER}, {_OLD_HEADER}"}
    return headers


def iso(seconds: float) -> str:
    """A time as Nova writes it, in UTC.

    >>> iso(0.0)
    '1970-01-01T00:00:00Z'
    """
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def exact(seconds: float) -> str:
    """A time as Nova writes others: with microseconds, without a zone."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")


def when(text: str, name: str) -> float:
    """A time that was sent.

    Raises:
        Refused: 400, it is none.
    """
    try:
        moment = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
    except ValueError as error:
        raise Refused(
            400, f"Invalid input for query parameters {name}. Value: {text}. {text!r} is not a"
            " 'date-time'",
        ) from error  # fmt: skip
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def page_size(query: dict[str, str], most: int = 1000) -> int:
    """How many items are wanted.

    Raises:
        Refused: 400, it is no number.
    """
    told = query.get("limit", str(most))
    if not (told.isascii() and told.isdigit()):
        raise Refused(
            400, f"Invalid input for query parameters limit. Value: {told}. {told!r} does not"
            " match '^[0-9]*$'",
        )  # fmt: skip
    return min(int(told) or most, most)


def known_only(call: Call, *names: str) -> None:
    """From 2.75 on, refuse what the query may not name.

    Raises:
        Refused: 400.
    """
    unknown = [name for name in call.request.query if name not in names]
    if unknown and call.since(75):
        told = ", ".join(repr(name) for name in unknown)
        raise Refused(
            400, f"Invalid input for query parameters {call.request.query}. Additional properties"
            f" are not allowed ({told} {'was' if len(unknown) == 1 else 'were'} unexpected)",
        )  # fmt: skip


def flagged(text: str) -> bool | None:
    """A truth that the query names; None when it cannot be read."""
    word = text.strip().lower()
    if word in {"1", "t", "true", "on", "y", "yes", ""}:
        return True
    return False if word in {"0", "f", "false", "off", "n", "no"} else None
