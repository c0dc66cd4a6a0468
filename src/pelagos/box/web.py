"""Requests and answers of a box, and which of its handlers answers what.

Paths are taken as they were sent: a `/` that a name holds comes as %2F, and names keep `//`, `..`
and what else they hold. A body is read as it comes, never collected unless a handler asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, BinaryIO
from urllib.parse import parse_qsl, unquote_to_bytes, urlsplit

from pelagos.box.errors import Refused
from pelagos.core import wire
from pelagos.core.wire import WireError

#: What is said of a path that nothing answers.
NO_ROUTE = "The resource could not be found."
#: Bytes of a JSON document that are read at the most.
DOCUMENT_LIMIT = 8 * 1024 * 1024
_PIECE = 256 * 1024
_PAIRS_LIMIT = 1000


class Request:
    """One request, as handlers see it.

    Attributes:
        method: in capitals.
        path: as sent, without the prefix of the service; begins with `/`, or is empty.
        prefix: where the service is mounted, e.g. `/identity`.
        query: the values by key; of a key that comes twice the last one. A bare key has "".
        pairs: all keys and values in their order.
    """

    def __init__(self, environ: Mapping[str, Any], prefix: str = "") -> None:
        self.environ = environ
        self.prefix = prefix
        self.method = str(environ["REQUEST_METHOD"])
        sent = str(environ.get("REQUEST_URI") or environ.get("PATH_INFO") or "")
        raw = sent.partition("?")[0] if sent.startswith("/") else urlsplit(sent).path
        self.path = raw[len(prefix) :]
        try:
            self.pairs = parse_qsl(
                str(environ.get("QUERY_STRING", "")),
                keep_blank_values=True,
                errors="strict",
                max_num_fields=_PAIRS_LIMIT,
            )
        except ValueError as error:
            raise Refused(400, "The query cannot be read") from error
        self.query = dict(self.pairs)

    def header(self, name: str, default: str = "") -> str:
        """A header's value as sent, bytes above ASCII as Latin-1."""
        key = name.upper().replace("-", "_")
        if key not in {"CONTENT_TYPE", "CONTENT_LENGTH"}:
            key = f"HTTP_{key}"
        return str(self.environ.get(key, default))

    def has_header(self, name: str) -> bool:
        """Whether it was sent, be it empty."""
        key = name.upper().replace("-", "_")
        return (
            key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"
        ) in self.environ

    def headers_from(self, prefix: str) -> dict[str, str]:
        """The headers whose names begin so: what follows (Capitals-And-Dashes) with its value."""
        begin = f"HTTP_{prefix.upper().replace('-', '_')}"
        return {
            "-".join(word.capitalize() for word in key[len(begin) :].split("_")): str(value)
            for key, value in self.environ.items()
            if key.startswith(begin) and len(key) > len(begin)
        }

    @property
    def host(self) -> str:
        """`http://HOST:PORT` by which the caller knows the box."""
        return (
            f"{self.environ.get('wsgi.url_scheme', 'http')}://{self.environ.get('HTTP_HOST', '')}"
        )

    @property
    def length(self) -> int | None:
        """Bytes of the body; None when it comes in chunks, or nothing is said of it."""
        text = str(self.environ.get("CONTENT_LENGTH", ""))
        return int(text) if text.isascii() and text.isdigit() else None

    @property
    def is_chunked(self) -> bool:
        """Whether the body comes in chunks."""
        return "chunked" in str(self.environ.get("HTTP_TRANSFER_ENCODING", "")).lower()

    @property
    def stream(self) -> BinaryIO:
        """The body."""
        body: BinaryIO = self.environ["wsgi.input"]
        return body

    def pieces(self, size: int = _PIECE) -> Iterator[bytes]:
        """The body bit by bit, none larger than `size`."""
        if self.length or self.is_chunked:
            while piece := self.stream.read(size):
                yield piece

    def body(self, limit: int = DOCUMENT_LIMIT) -> bytes:
        """The whole body.

        Raises:
            Refused: it is larger.
        """
        if (self.length or 0) > limit:
            raise Refused(413, f"The body is larger than {limit} bytes")
        kept = bytearray()
        for piece in self.pieces():
            kept += piece
            if len(kept) > limit:
                raise Refused(413, f"The body is larger than {limit} bytes")
        return bytes(kept)

    def document(self) -> dict[str, Any]:
        """The body as a JSON object.

        Raises:
            Refused: it is none.
        """
        kind = self.header("Content-Type").partition(";")[0].strip().lower()
        if kind and kind not in {"application/json", "text/json"}:
            raise Refused(415, f"The body has the type {kind}, and application/json is read here")
        try:
            read = wire.decode(self.body())
        except WireError as error:
            raise Refused(400, "Malformed JSON in the request body") from error
        if not isinstance(read, dict):
            raise Refused(400, "The body has to be a JSON object")
        return read


