"""What a login gives: a token, until when, for whom, and the catalogue."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pelagos.clients.base import Reply
from pelagos.clients.login.catalogue import Catalogue

_MONTHS = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Access:
    """One login.

    Attributes:
        token: what is sent with each request.
        lifetime: seconds from the login until it ends; None when nobody says.
        expires: the same as the cloud wrote it.
        user_id, user_name: who logged in.
        project_id, project_name: for which project; None for none.
        roles: names of the roles there.
        catalogue: the services.
        details: the cloud's whole answer, by its own names.
        is_own: whether the token was made by this login, so that another login makes another.
    """

    token: str = field(repr=False)
    lifetime: float | None
    expires: str
    user_id: str
    user_name: str
    project_id: str | None
    project_name: str | None
    roles: tuple[str, ...]
    catalogue: Catalogue = field(repr=False)
    details: Any = field(repr=False)
    is_own: bool = True


def lifetime(expires: Any, reply: Reply) -> float | None:
    """Seconds until a time, by the clock of the server that named it; None when it is no time."""
    end = _instant(expires)
    if end is None:
        return None
    try:
        now = _dated(reply.headers["date"])
    except (KeyError, ValueError):
        now = datetime.now(UTC)
    return (end - now).total_seconds()


def _dated(text: str) -> datetime:
    """The time of a Date header (RFC 9110, IMF-fixdate); the e-mail package would cost a login.

    >>> _dated("Sun, 06 Nov 1994 08:49:37 GMT").isoformat()
    '1994-11-06T08:49:37+00:00'
    """
    _, day, month, year, time, _ = text.split()
    return datetime.fromisoformat(f"{year}-{_MONTHS.index(month) + 1:02}-{day}T{time}+00:00")


def _instant(text: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
