"""What is known of VNET and VNET_POOL. Written by `pelagos one generate`."""

from __future__ import annotations

from pelagos.one.results.element import Element, Pool
from pelagos.one.results.field import (
    child,
    child_or_none,
    children,
    integer,
    integer_or_none,
    template,
    text,
    text_or_none,
)
from pelagos.one.results.types.shared import Ids, Lock, Permissions


class VNetArPoolArLeasesLease(Element):
    """VNET/AR_POOL/AR/LEASES/LEASE."""

    IP = text_or_none()
    IP6 = text_or_none()
    IP6_GLOBAL = text_or_none()
    IP6_LINK = text_or_none()
    IP6_ULA = text_or_none()
    MAC = text_or_none()
    VM = integer_or_none()
    VNET = integer_or_none()
    VROUTER = integer_or_none()


class VNetArPoolArLeases(Element):
    """VNET/AR_POOL/AR/LEASES."""

    LEASE = children(VNetArPoolArLeasesLease, "LEASE")


class VNetArPoolAr(Element):
    """VNET/AR_POOL/AR."""

    AR_ID = text()
    CVLANS = text_or_none()
    GLOBAL_PREFIX = text_or_none()
    IP = text_or_none()
    MAC = text()
    NEXT_INDEX = integer()
    PARENT_NETWORK_AR_ID = text_or_none()
    SHARED = text_or_none()
    SIZE = integer()
    TYPE = text()
    VLAN_ID = text_or_none()
    ULA_PREFIX = text_or_none()
    VN_MAD = text_or_none()
    MAC_END = text_or_none()
    IP_END = text_or_none()
    IP6_ULA = text_or_none()
    IP6_ULA_END = text_or_none()
    IP6_GLOBAL = text_or_none()
    IP6_GLOBAL_END = text_or_none()
    IP6 = text_or_none()
    IP6_END = text_or_none()
    PORT_START = text_or_none()
    PORT_SIZE = text_or_none()
    USED_LEASES = text_or_none()
    LEASES = child_or_none(VNetArPoolArLeases, "LEASES")
    ALLOCATED = text_or_none()


class VNetArPool(Element):
    """VNET/AR_POOL."""

    AR = children(VNetArPoolAr, "AR")


class VNet(Element):
    """VNET."""

    ID = integer()
    UID = integer()
    GID = integer()
    UNAME = text()
    GNAME = text()
    NAME = text()
    LOCK = child_or_none(Lock, "LOCK")
    PERMISSIONS = child(Permissions, "PERMISSIONS")
    CLUSTERS = child(Ids, "CLUSTERS")
    BRIDGE = text()
    BRIDGE_TYPE = text_or_none()
    STATE = integer()
    PREV_STATE = integer()
    PARENT_NETWORK_ID = text()
    TEMPLATE_ID = text()
    VN_MAD = text()
    PHYDEV = text()
    VLAN_ID = text_or_none()
    OUTER_VLAN_ID = text_or_none()
    VLAN_ID_AUTOMATIC = text()
    OUTER_VLAN_ID_AUTOMATIC = text()
    USED_LEASES = integer()
    VROUTERS = child(Ids, "VROUTERS")
    UPDATED_VMS = child(Ids, "UPDATED_VMS")
    OUTDATED_VMS = child(Ids, "OUTDATED_VMS")
    UPDATING_VMS = child(Ids, "UPDATING_VMS")
    ERROR_VMS = child(Ids, "ERROR_VMS")
    TEMPLATE = template()
    AR_POOL = child(VNetArPool, "AR_POOL")


class VNetPool(Pool[VNet]):
    """VNET_POOL."""

    _member_ = "VNET"
    VNET = children(VNet, "VNET")
