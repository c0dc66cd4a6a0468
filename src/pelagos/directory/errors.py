"""What can go wrong between a question and the directory's answer.

DirectoryError
├── SourceError           a source cannot answer; it is reported as failed, the others go on
├── DirectoryUnreachable  client: no usable answer came
└── RequestError          the directory refused; carries its status and its reasons
    ├── BadTermError          400
    ├── TokenError            401
    └── UnknownProfileError   404
"""

from __future__ import annotations

from collections.abc import Sequence

from pelagos.core.errors import PelagosError


class DirectoryError(PelagosError):
    """The root of this room's errors."""


class SourceError(DirectoryError):
    """A source cannot be loaded or cannot answer."""


class DirectoryUnreachable(DirectoryError):
    """No usable answer came from the directory."""


class RequestError(DirectoryError):
    """The directory refused a request.

    Attributes:
        status: the HTTP status.
        reasons: one line each.
    """

    status = 500

    def __init__(
        self, reasons: Sequence[str], *, status: int | None = None, hint: str | None = None
    ) -> None:
        super().__init__("; ".join(reasons), hint=hint)
        self.reasons = tuple(reasons)
        if status is not None:
            self.status = status


class BadTermError(RequestError):
    """The term is missing, too long or not text."""

    status = 400


class TokenError(RequestError):
    """There is no token, or it is not valid here."""

    status = 401


class UnknownProfileError(RequestError):
    """There is no such profile."""

    status = 404
