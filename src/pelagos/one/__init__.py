"""OpenNebula: every call, typed results, pools of any size.

>>> from pelagos.one import OneServer
>>> one = OneServer("http://localhost:2633/RPC2", session="oneadmin:secret")
>>> one
OneServer('http://localhost:2633/RPC2', user='oneadmin')

Admission rule: what speaks with OpenNebula's XML-RPC interface or reads its answers.
"""

from pelagos.one.errors import (
    OneActionException,
    OneApiException,
    OneAuthenticationException,
    OneAuthorizationException,
    OneException,
    OneHelperException,
    OneInternalException,
    OneNoExistsException,
)
from pelagos.one.server import OneServer

__all__ = [
    "OneActionException",
    "OneApiException",
    "OneAuthenticationException",
    "OneAuthorizationException",
    "OneException",
    "OneHelperException",
    "OneInternalException",
    "OneNoExistsException",
    "OneServer",
]
