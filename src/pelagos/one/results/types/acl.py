"""What is known of ACL_POOL. Written by `pelagos one generate`."""

from __future__ import annotations

from pelagos.one.results.element import Element, Pool
from pelagos.one.results.field import children, integer, text


class AclPoolAcl(Element):
    """ACL_POOL/ACL."""

    ID = integer()
    USER = text()
    RESOURCE = text()
    RIGHTS = text()
    ZONE = text()
    STRING = text()


class AclPool(Pool[AclPoolAcl]):
    """ACL_POOL."""

    _member_ = "ACL"
    ACL = children(AclPoolAcl, "ACL")
