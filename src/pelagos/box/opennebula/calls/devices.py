"""What is changed at a machine: disks, NICs, size, snapshots, settings, plans."""

from __future__ import annotations

from collections.abc import Iterator

from pelagos.box.opennebula import machine
from pelagos.box.opennebula.calls.images import new_image
from pelagos.box.opennebula.cloud import Cloud
from pelagos.box.opennebula.daemon import Method
from pelagos.box.opennebula.errors import Code, Failure
from pelagos.box.opennebula.grammar import Attributes, Value, parse
from pelagos.box.opennebula.kinds import IMAGE, USER, VM
from pelagos.box.opennebula.rights import CREATE, MANAGE
from pelagos.box.opennebula.states import RUNNING, Lcm, State, name_of
from pelagos.box.opennebula.world import Thing

_OFF = {State.PENDING, State.HOLD, State.POWEROFF, State.UNDEPLOYED}
_SETTINGS = (
    "OS", "FEATURES", "INPUT", "GRAPHICS", "VIDEO", "RAW", "CONTEXT", "CPU_MODEL", "TPM",
    "BACKUP_CONFIG",
)  # fmt: skip
_SIZES = ("CPU", "VCPU", "MEMORY")


def methods(cloud: Cloud) -> Iterator[Method]:
    """The methods that change a machine."""
    calls = _Devices(cloud)
    yield Method.of("one.vm.attach", "is", calls.attach)
    yield Method.of("one.vm.detach", "ii", calls.detach)
    yield Method.of("one.vm.attachnic", "is", calls.attach_nic)
    yield Method.of("one.vm.detachnic", "ii", calls.detach_nic)
    yield Method.of("one.vm.resize", "is|b", calls.resize)
    yield Method.of("one.vm.diskresize", "iis", calls.resize_disk)
    yield Method.of("one.vm.disksaveas", "iissi", calls.save_disk)
    yield Method.of("one.vm.snapshotcreate", "is", calls.snapshot)
    yield Method.of("one.vm.snapshotrevert", "ii", calls.revert)
    yield Method.of("one.vm.snapshotdelete", "ii", calls.drop_snapshot)
    yield Method.of("one.vm.updateconf", "is|i", calls.configure)
    yield Method.of("one.vm.schedadd", "is", calls.plan)
    yield Method.of("one.vm.schedupdate", "iis", calls.change_plan)
    yield Method.of("one.vm.scheddelete", "ii", calls.drop_plan)


