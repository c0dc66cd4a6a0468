"""What is known of VM_GROUP and VM_GROUP_POOL. Written by `pelagos one generate`."""

from __future__ import annotations

from pelagos.one.results.element import Element, Pool
from pelagos.one.results.field import (
    child,
    child_or_none,
    children,
    integer,
    template,
    text,
    text_or_none,
)
from pelagos.one.results.types.shared import Lock, Permissions


class VmGroupRolesRole(Element):
    """VM_GROUP/ROLES/ROLE."""

    HOST_AFFINED = text_or_none()
    HOST_ANTI_AFFINED = text_or_none()
    ID = integer()
    NAME = text()
    POLICY = text_or_none()
    VMS = text_or_none()


class VmGroupRoles(Element):
    """VM_GROUP/ROLES."""

    ROLE = children(VmGroupRolesRole, "ROLE")


class VmGroup(Element):
    """VM_GROUP."""

    ID = integer()
    UID = integer()
    GID = integer()
    UNAME = text()
    GNAME = text()
    NAME = text()
    PERMISSIONS = child(Permissions, "PERMISSIONS")
    LOCK = child_or_none(Lock, "LOCK")
    ROLES = child(VmGroupRoles, "ROLES")
    TEMPLATE = template()


class VmGroupPool(Pool[VmGroup]):
    """VM_GROUP_POOL."""

    _member_ = "VM_GROUP"
    VM_GROUP = children(VmGroup, "VM_GROUP")
