"""Clients of clouds: what all of them have."""

from __future__ import annotations

from urllib.parse import quote, unquote

from pelagos.clients.base import SilentEvent, Waiter, wait
from pelagos.clients.errors import ClientError
from pelagos.clients.errors import Untrusted as KamakiSSLError
from pelagos.compat.kamaki.former import Client
from pelagos.compat.kamaki.managers import TIMEOUT, Logged, RequestManager, ResponseManager
from pelagos.compat.kamaki.transports import DEBUGV, log, recvlog, sendlog

__all__ = [
    "DEBUGV",
    "TIMEOUT",
    "Client",
    "ClientError",
    "KamakiSSLError",
    "Logged",
    "RequestManager",
    "ResponseManager",
    "SilentEvent",
    "Waiter",
    "log",
    "quote",
    "recvlog",
    "sendlog",
    "unquote",
    "wait",
]
