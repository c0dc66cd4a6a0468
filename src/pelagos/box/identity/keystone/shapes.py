"""How things of identity look in Keystone's JSON, and what is told of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from pelagos.box.errors import Refused
from pelagos.box.web import Answer, Request, json_answer

BASE = "/identity/v3"


def moment(seconds: float) -> str:
    """A time as Keystone writes it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def seconds(text: Any) -> float | None:
    """A time that somebody wrote; None for none.

    Raises:
        Refused: it is no time.
    """
    if text is None:
        return None
    try:
        read = datetime.fromisoformat(str(text))
    except ValueError as error:
        raise Refused(400, f"'{text}' is not a date-time") from error
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()


def linked(request: Request, kind: str, thing: Mapping[str, Any]) -> dict[str, Any]:
    """A thing with its link."""
    shown = dict(thing)
    if kind == "users":
        shown.setdefault("password_expires_at", None)
        shown.setdefault("options", {})
        if shown["default_project_id"] is None:
            del shown["default_project_id"]
    elif kind == "projects":
        shown.update(is_domain=False, options={}, tags=shown.get("tags", []))
    elif kind == "roles":
        shown.update(domain_id=None, options={}, description=shown["description"] or None)
    shown["links"] = {"self": f"{request.host}{BASE}/{kind}/{thing['id']}"}
    return shown


def listed(request: Request, kind: str, things: Iterable[Mapping[str, Any]]) -> Answer:
    """A whole list."""
    links = {"next": None, "self": f"{request.host}{BASE}{request.path[3:]}", "previous": None}
    return json_answer({kind: [linked(request, kind, thing) for thing in things], "links": links})


def told(request: Request, kind: str) -> dict[str, Any]:
    """What a body says of a thing: the object below its name.

    Raises:
        Refused: it says nothing.
    """
    body = request.document().get(kind)
    if not isinstance(body, dict):
        raise Refused(400, f"'{kind}' is a required property")
    return body


def text(body: Mapping[str, Any], key: str, *, limit: int = 255) -> str:
    """A name that must be there.

    Raises:
        Refused: it is not, or is no name.
    """
    if key not in body:
        raise Refused(400, f"'{key}' is a required property")
    value = body[key]
    if not isinstance(value, str) or not 1 <= len(value) <= limit:
        raise Refused(400, f"Invalid input for field '{key}': {value!r} is not a name")
    return value


def flag(body: Mapping[str, Any], key: str) -> None:
    """Refuse what should be true or false and is not."""
    if key in body and not isinstance(body[key], bool):
        raise Refused(
            400, f"Invalid input for field '{key}': {body[key]!r} is not of type boolean"
        )