class _Devices:
    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def attach(self, caller: int, number: int, text: str) -> int:
        vm = self._at(caller, number, "attach disk", State.POWEROFF)
        for disk in _vectors(text, "DISK"):
            taken = [int(one["DISK_ID"]) for one in vm.template.vectors("DISK")]
            vm.template.add("DISK", disk)
            machine.fill_disk(
                self._cloud,
                caller,
                vm,
                vm.template.vectors("DISK")[-1],
                max(taken, default=-1) + 1,
            )
        self._busy(vm, Lcm.HOTPLUG, "disk-attach", caller)
        return number

    def detach(self, caller: int, number: int, disk_id: int) -> int:
        vm = self._at(caller, number, "detach disk", State.POWEROFF)
        disk = numbered(vm, "DISK", disk_id)
        self._cloud.life.detach(vm, disk)
        without(vm.template, disk)
        self._busy(vm, Lcm.HOTPLUG, "disk-detach", caller)
        return number

    def attach_nic(self, caller: int, number: int, text: str) -> int:
        vm = self._at(caller, number, "attach NIC", State.POWEROFF)
        for nic in _vectors(text, "NIC"):
            taken = [int(one["NIC_ID"]) for one in vm.template.vectors("NIC")]
            vm.template.add("NIC", nic)
            machine.fill_nic(
                self._cloud, caller, vm, vm.template.vectors("NIC")[-1], max(taken, default=-1) + 1
            )
        self._busy(vm, Lcm.HOTPLUG_NIC, "nic-attach", caller)
        return number

    def detach_nic(self, caller: int, number: int, nic_id: int) -> int:
        vm = self._at(caller, number, "detach NIC", State.POWEROFF)
        nic = numbered(vm, "NIC", nic_id)
        self._cloud.life.unplug(vm, nic)
        without(vm.template, nic)
        self._busy(vm, Lcm.HOTPLUG_NIC, "nic-detach", caller)
        return number

    def resize(self, caller: int, number: int, text: str, _enforce: bool = True) -> int:
        vm = self._at(caller, number, "resize", *_OFF)
        wished = parse(text)
        place = self._cloud.world.find("host", vm.more["host"])
        self._cloud.life.leave(vm)
        for name in _SIZES:
            if not wished.has(name):
                continue
            try:
                if float(wished.get(name)) <= 0:
                    raise ValueError(name)  # noqa: TRY301  # one answer for both
            except ValueError as error:
                raise Failure(
                    Code.INTERNAL, f"{name} attribute must be a positive number"
                ) from error
            vm.template.put(name, wished.get(name))
        if place is not None:
            self._cloud.life.join(vm, place)
        self._busy(vm, Lcm.HOTPLUG_RESIZE, "resize", caller)
        return number

    def resize_disk(self, caller: int, number: int, disk_id: int, size: str) -> int:
        vm = self._at(caller, number, "disk-resize", State.POWEROFF)
        disk = numbered(vm, "DISK", disk_id)
        if not size.isdigit() or int(size) < int(disk.get("SIZE", "0")):
            raise Failure(Code.ACTION, "New disk size has to be greater than the current one")
        disk["SIZE"] = size
        self._busy(vm, Lcm.DISK_RESIZE, "", caller)
        return number

    def save_disk(
        self, caller: int, number: int, disk_id: int, name: str, kind: str, _snapshot: int
    ) -> int:
        vm = self._at(caller, number, "disk-saveas", State.POWEROFF, State.SUSPENDED)
        disk = numbered(vm, "DISK", disk_id)
        self._cloud.guard.need_kind(caller, IMAGE, CREATE)
        template = Attributes([("NAME", name), ("SIZE", disk["SIZE"])])
        template.add("TYPE", kind or "OS")
        datastore = int(disk.get("DATASTORE_ID") or 1)
        image = new_image(self._cloud, caller, template, datastore)
        self._busy(vm, Lcm.HOTPLUG_SAVEAS, "", caller)
        return image.id

    def snapshot(self, caller: int, number: int, name: str) -> int:
        vm = self._at(caller, number, "snapshot-create")
        kept = vm.template.vectors("SNAPSHOT")
        snapshot = max((int(one["SNAPSHOT_ID"]) for one in kept), default=-1) + 1
        vm.template.add(
            "SNAPSHOT",
            {
                "HYPERVISOR_ID": "dummy-snap", "NAME": name or f"snapshot-{snapshot}",
                "SNAPSHOT_ID": str(snapshot), "SYSTEM_DISK_SIZE": "0",
                "TIME": str(int(self._cloud.world.now)),
            },
        )  # fmt: skip
        self._busy(vm, Lcm.HOTPLUG_SNAPSHOT, "snapshot-create", caller)
        return snapshot

    def revert(self, caller: int, number: int, snapshot: int) -> int:
        vm = self._at(caller, number, "snapshot-revert")
        numbered(vm, "SNAPSHOT", snapshot)
        self._busy(vm, Lcm.HOTPLUG_SNAPSHOT, "snapshot-revert", caller)
        return number

    def drop_snapshot(self, caller: int, number: int, snapshot: int) -> int:
        vm = self._at(caller, number, "snapshot-delete")
        without(vm.template, numbered(vm, "SNAPSHOT", snapshot))
        self._busy(vm, Lcm.HOTPLUG_SNAPSHOT, "snapshot-delete", caller)
        return number

    def configure(self, caller: int, number: int, text: str, append: int = 0) -> int:
        vm = self._at(caller, number, "updateconf", *_OFF)
        if append not in {0, 1}:
            raise Failure(Code.RPC_API, "Wrong update type")
        wished = parse(text)
        for name in _SETTINGS:
            newer = [pair for pair in wished.pairs if pair[0] == name]
            if newer or not append:
                kept = vm.template.vectors(name)[:1]
                vm.template.take(name)
                for _, value in newer:
                    is_joined = append and kept and isinstance(value, dict)
                    vm.template.add(name, _joined(kept[0], value) if is_joined else value)
        owner = self._cloud.world.get(USER, vm.uid)
        for context in vm.template.vectors("CONTEXT"):
            machine.complete_context(vm, owner, context)
        return number

    def plan(self, caller: int, number: int, text: str) -> int:
        vm = self._cloud.guard.need(caller, VM, number, MANAGE)
        self._cloud.world.save(vm)
        plan = max((one["ID"] for one in vm.more["scheduled"]), default=-1) + 1
        vm.more["scheduled"].append(planned(plan, number, text))
        return plan

    def change_plan(self, caller: int, number: int, plan: int, text: str) -> int:
        vm = self._cloud.guard.need(caller, VM, number, MANAGE)
        self._cloud.world.save(vm)
        numbered_plan(vm, plan).update(planned(plan, number, text))
        return plan

    def drop_plan(self, caller: int, number: int, plan: int) -> int:
        vm = self._cloud.guard.need(caller, VM, number, MANAGE)
        found = numbered_plan(vm, plan)
        self._cloud.world.save(vm)
        vm.more["scheduled"].remove(found)
        return plan

    def _at(self, caller: int, number: int, action: str, *also: State) -> Thing:
        """The machine, when it runs or is in one of the other states."""
        vm = self._cloud.guard.need(caller, VM, number, MANAGE)
        more = vm.more
        if (more["state"], more["lcm"]) != RUNNING and more["state"] not in also:
            raise Failure(
                Code.ACTION,
                f"Could not {action} in VM [{number}]: wrong state "
                f"{name_of(more['state'], more['lcm'])}",
            )
        self._cloud.world.save(vm)
        return vm

    def _busy(self, vm: Thing, lcm: Lcm, action: str, caller: int) -> None:
        """A running machine is changed, which takes its time; others are at once."""
        if (vm.more["state"], vm.more["lcm"]) == RUNNING:
            self._cloud.life.go(vm, [(State.ACTIVE, lcm), RUNNING], action, caller)


