"""What is known of USER and USER_POOL. Written by `pelagos one generate`."""

from __future__ import annotations

from pelagos.one.results.element import Element, Pool
from pelagos.one.results.field import (
    child,
    child_or_none,
    children,
    integer,
    integers,
    template,
    text,
)
from pelagos.one.results.types.shared import DatastoreQuota, ImageQuota, NetworkQuota, VmQuota


class UserGroups(Element):
    """USER/GROUPS."""

    ID = integers()


class UserLoginToken(Element):
    """USER/LOGIN_TOKEN."""

    TOKEN = text()
    EXPIRATION_TIME = integer()
    EGID = integer()


class UserDefaultUserQuotasVmQuotaVm(Element):
    """USER/DEFAULT_USER_QUOTAS/VM_QUOTA/VM."""

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


class UserDefaultUserQuotasVmQuota(Element):
    """USER/DEFAULT_USER_QUOTAS/VM_QUOTA."""

    VM = child_or_none(UserDefaultUserQuotasVmQuotaVm, "VM")


class UserDefaultUserQuotas(Element):
    """USER/DEFAULT_USER_QUOTAS."""

    DATASTORE_QUOTA = child_or_none(DatastoreQuota, "DATASTORE_QUOTA")
    NETWORK_QUOTA = child_or_none(NetworkQuota, "NETWORK_QUOTA")
    VM_QUOTA = child_or_none(UserDefaultUserQuotasVmQuota, "VM_QUOTA")
    IMAGE_QUOTA = child_or_none(ImageQuota, "IMAGE_QUOTA")


class User(Element):
    """USER."""

    ID = integer()
    GID = integer()
    GROUPS = child(UserGroups, "GROUPS")
    GNAME = text()
    NAME = text()
    PASSWORD = text()
    AUTH_DRIVER = text()
    ENABLED = integer()
    LOGIN_TOKEN = children(UserLoginToken, "LOGIN_TOKEN")
    TEMPLATE = template()
    DATASTORE_QUOTA = child_or_none(DatastoreQuota, "DATASTORE_QUOTA")
    NETWORK_QUOTA = child_or_none(NetworkQuota, "NETWORK_QUOTA")
    VM_QUOTA = child_or_none(VmQuota, "VM_QUOTA")
    IMAGE_QUOTA = child_or_none(ImageQuota, "IMAGE_QUOTA")
    DEFAULT_USER_QUOTAS = child_or_none(UserDefaultUserQuotas, "DEFAULT_USER_QUOTAS")


class UserPoolQuotas(Element):
    """USER_POOL/QUOTAS."""

    ID = integer()
    DATASTORE_QUOTA = child_or_none(DatastoreQuota, "DATASTORE_QUOTA")
    NETWORK_QUOTA = child_or_none(NetworkQuota, "NETWORK_QUOTA")
    VM_QUOTA = child_or_none(VmQuota, "VM_QUOTA")
    IMAGE_QUOTA = child_or_none(ImageQuota, "IMAGE_QUOTA")


class UserPoolDefaultUserQuotasVmQuotaVm(Element):
    """USER_POOL/DEFAULT_USER_QUOTAS/VM_QUOTA/VM."""

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


class UserPoolDefaultUserQuotasVmQuota(Element):
    """USER_POOL/DEFAULT_USER_QUOTAS/VM_QUOTA."""

    VM = child_or_none(UserPoolDefaultUserQuotasVmQuotaVm, "VM")


class UserPoolDefaultUserQuotas(Element):
    """USER_POOL/DEFAULT_USER_QUOTAS."""

    DATASTORE_QUOTA = child_or_none(DatastoreQuota, "DATASTORE_QUOTA")
    NETWORK_QUOTA = child_or_none(NetworkQuota, "NETWORK_QUOTA")
    VM_QUOTA = child_or_none(UserPoolDefaultUserQuotasVmQuota, "VM_QUOTA")
    IMAGE_QUOTA = child_or_none(ImageQuota, "IMAGE_QUOTA")


class UserPool(Pool[User]):
    """USER_POOL."""

    _member_ = "USER"
    USER = children(User, "USER")
    QUOTAS = children(UserPoolQuotas, "QUOTAS")
    DEFAULT_USER_QUOTAS = child(UserPoolDefaultUserQuotas, "DEFAULT_USER_QUOTAS")
