"""What several kinds of objects have in common. Written by `pelagos one generate`."""

from __future__ import annotations

from pelagos.one.results.element import Element
from pelagos.one.results.field import (
    children,
    integer,
    integer_or_none,
    integers,
    text,
    text_or_none,
)


class Lock(Element):
    """LOCK."""

    LOCKED = integer()
    OWNER = integer_or_none()
    TIME = integer_or_none()
    REQ_ID = integer_or_none()


class Permissions(Element):
    """PERMISSIONS."""

    OWNER_U = integer()
    OWNER_M = integer()
    OWNER_A = integer()
    GROUP_U = integer()
    GROUP_M = integer()
    GROUP_A = integer()
    OTHER_U = integer()
    OTHER_M = integer()
    OTHER_A = integer()


class Ids(Element):
    """IDS."""

    ID = integers()


class SchedAction(Element):
    """SCHED_ACTION."""

    ID = integer()
    PARENT_ID = integer()
    TYPE = text()
    ACTION = text()
    ARGS = text()
    TIME = text()
    REPEAT = integer()
    DAYS = text()
    END_TYPE = integer()
    END_VALUE = integer()
    DONE = integer()
    MESSAGE = text()
    WARNING = integer()


class DatastoreQuotaDatastore(Element):
    """DATASTORE_QUOTA/DATASTORE."""

    ID = text()
    IMAGES = text()
    IMAGES_USED = text()
    SIZE = text()
    SIZE_USED = text()


class DatastoreQuota(Element):
    """DATASTORE_QUOTA."""

    DATASTORE = children(DatastoreQuotaDatastore, "DATASTORE")


class NetworkQuotaNetwork(Element):
    """NETWORK_QUOTA/NETWORK."""

    ID = text()
    LEASES = text()
    LEASES_USED = text()


class NetworkQuota(Element):
    """NETWORK_QUOTA."""

    NETWORK = children(NetworkQuotaNetwork, "NETWORK")


class VmQuotaVm(Element):
    """VM_QUOTA/VM."""

    CLUSTER_IDS = text_or_none()
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


class VmQuota(Element):
    """VM_QUOTA."""

    VM = children(VmQuotaVm, "VM")


class ImageQuotaImage(Element):
    """IMAGE_QUOTA/IMAGE."""

    ID = text()
    RVMS = text()
    RVMS_USED = text()


class ImageQuota(Element):
    """IMAGE_QUOTA."""

    IMAGE = children(ImageQuotaImage, "IMAGE")
