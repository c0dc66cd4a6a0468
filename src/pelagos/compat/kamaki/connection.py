"""A connection of the first versions: an object that keeps one request, and sends it when told."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from pelagos.clients.base.call import encode_headers, encode_query
from pelagos.clients.errors import ClientError, from_transport
from pelagos.compat.kamaki.transports import SHARED, phrase
from pelagos.core import wire
from pelagos.core.http import Headers, HttpError, Request, Response
from pelagos.core.http.transports.base import Transport
from pelagos.core.http.transports.fake import FakeStream
from pelagos.core.http.types import Stream


class HTTPConnectionError(ClientError):
    """A request could not be sent."""


class HTTPResponseError(ClientError):
    """An answer could not be read."""


class HTTPResponse:
    """An answer; what is read first fetches it.

    Args:
        request: has `getresponse()`, which gives an object as `http.client` has it.
        prefetched: fetch it at once.

    Attributes:
        request: the same.
    """

    def __init__(self, request: Any, prefetched: bool = False) -> None:
        self.request = request
        self._fetched: tuple[int, str, dict[str, str], bytes] | None = None
        if prefetched:
            self._all()

    def _all(self) -> tuple[int, str, dict[str, str], bytes]:
        if self._fetched is None:
            try:
                answer = self.request.getresponse()
                headers = {name.lower(): value for name, value in answer.getheaders()}
                self._fetched = (answer.status, answer.reason, headers, answer.read())
            except (OSError, HTTPException) as error:
                raise HTTPResponseError(f"no answer: {error}") from error
        return self._fetched

    @property
    def status_code(self) -> int:
        """HTTP status."""
        return self._all()[0]

    @property
    def status(self) -> str:
        """Its words."""
        return self._all()[1]

    @property
    def headers(self) -> dict[str, str]:
        """Header fields, names in lower case."""
        return self._all()[2]

    @property
    def content(self) -> bytes:
        """The body."""
        return self._all()[3]

    @property
    def text(self) -> str:
        """The body as text."""
        return self.content.decode("utf-8", "replace")

    @property
    def json(self) -> Any:
        """The body as JSON.

        Raises:
            HTTPResponseError: it is none.
        """
        try:
            return wire.decode(self.content)
        except wire.WireError as error:
            raise HTTPResponseError(f"the answer is no JSON: {error}", self.status_code) from error

    def release(self) -> None:
        """Nothing is held: the body is read with the answer."""


class HTTPConnection(ABC):
    """One request, kept part by part; a program may bring a class of its own.

    Attributes:
        method, url, path, params, headers: of the next request.
    """

    def __init__(
        self,
        method: str | None = None,
        url: str | None = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, Any] | None = None,
    ) -> None:
        self.method = method
        self.url = url
        self.path = ""
        self.params: dict[str, Any] = dict(params or {})
        self.headers: dict[str, Any] = dict(headers or {})

    def set_header(self, name: str, value: Any) -> None:
        """Send a header field."""
        self.headers[name] = str(value)

    def remove_header(self, name: str) -> None:
        """Send it no longer."""
        self.headers.pop(name, None)

    def replace_headers(self, headers: Mapping[str, Any]) -> None:
        """Send these and no others."""
        self.headers = dict(headers)

    def reset_headers(self) -> None:
        """Send none."""
        self.headers = {}

    def set_param(self, name: str, value: Any = None) -> None:
        """Send a parameter of the query; None: its name alone."""
        self.params[name] = value

    def remove_param(self, name: str) -> None:
        """Send it no longer."""
        self.params.pop(name, None)

    def replace_params(self, params: Mapping[str, Any]) -> None:
        """Send these and no others."""
        self.params = dict(params)

    def reset_params(self) -> None:
        """Send none."""
        self.params = {}

    def set_url(self, url: str) -> None:
        """Of the service."""
        self.url = url

    def set_path(self, path: str) -> None:
        """Below the address."""
        self.path = path

    def set_method(self, method: str) -> None:
        """The verb."""
        self.method = method

    @abstractmethod
    def perform_request(
        self,
        method: str | None = None,
        data: Any = None,
        async_headers: Mapping[str, Any] | None = None,
        async_params: Mapping[str, Any] | None = None,
    ) -> Any:
        """Send it; the answer has status_code, headers and content."""


class KamakiHTTPResponse(HTTPResponse):
    """An answer of `KamakiHTTPConnection`."""


class KamakiHTTPConnection(HTTPConnection):
    """Sends over the connections that all clients share."""

    transport: Transport = SHARED

    def perform_request(
        self,
        method: str | None = None,
        data: Any = None,
        async_headers: Mapping[str, Any] | None = None,
        async_params: Mapping[str, Any] | None = None,
    ) -> KamakiHTTPResponse:
        """Send it.

        Raises:
            HTTPConnectionError: no answer came.
        """
        url = (self.url or "").rstrip("/") + quote(self.path, safe="/%:@~!$&'()*+,;=")
        url += encode_query(None, {**self.params, **(async_params or {})})
        headers = encode_headers({**self.headers, **(async_headers or {})})
        body = data.encode() if isinstance(data, str) else data
        request = Request((method or self.method or "GET").upper(), url, headers, body)
        try:
            answer = self.transport.send(request)
        except HttpError as error:
            known = from_transport(error)
            raise HTTPConnectionError(str(known), hint=known.hint) from error
        return KamakiHTTPResponse(Answered(answer), prefetched=True)


class Answered:
    """An answer that is here, in the shape of `http.client`."""

    def __init__(self, answer: Response) -> None:
        self.status = answer.status
        self.reason = phrase(answer.status)
        self._headers = answer.headers
        self._body = answer.body

    def getresponse(self) -> Answered:
        """Itself."""
        return self

    def getheaders(self) -> list[tuple[str, str]]:
        """Names and values."""
        return list(self._headers.items())

    def read(self) -> bytes:
        """The body."""
        return self._body


class _OfConnection:
    """A transport over a connection of a program's own class: one request at a time."""

    def __init__(self, connection: HTTPConnection) -> None:
        self._connection = connection
        self._lock = threading.Lock()

    def send(self, request: Request) -> Response:
        """Have the connection send it.

        Raises:
            ClientError: it failed, however.
        """
        parts = urlsplit(request.url)
        body = request.body
        with self._lock:
            one = self._connection
            one.set_method(request.method)
            one.set_url(f"{parts.scheme}://{parts.netloc}")
            one.set_path(parts.path)
            try:
                answer = one.perform_request(
                    method=request.method,
                    data=body if body is None or isinstance(body, bytes) else body.read(),
                    async_headers=dict(request.headers),
                    async_params=dict(parse_qsl(parts.query, keep_blank_values=True)),
                )
                return Response(
                    int(answer.status_code), Headers(answer.headers), _bytes(answer.content)
                )
            except ClientError:
                raise
            except Exception as error:
                raise ClientError(f"{type(one).__name__} failed: {error}") from error
            finally:
                one.reset_headers()
                one.reset_params()

    def open(self, request: Request) -> Stream:
        """The same; the whole body is here already."""
        answer = self.send(request)
        return FakeStream(answer.status, answer.headers, answer.body)

    def close(self) -> None:
        """The connection is the program's."""


def transport_of(connection: HTTPConnection, transport: Transport) -> Transport:
    """How a connection's requests are carried: ours by our pool, another's by itself."""
    return transport if type(connection) is KamakiHTTPConnection else _OfConnection(connection)


def _bytes(content: Any) -> bytes:
    return content.encode() if isinstance(content, str) else bytes(content or b"")
