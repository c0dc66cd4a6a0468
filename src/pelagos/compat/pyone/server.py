"""`pyone.server`: the server class and the errors."""

from __future__ import annotations

from pelagos.one import (
    OneActionException,
    OneApiException,
    OneAuthenticationException,
    OneAuthorizationException,
    OneException,
    OneInternalException,
    OneNoExistsException,
    OneServer,
)

__all__ = [
    "OneActionException",
    "OneApiException",
    "OneAuthenticationException",
    "OneAuthorizationException",
    "OneException",
    "OneInternalException",
    "OneNoExistsException",
    "OneServer",
]
