"""What can go wrong between a question and the directory's answer.

DirectoryError
├── SchemaError           the database belongs to a newer directory
├── SourceError           a source cannot answer; it is reported as failed, the others go on
│   └── NotForAskerError      it can, but not this person; says nothing about its health
├── DirectoryUnreachable  client: no usable answer came
└── RequestError          the directory refused; carries its status and its reasons
    ├── BadTermError          400
    ├── TokenError            401
    ├── VerificationError     503: whoever knows the tokens does not answer
    ├── UnknownProfileError   404
    ├── NotThereError         404
    ├── DuplicateError        409
    ├── InvalidError          400
    └── StoreError            503: the database cannot be used now
        └── StoreFullError    507
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pelagos.core.errors import PelagosError


class DirectoryError(PelagosError):
    """The root of this room's errors."""


class SourceError(DirectoryError):
    """A source cannot be loaded or cannot answer."""


class NotForAskerError(SourceError):
    """A source does not answer this person: no token, no right. It is well for others."""


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
        self,
        reasons: Sequence[str],
        *,
        status: int | None = None,
        hint: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__("; ".join(reasons), hint=hint, retry_after=retry_after)
        self.reasons = tuple(reasons)
        if status is not None:
            self.status = status


class BadTermError(RequestError):
    """The term is missing, too long or not text."""

    status = 400


class TokenError(RequestError):
    """There is no token, it is not valid, or it does not give the right that is needed.

    Attributes:
        needs: the right, such as `dird.personal.read`; None when that is not what is missing.
        is_known: whether the token is a valid one.
    """

    status = 401

    def __init__(
        self,
        reasons: Sequence[str],
        *,
        needs: str | None = None,
        is_known: bool = False,
        **more: Any,
    ) -> None:
        super().__init__(reasons, **more)
        self.needs = needs
        self.is_known = is_known


class VerificationError(RequestError):
    """Whose a token is cannot be told now."""

    status = 503


class UnknownProfileError(RequestError):
    """There is no such profile."""

    status = 404


class NotThereError(RequestError):
    """There is no such contact, phonebook or favourite, or it is somebody else's."""

    status = 404


class DuplicateError(RequestError):
    """It is there already."""

    status = 409


class InvalidError(RequestError):
    """What was sent cannot be stored."""

    status = 400


class SchemaError(DirectoryError):
    """The database was made by a newer directory."""


class StoreError(RequestError):
    """The database cannot be used now; nothing was changed."""

    status = 503


class StoreFullError(StoreError):
    """The disk of the database is full; nothing was changed."""

    status = 507
