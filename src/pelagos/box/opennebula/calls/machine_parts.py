"""Disk snapshots, security groups and groups of a machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pelagos.box.opennebula.calls.devices import numbered
from pelagos.box.opennebula.cloud import Cloud
from pelagos.box.opennebula.daemon import Method
from pelagos.box.opennebula.errors import Code, Failure
from pelagos.box.opennebula.grammar import parse
from pelagos.box.opennebula.kinds import SECGROUP, VM, VMGROUP
from pelagos.box.opennebula.machine import let_in
from pelagos.box.opennebula.rights import MANAGE, USE
from pelagos.box.opennebula.states import State
from pelagos.box.opennebula.world import Thing

_FIXED = {"NIC_ID", "NETWORK", "NETWORK_ID", "IP", "MAC", "AR_ID", "TARGET"}


def methods(cloud: Cloud) -> Iterator[Method]:
    """The methods of parts of a machine."""
    calls = _Parts(cloud)
    yield Method.of("one.vm.disksnapshotcreate", "iis", calls.snapshot)
    yield Method.of("one.vm.disksnapshotdelete", "iii", calls.drop)
    yield Method.of("one.vm.disksnapshotrename", "iiis", calls.rename)
    yield Method.of("one.vm.disksnapshotrevert", "iii", calls.revert)
    yield Method.of("one.vm.attachsg", "iii", calls.attach_group)
    yield Method.of("one.vm.detachsg", "iii", calls.detach_group)
    yield Method.of("one.vm.updatenic", "iis|i", calls.change_nic)
    yield Method.of("one.vm.vmgroupadd", "iis", calls.join)
    yield Method.of("one.vm.vmgroupdel", "i", calls.leave)


class _Parts:
    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._world = cloud.world

    def _machine(self, caller: int, number: int) -> Thing:
        vm = self._cloud.guard.need(caller, VM, number, MANAGE)
        if vm.more["state"] == State.DONE:
            raise Failure(Code.ACTION, f"VM [{number}] is done")
        self._world.save(vm)
        return vm

    def snapshot(self, caller: int, number: int, disk: int, name: str) -> int:
        vm = self._machine(caller, number)
        size = numbered(vm, "DISK", disk).get("SIZE", "0")
        kept: dict[str, list[dict[str, Any]]] = vm.more.setdefault("disk_snapshots", {})
        taken = kept.setdefault(str(disk), [])
        snapshot = max((int(one["ID"]) for one in taken), default=-1) + 1
        taken.append(
            {
                "ACTIVE": "YES", "DATE": str(int(self._world.now)), "ID": str(snapshot),
                "NAME": name, "PARENT": str(snapshot - 1), "SIZE": size,
            }
        )  # fmt: skip
        for one in taken[:-1]:
            one.pop("ACTIVE", None)
        return snapshot

    def _found(self, vm: Thing, disk: int, snapshot: int) -> dict[str, Any]:
        for one in vm.more.get("disk_snapshots", {}).get(str(disk), ()):
            if one["ID"] == str(snapshot):
                found: dict[str, Any] = one
                return found
        raise Failure(
            Code.ACTION, f"VM disk does not have any snapshots with the id {snapshot}", snapshot
        )

    def drop(self, caller: int, number: int, disk: int, snapshot: int) -> int:
        vm = self._machine(caller, number)
        found = self._found(vm, disk, snapshot)
        if "ACTIVE" in found:
            raise Failure(Code.ACTION, "Cannot delete the active snapshot", snapshot)
        vm.more["disk_snapshots"][str(disk)].remove(found)
        return number

    def rename(self, caller: int, number: int, disk: int, snapshot: int, name: str) -> int:
        self._found(self._machine(caller, number), disk, snapshot)["NAME"] = name
        return number

    def revert(self, caller: int, number: int, disk: int, snapshot: int) -> int:
        vm = self._machine(caller, number)
        found = self._found(vm, disk, snapshot)
        for one in vm.more["disk_snapshots"][str(disk)]:
            one.pop("ACTIVE", None)
        found["ACTIVE"] = "YES"
        return number

    def attach_group(self, caller: int, number: int, nic_id: int, group: int) -> int:
        vm = self._machine(caller, number)
        nic = numbered(vm, "NIC", nic_id)
        known = nic.get("SECURITY_GROUPS", "").split(",")
        if str(group) in known:
            raise Failure(Code.ACTION, "The security group is already there", group)
        let_in(self._cloud, caller, vm, str(group))
        nic["SECURITY_GROUPS"] = ",".join([*filter(None, known), str(group)])
        return number

    def detach_group(self, caller: int, number: int, nic_id: int, group: int) -> int:
        vm = self._machine(caller, number)
        nic = numbered(vm, "NIC", nic_id)
        known = nic.get("SECURITY_GROUPS", "").split(",")
        if str(group) not in known:
            raise Failure(Code.ACTION, "The NIC does not have this security group", group)
        nic["SECURITY_GROUPS"] = ",".join(one for one in known if one != str(group))
        if not any(
            str(group) in one.get("SECURITY_GROUPS", "").split(",")
            for one in vm.template.vectors("NIC")
        ):
            self._let_out(vm, group)
        return number

    def _let_out(self, vm: Thing, group: int) -> None:
        named = str(group)
        vm.template.pairs = [
            (name, value)
            for name, value in vm.template.pairs
            if name != "SECURITY_GROUP_RULE"
            or not isinstance(value, dict)
            or value.get("SECURITY_GROUP_ID") != named
        ]
        found = self._world.find(SECGROUP, group)
        if found is not None and vm.id in found.more["vms"]:
            self._world.save(found)
            found.more["vms"].remove(vm.id)

    def change_nic(self, caller: int, number: int, nic_id: int, text: str, append: int = 0) -> int:
        vm = self._machine(caller, number)
        if append not in {0, 1}:
            raise Failure(Code.RPC_API, "Wrong update type")
        nic = numbered(vm, "NIC", nic_id)
        wished = parse(text).vectors("NIC")
        if not wished:
            raise Failure(Code.INTERNAL, "The template has no NIC")
        nic.update({key: value for key, value in wished[0].items() if key not in _FIXED})
        return number

    def join(self, caller: int, number: int, group: int, role: str) -> int:
        vm = self._machine(caller, number)
        found = self._cloud.guard.need(caller, VMGROUP, group, USE)
        if all(one["NAME"] != role for one in found.more["roles"]):
            raise Failure(Code.INTERNAL, f"VM group {group} has no role {role}")
        vm.template.put("VMGROUP", {"VMGROUP_ID": str(group), "ROLE": role})
        return number

    def leave(self, caller: int, number: int) -> int:
        vm = self._machine(caller, number)
        if not vm.template.has("VMGROUP"):
            raise Failure(Code.ACTION, f"VM [{number}] is in no VM group")
        vm.template.take("VMGROUP")
        return number
