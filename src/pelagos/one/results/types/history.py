"""What is known of HISTORY. Written by `pelagos one generate`."""

from __future__ import annotations

from pelagos.one.results.element import Element
from pelagos.one.results.field import child, integer, text
from pelagos.one.results.types.vm import Vm


class History(Element):
    """HISTORY."""

    OID = integer()
    SEQ = integer()
    HOSTNAME = text()
    HID = integer()
    CID = integer()
    STIME = integer()
    ETIME = integer()
    VM_MAD = text()
    TM_MAD = text()
    DS_ID = integer()
    PLAN_ID = integer()
    ACTION_ID = integer()
    PSTIME = integer()
    PETIME = integer()
    RSTIME = integer()
    RETIME = integer()
    ESTIME = integer()
    EETIME = integer()
    ACTION = integer()
    UID = integer()
    GID = integer()
    REQUEST_ID = text()
    VM = child(Vm, "VM")
