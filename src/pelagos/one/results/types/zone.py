"""What is known of ZONE and ZONE_POOL. Written by `pelagos one generate`."""

from __future__ import annotations

from pelagos.one.results.element import Element, Pool
from pelagos.one.results.field import child, children, integer, integer_or_none, template, text


class ZoneServerPoolServer(Element):
    """ZONE/SERVER_POOL/SERVER."""

    ENDPOINT = text()
    ID = integer()
    NAME = text()
    STATE = integer_or_none()
    TERM = integer_or_none()
    VOTEDFOR = integer_or_none()
    COMMIT = integer_or_none()
    LOG_INDEX = integer_or_none()
    FEDLOG_INDEX = integer_or_none()


class ZoneServerPool(Element):
    """ZONE/SERVER_POOL."""

    SERVER = children(ZoneServerPoolServer, "SERVER")


class Zone(Element):
    """ZONE."""

    ID = integer()
    NAME = text()
    STATE = integer()
    TEMPLATE = template()
    SERVER_POOL = child(ZoneServerPool, "SERVER_POOL")


class ZonePool(Pool[Zone]):
    """ZONE_POOL."""

    _member_ = "ZONE"
    ZONE = children(Zone, "ZONE")
