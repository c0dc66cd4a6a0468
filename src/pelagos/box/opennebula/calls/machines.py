"""Machines: made, moved, listed, watched."""

from __future__ import annotations

from collections.abc import Iterator

from pelagos.box.opennebula import machine, machine_shape
from pelagos.box.opennebula.cloud import Cloud
from pelagos.box.opennebula.daemon import Method
from pelagos.box.opennebula.errors import Code, Failure
from pelagos.box.opennebula.grammar import parse
from pelagos.box.opennebula.guard import paged
from pelagos.box.opennebula.kinds import HOST, VM
from pelagos.box.opennebula.markup import element
from pelagos.box.opennebula.rights import ADMIN, CREATE, MANAGE, USE
from pelagos.box.opennebula.states import (
    ACTIONS,
    DONE,
    PENDING,
    PLACING,
    RUNNING,
    State,
    name_of,
)
from pelagos.box.opennebula.world import Thing

_ANY, _NOT_DONE = -2, -1
_ADMINS = {"resched", "unresched"}
_FAILURE, _SUCCESS, _RETRY, _DELETE, _RECREATE, _FORGET = range(6)


def methods(cloud: Cloud) -> Iterator[Method]:
    """The methods of machines and of their lists."""
    calls = _Machines(cloud)
    yield Method.of("one.vm.allocate", "s|b", calls.allocate)
    yield Method.of("one.vm.info", "i|b", calls.info)
    yield Method.of("one.vm.action", "si", calls.action)
    yield Method.of("one.vm.deploy", "ii|bis", calls.deploy)
    yield Method.of("one.vm.migrate", "iib|bii", calls.migrate)
    yield Method.of("one.vm.recover", "ii", calls.recover)
    yield Method.of("one.vm.monitoring", "i", calls.monitoring)
    yield Method.of("one.vmpool.info", "iiii|s", calls.listed)
    yield Method.of("one.vmpool.infoextended", "iiii|s", calls.listed_whole)
    yield Method.of("one.vmpool.infoset", "sb", calls.some)
    yield Method.of("one.vmpool.monitoring", "i|i", calls.all_monitoring)
    yield Method.of("one.vmpool.accounting", "iii", calls.accounting)


