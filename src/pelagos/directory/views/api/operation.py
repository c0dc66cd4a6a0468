"""What is known of one operation of the API, whatever document it is written into. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

JSON = "application/json"
CSV = "text/csv"
EVENTS = "text/event-stream"

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Query:
    """A parameter of the query.

    Attributes:
        schema: its type, in the part of JSON Schema that Swagger 2.0 knows.
    """

    name: str
    about: str
    schema: Schema = field(default_factory=lambda: {"type": "string"})
    is_required: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What an operation answers when it did what was asked.

    Attributes:
        schema: name of the body's schema, or None for a body that is not JSON, or no body.
        types: media types; none: there is no body.
    """

    about: str
    schema: str | None = None
    types: tuple[str, ...] = (JSON,)


@dataclass(frozen=True, slots=True)
class Body:
    """What is sent along.

    Attributes:
        schema: name of its schema, or None for a body that is not JSON.
    """

    about: str
    schema: str | None = None
    type: str = JSON


@dataclass(frozen=True, slots=True)
class Operation:
    """What the table says of a route and a method.

    Attributes:
        summary: what it does, in a few words.
        tag: what it belongs to.
        answers: by status.
        refusals: statuses beside 401 and 503, which every operation with a token has.
    """

    summary: str
    tag: str
    answers: Mapping[int, Answer]
    query: tuple[Query, ...] = ()
    body: Body | None = None
    refusals: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """A route that is served.

    Attributes:
        path: below the prefix, with `{name}` for its arguments.
        arguments: type of each argument by name: "string" or "integer".
        needs_token: whether it is for holders of a token only.
        right: template of the right that this token has to give, if any.
        shape: name of the schema of its errors.
        fallback: what it does, when the table does not say.
    """

    method: str
    path: str
    arguments: Mapping[str, str]
    needs_token: bool
    right: str | None
    shape: str
    fallback: str = ""

    @property
    def key(self) -> str:
        """As the table has it."""
        return f"{self.method} {self.path}"

    @property
    def id(self) -> str:
        """A name that no other operation has: get_personal_contact_id."""
        words = self.path.replace("{", "").replace("}", "").replace("-", "_").replace(".", "_")
        return "_".join([self.method.lower(), *(word for word in words.split("/") if word)])
