"""The client: an address, a credential and a transport; what varies per call is an argument."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote, urlencode, urlsplit, urlunsplit

from pelagos import __version__
from pelagos.core.errors import PelagosError
from pelagos.core.http.transports.base import Transport
from pelagos.core.http.types import BODY_LIMIT, ClientTls, Request, Response

log = logging.getLogger(__name__)


def split_credentials(url: str) -> tuple[str, str | None]:
    """Take the userinfo out of a URL: (URL without it, password or else user name, or None).

    >>> split_credentials("http://agent:s%40crt@[::1]:80/x")
    ('http://[::1]:80/x', 's@crt')
    """
    parts = urlsplit(url)
    userinfo, at, host = parts.netloc.rpartition("@")
    if not at:
        return url, None
    user, _, password = userinfo.partition(":")
    return urlunsplit(parts._replace(netloc=host)), unquote(password or user)


class HttpClient:
    """Requests to one server. Immutable and safe to share between threads.

    Args:
        base_url: http or https address, with or without a path; userinfo in it becomes the token.
        token: sent as `Authorization: Bearer …` with each request.
        timeout: seconds for a whole answer, used where a call names none.
        tls: over https, whom to trust and as whom to come; None: whom this system trusts, as
            nobody.
        transport: who carries the requests; by default a pool of connections of its own, which
            alone uses `tls`.

    Raises:
        PelagosError: the address is not an http(s) URL.
    """

    def __init__(
        self,
        base_url: str,
        *,
        token: str | None = None,
        timeout: float = 60.0,
        tls: ClientTls | None = None,
        transport: Transport | None = None,
    ) -> None:
        bare, found = split_credentials(base_url)
        if urlsplit(bare).scheme not in {"http", "https"} or not urlsplit(bare).netloc:
            raise PelagosError(
                f"{bare!r} is not an address of a server",
                hint="write it as http://HOST:PORT or https://HOST:PORT",
            )
        self.base_url = bare.rstrip("/") + "/"
        self._token = token or found
        self._timeout = timeout
        self._transport = transport or _default_transport(tls)

    def __repr__(self) -> str:
        return f"HttpClient({self.base_url!r})"

    @property
    def transport(self) -> Transport:
        """Who carries the requests; other makers of requests may share it."""
        return self._transport

    def with_token(self, token: str | None) -> HttpClient:
        """The same server over the same connections, asked as somebody else; None as nobody.

        Closing either of the two gives back the connections of both.
        """
        return HttpClient(
            self.base_url, token=token, timeout=self._timeout, transport=self._transport
        )

    def over(self, transport: Transport) -> HttpClient:
        """The same server, asked as the same, through another carrier of requests."""
        return HttpClient(
            self.base_url, token=self._token, timeout=self._timeout, transport=transport
        )

    def request(  # noqa: PLR0913  # what varies per call is an argument
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        form: Mapping[str, str] | None = None,
        json: Any = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        limit: int = BODY_LIMIT,
    ) -> Response:
        """Send one request and return its whole answer, whatever its status.

        Args:
            params: query; entries that are None are left out.
            form: sent as application/x-www-form-urlencoded.
            json: sent as JSON; None sends nothing.
            body: sent as it is; `headers` say what it is.
            timeout: seconds until the whole answer is here.
            limit: bytes of the answer's body that are taken, unpacked.

        Raises:
            HttpUnreachable, HttpTimeout, HttpProtocolError: no answer, a late or a broken one.
            HttpTlsError: over https, no connection that could be trusted.
        """
        url = self.base_url + quote(path.lstrip("/"), safe="/%:.~-_")
        query = {name: value for name, value in (params or {}).items() if value is not None}
        if query:
            url += "?" + urlencode(query)
        sent = {"User-Agent": f"pelagos/{__version__}", "Accept-Encoding": "gzip"}
        if self._token:
            sent["Authorization"] = f"Bearer {self._token}"
        if form is not None:
            body = urlencode(form).encode()
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        elif json is not None:
            from pelagos.core import wire  # noqa: PLC0415  # who sends no JSON does not pay for it

            body = wire.encode(json)
            sent["Content-Type"] = "application/json"
        sent.update(headers or {})
        request = Request(method, url, sent, body, timeout or self._timeout, limit)
        response = self._transport.send(request)
        log.debug("%s %s -> %s, %s bytes", method, url, response.status, len(response.body))
        return response

    def close(self) -> None:
        """Give back the connections; the client can still be used and opens new ones."""
        self._transport.close()


def _default_transport(tls: ClientTls | None) -> Transport:
    from pelagos.core.http.transports.pooled import PooledTransport  # noqa: PLC0415  # dear import

    return PooledTransport(tls=tls)
