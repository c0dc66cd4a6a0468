"""What is known of HOST and HOST_POOL. Written by `pelagos one generate`."""

from __future__ import annotations

from pelagos.one.results.element import Element, Pool
from pelagos.one.results.field import (
    child,
    child_or_none,
    children,
    decimal_or_none,
    integer,
    integer_or_none,
    template,
    text,
    text_or_none,
)
from pelagos.one.results.types.shared import Ids


class HostHostShareDatastoresDs(Element):
    """HOST/HOST_SHARE/DATASTORES/DS."""

    FREE_MB = integer()
    ID = integer()
    TOTAL_MB = integer()
    USED_MB = integer()
    REPLICA_CACHE = text_or_none()
    REPLICA_CACHE_SIZE = text_or_none()
    REPLICA_IMAGES = integer_or_none()


class HostHostShareDatastores(Element):
    """HOST/HOST_SHARE/DATASTORES."""

    DISK_USAGE = integer()
    DS = children(HostHostShareDatastoresDs, "DS")
    FREE_DISK = integer()
    MAX_DISK = integer()
    USED_DISK = integer()


class HostHostSharePciDevicesPci(Element):
    """HOST/HOST_SHARE/PCI_DEVICES/PCI."""

    ADDRESS = text()
    BUS = text()
    CLASS = text()
    CLASS_NAME = text()
    DEVICE = text()
    DEVICE_NAME = text()
    DOMAIN = text()
    FUNCTION = text()
    IFNAME = text()
    NUMA_NODE = text()
    PROFILES = text_or_none()
    SHORT_ADDRESS = text()
    SLOT = text()
    SRIOV = text()
    SRIOV_NUM = text_or_none()
    TYPE = text()
    UUID = text_or_none()
    VENDOR = text()
    VENDOR_NAME = text()
    VMID = integer()


class HostHostSharePciDevices(Element):
    """HOST/HOST_SHARE/PCI_DEVICES."""

    PCI = children(HostHostSharePciDevicesPci, "PCI")


class HostHostShareNumaNodesNodeCore(Element):
    """HOST/HOST_SHARE/NUMA_NODES/NODE/CORE."""

    CPUS = text()
    DEDICATED = text()
    FREE = integer()
    ID = integer()


class HostHostShareNumaNodesNodeHugepage(Element):
    """HOST/HOST_SHARE/NUMA_NODES/NODE/HUGEPAGE."""

    PAGES = integer()
    SIZE = integer()
    USAGE = integer()


class HostHostShareNumaNodesNodeMemory(Element):
    """HOST/HOST_SHARE/NUMA_NODES/NODE/MEMORY."""

    DISTANCE = text()
    TOTAL = integer()
    USAGE = integer()


class HostHostShareNumaNodesNode(Element):
    """HOST/HOST_SHARE/NUMA_NODES/NODE."""

    CORE = children(HostHostShareNumaNodesNodeCore, "CORE")
    HUGEPAGE = children(HostHostShareNumaNodesNodeHugepage, "HUGEPAGE")
    MEMORY = child(HostHostShareNumaNodesNodeMemory, "MEMORY")
    NODE_ID = integer()


class HostHostShareNumaNodes(Element):
    """HOST/HOST_SHARE/NUMA_NODES."""

    NODE = children(HostHostShareNumaNodesNode, "NODE")


class HostHostShare(Element):
    """HOST/HOST_SHARE."""

    MEM_USAGE = integer()
    CPU_USAGE = integer()
    TOTAL_MEM = integer()
    TOTAL_CPU = integer()
    MAX_MEM = integer()
    MAX_CPU = integer()
    RUNNING_VMS = integer()
    VMS_THREAD = integer()
    DATASTORES = child(HostHostShareDatastores, "DATASTORES")
    PCI_DEVICES = child(HostHostSharePciDevices, "PCI_DEVICES")
    NUMA_NODES = child(HostHostShareNumaNodes, "NUMA_NODES")


class HostMonitoringCapacity(Element):
    """HOST/MONITORING/CAPACITY."""

    FREE_CPU = integer_or_none()
    FREE_CPU_FORECAST = decimal_or_none()
    FREE_CPU_FORECAST_FAR = decimal_or_none()
    FREE_MEMORY = integer_or_none()
    FREE_MEMORY_FORECAST = decimal_or_none()
    FREE_MEMORY_FORECAST_FAR = decimal_or_none()
    USED_CPU = integer_or_none()
    USED_CPU_FORECAST = decimal_or_none()
    USED_CPU_FORECAST_FAR = decimal_or_none()
    USED_MEMORY = integer_or_none()
    USED_MEMORY_FORECAST = decimal_or_none()
    USED_MEMORY_FORECAST_FAR = decimal_or_none()


class HostMonitoringSystem(Element):
    """HOST/MONITORING/SYSTEM."""

    NETRX = integer_or_none()
    NETRX_BW = decimal_or_none()
    NETRX_BW_FORECAST = decimal_or_none()
    NETRX_BW_FORECAST_FAR = decimal_or_none()
    NETTX = integer_or_none()
    NETTX_BW = decimal_or_none()
    NETTX_BW_FORECAST = decimal_or_none()
    NETTX_BW_FORECAST_FAR = decimal_or_none()


class HostMonitoringNumaNodeHugepage(Element):
    """HOST/MONITORING/NUMA_NODE/HUGEPAGE."""

    FREE = integer()
    SIZE = integer()


class HostMonitoringNumaNodeMemory(Element):
    """HOST/MONITORING/NUMA_NODE/MEMORY."""

    FREE = text()
    USED = integer()


class HostMonitoringNumaNode(Element):
    """HOST/MONITORING/NUMA_NODE."""

    HUGEPAGE = children(HostMonitoringNumaNodeHugepage, "HUGEPAGE")
    MEMORY = child(HostMonitoringNumaNodeMemory, "MEMORY")
    NODE_ID = integer()


class HostMonitoring(Element):
    """HOST/MONITORING."""

    TIMESTAMP = integer_or_none()
    ID = integer_or_none()
    CAPACITY = child_or_none(HostMonitoringCapacity, "CAPACITY")
    SYSTEM = child_or_none(HostMonitoringSystem, "SYSTEM")
    NUMA_NODE = children(HostMonitoringNumaNode, "NUMA_NODE")


class Host(Element):
    """HOST."""

    ID = integer()
    NAME = text()
    STATE = integer()
    PREV_STATE = integer()
    IM_MAD = text()
    VM_MAD = text()
    CLUSTER_ID = integer()
    CLUSTER = text()
    HOST_SHARE = child(HostHostShare, "HOST_SHARE")
    VMS = child(Ids, "VMS")
    TEMPLATE = template()
    MONITORING = child(HostMonitoring, "MONITORING")


class HostPool(Pool[Host]):
    """HOST_POOL."""

    _member_ = "HOST"
    HOST = children(Host, "HOST")
