"""What is known of SCHEDULER_DRIVER_ACTION. Written by `pelagos one generate`."""

from __future__ import annotations

from pelagos.one.results.element import Element
from pelagos.one.results.field import child
from pelagos.one.results.types.cluster import ClusterPool
from pelagos.one.results.types.datastore import DatastorePool
from pelagos.one.results.types.host import HostPool
from pelagos.one.results.types.requirements import Requirements
from pelagos.one.results.types.vm import VmPool
from pelagos.one.results.types.vm_group import VmGroupPool
from pelagos.one.results.types.vnet import VNetPool


class SchedulerDriverAction(Element):
    """SCHEDULER_DRIVER_ACTION."""

    VM_POOL = child(VmPool, "VM_POOL")
    HOST_POOL = child(HostPool, "HOST_POOL")
    DATASTORE_POOL = child(DatastorePool, "DATASTORE_POOL")
    VNET_POOL = child(VNetPool, "VNET_POOL")
    VM_GROUP_POOL = child(VmGroupPool, "VM_GROUP_POOL")
    CLUSTER_POOL = child(ClusterPool, "CLUSTER_POOL")
    REQUIREMENTS = child(Requirements, "REQUIREMENTS")
