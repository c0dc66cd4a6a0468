"""Real sockets with kept-open connections. The only door to urllib3."""

from __future__ import annotations

import contextlib
import http.client
import ssl
import time
from collections.abc import Iterator, Mapping
from typing import Any

import urllib3
from urllib3 import exceptions

from pelagos.core.http.errors import HttpProtocolError, HttpTimeout, HttpUnreachable
from pelagos.core.http.tls import Contexts, tls_error
from pelagos.core.http.transports.answer import Answer
from pelagos.core.http.types import ClientTls, Headers, Request, Response


class _HttpConnection(urllib3.connection.HTTPConnection):
    response_class = Answer


class _HttpsConnection(urllib3.connection.HTTPSConnection):
    response_class = Answer


class _HttpPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _HttpConnection


class _HttpsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _HttpsConnection

    def _validate_conn(self, conn: Any) -> None:
        if conn.is_closed:
            conn.connect()  # the original warns besides, on standard error, of an unverified one


#: Bytes of a body that are sent at once.
_BLOCK = 256 * 1024


class PooledTransport:
    """A pool of connections per server, shared by all threads.

    A GET or HEAD whose connection ends before the whole answer is there is sent once more, within
    the same time: the server may have closed a kept-open one meanwhile. Nothing else is retried
    here.

    Args:
        pool_size: connections that are kept open to each server.
        tls: over https, whom to trust and as whom to come.
        context: over https, used as it is in place of one made from `tls`.
    """

    def __init__(
        self,
        *,
        pool_size: int = 10,
        tls: ClientTls | None = None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._pool_size = pool_size
        self._contexts = Contexts(tls or ClientTls())
        self._given = context
        self._context: ssl.SSLContext | None = None
        self._pool = self._make_pool()

    def _make_pool(self, **tls: Any) -> urllib3.PoolManager:
        pool = urllib3.PoolManager(
            num_pools=8, maxsize=self._pool_size, blocksize=_BLOCK, retries=False, **tls
        )
        pool.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}
        return pool

    def _pool_for(self, request: Request) -> urllib3.PoolManager:
        """The pool; a new one when a certificate has changed, and idle connections are closed."""
        if request.url.startswith("https:"):
            context = self._given or self._contexts.current(request.url, request.timeout)
            if context is not self._context:
                former, self._pool = self._pool, self._make_pool(ssl_context=context)
                self._context = context
                former.clear()
        return self._pool

    def send(self, request: Request) -> Response:
        """Send over a pooled connection."""
        deadline = time.monotonic() + request.timeout
        try:
            return self._send(request, deadline)
        except HttpProtocolError as error:
            if error.retry_after is None or request.method not in {"GET", "HEAD"}:
                raise
            return self._send(request, deadline)

    def open(self, request: Request) -> PooledStream:
        """Send over a pooled connection, which the stream holds until it is closed."""
        deadline = time.monotonic() + request.timeout
        try:
            return PooledStream(self._ask(request, deadline), request)
        except HttpProtocolError as error:
            if error.retry_after is None or request.method not in {"GET", "HEAD"}:
                raise
            return PooledStream(self._ask(request, deadline), request)

    def _send(self, request: Request, deadline: float) -> Response:
        answer = self._ask(request, deadline)
        with _our_errors(request):
            try:
                body = answer.read(request.limit + 1, decode_content=True)
            finally:
                answer.release_conn()
        if len(body) > request.limit:
            raise HttpProtocolError(
                f"the answer of {request.url} is larger than {request.limit:,} bytes",
                url=request.url,
                hint="ask for less of it at once",
                retry_after=None,
            )
        return Response(answer.status, Headers(dict(answer.headers)), body)

    def _ask(self, request: Request, deadline: float) -> urllib3.BaseHTTPResponse:
        with _our_errors(request):
            return self._pool_for(request).request(
                request.method,
                request.url,
                body=request.body,
                headers=dict(request.headers),
                timeout=urllib3.Timeout(total=_left(request, deadline)),
                redirect=False,
                preload_content=False,
            )

    def close(self) -> None:
        """Close idle connections."""
        self._pool.clear()


class PooledStream:
    """An answer whose body is read in pieces; one reader at a time."""

    def __init__(self, answer: Any, request: Request) -> None:
        self.status: int = answer.status
        self.headers: Mapping[str, str] = Headers(dict(answer.headers))
        self._answer = answer
        self._request = request
        source = getattr(answer._original_response.fp, "raw", None)  # noqa: SLF001  # None: no body
        if source is not None and not request.is_timed_whole:
            source.wait_for_each(request.timeout)

    def read(self, size: int) -> bytes:
        """The next piece; waits at most the request's time for it."""
        with _our_errors(self._request):
            return bytes(self._answer.read(size, decode_content=False))

    def close(self) -> None:
        """Give the connection back, or end it when something is left on it."""
        if self._answer.length_remaining == 0 or self._answer.closed:
            self._answer.release_conn()
        else:
            self._answer.close()
            self._answer.release_conn()


@contextlib.contextmanager
def _our_errors(request: Request) -> Iterator[None]:
    """The library's exceptions in our words."""
    try:
        yield
    except exceptions.NewConnectionError as error:
        raise HttpUnreachable(
            f"nobody answers at {request.url}: {_reason(error)}",
            url=request.url,
            hint="check that it runs there, and the address",
        ) from error
    except (exceptions.TimeoutError, TimeoutError) as error:
        raise _late(request) from error
    except http.client.InvalidURL as error:
        raise ValueError(str(error)) from error
    except exceptions.SSLError as error:
        raise tls_error(error.args[0], request.url) from error
    except (exceptions.HTTPError, OSError) as error:
        raise HttpProtocolError(
            f"the answer of {request.url} broke off: {_reason(error)}",
            url=request.url,
            hint=_hint(error),
        ) from error


def _left(request: Request, deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise _late(request)
    return left


def _late(request: Request) -> HttpTimeout:
    return HttpTimeout(
        f"{request.url} gave no whole answer within {request.timeout:g} s",
        url=request.url,
        hint="look whether the server hangs, or give it more time",
    )


def _hint(error: BaseException) -> str:
    if "\\x15\\x03" in repr(error):  # an alert of TLS where an answer should be
        return "the server speaks HTTPS there: use https:// in the address"
    return "try again; if it stays so, check that the address is that of an HTTP server"


def _reason(error: BaseException) -> str:
    cause = error.__cause__ or error
    text = getattr(cause, "strerror", None) or str(cause)
    return text or type(cause).__name__
