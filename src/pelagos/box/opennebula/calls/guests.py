"""Commands in the guest of a machine, and PCI devices that are passed to it.

There is no guest: a command is noted, takes its time, and ends well without saying anything.
"""

from __future__ import annotations

from collections.abc import Iterator

from pelagos.box.opennebula.calls.devices import numbered, without
from pelagos.box.opennebula.cloud import Cloud
from pelagos.box.opennebula.daemon import Method
from pelagos.box.opennebula.errors import Code, Failure
from pelagos.box.opennebula.grammar import parse
from pelagos.box.opennebula.kinds import VM
from pelagos.box.opennebula.rights import ADMIN, MANAGE
from pelagos.box.opennebula.states import RUNNING, State, name_of
from pelagos.box.opennebula.world import Thing

_COMMAND = "QEMU_GA_EXEC"
_PID = 1000
_WHICH = ("SHORT_ADDRESS", "VENDOR", "DEVICE", "CLASS")


def methods(cloud: Cloud) -> Iterator[Method]:
    """The methods of guests and devices."""
    calls = _Guests(cloud)
    yield Method.of("one.vm.exec", "iss", calls.execute)
    yield Method.of("one.vm.retryexec", "i", calls.retry)
    yield Method.of("one.vm.cancelexec", "i", calls.cancel)
    yield Method.of("one.vm.attachpci", "is", calls.attach)
    yield Method.of("one.vm.detachpci", "ii", calls.detach)


class _Guests:
    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def execute(self, caller: int, number: int, command: str, stdin: str) -> int:
        vm = self._running(caller, number, "exec")
        if not command.strip():
            raise Failure(Code.ACTION, "There is no command to run")
        if self._is_busy(vm):
            raise Failure(Code.ACTION, f"VM [{number}] runs a command already")
        self._start(vm, command, stdin)
        self._cloud.life.go(vm, [], "exec", caller)
        return number

    def retry(self, caller: int, number: int) -> int:
        vm = self._running(caller, number, "exec-retry")
        last = vm.template.vectors(_COMMAND)
        if not last or self._is_busy(vm):
            raise Failure(Code.ACTION, f"VM [{number}] has no command that ended")
        self._start(vm, last[0]["COMMAND"], last[0]["STDIN"])
        self._cloud.life.go(vm, [], "exec-retry", caller)
        return number

    def cancel(self, caller: int, number: int) -> int:
        vm = self._running(caller, number, "exec-cancel")
        if not self._is_busy(vm):
            raise Failure(Code.ACTION, f"VM [{number}] runs no command")
        vm.more["exec_ends"] = 0
        vm.template.vectors(_COMMAND)[0] |= {"STATUS": "CANCELLED", "RETURN_CODE": "-1"}
        self._cloud.life.go(vm, [], "exec-cancel", caller)
        return number

    def attach(self, caller: int, number: int, text: str) -> int:
        vm = self._off(caller, number, "pci-attach")
        wished = parse(text).vectors("PCI")
        if not wished or not all(any(one.get(key) for key in _WHICH) for one in wished):
            raise Failure(Code.INTERNAL, "The template has no PCI with an address or a device")
        for device in wished:
            taken = [int(one["PCI_ID"]) for one in vm.template.vectors("PCI")]
            vm.template.add("PCI", {**device, "PCI_ID": str(max(taken, default=-1) + 1)})
        self._cloud.life.go(vm, [], "pci-attach", caller)
        return number

    def detach(self, caller: int, number: int, device: int) -> int:
        vm = self._off(caller, number, "pci-detach")
        without(vm.template, numbered(vm, "PCI", device))
        self._cloud.life.go(vm, [], "pci-detach", caller)
        return number

    def _start(self, vm: Thing, command: str, stdin: str) -> None:
        vm.more["exec_ends"] = self._cloud.world.now + self._cloud.life.pace
        vm.template.put(
            _COMMAND,
            {
                "COMMAND": command, "STDIN": stdin, "PID": str(_PID + vm.id), "STATUS": "DONE",
                "RETURN_CODE": "0", "STDOUT": "", "STDERR": "",
            },
        )  # fmt: skip

    def _is_busy(self, vm: Thing) -> bool:
        return bool(vm.more.get("exec_ends", 0) > self._cloud.world.now)

    def _running(self, caller: int, number: int, action: str) -> Thing:
        vm = self._cloud.guard.need(caller, VM, number, MANAGE)
        if (vm.more["state"], vm.more["lcm"]) != RUNNING:
            raise _wrong(vm, action)
        return vm

    def _off(self, caller: int, number: int, action: str) -> Thing:
        vm = self._cloud.guard.need(caller, VM, number, ADMIN)
        if vm.more["state"] != State.POWEROFF:
            raise _wrong(vm, action)
        return vm


def _wrong(vm: Thing, action: str) -> Failure:
    at = name_of(vm.more["state"], vm.more["lcm"])
    return Failure(Code.ACTION, f"Could not {action} in VM [{vm.id}]: wrong state {at}")
