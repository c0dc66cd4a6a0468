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

if TYPE_CHECKING:
    from pelagos.compat.pyone.client import FormerServer as OneServer
else:
    from pelagos.compat.pyone import tester
    from pelagos.compat.pyone.client import FormerServer

    OneServer = tester.OneServerTester if tester.is_wanted() else FormerServer

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
