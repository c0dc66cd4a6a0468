"""What is known of CLUSTER and CLUSTER_POOL. Written by `pelagos one generate`."""

from __future__ import annotations

from pelagos.one.results.element import Element, Pool
from pelagos.one.results.field import child, child_or_none, children, integer, template, text
from pelagos.one.results.types.shared import Ids


class ClusterPlanAction(Element):
    """CLUSTER/PLAN/ACTION."""

    ID = integer()
    VM_ID = integer()
    STATE = integer()
    OPERATION = text()
    HOST_ID = integer()
    DS_ID = integer()
    TIMESTAMP = integer()


class ClusterPlan(Element):
    """CLUSTER/PLAN."""

    ID = integer()
    STATE = integer()
    ACTION = child(ClusterPlanAction, "ACTION")


class Cluster(Element):
    """CLUSTER."""

    ID = integer()
    NAME = text()
    HOSTS = child(Ids, "HOSTS")
    DATASTORES = child(Ids, "DATASTORES")
    VNETS = child(Ids, "VNETS")
    TEMPLATE = template()
    PLAN = child_or_none(ClusterPlan, "PLAN")


class ClusterPool(Pool[Cluster]):
    """CLUSTER_POOL."""

    _member_ = "CLUSTER"
    CLUSTER = children(Cluster, "CLUSTER")
