"""What is known of SHOWBACK_RECORDS. Written by `pelagos one generate`."""

from __future__ import annotations

from pelagos.one.results.element import Element
from pelagos.one.results.field import children, integer, real, real_or_none, text


class ShowbackRecordsShowback(Element):
    """SHOWBACK_RECORDS/SHOWBACK."""

    VMID = integer()
    VMNAME = text()
    UID = integer()
    GID = integer()
    UNAME = text()
    GNAME = text()
    YEAR = integer()
    MONTH = integer()
    CPU_COST = real()
    MEMORY_COST = real()
    DISK_COST = real()
    TOTAL_COST = real()
    HOURS = real()
    RHOURS = real_or_none()


class ShowbackRecords(Element):
    """SHOWBACK_RECORDS."""

    SHOWBACK = children(ShowbackRecordsShowback, "SHOWBACK")
