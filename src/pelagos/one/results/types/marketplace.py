"""What is known of MARKETPLACE and MARKETPLACE_POOL. Written by `pelagos one generate`."""

from __future__ import annotations

from pelagos.one.results.element import Element, Pool
from pelagos.one.results.field import child, children, integer, template, text
from pelagos.one.results.types.shared import Ids, Permissions


class Marketplace(Element):
    """MARKETPLACE."""

    ID = integer()
    UID = integer()
    GID = integer()
    UNAME = text()
    GNAME = text()
    NAME = text()
    STATE = integer()
    MARKET_MAD = text()
    ZONE_ID = text()
    TOTAL_MB = integer()
    FREE_MB = integer()
    USED_MB = integer()
    MARKETPLACEAPPS = child(Ids, "MARKETPLACEAPPS")
    PERMISSIONS = child(Permissions, "PERMISSIONS")
    TEMPLATE = template()


class MarketplacePool(Pool[Marketplace]):
    """MARKETPLACE_POOL."""

    _member_ = "MARKETPLACE"
    MARKETPLACE = children(Marketplace, "MARKETPLACE")
