"""What can go wrong between a client and a cloud, whatever shape the cloud says it in.

ClientError                 a call did not succeed; `status` 0 when no answer came
├── BadRequest              400: what was asked cannot be done as it was written
├── Unauthorized            401: the token is wrong or has ended
├── Forbidden               403: the token is known, but this is not its holder's to do
├── NotFound                404: there is no such thing, or it is hidden from the asker
├── Conflict                409: the thing is in use, exists already or is in the wrong state
├── PreconditionFailed      412: it changed meanwhile
├── OverLimit               413, 429: a quota or a rate is used up
├── ServiceFault            5xx: the service failed
├── WrongAnswer             an answer that is not what was agreed: no JSON, too large…
├── Unsupported             this family of clouds has no such thing; nothing was sent
├── RedirectedElsewhere     3xx to another server, where the token must not go
├── WaitedInVain            a state was not reached in time
├── NoAnswer                status 0: nobody answered
│   ├── Late                … in time
│   ├── BrokenOff           … to the end
│   └── Untrusted           … over TLS that could be trusted
└── CloudNotConfigured      no such cloud, or its configuration cannot be used
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from pelagos.clients.faults import as_list, digest, number, split
from pelagos.core.errors import PelagosError
from pelagos.core.http import HttpError, HttpProtocolError, HttpTimeout, HttpTlsError

_LONGEST_WAIT = 86_400.0


class ClientError(PelagosError):
    r"""A call of a cloud did not succeed.

    The message is parsed as the ancestor did: when the text holds a JSON object, its first key is
    the name of a fault and its mapping says the rest.

    Args:
        message: what happened; may be a status line with the body of the answer behind it.
        status: HTTP status; what is no number counts as 0.
        details: one or many.
        hint: what to do next.
        retry_after: seconds after which trying again may help; None when it cannot.

    Attributes:
        status: HTTP status of the answer, 0 when none came; the fault's `code` goes before.
        details: what else is known, a list of texts.
        fault: the name that the service gave to it ("itemNotFound"), or "".

    >>> error = ClientError('404 Not Found {"itemNotFound": {"message": "no", "code": 404}}')
    >>> str(error), error.status, error.fault
    ('404 Not Found itemNotFound (no)\n', 404, 'itemNotFound')
    """

    def __init__(
        self,
        message: Any,
        status: Any = 0,
        details: Any = None,
        *,
        hint: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        text, self.status = str(message), number(status)
        self.details = as_list(details)
        self.fault = ""
        lead, found = split(text)
        if found is None:
            text = text if text.endswith("\n") else text + "\n"
        else:
            self.fault, facts = found
            text = f"{lead}{self.fault}"
            said = facts.get("message") or facts.get("title")
            if said:
                text = f"{text} ({said})\n"
            self.status = number(facts.get("code")) or self.status
            self.details += as_list(facts.get("details") or facts.get("detail"))
        super().__init__(text, hint=hint, retry_after=retry_after)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (type(self), self.args, dict(self.__dict__))


class BadRequest(ClientError):
    """What was asked cannot be done as it was written."""


class Unauthorized(ClientError):
    """The token is missing, wrong or has ended."""


class Forbidden(ClientError):
    """The token is known, but this is not its holder's to do."""


class NotFound(ClientError):
    """There is no such thing, or it is hidden from the asker."""


class Conflict(ClientError):
    """The thing is in use, exists already or is in the wrong state."""


class PreconditionFailed(ClientError):
    """The thing is not as the request supposed: it changed meanwhile."""


class OverLimit(ClientError):
    """A quota or a rate is used up."""


class ServiceFault(ClientError):
    """The service failed."""


class WrongAnswer(ClientError):
    """An answer that is not what was agreed."""


class Unsupported(ClientError):
    """What was asked does not exist in this family of clouds; nothing was sent."""


class RedirectedElsewhere(ClientError):
    """The server sends the client to another one, where the token must not go.

    Attributes:
        location: where to.
    """

    def __init__(self, message: str, status: int, *, location: str, hint: str) -> None:
        super().__init__(message, status, hint=hint)
        self.location = location


