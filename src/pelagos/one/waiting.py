"""Waiting for a VM, with two kilobytes per look instead of the whole VM."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from pelagos.core.backoff import Backoff
from pelagos.core.clock import Clock
from pelagos.one.constants import LCM_STATE, VM_STATE
from pelagos.one.errors import OneCallException, OneNoExistsException, OneWaitException
from pelagos.one.resources import Calls

_BACKOFF = Backoff(first=0.5, factor=1.5, limit=5)
_ANY_STATE = -2
_ALL_VISIBLE = -2

#: A state as its name, of either kind, or as its number (then it is a VM_STATE).
State = str | int


class VmCalls(Calls):
    """The calls of a VM, and `wait`."""

    def wait(
        self,
        id: int,  # noqa: A002  # as in every other call
        state: State | Collection[State] = "RUNNING",
        timeout: float = 600.0,
        *,
        clock: Clock | None = None,
    ) -> Any:
        """Wait until a VM is in a state, and return it in the short form of pools.

        Args:
            state: one, or several of which one is enough: names as "RUNNING" or "POWEROFF", of a
                VM_STATE or an LCM_STATE, or numbers of a VM_STATE.
            timeout: seconds.

        Raises:
            OneWaitException: not in time; or it is DONE or failed, so that it cannot come.
            OneNoExistsException: there is no such VM.
        """
        wanted = _wanted(state)
        time = clock or self._sender.clock  # type: ignore[attr-defined]  # a server has it
        deadline = time.monotonic() + timeout
        looks = 0
        while True:
            vm = self._look(id)
            now = _names(vm)
            if wanted & now:
                return vm
            if _cannot_come(now):
                raise _vain(id, wanted, now, "which it does not leave by itself")
            looks += 1
            left = deadline - time.monotonic()
            if left <= 0:
                raise _vain(id, wanted, now, f"after {timeout:g} s")
            time.sleep(min(_BACKOFF.delay(looks), left))

    def _look(self, vm_id: int) -> Any:
        method = "one.vmpool.info"
        params = [_ALL_VISIBLE, vm_id, vm_id, _ANY_STATE]
        for vm in self._sender.send(method, params, may_repeat=True).VM:
            if vm_id == vm.ID:
                return vm
        raise OneNoExistsException(
            f"there is no VM {vm_id} that may be seen", code=0x400, method=method, object_id=vm_id
        )


def _wanted(state: State | Collection[State]) -> set[str]:
    states: Iterable[State] = [state] if isinstance(state, str | int) else state
    wanted = {_name(one) for one in states}
    known = {*VM_STATE.__members__, *LCM_STATE.__members__}
    if not wanted or not wanted <= known:
        unknown = ", ".join(sorted(wanted - known)) or "nothing"
        raise OneCallException(
            f"a VM cannot be waited for in the state {unknown}",
            method="one.vm.wait",
            hint="give names of pelagos.one.constants.VM_STATE or LCM_STATE",
        )
    return wanted


def _name(state: State) -> str:
    if isinstance(state, LCM_STATE):
        return state.name
    return state.upper() if isinstance(state, str) else VM_STATE(state).name


def _names(vm: Any) -> set[str]:
    """The names of its state; the detailed one only while it means something."""
    state = VM_STATE(vm.STATE)
    names = {state.name}
    if state is VM_STATE.ACTIVE:
        names.add(LCM_STATE(vm.LCM_STATE).name)
    return names


def _cannot_come(now: set[str]) -> bool:
    return "DONE" in now or any(name.endswith("FAILURE") for name in now)


def _vain(vm_id: int, wanted: set[str], now: set[str], why: str) -> OneWaitException:
    return OneWaitException(
        f"VM {vm_id} is {'/'.join(sorted(now))} and not {' or '.join(sorted(wanted))}, {why}",
        method="one.vm.wait",
        object_id=vm_id,
        hint=f"look at its log and template: one.vm.info({vm_id}).USER_TEMPLATE",
    )
