"""A machine as XML: whole, as the extended list has it, and shortened as the plain list has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pelagos.box.opennebula.grammar import written
from pelagos.box.opennebula.markup import cdata, element, ids, lock
from pelagos.box.opennebula.shapes import Shapes, snapshots
from pelagos.box.opennebula.states import State
from pelagos.box.opennebula.world import Thing

_DISK = (
    "DISK_ID", "DATASTORE", "DATASTORE_ID", "IMAGE", "IMAGE_ID", "SIZE", "TYPE", "CLONE",
    "CLONE_TARGET", "LN_TARGET", "DISK_SNAPSHOT_TOTAL_SIZE",
)  # fmt: skip
_NIC = ("IP", "MAC", "NETWORK", "NETWORK_ID", "NIC_ID", "SECURITY_GROUPS")
_USER = ("LABELS", "SCHED_MESSAGE", "SCHED_REQUIREMENTS", "SCHED_RANK", "LOGO", "HYPERVISOR")
_SHORT = ("HOSTNAME", "HID", "CID")
_RECORD = (
    "PSTIME", "PETIME", "RSTIME", "RETIME", "ESTIME", "EETIME", "ACTION", "UID", "GID",
)  # fmt: skip
_BACKUPS, _COMMAND = "BACKUP_CONFIG", "QEMU_GA_EXEC"
_SPREAD = 97  # samples of neighbours differ


def whole(shapes: Shapes, vm: Thing, now: float) -> str:
    """What `one.vm.info` answers."""
    return element("VM", _head(shapes, vm, sample(vm, now)) + _body(shapes, vm))


def extended(shapes: Shapes, vm: Thing) -> str:
    """As in `one.vmpool.infoextended`: without samples."""
    return element("VM", _head(shapes, vm, "") + _body(shapes, vm))


def short(shapes: Shapes, vm: Thing) -> str:
    """As in `one.vmpool.info`."""
    head = shapes.head(vm)
    template = vm.template
    inside = (
        "".join(element(name, template.get(name)) for name in ("CPU", "MEMORY", "VCPU"))
        + "".join(_part("DISK", one, _DISK) for one in template.vectors("DISK"))
        + "".join(_part("NIC", one, _NIC) for one in template.vectors("NIC"))
        + "".join(written("GRAPHICS", one) for one in template.vectors("GRAPHICS"))
    )
    user = "".join(
        written(name, value) for name, value in vm.more["user"].sorted() if name in _USER
    )
    return element(
        "VM",
        head[: head.index("<PERMISSIONS>")]
        + _states(vm, is_short=True)
        + lock(vm)
        + element("TEMPLATE", inside)
        + "<MONITORING/>"
        + element("USER_TEMPLATE", user)
        + _records(vm, is_short=True),
    )


def sample(vm: Thing, now: float) -> str:
    """What monitoring says of it; empty when it does not run."""
    if vm.more["state"] != State.ACTIVE:
        return ""
    values = {
        "CPU": vm.id * _SPREAD % 100,
        "DISKRDBYTES": 4096,
        "DISKRDIOPS": 12,
        "DISKWRBYTES": 8192,
        "DISKWRIOPS": 24,
        "ID": vm.id,
        "MEMORY": int(vm.template.get("MEMORY", "0")) * 512,
        "NETRX": 2048,
        "NETTX": 1024,
        "TIMESTAMP": int(now),
    }
    return "".join(cdata(name, value) for name, value in values.items())


def _head(shapes: Shapes, vm: Thing, monitoring: str) -> str:
    return (
        shapes.head(vm)
        + _states(vm, is_short=False)
        + lock(vm)
        + element("MONITORING", monitoring)
        + ids("SCHED_ACTIONS", [one["ID"] for one in vm.more["scheduled"]])
    )


def _body(shapes: Shapes, vm: Thing) -> str:
    is_executing = vm.more.get("exec_ends", 0) > shapes.now
    pairs = []
    for name, value in vm.template.pairs:
        if name == _COMMAND and is_executing and isinstance(value, dict):
            told = {**value, "STATUS": "EXEC", "RETURN_CODE": ""}
            pairs.append((name, written(name, told)))
        elif name != _BACKUPS:
            pairs.append((name, written(name, value)))
    pairs += [
        ("SCHED_ACTION", element("SCHED_ACTION", _plain(one))) for one in vm.more["scheduled"]
    ]
    pairs.sort(key=lambda pair: pair[0])
    return (
        element("TEMPLATE", "".join(text for _, text in pairs))
        + str(vm.more["user"].xml("USER_TEMPLATE"))
        + _records(vm, is_short=False)
        + _disk_snapshots(vm)
        + _backups(vm)
    )


def _backups(vm: Thing) -> str:
    config = vm.template.vectors(_BACKUPS)
    said = written(_BACKUPS, config[0]) if config else element(_BACKUPS)
    return element("BACKUPS", said + ids("BACKUP_IDS", vm.more.get("backups", ())))


def _disk_snapshots(vm: Thing) -> str:
    kept = vm.more.get("disk_snapshots", {})
    return "".join(snapshots(taken, disk) for disk, taken in sorted(kept.items()) if taken)


def _plain(values: Mapping[str, Any]) -> str:
    return "".join(element(name, value) for name, value in values.items())


def _states(vm: Thing, *, is_short: bool) -> str:
    more = vm.more
    before = (
        ""
        if is_short
        else f"<PREV_STATE>{more['prev_state']}</PREV_STATE>"
        f"<PREV_LCM_STATE>{more['prev_lcm']}</PREV_LCM_STATE>"
    )
    return (
        f"<LAST_POLL>{more['polled']}</LAST_POLL><STATE>{more['state']}</STATE>"
        f"<LCM_STATE>{more['lcm']}</LCM_STATE>{before}<RESCHED>{more['resched']}</RESCHED>"
        f"<STIME>{more['stime']}</STIME><ETIME>{more['etime']}</ETIME>"
        f"<DEPLOY_ID>{more['deploy_id']}</DEPLOY_ID>"
    )


def _part(name: str, vector: Mapping[str, str], keys: tuple[str, ...]) -> str:
    return element(name, "".join(cdata(key, vector.get(key, "")) for key in keys))


def _records(vm: Thing, *, is_short: bool) -> str:
    history = vm.more["history"]
    if not history:
        return "<HISTORY_RECORDS/>"
    at = range(len(history))[-1:] if is_short else range(len(history))
    return element("HISTORY_RECORDS", "".join(record(vm, seq, is_short=is_short) for seq in at))


def accounted(shapes: Shapes, vm: Thing, seq: int) -> str:
    """One stay on a host with the machine itself."""
    machine = extended(shapes, vm).replace(_records(vm, is_short=False), "<HISTORY_RECORDS/>")
    return record(vm, seq).replace("</HISTORY>", f"{machine}</HISTORY>")


def record(vm: Thing, seq: int, *, is_short: bool = False) -> str:
    """One stay on a host."""
    one = vm.more["history"][seq]
    mads = cdata("VM_MAD", "dummy") + cdata("TM_MAD", "dummy")
    begin = f"<OID>{vm.id}</OID><SEQ>{seq}</SEQ>"
    if is_short:
        named = cdata("HOSTNAME", one["HOSTNAME"]) + f"<HID>{one['HID']}</HID>"
        text = begin + named + f"<CID>{one['CID']}</CID><DS_ID>0</DS_ID>" + mads
        return element("HISTORY", text + cdata("ACTION", one["ACTION"]))
    return element(
        "HISTORY",
        begin
        + "".join(element(name, one[name]) for name in _SHORT)
        + f"<STIME>{one['STIME']}</STIME><ETIME>{one['ETIME']}</ETIME>"
        + mads
        + "<DS_ID>0</DS_ID><PLAN_ID>-2</PLAN_ID><ACTION_ID>-1</ACTION_ID>"
        + "".join(element(name, one[name]) for name in _RECORD)
        + "<REQUEST_ID>-1</REQUEST_ID>",
    )
