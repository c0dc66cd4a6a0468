"""What the environment says about the bus, under the names that the ancestor's releases used.

    PELAGOS_BUS              the URL of the bus; the next three do not count then
    POSTAGE_USER             or POSTAGE_RMQ_USER, default guest
    POSTAGE_PASSWORD         or POSTAGE_RMQ_PASSWORD, default guest
    POSTAGE_VHOST            default /
    POSTAGE_DEBUG_MODE       the word true: what is sent and received is written to stderr

Each is read when it is asked for, not when a module is imported.
"""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Mapping
from typing import Any, Final, Required, TypedDict
from urllib.parse import quote

from pelagos.messaging.errors import BusUrlError
from pelagos.messaging.transports import connect
from pelagos.messaging.transports.address import vhost_path, with_vhost
from pelagos.messaging.transports.base import Transport

#: The setting for the URL of the default bus.
BUS_VARIABLE: Final = "PELAGOS_BUS"

#: What is written in debug mode goes here.
traffic = logging.getLogger("pelagos.messaging.traffic")


class Hup(TypedDict, total=False):
    """Host, user and password; a port if it is not the usual one."""

    host: Required[str]
    user: str
    password: str
    port: int


def _first(*names: str, default: str) -> str:
    return next((os.environ[name] for name in names if os.environ.get(name)), default)


def hup() -> Hup:
    """The broker on this computer, with the user and password of the environment."""
    return {
        "host": "localhost",
        "user": _first("POSTAGE_USER", "POSTAGE_RMQ_USER", default="guest"),
        "password": _first("POSTAGE_PASSWORD", "POSTAGE_RMQ_PASSWORD", default="guest"),
    }


def vhost() -> str:
    """The virtual host of the environment."""
    return _first("POSTAGE_VHOST", default="/")


def debug_mode() -> bool:
    """Whether the environment asks to see what is sent and received."""
    return os.environ.get("POSTAGE_DEBUG_MODE", "").lower() == "true"


def traffic_log() -> logging.Logger | None:
    """Where to write each declaration, binding, message sent and received; None: nowhere.

    It writes to stderr unless the program configured the logger itself. The bodies may hold
    secrets: that is for whoever switches the debug mode on.
    """
    if not debug_mode():
        return None
    if not traffic.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(message)s"))
        traffic.addHandler(handler)
        traffic.setLevel(logging.DEBUG)
    return traffic


def bus_url(given: Mapping[str, Any] | None = None, virtual_host: str | None = None) -> str:
    """The URL of the bus that these name; what they leave out comes from the environment.

    >>> bus_url({"host": "sea", "user": "ann", "password": "a/b"}, "/x")
    'amqp://ann:a%2Fb@sea/%2Fx'

    Raises:
        BusUrlError: `given` has a key that means nothing.
    """
    unknown = [key for key in given or () if key not in Hup.__annotations__]
    if unknown:
        raise BusUrlError(
            f"HUP has no key {unknown[0]!r}", hint="it has host, user, password and port"
        )
    if not isinstance(virtual_host, str | None):
        raise TypeError(f"vhost is the name of a virtual host, not {virtual_host!r}")
    own = os.environ.get(BUS_VARIABLE)
    if own and not given:
        return with_vhost(own, virtual_host) if virtual_host else own
    facts = {**hup(), **{key: value for key, value in (given or {}).items() if value}}
    host = str(facts["host"])
    port = f":{facts['port']}" if facts.get("port") else ""
    user, password = (quote(str(facts[key]), safe="") for key in ("user", "password"))
    place = f"{user}:{password}@{f'[{host}]' if ':' in host else host}{port}"
    return f"amqp://{place}/{vhost_path(virtual_host or vhost())}"


@functools.lru_cache(maxsize=64)
def _shared(url: str) -> Transport:
    return connect(url)


def open_bus(
    bus: Transport | str | None,
    given: Mapping[str, Any] | None = None,
    virtual_host: str | None = None,
) -> Transport:
    """The bus that was given, as it is or by its URL, or else the one that `bus_url` names.

    Everybody in a process who asks for the same broker gets the same transport, and so shares
    the connection on which calls are made.

    Raises:
        TypeError: it is neither.
        BusUrlError: the URL has a wrong form.
    """
    if bus is not None and not isinstance(bus, str):
        if not callable(getattr(bus, "open", None)):
            raise TypeError(f"bus is what connect() gives, or its URL, not {bus!r}")
        return bus
    url = bus_url(given, virtual_host) if bus is None else bus
    return connect(url) if url.startswith("memory:") else _shared(url)


def located(facts: Mapping[str, Any], bus: Transport, virtual_host: str | None) -> dict[str, Any]:
    """The facts of a fingerprint with the virtual host of the bus, unless they name one."""
    where = getattr(getattr(bus, "address", None), "vhost", None) or virtual_host
    return {**({"vhost": where} if where else {}), **facts}


def default_bus(given: Mapping[str, Any] | None = None, vhost: str | None = None) -> Transport:
    """The bus that HUP, virtual host and environment name."""
    return open_bus(None, given, vhost)
