"""What a person reads when a cloud does not do what it was asked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pelagos.cli.failures import (
    FAILED,
    NOT_ALLOWED,
    NOT_FOUND,
    NOT_READY,
    UNREACHABLE,
    USAGE,
    CommandError,
)
from pelagos.clients import errors

if TYPE_CHECKING:  # not for a cycle: an error needs no client
    from pelagos.clients.cloud import Cloud

_OWN_WORDS = {
    errors.CloudNotConfigured: USAGE,
    errors.WaitedInVain: NOT_READY,
    errors.Unsupported: FAILED,
}
"""What says itself all that there is to say."""
_BY_STATUS = {400: USAGE, 403: NOT_ALLOWED, 404: NOT_FOUND}


def explained(
    error: errors.ClientError, cloud: Cloud | None, advice: str = "see: pelagos cloud check"
) -> CommandError:
    """An error of a cloud, or of the way to it, in words for a person.

    Args:
        error: as the clients raise it.
        cloud: whose; None when it came not so far.
        advice: what else to do when the cloud does not let in.
    """
    text = said(error)
    code = _OWN_WORDS.get(type(error))
    if code is not None:
        return CommandError(text, hint=error.hint, code=code)
    name = cloud.name if cloud is not None else ""
    where = f"the cloud {name}" if name else "the cloud"
    if isinstance(error, errors.NoAnswer):
        hint = _lines(error.hint, advice)
        return CommandError(f"{where}: {text}", hint=hint, code=UNREACHABLE)
    if isinstance(error, errors.Unauthorized):
        origin = cloud.settings.origin if cloud is not None else "the configuration"
        hint = _lines(f"see to user, password or token, and project in {origin}", advice)
        return CommandError(f"{where} refuses the login: {text}", hint=hint, code=NOT_ALLOWED)
    if isinstance(error, errors.OverLimit) or "quota" in text.lower():
        hint = "delete what you do not need, or ask the operator for more; then try again"
        return CommandError(f"{where} has no more for you: {text}", hint=hint)
    status = f" ({error.status})" if error.status else ""
    code = _BY_STATUS.get(error.status, FAILED)
    return CommandError(f"{where} refuses: {text}{status}", hint=error.hint, code=code)


def _lines(*hints: str | None) -> str:
    return "\n".join(one for one in hints if one)


def said(error: errors.ClientError) -> str:
    """What an error says, without the status line and the name of the fault.

    >>> said(errors.Conflict('409 Conflict {"conflictingRequest": {"message": "it is busy"}}'))
    'it is busy'
    """
    text = " ".join(error.message.split())
    inner = re.fullmatch(r"\d{3} [\w' -]*?\((.+)\)", text)
    return inner[1] if inner else re.sub(r"^\d{3} (?=.)", "", text)
