"""A call and its answer as values, between the web framework and the faces."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import IO, Any, get_type_hints

from pelagos.core import wire
from pelagos.core.spelling import hint
from pelagos.slap import protocol
from pelagos.slap.errors import BadRequest
from pelagos.slap.master.auth import Identity, permit

#: Marshalled XML is pure ASCII; said so, because the ancestor's client guesses Latin-1 otherwise.
XML = "text/xml; charset=utf-8"
TEXT = "text/plain; charset=utf-8"
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a known caller.

    Attributes:
        name: the call, as the table of rights names it.
        fields: the query of a GET, the form of a POST, and what the path holds.
        body: the bytes of a POST that is not a form.
        etag: If-None-Match, when sent.
        agent: X-Pelagos-Agent, when sent.
        takes_gzip: whether the caller reads compressed answers.
        environ: the WSGI environment, for what few calls need; see `caller`.
        stream: the body of a route that `streams`, unread.
        length: bytes of that body.
        range: the header Range, when sent.
    """

    name: str
    identity: Identity
    fields: Mapping[str, str]
    body: bytes = b""
    etag: str | None = None
    agent: str | None = None
    takes_gzip: bool = False
    environ: Mapping[str, Any] = field(default_factory=dict, repr=False)
    stream: IO[bytes] | None = None
    length: int | None = None
    range: str | None = None

    def computer(self, name: str = "computer_id") -> str:
        """The computer that the call is about.

        Raises:
            BadRequest: the field is missing or wrong.
            Unauthorized: the caller may not make this call about it.
        """
        computer_id = protocol.text_field(self.fields, name)
        permit(self.identity, self.name, computer_id, self.identity.partition_id)
        return computer_id

    def partition(
        self, computer: str = "computer_id", partition: str = "computer_partition_id"
    ) -> tuple[str, str]:
        """The partition that the call is about: (computer_id, partition_id).

        Raises:
            BadRequest: a field is missing or wrong.
            Unauthorized: the caller may not make this call about it.
        """
        computer_id = protocol.text_field(self.fields, computer)
        partition_id = protocol.partition_field(self.fields, partition)
        permit(self.identity, self.name, computer_id, partition_id)
        return computer_id, partition_id

    def number(self, name: str, default: float) -> float:
        """A number in the query.

        Raises:
            BadRequest: it is not one.
        """
        text = self.fields.get(name, "")
        try:
            value = float(text) if text else default
        except ValueError as error:
            raise BadRequest(
                f"{name} is {text[:40]!r}, not a number",
                status=400,
                hint=f"send digits, or leave {name} out: it is {default:g} then",
            ) from error
        if not abs(value) < 2**63:
            raise BadRequest(
                f"{name} is {text[:40]!r}, which is out of range",
                status=400,
                hint="send a number whose absolute value is below 2**63",
            )
        return value

    def document(self, into: Any) -> Any:
        """The JSON body as a value of that type; a key that it does not have is an error.

        Args:
            into: a dataclass or a TypedDict.

        Raises:
            BadRequest: it is not one; says where.
        """
        try:
            sent = wire.convert(wire.decode(self.body), dict[str, Any])
            _check_keys(sent, list(get_type_hints(into)))
            return wire.convert(sent, into)
        except wire.WireError as error:
            raise BadRequest(
                error.message,
                status=400,
                hint="send a JSON object as docs/reference/http-api.md says",
            ) from error


def _check_keys(sent: Mapping[str, Any], known: list[str]) -> None:
    """Pass, when each key is known: a misspelt one would be a wish without effect."""
    for name in sent:
        if name not in known:
            raise BadRequest(
                f"the key {name[:40]!r} is not known",
                status=400,
                hint=hint(name, known, quoted=True),
            )


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back.

    Attributes:
        pieces: sent in place of `body` when there; closed at the end where it can be.
        length: bytes of all pieces together.
    """

    body: bytes
    content_type: str = TEXT
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    pieces: Iterable[bytes] | None = None
    length: int = 0

    @classmethod
    def text(cls, text: str) -> Answer:
        """Plain words."""
        return cls(text.encode())

    @classmethod
    def xml(cls, document: bytes) -> Answer:
        """A marshalled document."""
        return cls(document, XML)

    @classmethod
    def json(cls, value: Any) -> Answer:
        """Plain data or dataclasses."""
        return cls(wire.encode(value), JSON)

    @classmethod
    def secret(cls, value: Any) -> Answer:
        """As `json`, for nobody on the way to keep."""
        return cls(wire.encode(value), JSON, 200, {"Cache-Control": "no-store"})


@dataclass(frozen=True, slots=True)
class Route:
    """Where a call is answered.

    Attributes:
        name: of the call.
        verb: GET, POST or PUT.
        path: with Flask's placeholders.
        work: answers it.
        right: as the table of rights knows it, when several have one there; else by its name.
            What kind of caller makes the call is checked before `work`, which sees about whom.
        by_agent: only agents have a reason to make it, so it is a sign of life.
        streams: its body may be of any length and is handed over unread, as `Call.stream`.
    """

    name: str
    verb: str
    path: str
    work: Callable[[Call], Answer]
    by_agent: bool = False
    streams: bool = False
    right: str = ""
