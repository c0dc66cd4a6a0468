"""A request and its answer apart, as the last versions have them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from http.client import HTTPException, ResponseNotReady
from typing import Any
from urllib.parse import urlsplit

from pelagos.clients.base import Reply
from pelagos.clients.base.call import (
    encode_headers,
    encode_path,
    encode_query,
    path4url,
    quote_values,
)
from pelagos.clients.base.sending import Patience, Sender
from pelagos.clients.errors import ClientError, Late
from pelagos.compat.kamaki.transports import SHARED, LoggingTransport, phrase
from pelagos.core.http import Request

#: Seconds that `RequestManager.perform` waits for an answer.
TIMEOUT = 60.0

_METHODS = frozenset({"GET", "POST", "PUT", "HEAD", "DELETE", "COPY", "MOVE"})
_PAUSE = 0.02


class Logged:
    """What says how much of it is logged."""

    LOG_TOKEN: bool = False
    LOG_DATA: bool = False
    LOG_PID: bool = False


class RequestManager(Logged):
    """One request, ready to be sent.

    Args:
        method: GET, POST, PUT, HEAD, DELETE, COPY or MOVE.
        url: of the service.
        path: below it; not percent-encoded.
        data: the body.
        headers, params: what else is sent.

    Attributes:
        scheme, netloc: where it goes.
        path: what stands behind that, with the query.
        headers_to_quote, header_prefices: header fields whose values are percent-encoded.

    Raises:
        AssertionError: the method is another one.
    """

    def __init__(
        self,
        method: str,
        url: str,
        path: str,
        data: Any = None,
        headers: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> None:
        self.method = method.upper()
        if self.method not in _METHODS:
            raise AssertionError(f"{method} is no method; there are {', '.join(sorted(_METHODS))}")
        whole = urlsplit(
            url.rstrip("/") + encode_path(path4url(path)) + encode_query(None, params)
        )
        self.url = whole.geturl()
        self.scheme = whole.scheme
        self.netloc = whole.netloc
        self.path = whole.path + (f"?{whole.query}" if whole.query else "")
        self.data = data
        self.headers: dict[str, Any] = dict(headers or {})
        self.headers_to_quote: list[str] = []
        self.header_prefices: list[str] = []

    def ready_headers(self) -> dict[str, str]:
        """The header fields as they are sent."""
        quoted = quote_values(self.headers, self.headers_to_quote, self.header_prefices)
        if self.data and not any(name.lower() == "content-length" for name in quoted):
            quoted["Content-Length"] = len(self.body() or b"")
        return encode_headers(quoted)

    def body(self) -> bytes | None:
        """The body as it is sent."""
        return self.data.encode() if isinstance(self.data, str) else self.data

    def dump_log(self) -> None:
        """Write it to the log, without secrets."""
        LoggingTransport(SHARED, self).log_request(self.as_request())

    def as_request(self) -> Request:
        """The same as a value."""
        return Request(self.method, self.url, self.ready_headers(), self.body(), TIMEOUT)

    def perform(self, conn: Any) -> Any:
        """Send it over a connection as `http.client` has it; its answer.

        Raises:
            ClientError: none came in time.
        """
        self.dump_log()
        conn.request(
            method=self.method, url=self.path, headers=self.ready_headers(), body=self.body()
        )
        end = time.monotonic() + TIMEOUT
        while True:
            try:
                return conn.getresponse()
            except ResponseNotReady as error:
                if time.monotonic() > end:
                    raise Late(f"no answer of {self.netloc} in {TIMEOUT:g} s") from error
                time.sleep(_PAUSE)
            except HTTPException as error:
                raise ClientError(f"no answer of {self.netloc}: {error}") from error


class ResponseManager(Logged):
    """The answer of a request, which is sent when the first of this is read.

    Args:
        request: what is sent.
        poolsize: connections are opened as they are needed; kept for programs that give it.
        connection_retry_limit: how often it is tried again.
    """

    def __init__(
        self,
        request: RequestManager,
        poolsize: int | None = None,
        connection_retry_limit: int = 0,
    ) -> None:
        self.request = request
        self.poolsize = poolsize
        self.CONNECTION_TRY_LIMIT = 1 + connection_retry_limit
        self._reply: Reply | None = None

    @property
    def _request_performed(self) -> bool:
        return self._reply is not None

    def _answer(self) -> Reply:
        if self._reply is None:
            sender = Sender(
                LoggingTransport(SHARED, self.request), Patience(self.CONNECTION_TRY_LIMIT)
            )
            request = self.request.as_request()
            self._reply = sender.send(request, stream=False, success=lambda _status: True)
        return self._reply

    @property
    def status_code(self) -> int:
        """HTTP status."""
        return self._answer().status

    @property
    def status(self) -> str:
        """Its words."""
        return phrase(self.status_code)

    @property
    def headers(self) -> Mapping[str, str]:
        """Header fields, found without regard to case."""
        return self._answer().headers

    @property
    def content(self) -> bytes:
        """The body."""
        return self._answer().content

    @property
    def text(self) -> str:
        """The body as text."""
        return self._answer().text

    @property
    def json(self) -> Any:
        """The body as JSON.

        Raises:
            ClientError: it is none.
        """
        return self._answer().json
