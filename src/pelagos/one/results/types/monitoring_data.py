"""What is known of MONITORING_DATA. Written by `pelagos one generate`."""

from __future__ import annotations

from pelagos.one.results.element import Element
from pelagos.one.results.field import (
    child_or_none,
    children,
    decimal_or_none,
    integer,
    integer_or_none,
)


class MonitoringDataMonitoringDiskSize(Element):
    """MONITORING_DATA/MONITORING/DISK_SIZE."""

    ID = integer()
    SIZE = integer()


class MonitoringDataMonitoringCapacity(Element):
    """MONITORING_DATA/MONITORING/CAPACITY."""

    FREE_CPU = decimal_or_none()
    FREE_MEMORY = decimal_or_none()
    USED_CPU = decimal_or_none()
    USED_MEMORY = decimal_or_none()


class MonitoringDataMonitoringSystem(Element):
    """MONITORING_DATA/MONITORING/SYSTEM."""

    NETRX = decimal_or_none()
    NETTX = decimal_or_none()


class MonitoringDataMonitoringNumaNodeHugepage(Element):
    """MONITORING_DATA/MONITORING/NUMA_NODE/HUGEPAGE."""

    FREE = integer_or_none()
    SIZE = integer_or_none()
    USED = integer_or_none()


class MonitoringDataMonitoringNumaNodeMemory(Element):
    """MONITORING_DATA/MONITORING/NUMA_NODE/MEMORY."""

    FREE = integer_or_none()
    USED = integer_or_none()


class MonitoringDataMonitoringNumaNode(Element):
    """MONITORING_DATA/MONITORING/NUMA_NODE."""

    NODE_ID = integer_or_none()
    HUGEPAGE = children(MonitoringDataMonitoringNumaNodeHugepage, "HUGEPAGE")
    MEMORY = child_or_none(MonitoringDataMonitoringNumaNodeMemory, "MEMORY")


class MonitoringDataMonitoring(Element):
    """MONITORING_DATA/MONITORING."""

    CPU = decimal_or_none()
    DISKRDBYTES = integer_or_none()
    DISKRDIOPS = integer_or_none()
    DISKWRBYTES = integer_or_none()
    DISKWRIOPS = integer_or_none()
    DISK_SIZE = children(MonitoringDataMonitoringDiskSize, "DISK_SIZE")
    ID = integer_or_none()
    MEMORY = integer_or_none()
    NETRX = integer_or_none()
    NETTX = integer_or_none()
    TIMESTAMP = integer_or_none()
    CAPACITY = child_or_none(MonitoringDataMonitoringCapacity, "CAPACITY")
    SYSTEM = child_or_none(MonitoringDataMonitoringSystem, "SYSTEM")
    NUMA_NODE = children(MonitoringDataMonitoringNumaNode, "NUMA_NODE")


class MonitoringData(Element):
    """MONITORING_DATA."""

    MONITORING = children(MonitoringDataMonitoring, "MONITORING")
