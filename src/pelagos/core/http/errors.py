"""What can go wrong between a client and an answer.

HttpError
├── HttpUnreachable     no connection: refused, no such host, no route
├── HttpTimeout         connected, but no answer in time
├── HttpProtocolError   an answer that is not HTTP, was cut, or is too large
└── HttpTlsError        no secure connection: a certificate, a name or an authority is wrong
"""

from __future__ import annotations

from pelagos.core.errors import PelagosError


class HttpError(PelagosError):
    """No usable answer came.

    Attributes:
        url: the address asked, without credentials.
    """

    def __init__(
        self, message: str, *, url: str, hint: str | None = None, retry_after: float | None = 1.0
    ) -> None:
        super().__init__(message, hint=hint, retry_after=retry_after)
        self.url = url


class HttpUnreachable(HttpError):
    """Nobody answers at this address."""


class HttpTimeout(HttpError):
    """The peer took longer than was allowed."""


class HttpProtocolError(HttpError):
    """What came back is not a whole HTTP answer."""


class HttpTlsError(HttpError):
    """No connection that could be trusted; nothing was sent, or nothing of it was taken.

    Attributes:
        problem: kebab-case name: unknown-authority, server-expired, server-not-yet-valid,
            wrong-name; own-expired, own-revoked, own-unknown, own-missing, own-refused (our
            certificate); wrong-file (of ours); no-tls, too-old, handshake.
    """

    def __init__(self, message: str, *, url: str, problem: str, hint: str | None) -> None:
        super().__init__(message, url=url, hint=hint, retry_after=None)
        self.problem = problem
