"""`pyone.server`: the server class and the errors.

With PYONE_TEST_FIXTURE in the environment the server class is the tester, which records or plays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pelagos.one import (
    OneActionException,
    OneApiException,
    OneAuthenticationException,
    OneAuthorizationException,
    OneException,
    OneInternalException,
    OneNoExistsException,
)
from pelagos.one import OneServer as _OneServer

if TYPE_CHECKING:
    OneServer = _OneServer
else:
    from pelagos.compat.pyone import tester

    OneServer = tester.OneServerTester if tester.is_wanted() else _OneServer

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