@dataclass(slots=True)
class Answer:
    """What is answered.

    Attributes:
        body: bytes, or pieces of which `length` says how many bytes they are together.
        length: None: those of `body`; of pieces without a length the answer comes in chunks.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | Iterable[bytes] = b""
    length: int | None = None

    def send(self, method: str, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """As WSGI wants it."""
        headers = list(self.headers.items())
        pieces = [self.body] if isinstance(self.body, bytes) else self.body
        length = len(self.body) if isinstance(self.body, bytes) else self.length
        named = any(name.lower() == "content-length" for name in self.headers)
        if self.status != HTTPStatus.NOT_MODIFIED and length is not None and not named:
            headers.append(("Content-Length", str(length)))
        start_response(f"{self.status} {_reason(self.status)}", headers)
        if method == "HEAD" or self.status in {204, 304}:
            close = getattr(pieces, "close", None)
            if close is not None:
                close()
            return []
        return pieces


def json_answer(value: Any, status: int = 200, **headers: str) -> Answer:
    """An answer in JSON; headers by name, `_` for `-`."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Answer(status, {"Content-Type": "application/json", **named}, wire.encode(value))


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def decoded(name: str) -> str:
    """A piece of a path as text.

    Raises:
        Refused: it is not UTF-8.
    """
    try:
        return unquote_to_bytes(name).decode()
    except UnicodeDecodeError as error:
        raise Refused(400, "The path is not UTF-8") from error


Handler = Callable[..., Answer]


class Router:
    """Finds the handler of a request by method and path.

    A template such as `/v3/users/{user_id}` gives its handler the name as a keyword.
    """

    def __init__(self) -> None:
        self._routes: dict[int, list[tuple[tuple[str, ...], dict[str, Handler]]]] = {}

    def add(self, methods: str, template: str, handler: Handler) -> None:
        """Let `handler(request, **names)` answer; methods such as "GET" or "GET HEAD"."""
        parts = tuple(template.strip("/").split("/"))
        known = self._routes.setdefault(len(parts), [])
        handlers = next((one for told, one in known if told == parts), None)
        if handlers is None:
            handlers = {}
            known.append((parts, handlers))
            known.sort(key=lambda one: [word.startswith("{") for word in one[0]])
        for method in methods.split():
            handlers[method] = handler

    def answer(self, request: Request) -> Answer:
        """What the handler answers.

        Raises:
            Refused: there is none.
        """
        sent = request.path.strip("/").split("/")
        for parts, handlers in self._routes.get(len(sent), ()):
            names = _match(parts, sent)
            if names is None:
                continue
            handler = handlers.get(request.method)
            if handler is None and request.method == "HEAD":
                handler = handlers.get("GET")
            if handler is not None:
                return handler(request, **names)
            raise Refused(
                405, "The method is not allowed here", headers={"Allow": ", ".join(handlers)}
            )
        raise Refused(404, NO_ROUTE)


def _match(parts: tuple[str, ...], sent: list[str]) -> dict[str, str] | None:
    names: dict[str, str] = {}
    for part, word in zip(parts, sent, strict=True):
        if part.startswith("{"):
            if not word:
                return None
            names[part[1:-1]] = decoded(word)
        elif part != word:
            return None
    return names