def _vectors(text: str, name: str) -> list[dict[str, str]]:
    found = parse(text).vectors(name)
    if not found:
        raise Failure(Code.INTERNAL, f"The template has no {name}")
    return found


def numbered(vm: Thing, name: str, number: int) -> dict[str, str]:
    """The disk, NIC or snapshot with this id.

    Raises:
        Failure: the machine has none.
    """
    for one in vm.template.vectors(name):
        if one.get(f"{name}_ID") == str(number):
            return one
    raise Failure(Code.ACTION, f"VM [{vm.id}] has no {name} with the id {number}", number)


def _joined(older: dict[str, str], newer: Value) -> Value:
    return {**older, **newer} if isinstance(newer, dict) else newer


def without(template: Attributes, vector: dict[str, str]) -> None:
    """Take a vector out of a template."""
    template.pairs = [pair for pair in template.pairs if pair[1] is not vector]


def numbered_plan(thing: Thing, number: int) -> dict[str, object]:
    """The planned action with this id.

    Raises:
        Failure: there is none.
    """
    for one in thing.more["scheduled"]:
        if one["ID"] == number:
            found: dict[str, object] = one
            return found
    raise Failure(Code.NO_EXISTS, f"Sched action [{number}] does not exist.", number)


def planned(plan: int, number: int, text: str) -> dict[str, object]:
    """A planned action from the template that somebody sent.

    Raises:
        Failure: it does not say what to do, or when.
    """
    found = _vectors(text, "SCHED_ACTION")[0]
    when = found.get("TIME", "")
    if not found.get("ACTION") or not when.lstrip("+").isdigit():
        raise Failure(Code.INTERNAL, "SCHED_ACTION needs ACTION and TIME")
    return {
        "ID": plan, "PARENT_ID": number, "TYPE": "VM", "ACTION": found["ACTION"],
        "ARGS": found.get("ARGS", ""), "TIME": when, "REPEAT": found.get("REPEAT", "-1"),
        "DAYS": found.get("DAYS", ""), "END_TYPE": found.get("END_TYPE", "-1"),
        "END_VALUE": found.get("END_VALUE", "-1"), "DONE": "-1", "MESSAGE": "", "WARNING": "0",
    }  # fmt: skip
