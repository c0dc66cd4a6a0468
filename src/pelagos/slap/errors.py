"""What can go wrong between a client and a master, and in the documents that they exchange.

SlapError
├── BadRequest              400: the master refused what was asked, or a form field is wrong
├── AuthenticationError     401: no token, or one that the master does not know
├── Unauthorized            403: the token is known, but this is not its holder's to do
├── NotFoundError           404: no such computer, partition, release or instance
├── ResourceNotReady        408: accepted and kept, not allocated yet; says why
├── ServerError             5xx: the master failed
├── MasterUnreachable       no whole answer (`ConnectionError` for code of the ancestor)
└── MarshalError            a marshalled document that cannot be read or written
"""

from __future__ import annotations

from pelagos.core.errors import PelagosError
from pelagos.slap.model import Cause


class SlapError(PelagosError):
    """A call of SLAP did not succeed.

    Attributes:
        status: the HTTP status of the answer, or None when none came.
        is_foreign: what answered is no Pelagos master, as far as its words show.
    """

    is_foreign = False

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        hint: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, hint=hint, retry_after=retry_after)
        self.status = status


class BadRequest(SlapError):
    """What was asked cannot be done as it was written."""


class AuthenticationError(SlapError):
    """The master does not know who asks."""


class Unauthorized(SlapError):
    """The master knows who asks and does not allow this."""


class NotFoundError(SlapError):
    """The master has no such thing."""


class ResourceNotReady(SlapError):
    """The wish is kept, and there is nothing to show yet.

    Attributes:
        cause: why not yet, when the master says so.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        hint: str | None = None,
        retry_after: float | None = None,
        cause: Cause | None = None,
    ) -> None:
        super().__init__(message, status=status, hint=hint, retry_after=retry_after)
        self.cause = cause


class ServerError(SlapError):
    """The master failed while it worked on the call."""


class MasterUnreachable(SlapError):
    """No whole answer came from the master."""


class MarshalError(SlapError):
    """A marshalled document, or a value that should become one, is not what SLAP allows."""


ConnectionError = MasterUnreachable  # noqa: A001  # the name that code for the ancestor catches
