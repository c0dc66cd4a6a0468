"""Send one request and bring its answer: again where that is safe, and never to somebody else.

What is sent once more, after a wait that grows or that the server asks for:

- 429, and 413 with Retry-After: nothing was done, so with every verb;
- 502, 503, 504, a connection refused or broken off: with idempotent verbs, that is GET, HEAD, PUT
  and DELETE, but not when a condition (If-Match…) would then judge the first attempt's effect;
- a POST, COPY or MOVE only when nobody was there to take it.

A redirect is followed within the same server, by GET and HEAD; another server never gets the
token.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import IO
from urllib.parse import urljoin, urlsplit

from pelagos.clients.base.reply import Reply
from pelagos.clients.errors import (
    BadRequest,
    ClientError,
    NoAnswer,
    RedirectedElsewhere,
    from_reply,
    from_transport,
)
from pelagos.core.backoff import Backoff
from pelagos.core.clock import Clock, SystemClock
from pelagos.core.http import HttpError, HttpTimeout, HttpUnreachable, Request
from pelagos.core.http.transports.base import Transport

send_log = logging.getLogger("pelagos.clients.send")
recv_log = logging.getLogger("pelagos.clients.recv")

#: More than the debug level says: each header field.
DEBUGV = logging.DEBUG + 1

_IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
_CONDITIONS = frozenset({"if-match", "if-none-match", "if-unmodified-since", "if-modified-since"})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PASSING = frozenset({502, 503, 504})
_SECRET_FIELDS = frozenset(
    {
        "x-auth-token",
        "x-subject-token",
        "x-service-token",
        "x-storage-token",
        "authorization",
        "cookie",
        "set-cookie",
    }
)
#: Keys by which Swift signs addresses, and copies containers.
_KEY_FIELD = re.compile(r"-key(-2)?\Z")
_HOPS = 5
_BACKOFF = Backoff(first=0.25, factor=2.0, limit=4.0)


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long a request is tried again.

    Attributes:
        attempts: requests at the most; 1 tries nothing again.
        longest: seconds of one wait; a server that asks for more is not waited for.
        backoff: waits where the server asks for none.
    """

    attempts: int = 4
    longest: float = 30.0
    backoff: Backoff = _BACKOFF


class Sender:
    """Sends requests over a transport. Immutable and safe to share between threads."""

    def __init__(
        self,
        transport: Transport,
        patience: Patience = Patience(),  # frozen
        clock: Clock | None = None,
    ) -> None:
        self.transport = transport
        self._patience = patience
        self._clock = clock or SystemClock()

    def send(self, request: Request, *, stream: bool, success: Callable[[int], bool]) -> Reply:
        """Send and return the answer, whatever its status.

        Args:
            stream: leave the body on the connection.
            success: whether a status is what the caller wants; it is then neither followed nor
                tried again.

        Raises:
            ClientError: no answer, or a redirect to another server.
        """
        hops = 0
        while True:
            reply = self._patiently(request, stream, success)
            where = reply.headers.get("location", "")
            if success(reply.status) or reply.status not in _REDIRECTS or not where:
                return reply
            reply.release()
            hops += 1
            request = replace(request, url=_followed(request, reply.status, where, hops))

    def _patiently(self, request: Request, stream: bool, success: Callable[[int], bool]) -> Reply:
        start = position(request.body)
        attempt = 1
        while True:
            wait: float | None
            try:
                reply = self._once(request, stream)
            except HttpError as error:
                failure: ClientError = from_transport(error)
                failure.__cause__ = error
                wait = self._wait(attempt, failure) if _is_safe(request, error) else None
                if wait is None or not rewound(request.body, start):
                    raise failure from error
            else:
                if success(reply.status) or not _is_passing(request, reply):
                    return reply
                wait = self._wait(attempt, from_reply_headers(reply))
                if wait is None or not rewound(request.body, start):
                    return reply
                reply.release()
            send_log.info("again in %.2f s: %s %s", wait, request.method, request.url)
            self._clock.sleep(wait)
            attempt += 1

    def _wait(self, attempt: int, failure: ClientError) -> float | None:
        """Seconds until the next attempt; None when there is to be none."""
        if attempt >= self._patience.attempts or failure.retry_after is None:
            return None
        if isinstance(failure, NoAnswer) or failure.details == [_GUESSED]:
            return self._patience.backoff.delay(attempt)
        return failure.retry_after if failure.retry_after <= self._patience.longest else None

    def _once(self, request: Request, stream: bool) -> Reply:
        _log_request(request)
        try:
            if stream:
                opened = self.transport.open(request)
                reply = Reply(opened.status, opened.headers, opened, url=request.url)
            else:
                got = self.transport.send(request)
                reply = Reply(got.status, got.headers, got.body, url=request.url)
        except ValueError as error:  # the library refuses what it cannot write
            raise BadRequest(
                f"{request.method} {request.url} cannot be sent: {error}",
                hint="look for characters that no URL and no header field can hold",
            ) from error
        _log_reply(reply)
        return reply


