"""What is known of VROUTER and VROUTER_POOL. Written by `pelagos one generate`."""

from __future__ import annotations

from pelagos.one.results.element import Element, Pool
from pelagos.one.results.field import child, child_or_none, children, integer, template, text
from pelagos.one.results.types.shared import Ids, Lock, Permissions


class VRouter(Element):
    """VROUTER."""

    ID = integer()
    UID = integer()
    GID = integer()
    UNAME = text()
    GNAME = text()
    NAME = text()
    PERMISSIONS = child(Permissions, "PERMISSIONS")
    LOCK = child_or_none(Lock, "LOCK")
    VMS = child(Ids, "VMS")
    TEMPLATE = template()


class VRouterPool(Pool[VRouter]):
    """VROUTER_POOL."""

    _member_ = "VROUTER"
    VROUTER = children(VRouter, "VROUTER")
