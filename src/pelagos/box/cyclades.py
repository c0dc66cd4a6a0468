"""What Cyclades' services have in common: who asks, what bodies are, how lists and links look."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pelagos.box.errors import Refused
from pelagos.box.identity.identity import Identity
from pelagos.box.synnefo import dressed, endpoint_missing, shaped
from pelagos.box.web import NO_ROUTE, Answer, Request, Router
from pelagos.core import wire
from pelagos.core.wire import WireError


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks.

    Attributes:
        user_id: whose things are shown.
        project_id: which is charged unless another one is told.
    """

    user_id: str
    project_id: str
    is_admin: bool = False


def caller(identity: Identity, request: Request) -> Person:
    """Who asks.

    Raises:
        Refused: 401, nobody that is known.
    """
    text = request.header("X-Auth-Token")
    if not text:
        raise Refused(401, "Access denied. No authentication token")
    token = identity.tokens.known(text)
    if token is None:
        inner = {"unauthorized": {"message": "Invalid token", "code": 401, "details": ""}}
        raise Refused(401, "UNAUTHORIZED", name="fault", details=json.dumps(inner))
    project = token.project_id or token.user.get("default_project_id") or ""
    return Person(token.user_id, project, token.is_admin)


def body(request: Request) -> dict[str, Any]:
    """The body of a request.

    Raises:
        Refused: 400, it is no JSON object, or does not say that it is one.
    """
    kind = request.header("Content-Type").partition(";")[0].strip().lower()
    sent = request.body()
    if not kind:
        raise Refused(400, "Missing Content-Type header field")
    if kind != "application/json":
        raise Refused(400, f"Unsupported Content-type: '{kind}'")
    try:
        read = wire.decode(sent)
    except WireError as error:
        raise Refused(400, "Could not decode request body as JSON") from error
    if not isinstance(read, dict):
        raise Refused(400, "Malformed request. Expected a JSON object.")
    return read


_KINDS = {dict: "dict", list: "list", str: "string", int: "integer", bool: "boolean"}


def part(
    told: Mapping[str, Any], name: str, kind: type, default: Any = None, *, needed: bool = False
) -> Any:
    """What a body says of something.

    Raises:
        Refused: 400, nothing although it is needed, or another kind of thing.
    """
    value = told.get(name)
    if value is None:
        if needed:
            raise Refused(400, f"Malformed request. Missing attribute '{name}'.")
        return default
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        message = f"Invalid '{name}' attribute. Expected value of type '{_KINDS[kind]}'"
        raise Refused(400, message)
    return value


def project_of(identity: Identity, person: Person, told: Mapping[str, Any]) -> str:
    """Which project is charged.

    Raises:
        Refused: 400, one that is not the person's.
    """
    key = told.get("project")
    if key is None:
        return person.project_id
    if not isinstance(key, str) or all(
        one["id"] != key for one in identity.people.projects_of(person.user_id)
    ):
        raise Refused(400, f"User {person.user_id} not in project {key}")
    return key


def moment(seconds: float) -> str:
    """A time as Cyclades writes it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")


def links(request: Request, *words: str) -> list[dict[str, str]]:
    """Where something is."""
    href = "/".join((request.host + request.prefix, *words))
    return [{"href": href, "rel": "self"}, {"href": href, "rel": "bookmark"}]


def answering(
    identity: Identity, router: Router
) -> tuple[Callable[[Request], Answer], Callable[[Request, Refused], Answer]]:
    """How a service answers, and how it refuses."""

    def answer(request: Request) -> Answer:
        try:
            return dressed(router.answer(request), identity.clock)
        except Refused as refused:
            if refused.status == 404 and refused.message != NO_ROUTE:  # noqa: PLR2004  # RFC 9110
                raise
            raise endpoint_missing(refused) from refused

    return answer, shaped(identity.clock)
