"""What happens to machines as time goes by: placing, starting, stopping, ending."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from pelagos.box.opennebula import addresses, quotas
from pelagos.box.opennebula.errors import Code, Failure
from pelagos.box.opennebula.grammar import Attributes
from pelagos.box.opennebula.kinds import GROUP, HOST, IMAGE, NETWORK, SECGROUP, USER, VM
from pelagos.box.opennebula.states import (
    COLD_MIGRATION,
    FAILURES,
    HISTORY,
    LIVE_MIGRATION,
    PENDING,
    PLACING,
    State,
    Step,
    name_of,
)
from pelagos.box.opennebula.world import Thing, World

#: An attribute of a machine that lets it fail on purpose, in PROLOG or in BOOT.
FAILS = "BOX_FAILS"
_MONITORED = 2
_ON_A_HOST = {State.ACTIVE, State.POWEROFF, State.SUSPENDED}


class Life:
    """Moves the machines of a world.

    Args:
        pace: seconds that a machine stays in each state that is on the way to another.
    """

    def __init__(self, world: World, pace: float) -> None:
        self._world = world
        self.pace = pace
        self._busy = {vm.id for vm in world.all(VM) if vm.more["due"] is not None}

    def tick(self) -> None:
        """Let happen what is due."""
        for number in sorted(self._busy):
            vm = self._world.find(VM, number)
            while vm is not None and self._is_due(vm):
                self._world.save(vm)
                if vm.more["plan"]:
                    self._enter(vm, vm.more["plan"].pop(0), vm.more["due"])
                elif not self._placed_somewhere(vm):
                    break
            if vm is None or vm.more["due"] is None:
                self._busy.discard(number)

    def go(
        self,
        vm: Thing,
        steps: Sequence[Step],
        action: str = "",
        uid: int = 0,
        when: float | None = None,
    ) -> None:
        """Begin to go a way, now or at another time; each state on it takes its time."""
        self._world.save(vm)
        if action and vm.more["history"]:
            vm.more["history"][-1] |= {"ACTION": HISTORY[action], "UID": uid}
        if not steps:
            return
        vm.more["plan"] = [[int(state), int(lcm)] for state, lcm in steps[1:]]
        self._enter(vm, steps[0], self._world.now if when is None else when)

    def place(
        self, vm: Thing, host: Thing, action: str = "none", when: float | None = None
    ) -> None:
        """Let it run on a host, from now or another time on.

        Raises:
            Failure: there is not enough room.
        """
        if not _has_room(host, vm):
            raise Failure(Code.ACTION, f"Not enough capacity in host {host.name}", host.id)
        steps = list(PLACING[vm.more["from"]])
        wished = vm.more["user"].get(FAILS)
        for at, (state, lcm) in enumerate(steps):
            if lcm.name == wished and lcm in FAILURES:
                steps[at + 1 :] = [(state, FAILURES[lcm])]
                break
        self.join(vm, host)
        self.go(vm, steps, action, when=when)

    def migrate(self, vm: Thing, host: Thing, uid: int, *, is_live: bool) -> None:
        """Move a running machine to another host."""
        action = "live-migrate" if is_live else "migrate"
        vm.more["history"][-1]["ACTION"] = HISTORY[action]
        self.leave(vm)
        self.join(vm, host)
        self.go(vm, LIVE_MIGRATION if is_live else COLD_MIGRATION, action, uid)

    def join(self, vm: Thing, host: Thing) -> None:
        """Take room on a host, and begin a record of it."""
        now = int(self._world.now)
        taken = demand(vm)
        host.more["vms"].append(vm.id)
        host.more["cpu_used"] += taken["cpu"]
        host.more["mem_used"] += taken["memory"]
        self._world.save(host)
        vm.more["host"] = host.id
        vm.template.put("TM_MAD_SYSTEM", "dummy")
        record: dict[str, Any] = dict.fromkeys(
            ("ETIME", "RETIME", "ESTIME", "EETIME", "ACTION"), 0
        )
        vm.more["history"].append(
            record
            | {"HOSTNAME": host.name, "HID": host.id, "CID": host.more["cluster"]}
            | dict.fromkeys(("STIME", "PSTIME", "PETIME", "RSTIME"), now)
            | {"UID": -1, "GID": -1}
        )

    def leave(self, vm: Thing) -> None:
        """Give the room on its host back, and close the record."""
        host = self._world.find(HOST, vm.more["host"])
        if host is not None and vm.id in host.more["vms"]:
            taken = demand(vm)
            host.more["vms"].remove(vm.id)
            host.more["cpu_used"] -= taken["cpu"]
            host.more["mem_used"] -= taken["memory"]
            self._world.save(host)
        if vm.more["host"] >= 0 and vm.more["history"]:
            now = int(self._world.now)
            vm.more["history"][-1] |= {"ETIME": now, "RETIME": now, "EETIME": now}
        vm.more["host"] = -1

    def forget(self, vm: Thing) -> None:
        """Give back all that it holds: addresses, images, room, quota."""
        self.leave(vm)
        world = self._world
        for nic in vm.template.vectors("NIC"):
            self.unplug(vm, nic)
        for disk in vm.template.vectors("DISK"):
            self.detach(vm, disk)
        for group in world.all(SECGROUP):
            if vm.id in group.more["vms"]:
                group.more["vms"].remove(vm.id)
                world.save(group)
        taken = quota_of(vm.template)
        for kind, number in ((USER, vm.uid), (GROUP, vm.gid)):
            holder = world.find(kind, number)
            if holder is not None:
                quotas.use(holder.more, taken, -1)
                world.save(holder)

    def unplug(self, vm: Thing, nic: dict[str, str]) -> None:
        """Free the address of a NIC."""
        network = self._world.find(NETWORK, int(nic.get("NETWORK_ID", -1)))
        if network is not None:
            addresses.release(network.more["ars"], ("VM", vm.id), nic.get("IP", ""))
            self._world.save(network)

    def detach(self, vm: Thing, disk: dict[str, str]) -> None:
        """Let go of the image of a disk."""
        image = self._world.find(IMAGE, int(disk.get("IMAGE_ID") or -1))
        if image is not None and vm.id in image.more["vms"]:
            image.more["vms"].remove(vm.id)
            taken = vm.more.get("disk_snapshots", {}).pop(disk["DISK_ID"], None)
            if taken and image.more["persistent"]:
                image.more["snapshots"] = taken
            if not image.more["vms"] and image.more["state"] in {2, 8}:
                image.more["state"] = 1
            self._world.save(image)

    def _enter(self, vm: Thing, step: Sequence[int], when: float) -> None:
        more = vm.more
        before = name_of(more["state"], more["lcm"])
        more["state"], more["lcm"] = int(step[0]), int(step[1])
        more["due"] = when + self.pace if more["plan"] else None
        if tuple(step) == PENDING:
            more["from"] = before if before in PLACING else "PENDING"
            more["due"] = when + self.pace
        elif not more["plan"]:
            more["prev_state"], more["prev_lcm"] = more["state"], more["lcm"]
        if more["due"] is not None:
            self._busy.add(vm.id)
        if step[0] == State.DONE:
            more["etime"] = int(when)
            self.forget(vm)
        elif step[0] not in _ON_A_HOST:
            self.leave(vm)
        elif more["history"]:
            more["deploy_id"] = f"{more['history'][-1]['HOSTNAME']}:{vm.name}:dummy"

    def _is_due(self, vm: Thing) -> bool:
        return vm.more["due"] is not None and bool(vm.more["due"] <= self._world.now)

    def _placed_somewhere(self, vm: Thing) -> bool:
        hosts = [
            host
            for host in self._world.all(HOST)
            if host.more["state"] == _MONITORED and _has_room(host, vm)
        ]
        if hosts:
            emptiest = min(hosts, key=lambda host: (len(host.more["vms"]), host.id))
            self.place(vm, emptiest, when=vm.more["due"])
            return True
        when = time.asctime(time.gmtime(self._world.now))
        vm.more["user"].put(
            "SCHED_MESSAGE", f"{when}: Cannot dispatch VM: No hosts with enough capacity"
        )
        vm.more["due"] = self._world.now + self.pace
        return False


def demand(vm: Thing) -> dict[str, int]:
    """What it takes of a host: hundredths of a CPU, KiB of memory."""
    return {
        "cpu": round(float(vm.template.get("CPU", "1")) * 100),
        "memory": int(vm.template.get("MEMORY", "0")) * 1024,
    }


def quota_of(template: Attributes) -> dict[str, float]:
    """What a machine counts of its owner's quotas."""
    return {
        "VMS": 1,
        "CPU": float(template.get("CPU", "0")),
        "MEMORY": float(template.get("MEMORY", "0")),
    }


def _has_room(host: Thing, vm: Thing) -> bool:
    taken = demand(vm)
    return bool(
        host.more["cpu"] - host.more["cpu_used"] >= taken["cpu"]
        and host.more["mem"] - host.more["mem_used"] >= taken["memory"]
    )
