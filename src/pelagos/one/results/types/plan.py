"""What is known of PLAN. Written by `pelagos one generate`."""

from __future__ import annotations

from pelagos.one.results.element import Element
from pelagos.one.results.field import children, integer, integer_or_none, text


class PlanActionNic(Element):
    """PLAN/ACTION/NIC."""

    NIC_ID = integer()
    NETWORK_ID = integer()


class PlanAction(Element):
    """PLAN/ACTION."""

    VM_ID = integer()
    OPERATION = text()
    HOST_ID = integer_or_none()
    DS_ID = integer_or_none()
    NIC = children(PlanActionNic, "NIC")


class Plan(Element):
    """PLAN."""

    ID = integer()
    ACTION = children(PlanAction, "ACTION")
