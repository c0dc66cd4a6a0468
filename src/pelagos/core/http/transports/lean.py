"""For a program that asks a few times and ends: without the library that `pooled` loads.

Loading urllib3 costs more than all requests of one command. What is simple (a body that is bytes)
goes over sockets of its own (`exchange`), kept open for the next request; files, and
what a proxy is for, go over a `PooledTransport`, made when there is the first.
"""

from __future__ import annotations

import socket
import threading
import zlib
from collections.abc import Callable, Mapping
from functools import cached_property
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

from pelagos.core.http.errors import HttpProtocolError, HttpTimeout, HttpUnreachable
from pelagos.core.http.proxy import Proxies
from pelagos.core.http.transports.exchange import (
    Answer,
    BadAnswer,
    Begun,
    Exchange,
    written,
)
from pelagos.core.http.types import ClientTls, Headers, Request, Response, Stream

if TYPE_CHECKING:  # a command that asks once does not pay for it
    from pelagos.core.http.tls import Contexts
    from pelagos.core.http.transports.pooled import PooledTransport

_SLACK = 1024
_GZIP = 31
"""What zlib calls the format of gzip."""


class LeanTransport:
    """Sends small requests over few connections; safe to share between threads.

    A GET or HEAD whose connection ends before the whole answer is there is sent once more, within
    the same time: the server may have closed a kept-open one meanwhile.

    Args:
        tls: over https, whom to trust and as whom to come.
        proxies: what requests go through; by default, what this process's environment says.
    """

    def __init__(self, *, tls: ClientTls | None = None, proxies: Proxies | None = None) -> None:
        self._tls = tls or ClientTls()
        self._proxies = Proxies() if proxies is None else proxies
        self._lock = threading.Lock()
        self._idle: dict[tuple[str, str], list[Exchange]] = {}

    def send(self, request: Request) -> Response:
        """Send over a connection that is open, or a new one."""
        if not isinstance(request.body, bytes | None) or self._proxies.for_url(request.url):
            return self._pooled.send(request)
        deadline = monotonic() + request.timeout
        try:
            return self._send(request, deadline)
        except HttpProtocolError as error:
            if error.retry_after is None or request.method not in {"GET", "HEAD"}:
                raise
            return self._send(request, deadline)

    def open(self, request: Request) -> Stream:
        """Send over a connection that is open, or a new one; the stream holds it."""
        if not isinstance(request.body, bytes | None) or self._proxies.for_url(request.url):
            return self._pooled.open(request)
        deadline = monotonic() + request.timeout
        try:
            return self._open(request, deadline)
        except HttpProtocolError as error:
            if error.retry_after is None or request.method not in {"GET", "HEAD"}:
                raise
            return self._open(request, deadline)

    def close(self) -> None:
        """Close idle connections."""
        with self._lock:
            idle, self._idle = self._idle, {}
        for connections in idle.values():
            for one in connections:
                one.sock.close()
        if "_pooled" in self.__dict__:
            self._pooled.close()

    @cached_property
    def _pooled(self) -> PooledTransport:
        from pelagos.core.http.transports.pooled import PooledTransport  # noqa: PLC0415  # dear

        return PooledTransport(tls=self._tls, proxies=self._proxies)

    @cached_property
    def _contexts(self) -> Contexts:
        from pelagos.core.http.tls import Contexts  # noqa: PLC0415  # only https pays for it

        return Contexts(self._tls)

    def _open(self, request: Request, deadline: float) -> Stream:
        place, head, body = _parts(request)
        exchange = self._taken(place, request, deadline)
        try:
            begun = exchange.begin(
                head, body, method=request.method, deadline=deadline, watch=request.watch
            )
        except (OSError, BadAnswer) as error:
            exchange.sock.close()
            raise _ours(error, request) from error
        except BaseException:
            exchange.sock.close()
            raise
        if not request.is_timed_whole:
            exchange.wait_for_each(request.timeout)
        return LeanStream(begun, exchange, request, lambda: self._keep(place, exchange))

    def _send(self, request: Request, deadline: float) -> Response:
        place, head, body = _parts(request)
        exchange = self._taken(place, request, deadline)
        # What is packed may be a little longer than what is in it.
        most = request.limit + (request.limit >> 8) + _SLACK
        try:
            answer = exchange.ask(
                head,
                body,
                method=request.method,
                limit=most,
                deadline=deadline,
                watch=request.watch,
            )
            content = _content(answer, request)
        except (OSError, BadAnswer, zlib.error) as error:
            exchange.sock.close()
            raise _ours(error, request) from error
        except BaseException:
            exchange.sock.close()
            raise
        if answer.is_last:
            exchange.sock.close()
        else:
            self._keep(place, exchange)
        return Response(answer.status, Headers(answer.fields), content)

    def _keep(self, place: SplitResult, exchange: Exchange) -> None:
        with self._lock:
            self._idle.setdefault((place.scheme, place.netloc), []).append(exchange)

    def _taken(self, place: SplitResult, request: Request, deadline: float) -> Exchange:
        """A connection that nobody uses, or a new one."""
        with self._lock:
            idle = self._idle.get((place.scheme, place.netloc))
            while idle:
                kept = idle.pop()
                if kept.is_quiet():
                    return kept
                kept.sock.close()
        left = deadline - monotonic()
        if left <= 0:
            raise _late(request)
        try:
            return Exchange(self._connected(place, request, left))
        except TimeoutError as error:
            raise _late(request) from error
        except OSError as error:
            raise _unreachable(error, request) from error

    def _connected(self, place: SplitResult, request: Request, left: float) -> socket.socket:
        host = place.hostname or ""
        port = place.port or (443 if place.scheme == "https" else 80)
        # Bytes, where that will do: text would load the tables of international names.
        address: Any = host.encode() if host.isascii() else host
        sock = socket.create_connection((address, port), left)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if place.scheme != "https":
            return sock
        try:
            context = self._contexts.current(request.url, request.timeout)
            return context.wrap_socket(sock, server_hostname=host)
        except BaseException:
            sock.close()
            raise


