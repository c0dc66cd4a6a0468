"""One request to a directory, and its refusals as our errors."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

from pelagos.core import wire
from pelagos.core.errors import PelagosError
from pelagos.core.http import HttpClient, HttpError, Response
from pelagos.core.http.transfer import Transfers, make_tls_context
from pelagos.core.http.types import ClientTls
from pelagos.core.wire import WireError
from pelagos.directory.errors import (
    BadTermError,
    DirectoryUnreachable,
    DuplicateError,
    NotThereError,
    RequestError,
    TokenError,
    UnknownProfileError,
)

T = TypeVar("T")

PREFIX = "0.1"
_OF_PROFILE = f"{PREFIX}/directories/"


def path_of(*segments: str) -> str:
    """The path of a resource; what is in a segment stays in it.

    >>> path_of("directories", "favorites", "a/b")
    '0.1/directories/favorites/a%2Fb'
    """
    return "/".join((PREFIX, *(quote(str(segment), safe="") for segment in segments)))


class Exchange:
    """Requests to one directory. Immutable and safe to share between threads.

    Args:
        url: address of the directory, without `/0.1`.
        token: sent as `X-Auth-Token`.
        timeout: seconds for one answer.
        http: who carries the requests; by default a client of its own.
        tls: over https, whom to trust.
    """

    def __init__(
        self,
        url: str,
        token: str | None,
        *,
        timeout: float,
        http: HttpClient | None,
        tls: ClientTls | None,
    ) -> None:
        self._http = http or HttpClient(url, timeout=timeout, tls=tls)
        self._headers = {"X-Auth-Token": token} if token else {}
        self._timeout = timeout
        self._tls = tls

    @property
    def url(self) -> str:
        """Address of the directory."""
        return self._http.base_url

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """The answer, when the directory granted what was asked.

        Raises:
            RequestError: it refused.
            DirectoryUnreachable: no usable answer came.
        """
        try:
            response = self._http.request(
                method,
                path,
                params=params,
                json=json,
                body=body,
                headers={**self._headers, **(headers or {})},
            )
        except HttpError as error:
            raise _unreachable(error) from error
        if not 200 <= response.status < 300:  # noqa: PLR2004  # RFC 9110, 15.3
            raise refusal(response, of_profile=method == "GET" and _OF_PROFILE in path)
        return response

    def ask(self, method: str, path: str, into: type[T], **rest: Any) -> T:
        """The answer as a value of a type.

        Raises:
            RequestError: it refused.
            DirectoryUnreachable: no usable answer came.
        """
        try:
            return wire.convert(self.send(method, path, **rest).json(), into)
        except WireError as error:
            raise self._stranger(error.message) from error

    def events(self, path: str, params: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
        """The (name, data) of each server-sent event of an answer, as it comes.

        Raises:
            RequestError: it refused.
            DirectoryUnreachable: no usable answer came, or it broke off.
        """
        headers = {**self._headers, "Accept": "text/event-stream"}
        try:
            context = None
            if self.url.startswith("https:"):
                trusted = self._tls.authority if self._tls else None
                context = make_tls_context(str(trusted) if trusted else None)
            carrier = Transfers(self.url, timeout=self._timeout, context=context)
            with carrier.get(path, params=params, headers=headers) as answer:
                if answer.status != 200:  # noqa: PLR2004  # OK
                    body = b"".join(answer.pieces())
                    whole = Response(answer.status, answer.headers, body)
                    raise refusal(whole, of_profile=_OF_PROFILE in path)
                yield from read_events(answer.pieces())
        except HttpError as error:
            raise _unreachable(error) from error
        except ValueError as error:  # no JSON
            raise self._stranger(str(error)) from error

    def close(self) -> None:
        """Give back the connections."""
        self._http.close()

    def _stranger(self, why: str) -> DirectoryUnreachable:
        return DirectoryUnreachable(
            f"what answers at {self.url} is not a directory: {why}",
            hint="check the address of the directory",
        )


def read_events(pieces: Iterable[bytes]) -> Iterator[tuple[str, Any]]:
    r"""Server-sent events with JSON in their data, as the HTML standard defines the format (9.2).

    Raises:
        ValueError: the data of one is no JSON.

    >>> list(read_events([b'event: end\ndata: {"a"', b": 1}\n\n']))
    [('end', {'a': 1})]
    """
    name = "message"
    data: list[str] = []
    for line in _lines(pieces):
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "data":
            data.append(value)
        elif not line:
            if data:
                yield name, json.loads("\n".join(data))
            name, data = "message", []


def _lines(pieces: Iterable[bytes]) -> Iterator[str]:
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            yield line.removesuffix(b"\r").decode("utf-8", "replace")


def _unreachable(error: HttpError) -> DirectoryUnreachable:
    return DirectoryUnreachable(
        f"the directory does not answer: {error.message}",
        hint=error.hint or "is `pelagos up` running?",
        retry_after=error.retry_after,
    )


_REFUSALS: dict[int, tuple[type[RequestError], str | None]] = {
    400: (BadTermError, None),
    401: (
        TokenError,
        "check the token and its rights; `pelagos config` shows where the token is taken from",
    ),
    404: (NotThereError, None),
    409: (DuplicateError, None),
}


def refusal(response: Response, *, of_profile: bool = False) -> PelagosError:
    """A refusal as our error.

    Args:
        response: what the directory said, in one of the shapes that directories have for errors.
        of_profile: what was asked for belongs to a profile, which alone can be missing.
    """
    try:
        body = response.json()
    except WireError:
        body = None
    kind, hint = _REFUSALS.get(response.status, (RequestError, None))
    if of_profile and kind is NotThereError:
        kind = UnknownProfileError
    error = kind(_reasons(body, response.status))
    error.status, error.hint = response.status, hint
    return error


def _reasons(body: Any, status: int) -> list[str]:
    if isinstance(body, Mapping):
        reasons = body.get("reason") or body.get("message")
        error = body.get("error")
        if not reasons and isinstance(error, Mapping):
            reasons = error.get("message")
        if isinstance(reasons, str) and reasons:
            return [reasons]
        if isinstance(reasons, list) and reasons:
            return [_reason(reason) for reason in reasons]
    return [f"the directory answered with status {status}"]


def _reason(reason: Any) -> str:
    if isinstance(reason, Mapping) and isinstance(reason.get("errors"), list):  # a line of a file
        said = "; ".join(map(str, reason["errors"]))
        return f"line {reason.get('line', '?')}: {said}"
    return str(reason)
