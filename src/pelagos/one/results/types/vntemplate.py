"""What is known of VNTEMPLATE and VNTEMPLATE_POOL. Written by `pelagos one generate`."""

from __future__ import annotations

from pelagos.one.results.element import Element, Pool
from pelagos.one.results.field import child, child_or_none, children, integer, template, text
from pelagos.one.results.types.shared import Lock, Permissions


class VNetTemplate(Element):
    """VNTEMPLATE."""

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


class VNetTemplatePool(Pool[VNetTemplate]):
    """VNTEMPLATE_POOL."""

    _member_ = "VNTEMPLATE"
    VNTEMPLATE = children(VNetTemplate, "VNTEMPLATE")