_GUESSED = "the server named no time"


def from_reply_headers(reply: Reply) -> ClientError:
    """When to try again, of an answer whose body is not looked at."""
    asked = reply.headers.get("retry-after", "")
    bare = _Bare(reply.status, reply.headers)
    error = from_reply(bare)
    error.details = [] if asked else [_GUESSED]
    return error


@dataclass(frozen=True, slots=True)
class _Bare:
    status: int
    headers: Mapping[str, str]
    text: str = ""


def _is_safe(request: Request, error: HttpError) -> bool:
    """Whether a request to which no answer came may be sent again."""
    if isinstance(error, HttpUnreachable):
        return True
    if isinstance(error, HttpTimeout) or error.retry_after is None:
        return False  # the time that the caller allowed is over, or it would not help
    return _is_repeatable(request)


def _is_repeatable(request: Request) -> bool:
    conditional = any(name.lower() in _CONDITIONS for name in request.headers)
    is_reading = request.method in {"GET", "HEAD"}
    return request.method in _IDEMPOTENT and (is_reading or not conditional)


def _is_passing(request: Request, reply: Reply) -> bool:
    """Whether an answer says: not now, and nothing was done that a second time would double."""
    if reply.status == 429 or (reply.status == 413 and "retry-after" in reply.headers):  # noqa: PLR2004
        return True
    return reply.status in _PASSING and _is_repeatable(request)


def position(body: bytes | IO[bytes] | None) -> int | None:
    """Where a file stands, so that it can be sent again; None when it cannot."""
    if body is None or isinstance(body, bytes):
        return 0
    try:
        return body.tell()
    except (AttributeError, OSError, ValueError):
        return None


def rewound(body: bytes | IO[bytes] | None, start: int | None) -> bool:
    """Bring a body back to its start; whether that worked."""
    if body is None or isinstance(body, bytes):
        return True
    if start is None:
        return False
    try:
        body.seek(start)
    except (AttributeError, OSError, ValueError):
        return False
    return True


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port: who gets what is sent to a URL."""
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, parts.hostname or "", port


def _followed(request: Request, status: int, where: str, hops: int) -> str:
    """The URL that a redirect leads to, when it may be followed."""
    try:
        target = urljoin(request.url, where)
        is_same = origin(target) == origin(request.url) and "@" not in urlsplit(target).netloc
    except ValueError:
        target, is_same = where[:200], False
    if is_same and request.method in {"GET", "HEAD"} and hops <= _HOPS:
        return target.partition("#")[0]
    if is_same:
        said = f"{request.url} redirects {request.method} requests, or in circles"
    else:
        said = f"{request.url} redirects to another server: {target[:200]}"
    raise RedirectedElsewhere(
        said,
        status,
        location=where,
        hint="nothing was sent there; if that is the right address, put it into the configuration",
    )


def _log_request(request: Request) -> None:
    if not send_log.isEnabledFor(logging.DEBUG):
        return
    send_log.debug("%s %s", request.method, request.url)
    if send_log.isEnabledFor(DEBUGV):
        for name, value in request.headers.items():
            send_log.log(DEBUGV, "  %s: %s", name, _shown(name, value))
    if isinstance(request.body, bytes):
        send_log.debug("data size: %d", len(request.body))


def _log_reply(reply: Reply) -> None:
    if not recv_log.isEnabledFor(logging.DEBUG):
        return
    recv_log.debug("%d %s", reply.status, reply.url)
    for name, value in reply.headers.items():
        recv_log.debug("  %s: %s", name, _shown(name, value))


def _shown(name: str, value: str) -> str:
    """A header's value as a log may have it."""
    if name.lower() in _SECRET_FIELDS or _KEY_FIELD.search(name.lower()):
        return "..."
    return value.encode("unicode_escape").decode()
