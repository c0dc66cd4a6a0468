"""What is known of VDC and VDC_POOL. Written by `pelagos one generate`."""

from __future__ import annotations

from pelagos.one.results.element import Element, Pool
from pelagos.one.results.field import child, children, integer, template, text
from pelagos.one.results.types.shared import Ids


class VdcClustersCluster(Element):
    """VDC/CLUSTERS/CLUSTER."""

    ZONE_ID = integer()
    CLUSTER_ID = integer()


class VdcClusters(Element):
    """VDC/CLUSTERS."""

    CLUSTER = children(VdcClustersCluster, "CLUSTER")


class VdcHostsHost(Element):
    """VDC/HOSTS/HOST."""

    ZONE_ID = integer()
    HOST_ID = integer()


class VdcHosts(Element):
    """VDC/HOSTS."""

    HOST = children(VdcHostsHost, "HOST")


class VdcDatastoresDatastore(Element):
    """VDC/DATASTORES/DATASTORE."""

    ZONE_ID = integer()
    DATASTORE_ID = integer()


class VdcDatastores(Element):
    """VDC/DATASTORES."""

    DATASTORE = children(VdcDatastoresDatastore, "DATASTORE")


class VdcVnetsVNet(Element):
    """VDC/VNETS/VNET."""

    ZONE_ID = integer()
    VNET_ID = integer()


class VdcVnets(Element):
    """VDC/VNETS."""

    VNET = children(VdcVnetsVNet, "VNET")


class Vdc(Element):
    """VDC."""

    ID = integer()
    NAME = text()
    GROUPS = child(Ids, "GROUPS")
    CLUSTERS = child(VdcClusters, "CLUSTERS")
    HOSTS = child(VdcHosts, "HOSTS")
    DATASTORES = child(VdcDatastores, "DATASTORES")
    VNETS = child(VdcVnets, "VNETS")
    TEMPLATE = template()


class VdcPool(Pool[Vdc]):
    """VDC_POOL."""

    _member_ = "VDC"
    VDC = children(Vdc, "VDC")