class _Machines:
    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._world = cloud.world

    def allocate(self, caller: int, text: str, hold: bool = False) -> int:
        template = machine.without_empty(parse(text).pairs)
        self._cloud.guard.need_kind(caller, VM, CREATE)
        return machine.make(self._cloud, caller, template, on_hold=hold).id

    def info(self, caller: int, number: int, _: bool = False) -> str:
        vm = self._cloud.guard.need(caller, VM, number, USE, ignores_lock=True)
        if machine_shape.sample(vm, self._world.now):
            vm.more["polled"] = int(self._world.now)
        return machine_shape.whole(self._cloud.shapes, vm, self._world.now)

    def action(self, caller: int, action: str, number: int) -> int:
        right = ADMIN if action in _ADMINS else MANAGE
        vm = self._cloud.guard.need(caller, VM, number, right)
        ways = ACTIONS.get(action)
        if ways is None:
            raise Failure(Code.ACTION, f'Error performing action "{action}": Unknown action')
        self._check_at(vm, ways, action)
        if action in _ADMINS:
            vm.more["resched"] = int(action == "resched")
        self._cloud.life.go(vm, ways[_state(vm)], action, caller)
        return number

    def deploy(
        self, caller: int, number: int, host: int, _enforce: bool = False, _datastore: int = -1,
        _nics: str = "",
    ) -> int:  # fmt: skip
        vm = self._cloud.guard.need(caller, VM, number, ADMIN)
        place = self._cloud.guard.need(caller, HOST, host, MANAGE)
        if vm.more["state"] not in {State.PENDING, State.HOLD}:
            raise self._wrong(vm, "deploy")
        if _state(vm) not in PLACING:
            vm.more["from"] = "PENDING"
        self._cloud.life.place(vm, place, "deploy")
        return number

    def migrate(
        self, caller: int, number: int, host: int, live: bool, _enforce: bool = False,
        _datastore: int = -1, _kind: int = 0,
    ) -> int:  # fmt: skip
        vm = self._cloud.guard.need(caller, VM, number, ADMIN)
        place = self._cloud.guard.need(caller, HOST, host, MANAGE)
        if (vm.more["state"], vm.more["lcm"]) != RUNNING:
            raise self._wrong(vm, "migrate")
        if vm.more["host"] == host:
            raise Failure(
                Code.ACTION, f"VM is already running on the requested host [{host}]", host
            )
        self._cloud.life.migrate(vm, place, caller, is_live=live)
        return number

    def recover(self, caller: int, number: int, operation: int) -> int:
        vm = self._cloud.guard.need(caller, VM, number, ADMIN)
        life, name = self._cloud.life, _state(vm)
        if name == "DONE":
            raise self._wrong(vm, "recover")
        if operation in {_DELETE, _FORGET}:
            life.go(vm, [DONE], "recover", caller)
        elif operation == _RECREATE:
            life.leave(vm)
            life.go(vm, [PENDING], "recover", caller)
        elif operation in {_SUCCESS, _RETRY}:
            if vm.more["state"] != State.ACTIVE or (name == "RUNNING"):
                raise self._wrong(vm, "recover")
            failed = name.endswith("_FAILURE")
            way = PLACING["PENDING"] if failed and operation == _RETRY else [RUNNING]
            life.go(vm, way, "recover", caller)
        elif operation == _FAILURE:
            raise self._wrong(vm, "recover")
        else:
            raise Failure(Code.ACTION, "Wrong recovery operation code")
        return number

    def listed(
        self, caller: int, flag: int, start: int, end: int, state: int, query: str = ""
    ) -> str:
        found = self._found(caller, (flag, start, end, state), query)
        return element(
            "VM_POOL", "".join(machine_shape.short(self._cloud.shapes, vm) for vm in found)
        )

    def listed_whole(
        self, caller: int, flag: int, start: int, end: int, state: int, query: str = ""
    ) -> str:
        found = self._found(caller, (flag, start, end, state), query)
        return element(
            "VM_POOL", "".join(machine_shape.extended(self._cloud.shapes, vm) for vm in found)
        )

    def some(self, caller: int, numbers: str, extended: bool) -> str:
        wanted = {int(one) for one in numbers.split(",") if one.strip().isdigit()}
        shape = machine_shape.extended if extended else machine_shape.short
        found = (vm for vm in self._cloud.guard.visible(caller, VM) if vm.id in wanted)
        return element("VM_POOL", "".join(shape(self._cloud.shapes, vm) for vm in found))

    def monitoring(self, caller: int, number: int) -> str:
        vm = self._cloud.guard.need(caller, VM, number, USE, ignores_lock=True)
        return element("MONITORING_DATA", self._sampled(vm))

    def all_monitoring(self, caller: int, flag: int, _seconds: int = -1) -> str:
        found = self._cloud.guard.visible(caller, VM, flag)
        return element("MONITORING_DATA", "".join(map(self._sampled, found)))

    def accounting(self, caller: int, flag: int, start: int, end: int) -> str:
        records = (
            machine_shape.accounted(self._cloud.shapes, vm, seq)
            for vm in self._cloud.guard.visible(caller, VM, flag)
            for seq, one in enumerate(vm.more["history"])
            if (start < 0 or not one["ETIME"] or one["ETIME"] >= start)
            and (end < 0 or one["STIME"] <= end)
        )
        return element("HISTORY_RECORDS", "".join(records))

    def _sampled(self, vm: Thing) -> str:
        said = machine_shape.sample(vm, self._world.now)
        return element("MONITORING", said) if said else ""

    def _found(self, caller: int, asked: tuple[int, int, int, int], query: str) -> list[Thing]:
        flag, start, end, state = asked
        if state < _ANY or state > max(State):
            raise Failure(Code.RPC_API, f"Incorrect state filter {state}")
        if query:
            raise Failure(Code.INTERNAL, "JSON query search is not supported by the SQL backend")
        found = self._cloud.guard.visible(caller, VM, flag)
        if state == _NOT_DONE:
            found = [vm for vm in found if vm.more["state"] != State.DONE]
        elif state >= 0:
            found = [vm for vm in found if vm.more["state"] == state]
        return paged(found, start, end)

    def _check_at(self, vm: Thing, ways: object, action: str) -> None:
        if not isinstance(ways, dict) or _state(vm) not in ways:
            raise self._wrong(vm, action)

    def _wrong(self, vm: Thing, action: str) -> Failure:
        return Failure(
            Code.ACTION,
            f'Error performing action "{action}": This action is not available for state '
            f"{_state(vm)}",
        )


def _state(vm: Thing) -> str:
    return name_of(vm.more["state"], vm.more["lcm"])
