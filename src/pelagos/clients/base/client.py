"""The client of one service: an endpoint, a token and the verbs; all others build on it."""

from __future__ import annotations

import re
import threading
from collections.abc import Collection, Mapping
from typing import IO, Any, ClassVar, Protocol, TypedDict, Unpack, runtime_checkable
from urllib.parse import urlsplit

from pelagos import __version__
from pelagos.clients.base.call import (
    Path,
    encode_headers,
    encode_path,
    encode_query,
    quote_values,
)
from pelagos.clients.base.dialect import Dialect
from pelagos.clients.base.reply import Reply
from pelagos.clients.base.sending import Patience, Sender, position, rewound
from pelagos.clients.base.threads import Threads
from pelagos.clients.errors import BadRequest, CloudNotConfigured, from_reply
from pelagos.core import plain_json
from pelagos.core.http import ClientTls, HttpClient, Request
from pelagos.core.http.transports.base import Transport

#: Seconds for a whole answer, or for each piece of one that is read in pieces.
TIMEOUT = 60.0

Success = int | Collection[int] | None

_VERSION = re.compile(r"v\d+(\.\d+)*\Z")


@runtime_checkable
class Session(Protocol):
    """Who has the token: of one cloud, shared by the clients of its services."""

    def token(self) -> str:
        """A token that is good now."""

    def renew(self, old: str) -> str:
        """Another token, because a service refused that one."""


class How(TypedDict, total=False):
    """What a call may say besides its path; see `Client.request`."""

    success: Success
    json: Any
    data: bytes | str | IO[bytes] | None
    params: Mapping[str, Any] | None
    headers: Mapping[str, Any] | None
    async_headers: Mapping[str, Any] | None
    async_params: Mapping[str, Any] | None
    timeout: float | None
    stream: bool


