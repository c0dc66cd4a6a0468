"""For a program that asks a few times and ends: without the library that `pooled` loads.

Loading urllib3 costs more than all requests of one command. What is simple (a body that is bytes,
an answer that is read whole) goes over the standard library's connections, kept open for the
next request; streams and files go over a `PooledTransport`, made when there is the first.
"""

from __future__ import annotations

import http.client
import threading
import zlib
from functools import cached_property
from time import monotonic
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from pelagos.core.http.errors import HttpProtocolError, HttpTimeout, HttpUnreachable
from pelagos.core.http.transports.answer import Answer
from pelagos.core.http.types import ClientTls, Headers, Request, Response, Stream

if TYPE_CHECKING:  # a command that asks once does not pay for it
    from pelagos.core.http.tls import Contexts
    from pelagos.core.http.transports.pooled import PooledTransport

_GZIP = 31
"""What zlib calls the format of gzip."""
_PIECE = 256 * 1024


class LeanTransport:
    """Sends small requests over few connections; safe to share between threads.

    A GET or HEAD whose connection ends before the whole answer is there is sent once more, within
    the same time: the server may have closed a kept-open one meanwhile.

    Args:
        tls: over https, whom to trust and as whom to come.
    """

    def __init__(self, *, tls: ClientTls | None = None) -> None:
        self._tls = tls or ClientTls()
        self._lock = threading.Lock()
        self._idle: dict[tuple[str, str], list[http.client.HTTPConnection]] = {}

    def send(self, request: Request) -> Response:
        """Send over a connection that is open, or a new one."""
        if not isinstance(request.body, bytes | None):
            return self._pooled.send(request)
        deadline = monotonic() + request.timeout
        try:
            return self._send(request, deadline)
        except HttpProtocolError as error:
            if error.retry_after is None or request.method not in {"GET", "HEAD"}:
                raise
            return self._send(request, deadline)

    def open(self, request: Request) -> Stream:
        """Send over a pooled connection, which the stream holds until it is closed."""
        return self._pooled.open(request)

    def close(self) -> None:
        """Close idle connections."""
        with self._lock:
            idle, self._idle = self._idle, {}
        for connections in idle.values():
            for one in connections:
                one.close()
        if "_pooled" in self.__dict__:
            self._pooled.close()

    @cached_property
    def _pooled(self) -> PooledTransport:
        from pelagos.core.http.transports.pooled import PooledTransport  # noqa: PLC0415  # dear

        return PooledTransport(tls=self._tls)

    @cached_property
    def _contexts(self) -> Contexts:
        from pelagos.core.http.tls import Contexts  # noqa: PLC0415  # only https pays for it

        return Contexts(self._tls)

    def _send(self, request: Request, deadline: float) -> Response:
        place = urlsplit(request.url)
        connection = self._taken(place, request, deadline)
        try:
            _timed(connection, request, deadline)
            target = (place.path or "/") + (f"?{place.query}" if place.query else "")
            connection.request(request.method, target, request.body, dict(request.headers))
            answer = connection.getresponse()
            response = _whole(answer, request)
        except (OSError, http.client.HTTPException, zlib.error) as error:
            connection.close()
            raise _ours(error, request) from error
        except BaseException:
            connection.close()
            raise
        if answer.will_close or not answer.isclosed():
            connection.close()
        else:
            with self._lock:
                self._idle.setdefault((place.scheme, place.netloc), []).append(connection)
        return response

    def _taken(
        self, place: SplitResult, request: Request, deadline: float
    ) -> http.client.HTTPConnection:
        """A connection that nobody uses, or a new one that is connected."""
        with self._lock:
            idle = self._idle.get((place.scheme, place.netloc))
            if idle:
                return idle.pop()
        connection = self._made(place, request)
        connection.response_class = Answer
        _timed(connection, request, deadline)
        try:
            connection.connect()
        except TimeoutError as error:
            raise _late(request) from error
        except OSError as error:
            connection.close()
            raise _unreachable(error, request) from error
        return connection

    def _made(self, place: SplitResult, request: Request) -> http.client.HTTPConnection:
        if place.scheme != "https":
            return http.client.HTTPConnection(place.hostname or "", place.port)
        context = self._contexts.current(request.url, request.timeout)
        return http.client.HTTPSConnection(place.hostname or "", place.port, context=context)


def _timed(connection: http.client.HTTPConnection, request: Request, deadline: float) -> None:
    """Give a connection the time that is left."""
    left = deadline - monotonic()
    if left <= 0:
        raise _late(request)
    connection.timeout = left
    if connection.sock is not None:
        connection.sock.settimeout(left)


def _whole(answer: http.client.HTTPResponse, request: Request) -> Response:
    headers = Headers(_joined(answer))
    is_packed = headers.get("content-encoding", "").lower() == "gzip"
    body = (_unpacked if is_packed else _read)(answer, request.limit + 1)
    if len(body) > request.limit:
        raise HttpProtocolError(
            f"the answer of {request.url} is larger than {request.limit:,} bytes",
            url=request.url,
            hint="ask for less of it at once",
            retry_after=None,
        )
    if answer.length and request.method != "HEAD":
        raise http.client.IncompleteRead(body, answer.length)
    return Response(answer.status, headers, body)


def _read(answer: http.client.HTTPResponse, most: int) -> bytes:
    body = answer.read(most)
    if len(body) < most:
        answer.read()  # what ends a body in chunks
    return body


def _unpacked(answer: http.client.HTTPResponse, most: int) -> bytes:
    packer = zlib.decompressobj(_GZIP)
    body = b""
    while len(body) < most and (piece := answer.read(_PIECE)):
        body += packer.decompress(piece, most - len(body))
    return body


def _joined(answer: http.client.HTTPResponse) -> dict[str, str]:
    """The header fields; what came more than once is one value."""
    fields: dict[str, str] = {}
    for name, value in answer.getheaders():
        key = name.lower()
        fields[key] = f"{fields[key]}, {value}" if key in fields else value
    return fields


def _ours(error: Exception, request: Request) -> Exception:
    """The standard library's exceptions in our words."""
    if isinstance(error, http.client.InvalidURL):
        return ValueError(str(error))
    if isinstance(error, TimeoutError):
        return _late(request)
    is_tls = "\\x15\\x03" in repr(error)  # an alert of TLS where an answer should be
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
