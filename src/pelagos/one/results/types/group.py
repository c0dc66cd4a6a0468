"""What is known of GROUP and GROUP_POOL. Written by `pelagos one generate`."""

from __future__ import annotations

from pelagos.one.results.element import Element, Pool
from pelagos.one.results.field import (
    child,
    child_or_none,
    children,
    integer,
    real,
    template,
    text,
    text_or_none,
)
from pelagos.one.results.types.shared import DatastoreQuota, Ids, ImageQuota, NetworkQuota, VmQuota


class GroupVlanRulesRule(Element):
    """GROUP/VLAN_RULES/RULE."""

    ID = text()
    SCOPE = text()
    VNTEMPLATE = text()


class GroupVlanRules(Element):
    """GROUP/VLAN_RULES."""

    ID = integer()
    RULE = children(GroupVlanRulesRule, "RULE")


class GroupDefaultGroupQuotasVmQuotaVm(Element):
    """GROUP/DEFAULT_GROUP_QUOTAS/VM_QUOTA/VM."""

    CLUSTER_IDS = text_or_none()
    CPU = real()
    CPU_USED = real()
    MEMORY = integer()
    MEMORY_USED = integer()
    PCI_DEV = text()
    PCI_DEV_USED = text()
    PCI_NIC = text()
    PCI_NIC_USED = text()
    RUNNING_CPU = real()
    RUNNING_CPU_USED = real()
    RUNNING_MEMORY = integer()
    RUNNING_MEMORY_USED = integer()
    RUNNING_PCI_DEV = text()
    RUNNING_PCI_DEV_USED = text()
    RUNNING_PCI_NIC = text()
    RUNNING_PCI_NIC_USED = text()
    RUNNING_VMS = integer()
    RUNNING_VMS_USED = integer()
    SYSTEM_DISK_SIZE = integer()
    SYSTEM_DISK_SIZE_USED = integer()
    VMS = integer()
    VMS_USED = integer()


class GroupDefaultGroupQuotasVmQuota(Element):
    """GROUP/DEFAULT_GROUP_QUOTAS/VM_QUOTA."""

    VM = child_or_none(GroupDefaultGroupQuotasVmQuotaVm, "VM")


class GroupDefaultGroupQuotas(Element):
    """GROUP/DEFAULT_GROUP_QUOTAS."""

    DATASTORE_QUOTA = child_or_none(DatastoreQuota, "DATASTORE_QUOTA")
    NETWORK_QUOTA = child_or_none(NetworkQuota, "NETWORK_QUOTA")
    VM_QUOTA = child_or_none(GroupDefaultGroupQuotasVmQuota, "VM_QUOTA")
    IMAGE_QUOTA = child_or_none(ImageQuota, "IMAGE_QUOTA")


class Group(Element):
    """GROUP."""

    ID = integer()
    NAME = text()
    TEMPLATE = template()
    USERS = child(Ids, "USERS")
    ADMINS = child(Ids, "ADMINS")
    DATASTORE_QUOTA = child_or_none(DatastoreQuota, "DATASTORE_QUOTA")
    NETWORK_QUOTA = child_or_none(NetworkQuota, "NETWORK_QUOTA")
    VM_QUOTA = child_or_none(VmQuota, "VM_QUOTA")
    IMAGE_QUOTA = child_or_none(ImageQuota, "IMAGE_QUOTA")
    VLAN_RULES = child_or_none(GroupVlanRules, "VLAN_RULES")
    DEFAULT_GROUP_QUOTAS = child_or_none(GroupDefaultGroupQuotas, "DEFAULT_GROUP_QUOTAS")


class GroupPoolQuotas(Element):
    """GROUP_POOL/QUOTAS."""

    ID = integer()
    DATASTORE_QUOTA = child_or_none(DatastoreQuota, "DATASTORE_QUOTA")
    NETWORK_QUOTA = child_or_none(NetworkQuota, "NETWORK_QUOTA")
    VM_QUOTA = child_or_none(VmQuota, "VM_QUOTA")
    IMAGE_QUOTA = child_or_none(ImageQuota, "IMAGE_QUOTA")


class GroupPoolVlanRulesRule(Element):
    """GROUP_POOL/VLAN_RULES/RULE."""

    ID = text()
    SCOPE = text()
    VNTEMPLATE = text()


class GroupPoolVlanRules(Element):
    """GROUP_POOL/VLAN_RULES."""

    ID = integer()
    RULE = children(GroupPoolVlanRulesRule, "RULE")


class GroupPoolDefaultGroupQuotasVmQuotaVm(Element):
    """GROUP_POOL/DEFAULT_GROUP_QUOTAS/VM_QUOTA/VM."""

    CPU = text()
    CPU_USED = text()
    MEMORY = text()
    MEMORY_USED = text()
    PCI_DEV = text()
    PCI_DEV_USED = text()
    PCI_NIC = text()
    PCI_NIC_USED = text()
    RUNNING_CPU = text()
    RUNNING_CPU_USED = text()
    RUNNING_MEMORY = text()
    RUNNING_MEMORY_USED = text()
    RUNNING_PCI_DEV = text()
    RUNNING_PCI_DEV_USED = text()
    RUNNING_PCI_NIC = text()
    RUNNING_PCI_NIC_USED = text()
    RUNNING_VMS = text()
    RUNNING_VMS_USED = text()
    SYSTEM_DISK_SIZE = text()
    SYSTEM_DISK_SIZE_USED = text()
    VMS = text()
    VMS_USED = text()


class GroupPoolDefaultGroupQuotasVmQuota(Element):
    """GROUP_POOL/DEFAULT_GROUP_QUOTAS/VM_QUOTA."""

    VM = child_or_none(GroupPoolDefaultGroupQuotasVmQuotaVm, "VM")


class GroupPoolDefaultGroupQuotas(Element):
    """GROUP_POOL/DEFAULT_GROUP_QUOTAS."""

    DATASTORE_QUOTA = child_or_none(DatastoreQuota, "DATASTORE_QUOTA")
    NETWORK_QUOTA = child_or_none(NetworkQuota, "NETWORK_QUOTA")
    VM_QUOTA = child_or_none(GroupPoolDefaultGroupQuotasVmQuota, "VM_QUOTA")
    IMAGE_QUOTA = child_or_none(ImageQuota, "IMAGE_QUOTA")


class GroupPool(Pool[Group]):
    """GROUP_POOL."""

    _member_ = "GROUP"
    GROUP = children(Group, "GROUP")
    QUOTAS = children(GroupPoolQuotas, "QUOTAS")
    VLAN_RULES = children(GroupPoolVlanRules, "VLAN_RULES")
    DEFAULT_GROUP_QUOTAS = child(GroupPoolDefaultGroupQuotas, "DEFAULT_GROUP_QUOTAS")