class Client(Threads):
    """Requests to one service. Safe to share between threads: what varies is an argument.

    `set_header` and `set_param` are for programs of the ancestor: they keep what the next call of
    the same thread, and only that, sends.

    Args:
        endpoint_url: http or https. Where no version is in it, `DEFAULT_API_VERSION` is added,
            unless the cloud is an OpenStack, whose catalogue says the whole address.
        token: sent as X-Auth-Token.
        base_url: the older name of endpoint_url.
        http: over whose connections; by default some of its own. A transport will do, too.
        timeout: seconds for a whole answer.
        tls: over https, whom to trust and as whom to come; not together with `http`.
        dialect: the family of the cloud; None when nobody knows.
        session: who has the token, instead of `token`; asked for another one after a 401, and
            the request is then made once more.
        patience: how often and how long a call is tried again; None: as `Patience` says.

    Attributes:
        service_type: its type in catalogues.
        DEFAULT_API_VERSION: what is added to an address without a version.
        NEIGHBOURS: its arguments that are addresses of other services, each with the type.
    """

    service_type: ClassVar[str] = ""
    DEFAULT_API_VERSION: ClassVar[str] = ""
    NEIGHBOURS: ClassVar[Mapping[str, str]] = {}
    DATE_FORMATS: ClassVar[tuple[str, ...]] = (
        "%a %b %d %H:%M:%S %Y",
        "%A, %d-%b-%y %H:%M:%S GMT",
        "%a, %d %b %Y %H:%M:%S GMT",
    )
    #: Header fields whose values hold text of people, percent-encoded both ways: names …
    request_headers_to_quote: Collection[str] = ()
    #: … and what such names begin with;
    request_header_prefices_to_quote: Collection[str] = ()
    #: what the names of an answer's fields begin with, whose values come percent-encoded.
    response_header_prefices: Collection[str] = ()

    def __init__(  # noqa: PLR0913  # the ancestor's, and what a program chooses
        self,
        endpoint_url: str | None = None,
        token: str | None = None,
        *,
        base_url: str | None = None,
        http: HttpClient | Transport | None = None,
        timeout: float = TIMEOUT,
        tls: ClientTls | None = None,
        dialect: Dialect | None = None,
        session: Session | None = None,
        patience: Patience | None = None,
    ) -> None:
        self.endpoint_url = self._address(endpoint_url or base_url or "", dialect)
        self.dialect = dialect
        self.timeout = timeout
        self.session = session
        self._token = token
        self._sender = Sender(_transport(self.endpoint_url, http, tls), patience or Patience())
        self._next = _Next()

    def _address(self, url: str, dialect: Dialect | None) -> str:
        bare = url.rstrip("/")
        parts = urlsplit(bare)
        if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
            raise CloudNotConfigured(
                f"{bare.rpartition('@')[2]!r} is no address of a service",
                hint="write it as http://HOST:PORT/PATH or https://HOST:PORT/PATH",
            )
        is_versioned = any(_VERSION.match(one) for one in parts.path.split("/"))
        if is_versioned or dialect == "openstack" or not self.DEFAULT_API_VERSION:
            return bare
        return f"{bare}/v{self.DEFAULT_API_VERSION}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.endpoint_url!r})"

    @property
    def base_url(self) -> str:
        """The address of the service."""
        return self.endpoint_url

    @base_url.setter
    def base_url(self, url: str) -> None:
        self.endpoint_url = url.rstrip("/")

    @property
    def token(self) -> str | None:
        """What is sent as X-Auth-Token; of a session, the one that is good now."""
        return self.session.token() if self.session is not None else self._token

    @token.setter
    def token(self, token: str | None) -> None:
        self.session = None
        self._token = token

    # ---- the verbs

    def get(self, path: Path, **how: Unpack[How]) -> Reply:
        """GET; see `request` for what else it takes."""
        return self.request("GET", path, **how)

    def head(self, path: Path, **how: Unpack[How]) -> Reply:
        """HEAD; see `request` for what else it takes."""
        return self.request("HEAD", path, **how)

    def post(self, path: Path, **how: Unpack[How]) -> Reply:
        """POST; see `request` for what else it takes."""
        return self.request("POST", path, **how)

    def put(self, path: Path, **how: Unpack[How]) -> Reply:
        """PUT; see `request` for what else it takes."""
        return self.request("PUT", path, **how)

    def patch(self, path: Path, **how: Unpack[How]) -> Reply:
        """PATCH; see `request` for what else it takes."""
        return self.request("PATCH", path, **how)

    def delete(self, path: Path, **how: Unpack[How]) -> Reply:
        """DELETE; see `request` for what else it takes."""
        return self.request("DELETE", path, **how)

    def copy(self, path: Path, **how: Unpack[How]) -> Reply:
        """COPY; see `request` for what else it takes."""
        return self.request("COPY", path, **how)

    def move(self, path: Path, **how: Unpack[How]) -> Reply:
        """MOVE; see `request` for what else it takes."""
        return self.request("MOVE", path, **how)

    def request(  # noqa: PLR0913  # what varies per call is an argument
        self,
        method: str,
        path: Path,
        *,
        success: Success = 200,
        json: Any = None,
        data: bytes | str | IO[bytes] | None = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, Any] | None = None,
        async_headers: Mapping[str, Any] | None = None,
        async_params: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        stream: bool = False,
    ) -> Reply:
        """Make one call.

        Args:
            method: the verb.
            path: below the endpoint: text, in which "/" separates, or parts, each one segment.
                Never percent-encoded by the caller.
            success: the status, or statuses, that are as they should be; None takes any.
            json: sent as JSON, instead of data.
            data: the body; of a file, all from its position to its end.
            params: the query: None leaves a key out, "" sends the bare key.
            headers: header fields; None leaves one out.
            async_headers, async_params: the same by the ancestor's names and rules: a parameter
                that is None, False or "" is a bare key.
            timeout: seconds for the whole answer, or with `stream` for each piece.
            stream: leave the body to be read in pieces, as it is stored: nothing is unpacked.

        Raises:
            ClientError: the status is none of these, or there was no answer.
        """
        kept_headers, kept_params = self._next.take()
        sent = {**kept_headers, **(headers or {}), **(async_headers or {})}
        body = _body(json, data, sent)
        url = self.endpoint_url + encode_path(path)
        url += encode_query(params, {**kept_params, **(async_params or {})})
        wanted = _wanted(success)
        token = None if _has(sent, "x-auth-token") else self.token
        request = Request(
            method.upper(),
            url,
            self._ready(sent, token, stream=stream),
            body,
            self.timeout if timeout is None else timeout,
        )
        start = position(body)
        reply = self._sender.send(request, stream=stream, success=wanted)
        if reply.status == 401 and not wanted(401) and token and self.session is not None:  # noqa: PLR2004
            token, reply = self._again(
                request, reply, token, start, stream=stream, success=success
            )
        if not wanted(reply.status):
            with reply:
                raise from_reply(reply, secret=token or "", wanted=f"{request.method} {url}")
        return reply

    def _again(
        self,
        request: Request,
        reply: Reply,
        token: str,
        start: int | None,
        *,
        stream: bool,
        success: Success,
    ) -> tuple[str, Reply]:
        """The same request with a token that the session has fetched anew; that token."""
        fresh = self.session.renew(token) if self.session is not None else token
        if not fresh or fresh == token:
            return token, reply
        if not rewound(request.body, start):
            return token, reply
        reply.release()
        again = Request(
            request.method,
            request.url,
            {**request.headers, "X-Auth-Token": fresh},
            request.body,
            request.timeout,
        )
        return fresh, self._sender.send(again, stream=stream, success=_wanted(success))

    def _ready(
        self, sent: Mapping[str, Any], token: str | None, *, stream: bool
    ) -> dict[str, str]:
        fields: dict[str, Any] = {
            "User-Agent": f"pelagos/{__version__}",
            "Accept-Encoding": "identity" if stream else "gzip",
        }
        if token:
            fields["X-Auth-Token"] = token
        own = {name.lower() for name in sent}
        fields = {name: value for name, value in fields.items() if name.lower() not in own}
        fields.update(sent)
        if self.request_headers_to_quote or self.request_header_prefices_to_quote:
            fields = quote_values(
                fields, self.request_headers_to_quote, self.request_header_prefices_to_quote
            )
        return encode_headers(fields)

    # ---- as programs for the ancestor use it

    @property
    def headers(self) -> dict[str, str]:
        """What this thread's next call sends besides; emptied by it."""
        return self._next.headers

    @property
    def params(self) -> dict[str, str]:
        """The query of this thread's next call; emptied by it."""
        return self._next.params

    def set_header(self, name: str, value: Any, iff: Any = True) -> None:
        """Send a header field with this thread's next call, if `iff` and it is not None."""
        if value is not None and iff:
            self._next.headers[name] = str(value)

    def set_param(self, name: str, value: Any = None, iff: Any = True) -> None:
        """Send a parameter with this thread's next call, if `iff`; a bare key when it is None."""
        if iff:
            self._next.params[name] = "" if value is None else str(value)


