"""pyone's modules under its names: `pyone.OneServer`, `pyone.util`, `pyone.acl` and the others.

    from pelagos.compat import pyone

or, for a program that is not to be changed at all, before it imports anything:

    from pelagos.compat import pyone
    pyone.install()

What differs on purpose is listed in docs/how-to/from-pyone.md.
"""

from __future__ import annotations

from enum import IntEnum

from pelagos.compat.aliases import alias
from pelagos.compat.pyone import acl, bindings, helpers, server, tester, util
from pelagos.compat.pyone.server import OneServer
from pelagos.one import (
    OneActionException,
    OneApiException,
    OneAuthenticationException,
    OneAuthorizationException,
    OneException,
    OneHelperException,
    OneInternalException,
    OneNoExistsException,
)
from pelagos.one.constants import (
    DATASTORE_STATES,
    DATASTORE_TYPES,
    DISK_TYPES,
    HISTORY_ACTION,
    HOST_STATES,
    HOST_STATUS,
    IMAGE_STATES,
    IMAGE_TYPES,
    LCM_STATE,
    MARKETPLACEAPP_STATES,
    MARKETPLACEAPP_TYPES,
    VM_STATE,
)

__all__ = [
    "DATASTORE_STATES",
    "DATASTORE_TYPES",
    "DISK_TYPES",
    "HISTORY_ACTION",
    "HOST_STATES",
    "HOST_STATUS",
    "IMAGE_STATES",
    "IMAGE_TYPES",
    "LCM_STATE",
    "MARKETPLACEAPP_STATES",
    "MARKETPLACEAPP_TYPES",
    "PAGINATED_POOLS",
    "REMOVE_VNET_ATTRS",
    "VM_STATE",
    "OneActionException",
    "OneApiException",
    "OneAuthenticationException",
    "OneAuthorizationException",
    "OneException",
    "OneHelperException",
    "OneInternalException",
    "OneNoExistsException",
    "OneServer",
    "acl",
    "bindings",
    "helpers",
    "install",
    "server",
    "tester",
    "util",
]

#: The lists that are given in pages, by name only: the numbers mean nothing.
PAGINATED_POOLS = IntEnum(
    "PAGINATED_POOLS",
    "VM_POOL IMAGE_POOL TEMPLATE_POOL VN_POOL DOCUMENT_POOL SECGROUP_POOL",
    start=0,
)
#: What is taken out of the NICs of a machine to make a template of it, by name only.
REMOVE_VNET_ATTRS = IntEnum(
    "REMOVE_VNET_ATTRS",
    "AR_ID BRIDGE CLUSTER_ID IP MAC TARGET NIC_ID NETWORK_ID VN_MAD SECURITY_GROUPS VLAN_ID",
    start=0,
)


def install() -> None:
    """Let `import pyone` in this process mean this package; again is harmless.

    Raises:
        PelagosError: another `pyone` has been imported already.
    """
    alias("pyone", __name__)