class LeanStream:
    """An answer whose body is read in pieces; one reader at a time.

    Args:
        keep: takes the connection back when it can be used again.
    """

    def __init__(
        self, begun: Begun, exchange: Exchange, request: Request, keep: Callable[[], None]
    ) -> None:
        self.status = begun.status
        self.headers: Mapping[str, str] = Headers(begun.fields)
        self._begun = begun
        self._exchange = exchange
        self._request = request
        self._keep = keep
        self._rest = b""
        self._is_whole = self._is_closed = False

    def read(self, size: int) -> bytes:
        """The next piece; waits at most the request's time for it."""
        if self._is_closed:
            raise _ours(BadAnswer("the rest was given up"), self._request)
        if not self._rest:
            try:
                self._rest = next(self._begun.pieces, b"")
            except (OSError, BadAnswer) as error:
                self.close()  # else the next one would look like the end
                raise _ours(error, self._request) from error
            self._is_whole = not self._rest
        piece, self._rest = self._rest[:size], self._rest[size:]
        return piece

    def close(self) -> None:
        """Give the connection back, or end it when something is left on it."""
        if self._is_closed:
            return
        self._is_closed, self._rest = True, b""
        if self._is_whole and not self._begun.is_last and not self._exchange.has_more:
            self._keep()
        else:
            self._exchange.sock.close()


def _parts(request: Request) -> tuple[SplitResult, bytes, bytes]:
    """Where a request goes, its head, and its body."""
    place = urlsplit(request.url)
    body = request.body if isinstance(request.body, bytes) else b""
    target = (place.path or "/") + (f"?{place.query}" if place.query else "")
    return place, written(request.method, target, place.netloc, request.headers, len(body)), body


def _content(answer: Answer, request: Request) -> bytes:
    """The body as it was meant; of a packed one no more is unpacked than is wanted."""
    body = answer.body
    if answer.fields.get("content-encoding", "").lower() == "gzip" and body:
        body = zlib.decompressobj(_GZIP).decompress(body, request.limit + 1)
    if len(body) > request.limit:
        raise HttpProtocolError(
            f"the answer of {request.url} is larger than {request.limit:,} bytes",
            url=request.url,
            hint="ask for less of it at once",
            retry_after=None,
        )
    return body


def _ours(error: Exception, request: Request) -> Exception:
    """The errors of sockets and of the exchange in our words."""
    if isinstance(error, TimeoutError):
        return _late(request)
    is_tls = "\\x15\\x03" in str(error)  # an alert of TLS where an answer should be
    return HttpProtocolError(
        f"the answer of {request.url} broke off: "
        f"{getattr(error, 'strerror', None) or str(error) or type(error).__name__}",
        url=request.url,
        hint="the server speaks HTTPS there: use https:// in the address"
        if is_tls
        else "try again; if it stays so, check that the address is that of an HTTP server",
    )


def _unreachable(error: OSError, request: Request) -> Exception:
    import ssl  # noqa: PLC0415  # only an error pays for it

    if isinstance(error, ssl.SSLError):
        from pelagos.core.http.tls import tls_error  # noqa: PLC0415  # only an error pays for it

        return tls_error(error, request.url)
    return HttpUnreachable(
        f"nobody answers at {request.url}: {error.strerror or error}",
        url=request.url,
        hint="check that it runs there, and the address",
    )


def _late(request: Request) -> HttpTimeout:
    return HttpTimeout(
        f"{request.url} gave no whole answer within {request.timeout:g} s",
        url=request.url,
        hint="look whether the server hangs, or give it more time",
    )
