"""What is known of VMTEMPLATE and VMTEMPLATE_POOL. Written by `pelagos one generate`."""

from __future__ import annotations

from pelagos.one.results.element import Element, Pool
from pelagos.one.results.field import child, child_or_none, children, integer, template, text
from pelagos.one.results.types.shared import Lock, Permissions


class VmTemplate(Element):
    """VMTEMPLATE."""

    ID = integer()
    UID = integer()
    GID = integer()
    UNAME = text()
    GNAME = text()
    NAME = text()
    LOCK = child_or_none(Lock, "LOCK")
    PERMISSIONS = child(Permissions, "PERMISSIONS")
    REGTIME = integer()
    TEMPLATE = template()


class VmTemplatePool(Pool[VmTemplate]):
    """VMTEMPLATE_POOL."""

    _member_ = "VMTEMPLATE"
    VMTEMPLATE = children(VmTemplate, "VMTEMPLATE")