class _Next(threading.local):
    """What a thread has put aside for its next call."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.params: dict[str, str] = {}

    def take(self) -> tuple[dict[str, str], dict[str, str]]:
        taken = (self.headers, self.params)
        self.headers, self.params = {}, {}
        return taken


def _transport(url: str, http: HttpClient | Transport | None, tls: ClientTls | None) -> Transport:
    if http is None:
        return HttpClient(url, tls=tls).transport
    if tls is not None:
        raise ValueError("tls belongs to the connections: give it to the HttpClient")
    return http.transport if isinstance(http, HttpClient) else http


def _has(headers: Mapping[str, Any], name: str) -> bool:
    return any(one.lower() == name for one in headers)


def _body(json: Any, data: Any, headers: dict[str, Any]) -> bytes | IO[bytes] | None:
    """The body, and in the headers what it needs to be said of it."""
    if json is not None:
        if not _has(headers, "content-type"):
            headers["Content-Type"] = "application/json"
        try:
            return plain_json.encode(json)
        except plain_json.WireError as error:
            raise BadRequest(error.message) from error
    if isinstance(data, str):
        return data.encode()
    if isinstance(data, bytearray | memoryview):
        return bytes(data)
    if data is None or isinstance(data, bytes):
        return data
    if not _has(headers, "content-length") and not _has(headers, "transfer-encoding"):
        here = data.tell()
        headers["Content-Length"] = data.seek(0, 2) - here
        data.seek(here)
    return data  # type: ignore[no-any-return]  # a file


def _wanted(success: Success) -> Any:
    if success is None:
        return lambda _status: True
    if isinstance(success, int):
        return lambda status: status == success
    return lambda status: status in success
