"""A transport without a network: answers from a table and remembers what was sent."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from pelagos.core.http.errors import HttpProtocolError, HttpUnreachable
from pelagos.core.http.types import Headers, Request, Response

Route = Response | Callable[[Request], Response]


class FakeTransport:
    """Answers "METHOD /path" from a table.

    Args:
        routes: per "METHOD /path" (without query) an answer, or a function that makes one.

    Attributes:
        requests: what was sent, oldest first.

    A path that is not in the table answers as if nobody listened there.
    """

    def __init__(self, routes: Mapping[str, Route] | None = None) -> None:
        self.routes: dict[str, Route] = dict(routes or {})
        self.requests: list[Request] = []

    def send(self, request: Request) -> Response:
        """Answer from the table."""
        answer = self._answer(request)
        if len(answer.body) > request.limit:
            raise HttpProtocolError(
                f"the answer of {request.url} is larger than {request.limit:,} bytes",
                url=request.url,
                hint="ask for less of it at once",
                retry_after=None,
            )
        return Response(answer.status, Headers(answer.headers), answer.body)

    def open(self, request: Request) -> FakeStream:
        """Answer from the table, piece by piece."""
        answer = self._answer(request)
        return FakeStream(answer.status, Headers(answer.headers), answer.body)

    def _answer(self, request: Request) -> Response:
        self.requests.append(request)
        route = self.routes.get(f"{request.method} {urlsplit(request.url).path}")
        if route is None:
            raise HttpUnreachable(f"nobody answers at {request.url}", url=request.url)
        return route if isinstance(route, Response) else route(request)

    def close(self) -> None:
        """Nothing is held."""


class FakeStream:
    """A body in memory, read in pieces.

    Attributes:
        is_closed: whether the reader gave it back.
    """

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.is_closed = False
        self._rest = io.BytesIO(body)

    def read(self, size: int) -> bytes:
        """The next piece."""
        return self._rest.read(size)

    def close(self) -> None:
        """Note that it was given back."""
        self.is_closed = True
