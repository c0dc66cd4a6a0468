"""What is known of MARKETPLACEAPP and MARKETPLACEAPP_POOL. Written by `pelagos one generate`."""

from __future__ import annotations

from pelagos.one.results.element import Element, Pool
from pelagos.one.results.field import child, child_or_none, children, integer, template, text
from pelagos.one.results.types.shared import Lock, Permissions


class MarketplaceApp(Element):
    """MARKETPLACEAPP."""

    ID = integer()
    UID = integer()
    GID = integer()
    UNAME = text()
    GNAME = text()
    LOCK = child_or_none(Lock, "LOCK")
    REGTIME = integer()
    NAME = text()
    ZONE_ID = text()
    ORIGIN_ID = text()
    SOURCE = text()
    MD5 = text()
    SIZE = integer()
    DESCRIPTION = text()
    VERSION = text()
    FORMAT = text()
    APPTEMPLATE64 = text()
    MARKETPLACE_ID = integer()
    MARKETPLACE = text()
    STATE = integer()
    TYPE = integer()
    PERMISSIONS = child(Permissions, "PERMISSIONS")
    TEMPLATE = template()


class MarketplaceAppPool(Pool[MarketplaceApp]):
    """MARKETPLACEAPP_POOL."""

    _member_ = "MARKETPLACEAPP"
    MARKETPLACEAPP = children(MarketplaceApp, "MARKETPLACEAPP")