class WaitedInVain(ClientError):
    """A state was not reached in time.

    Attributes:
        last: what was seen last.
    """

    def __init__(self, message: str, *, last: Any = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.last = last


class NoAnswer(ClientError):
    """Nobody answered."""


class Late(NoAnswer):
    """There was no whole answer in time."""


class BrokenOff(NoAnswer):
    """The answer broke off, or was none of HTTP."""


class Untrusted(NoAnswer):
    """No connection that could be trusted."""


class CloudNotConfigured(ClientError):
    """There is no such cloud, or its configuration cannot be used."""


_KINDS: Mapping[int, type[ClientError]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    412: PreconditionFailed,
    413: OverLimit,
    429: OverLimit,
}
_HINTS: Mapping[int, str] = {
    401: "the token is wrong or has ended: log in again, or put a new one into the configuration",
    403: "ask the project's administrator for the right, or use another project",
    413: "free something, or ask for a larger quota",
    429: "ask less often, or later",
}


class Answered(Protocol):
    """What an error is made of."""

    @property
    def status(self) -> int:
        """HTTP status."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Header fields, found without regard to case."""

    @property
    def text(self) -> str:
        """The body."""


def from_reply(reply: Answered, *, secret: str = "", wanted: str = "") -> ClientError:
    """The error of an answer that was not a success.

    Args:
        secret: what must not be quoted: the token that was sent.
        wanted: what was asked, for the person: "GET https://cloud/v2/servers".
    """
    status = reply.status
    text = reply.text
    if secret:
        text = text.replace(secret, "...")
    line = f"{status} {_phrase(status)}"
    fault, body, details = digest(text, reply.headers.get("content-type", ""))
    kind = _KINDS.get(status) or (ServiceFault if status >= 500 else ClientError)  # noqa: PLR2004
    error = kind(
        f"{line} {_once(body, line)}".rstrip(),
        status,
        hint=_HINTS.get(status),
        retry_after=_retry_after(status, reply.headers),
    )
    error.fault = fault
    error.status = status  # what a body says about it is hearsay
    error.details += [detail for detail in details if detail not in error.details]
    if wanted:
        error.details.append(wanted)
    return error


def _once(body: str, line: str) -> str:
    """What a page says behind the status or its phrase, with which those of services begin."""
    for words in (line, line.partition(" ")[2]):
        if words and body.startswith(f"{words} "):
            return body.removeprefix(words).lstrip()
    return body


def from_transport(error: HttpError) -> ClientError:
    """The error of a call to which no usable answer came."""
    kind: type[ClientError] = NoAnswer
    if isinstance(error, HttpTimeout):
        kind = Late
    elif isinstance(error, HttpTlsError):
        kind = Untrusted
    elif isinstance(error, HttpProtocolError):
        kind = BrokenOff if error.retry_after is not None else WrongAnswer
    return kind(error.message, hint=error.hint, retry_after=error.retry_after)


def _phrase(status: int) -> str:
    from http import HTTPStatus  # noqa: PLC0415  # only errors pay for it

    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown Status"


def _retry_after(status: int, headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks to wait; a guess for what passes by itself; else None."""
    said = headers.get("retry-after", "").strip()
    if said.isascii() and said.isdigit():
        return min(float(said[:9]), _LONGEST_WAIT)
    when = _date(said) if said else None
    if when is not None:
        when = when if when.tzinfo else when.replace(tzinfo=UTC)
        return min(max(0.0, (when - datetime.now(UTC)).total_seconds()), _LONGEST_WAIT)
    return 1.0 if status in {429, 502, 503, 504} else None


def _date(text: str) -> datetime | None:
    from email.utils import parsedate_to_datetime  # noqa: PLC0415  # dear, and seldom needed

    try:
        return parsedate_to_datetime(text)
    except (TypeError, ValueError, OverflowError, IndexError):
        return None


def _restored(
    kind: type[ClientError], args: tuple[Any, ...], facts: dict[str, Any]
) -> ClientError:
    """An error that was pickled, as another process raises it."""
    error = kind.__new__(kind, *args)
    error.__dict__.update(facts)
    return error
