"""What is known of REQUIREMENTS. Written by `pelagos one generate`."""

from __future__ import annotations

from pelagos.one.results.element import Element
from pelagos.one.results.field import child, children, integer
from pelagos.one.results.types.shared import Ids


class RequirementsVmNic(Element):
    """REQUIREMENTS/VM/NIC."""

    ID = integer()
    VNETS = child(Ids, "VNETS")


class RequirementsVm(Element):
    """REQUIREMENTS/VM."""

    ID = integer()
    HOSTS = child(Ids, "HOSTS")
    NIC = children(RequirementsVmNic, "NIC")
    DATASTORES = child(Ids, "DATASTORES")


class Requirements(Element):
    """REQUIREMENTS."""

    VM = children(RequirementsVm, "VM")
