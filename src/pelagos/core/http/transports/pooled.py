"""Real sockets with kept-open connections. The only door to urllib3."""

from __future__ import annotations

import base64
import contextlib
import http.client
import ssl
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

import urllib3
from urllib3 import exceptions

from pelagos.core.http.errors import HttpProtocolError, HttpTimeout, HttpUnreachable
from pelagos.core.http.proxy import Proxies, unusable
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
        proxies: what requests go through; by default, what this process's environment says.
    """

    def __init__(
        self,
        *,
        pool_size: int = 10,
        tls: ClientTls | None = None,
        context: ssl.SSLContext | None = None,
        proxies: Proxies | None = None,
    ) -> None:
        self._pool_size = pool_size
        self._proxies = Proxies() if proxies is None else proxies
        self._through: dict[str, urllib3.PoolManager] = {}
        self._contexts = Contexts(tls or ClientTls())
        self._given = context
        self._context: ssl.SSLContext | None = None
        self._pool = self._make_pool()

    def _make_pool(self, proxy: str | None = None, **tls: Any) -> urllib3.PoolManager:
        more: dict[str, Any] = {"num_pools": 8, "maxsize": self._pool_size, "retries": False}
        more |= {"blocksize": _BLOCK, **tls}
        pool: urllib3.PoolManager
        if proxy is None:
            pool = urllib3.PoolManager(**more)
        else:
            pool = urllib3.ProxyManager(proxy, proxy_headers=_as_whom(proxy), **more)
        pool.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}
        return pool

    def _pool_for(self, request: Request) -> urllib3.PoolManager:
        """The pool; a new one when a certificate has changed, and idle connections are closed."""
        if request.url.startswith("https:"):
            context = self._given or self._contexts.current(request.url, request.timeout)
            if context is not self._context:
                formers = [self._pool, *self._through.values()]
                self._pool, self._through = self._make_pool(ssl_context=context), {}
                self._context = context
                for former in formers:
                    former.clear()
        proxy = self._proxies.for_url(request.url)
        return self._pool if proxy is None else self._pool_through(proxy, request.url)

    def _pool_through(self, proxy: str, url: str) -> urllib3.PoolManager:
        pool = self._through.get(proxy)
        if pool is None:
            tls = {"ssl_context": self._context} if self._context else {}
            try:
                pool = self._through[proxy] = self._make_pool(proxy, **tls)
            except exceptions.LocationParseError:  # its words show what is in the address
                raise unusable(url, proxy, "is no address") from None
        return pool

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
        for pool in (self._pool, *self._through.values()):
            pool.clear()


def _as_whom(proxy: str) -> dict[str, str] | None:
    """Name and password for a proxy, which the library wants as a header; it knows Latin only."""
    userinfo = urllib3.util.parse_url(proxy).auth
    if not userinfo:
        return None
    said = unquote(userinfo).encode("utf-8", "surrogateescape")
    return {"proxy-authorization": f"Basic {base64.b64encode(said).decode()}"}


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
    except exceptions.ProxyError as error:
        raise HttpUnreachable(
            f"{request.url} cannot be reached through its proxy: {error.original_error}",
            url=request.url,
            hint="look at http_proxy, https_proxy, all_proxy and no_proxy in the environment",
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
