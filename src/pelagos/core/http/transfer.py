"""Large bodies over HTTP, in pieces: what `client` would hold in memory goes through here.

One connection for each transfer; a cut one is an error that says so, and `get` can go on from an
offset.
"""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import quote, urlencode, urlsplit

from pelagos import __version__
from pelagos.core.errors import PelagosError
from pelagos.core.http.client import split_credentials
from pelagos.core.http.errors import HttpProtocolError, HttpTimeout, HttpUnreachable
from pelagos.core.http.tls import tls_error
from pelagos.core.http.types import Headers, Response
from pelagos.core.tls import load_authority, load_pair

_ANSWER_LIMIT = 16 * 1024 * 1024
_PIECE = 256 * 1024


@dataclass(frozen=True, slots=True)
class Incoming:
    """An answer whose body is still to be read, inside the block of `get`."""

    status: int
    headers: Mapping[str, str]
    _answer: http.client.HTTPResponse
    _url: str

    def pieces(self) -> Iterator[bytes]:
        """The body.

        Raises:
            HttpProtocolError: it was cut.
            HttpTimeout: the peer went silent.
        """
        while True:
            with _our_errors(self._url):
                # What is there already: a peer that drips must not hold the caller in one read.
                ready = len(self._answer.peek(_PIECE))
                piece = self._answer.read(min(ready, _PIECE) or _PIECE)
            if not piece:
                break
            yield piece
        if self._answer.length:
            raise HttpProtocolError(
                f"the answer of {self._url} was cut {self._answer.length:,} bytes before its end",
                url=self._url,
            )


class Transfers:
    """Transfers to and from one server. Immutable and safe to share between threads.

    Args:
        base_url: http or https; userinfo in it becomes the token.
        token: sent as `Authorization: Bearer …`.
        timeout: seconds without a byte after which a transfer is given up.
        context: TLS settings for https; the system's authorities unless told.

    Raises:
        PelagosError: the address is not an http(s) URL.
    """

    def __init__(
        self,
        base_url: str,
        *,
        token: str | None = None,
        timeout: float = 60.0,
        context: ssl.SSLContext | None = None,
    ) -> None:
        bare, found = split_credentials(base_url)
        parts = urlsplit(bare)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise PelagosError(
                f"{bare!r} is not an address of a server",
                hint="write it as http://HOST:PORT/PATH or https://HOST:PORT/PATH",
            )
        self.base_url = bare.rstrip("/")
        self._is_tls = parts.scheme == "https"
        self._address = (parts.hostname, parts.port)
        self._path = parts.path.rstrip("/")
        self._token = token or found
        self._timeout = timeout
        self._context = context

    def __repr__(self) -> str:
        return f"Transfers({self.base_url!r})"

    @contextmanager
    def get(
        self,
        path: str,
        *,
        offset: int = 0,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[Incoming]:
        """Ask for a body, from an offset on; whether the server heeds it, its status (206) says.

        Raises:
            HttpError: there is no answer.
        """
        sent = {"Range": f"bytes={offset}-"} if offset else {}
        with self._exchange("GET", path, {**sent, **(headers or {})}, query=params) as (
            url,
            answer,
        ):
            yield Incoming(answer.status, Headers(dict(answer.getheaders())), answer, url)

    def send(
        self,
        method: str,
        path: str,
        body: IO[bytes] | bytes,
        *,
        length: int | None = None,
        content_type: str = "application/octet-stream",
    ) -> Response:
        """Send a body and return the whole answer, which is small.

        Args:
            length: bytes that `body` gives; known for bytes.

        Raises:
            HttpError: there is no answer.
        """
        known = len(body) if isinstance(body, bytes) else length
        headers = {"Content-Length": str(known), "Content-Type": content_type}
        with self._exchange(method, path, headers, body) as (url, answer), _our_errors(url):
            content = answer.read(_ANSWER_LIMIT)
            return Response(answer.status, Headers(dict(answer.getheaders())), content)

    @contextmanager
    def _exchange(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: IO[bytes] | bytes | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Iterator[tuple[str, http.client.HTTPResponse]]:
        url = f"{self.base_url}/{path.lstrip('/')}"
        where = f"{self._path}/{quote(path.lstrip('/'), safe='/:=+@,~')}"
        if query:
            where += "?" + urlencode(query)
        sent = {"User-Agent": f"pelagos/{__version__}", "Connection": "close", **headers}
        if self._token:
            sent["Authorization"] = f"Bearer {self._token}"
        connection = self._connection()
        try:
            with _our_errors(url):
                connection.connect()
            with _our_errors(url):
                with suppress(BrokenPipeError):  # it refuses the body; its answer says why
                    connection.request(method, where, body, sent)
                answer = connection.getresponse()
            with closing(answer):  # it keeps the socket when the connection lets go of it
                yield url, answer
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self._address
        if self._is_tls:
            return http.client.HTTPSConnection(
                host, port, timeout=self._timeout, context=self._context
            )
        return http.client.HTTPConnection(host, port, timeout=self._timeout)


@contextmanager
def _our_errors(url: str) -> Iterator[None]:
    """The library's exceptions in our words."""
    try:
        yield
    except TimeoutError as error:
        raise HttpTimeout(f"{url} has gone silent", url=url) from error
    except http.client.HTTPException as error:
        raise HttpProtocolError(f"{url} gave no whole HTTP answer: {error!r}", url=url) from error
    except ssl.SSLError as error:
        raise tls_error(error, url) from error
    except OSError as error:
        why = error.strerror or str(error)
        raise HttpUnreachable(f"{url} cannot be reached: {why}", url=url) from error


def make_tls_context(
    authority: str | None = None, certificate: str | None = None, key: str | None = None
) -> ssl.SSLContext:
    """TLS that always verifies; with a client certificate when one is given.

    Args:
        authority: file with the authorities to trust; the system's unless told.

    Raises:
        PelagosError: a file cannot be used; says which.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if authority:
        load_authority(context, Path(authority))
    else:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    if certificate:
        load_pair(context, Path(certificate), Path(key) if key else None)
    return context
