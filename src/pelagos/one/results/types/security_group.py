"""What is known of SECURITY_GROUP and SECURITY_GROUP_POOL. Written by `pelagos one generate`."""

from __future__ import annotations

from pelagos.one.results.element import Element, Pool
from pelagos.one.results.field import child, children, integer, template, text
from pelagos.one.results.types.shared import Ids, Permissions


class SecurityGroup(Element):
    """SECURITY_GROUP."""

    ID = integer()
    UID = integer()
    GID = integer()
    UNAME = text()
    GNAME = text()
    NAME = text()
    PERMISSIONS = child(Permissions, "PERMISSIONS")
    UPDATED_VMS = child(Ids, "UPDATED_VMS")
    OUTDATED_VMS = child(Ids, "OUTDATED_VMS")
    UPDATING_VMS = child(Ids, "UPDATING_VMS")
    ERROR_VMS = child(Ids, "ERROR_VMS")
    TEMPLATE = template()


class SecurityGroupPool(Pool[SecurityGroup]):
    """SECURITY_GROUP_POOL."""

    _member_ = "SECURITY_GROUP"
    SECURITY_GROUP = children(SecurityGroup, "SECURITY_GROUP")
