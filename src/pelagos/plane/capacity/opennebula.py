"""Driver `opennebula`: machines of an OpenNebula, made of one of its templates.

OpenNebula does not keep names apart: of several machines with one, the oldest counts.
"""

from __future__ import annotations

import base64
import builtins
import os
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from pelagos.core.spelling import hint
from pelagos.one import OneException, OneNoExistsException, OneServer
from pelagos.one.constants import LCM_STATE, VM_STATE
from pelagos.one.errors import (
    OneActionException,
    OneAuthenticationException,
    OneAuthorizationException,
    OneConfigException,
    OneTransportException,
)
from pelagos.one.template import TemplateError, encode
from pelagos.plane.capacity.base import Machine, MachineState, NewMachine, oldest
from pelagos.plane.capacity.errors import (
    CapacityError,
    CapacityNotConfigured,
    QuotaReached,
    Refused,
    Unanswered,
)

T = TypeVar("T")

_RESTING: Mapping[int, MachineState] = {
    VM_STATE.STOPPED: MachineState.STOPPED,
    VM_STATE.SUSPENDED: MachineState.STOPPED,
    VM_STATE.POWEROFF: MachineState.STOPPED,
    VM_STATE.UNDEPLOYED: MachineState.STOPPED,
    VM_STATE.FAILED: MachineState.FAILED,
    VM_STATE.CLONING_FAILURE: MachineState.FAILED,
    VM_STATE.DONE: MachineState.REMOVING,
}
_ENDING = frozenset({"EPILOG", "SHUTDOWN", "CANCEL", "CLEANUP_DELETE"})
_STARTING = ("PROLOG", "BOOT", "LCM_INIT")
_STOPPING = ("SAVE_STOP", "SAVE_SUSPEND", "EPILOG_", "SHUTDOWN_")
_CONTEXTS = ("cloud-init", "one-context")
#: What a refusal says when all is used up: the code is that of other refusals, too.
_USED_UP = re.compile(r"quota|limit of .* reached", re.IGNORECASE)
#: What a server says when another one of its zone has to be asked, or none can answer now.
_NO_LEADER = re.compile(r"leader|election|replicat|zone disabled", re.IGNORECASE)
_DELETE = 3  # one.vm.recover
_TIMEOUT = 60.0


class OpenNebulaCapacity:
    """Machines of an OpenNebula.

    Args:
        settings: `template` (id or name) that machines are made of; `endpoint`
            ("http://HOST:2633/RPC2"; none: as OpenNebula's tools find it); `auth_file` with
            USER:PASSWORD (none: the same); `networks` (ids or names, apart by spaces; none: the
            template's); `cpu` and `memory` (MiB) in place of the template's; `ssh_key` that may
            log in; `context`: "cloud-init" reads the user data, or "one-context", which takes a
            script only.
        environ: where ONE_AUTH and ONE_XMLRPC are looked for.

    Raises:
        CapacityNotConfigured: a key is missing or wrong, or there is no login.
    """

    KEYS = (
        "template",
        "endpoint",
        "auth_file",
        "networks",
        "cpu",
        "memory",
        "ssh_key",
        "context",
    )

    def __init__(
        self, settings: Mapping[str, Any], environ: Mapping[str, str] | None = None
    ) -> None:
        self._settings = settings
        self._template = self._text("template")
        if not self._template:
            raise CapacityNotConfigured(
                "template is missing", hint='write template = "ID OR NAME"'
            )
        self._context = self._text("context") or _CONTEXTS[0]
        if self._context not in _CONTEXTS:
            raise CapacityNotConfigured(
                f"context is {self._context!r}", hint=hint(self._context, _CONTEXTS)
            )
        found = dict(os.environ if environ is None else environ)
        if file := self._text("auth_file"):
            found["ONE_AUTH"] = file
        try:
            self._one = OneServer(
                self._text("endpoint") or None, timeout=_TIMEOUT, environment=found
            )
        except OneConfigException as error:
            raise CapacityNotConfigured(error.message, hint=error.hint) from error

    # ---- as a driver

    def check(self) -> tuple[str, ...]:
        """What would keep a machine from being made now."""
        me = self._asked(lambda: self._one.user.info(-1))
        found = []
        for one in (self._template_trouble, *map(self._network_check, self._networks)):
            try:
                said = self._asked(one)
            except Refused as error:
                said = error.message
            if said:
                found.append(said)
        return (*found, *_quota_trouble(me))

    def make(self, wish: NewMachine) -> Machine:
        """The machine of that name, see `Capacity.make`."""
        there = [one for one in self.list(wish.name) if one.name == wish.name]
        found = oldest([one for one in there if one.state is not MachineState.REMOVING])
        if found is not None:
            return found
        number = self._asked(lambda: self._instantiated(wish))
        return Machine(wish.name, str(number), MachineState.MAKING, "PENDING")

    def find(self, name: str) -> Machine | None:
        """The machine of that name."""
        return oldest([one for one in self.list(name) if one.name == name])

    def list(self, prefix: str) -> builtins.list[Machine]:
        """The machines whose names begin so."""
        pool = self._asked(lambda: builtins.list(self._one.vmpool.iter()))
        found = [machine_of(vm) for vm in pool if str(vm.NAME).startswith(prefix)]
        return sorted(found, key=lambda one: (one.name, one.created or 0.0, int(one.key)))

    def remove(self, key: str) -> None:
        """Begin to remove a machine, whatever it does."""

        def end() -> None:
            try:
                self._ended(int(key))
            except OneNoExistsException:
                return

        self._asked(end)

    def close(self) -> None:
        """Give connections back."""
        self._one.close()

    # ---- how it is done

    def _ended(self, number: int) -> None:
        try:
            self._one.vm.action("terminate-hard", number)
        except OneActionException:
            vm = self._one.vm.info(number)
            if machine_of(vm).state is MachineState.REMOVING:
                return
            self._one.vm.recover(number, _DELETE)  # it is in between two states

    def _instantiated(self, wish: NewMachine) -> int:
        template = self._one.template.info(self._id(self._template, "template"))
        context = {}
        for vector in template.TEMPLATE.get_list("CONTEXT"):
            context.update(vector)
        context |= self._told(wish)
        extra: dict[str, Any] = {"CONTEXT": context}
        if self._networks:
            numbers = [self._id(name, "vn") for name in self._networks]
            extra["NIC"] = [{"NETWORK_ID": number} for number in numbers]
        extra |= {key.upper(): self._text(key) for key in ("cpu", "memory") if self._text(key)}
        extra |= {key.upper(): value for key, value in wish.labels.items()}
        made: int = self._one.template.instantiate(
            template.ID, wish.name, False, encode({"TEMPLATE": extra})
        )
        return made

    def _told(self, wish: NewMachine) -> dict[str, str]:
        """What the machine is told at its first start."""
        told = {"NETWORK": "YES"}
        if key := self._text("ssh_key"):
            told["SSH_PUBLIC_KEY"] = key
        data = base64.b64encode(wish.user_data.encode()).decode()
        if self._context == "cloud-init":
            return {**told, "USER_DATA": data, "USERDATA_ENCODING": "base64"}
        if not wish.user_data.startswith("#!"):
            raise Refused(
                "one-context runs scripts, and the user data is for cloud-init",
                hint='write context = "cloud-init", or user_data = a file that begins with #!',
            )
        return {**told, "START_SCRIPT_BASE64": data}

    def _template_trouble(self) -> str | None:
        self._id(self._template, "template")
        return None

    def _network_check(self, name: str) -> Callable[[], str | None]:
        def trouble() -> str | None:
            self._id(name, "vn")
            return None

        return trouble

    def _id(self, wanted: str, resource: str) -> int:
        """The id of what the settings name by its id or name.

        Raises:
            Refused: there is none, or several have that name.
            OneNoExistsException: there is none of that id.
        """
        if wanted.isascii() and wanted.isdigit():
            return int(getattr(self._one, resource).info(int(wanted)).ID)
        known = [(str(one.NAME), int(one.ID)) for one in self._pool(resource)]
        same = [number for name, number in known if name == wanted]
        kind = "network" if resource == "vn" else resource
        if len(same) > 1:
            raise Refused(f"{len(same)} {kind}s are called {wanted}", hint="name it by its id")
        if not same:
            names = [name for name, _ in known]
            raise Refused(f"OpenNebula has no {kind} {wanted}", hint=hint(wanted, names[:20]))
        return same[0]

    def _pool(self, resource: str) -> Iterable[Any]:
        found: Iterable[Any] = getattr(self._one, f"{resource}pool").iter()
        return found

    def _asked(self, work: Callable[[], T]) -> T:
        """What a call gives; its errors in the words of this room."""
        try:
            return work()
        except OneException as error:
            raise failure(error) from error

    # ---- settings

    @property
    def _networks(self) -> tuple[str, ...]:
        return tuple(self._text("networks").split())

    def _text(self, key: str) -> str:
        value = self._settings.get(key, "")
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str):
            raise CapacityNotConfigured(f"{key} must be a text", hint=f'write {key} = "…"')
        return value


def machine_of(vm: Any) -> Machine:
    """A machine of OpenNebula as one of ours, from its short or its whole form."""
    state, said = _state(int(vm.STATE), int(vm.LCM_STATE))
    user = vm.USER_TEMPLATE
    reason = (user.get("ERROR") or user.get("SCHED_MESSAGE") or "") if user is not None else ""
    if reason and state in {MachineState.FAILED, MachineState.MAKING}:
        said = " ".join(f"{said}: {reason}".split())[:300]
    nics = vm.TEMPLATE.get_list("NIC") if vm.TEMPLATE is not None else []
    return Machine(
        name=str(vm.NAME),
        key=str(vm.ID),
        state=state,
        said=said,
        addresses=tuple(str(nic["IP"]) for nic in nics if nic.get("IP")),
        created=float(vm.STIME),
    )


def _state(state: int, lcm: int) -> tuple[MachineState, str]:
    """Ours, and OpenNebula's word."""
    if state != VM_STATE.ACTIVE:
        return _RESTING.get(state, MachineState.MAKING), VM_STATE(state).name
    word = LCM_STATE(lcm).name
    return _active(word), word


def _active(word: str) -> MachineState:
    if word in _ENDING:
        return MachineState.REMOVING
    if word.endswith("FAILURE"):
        return MachineState.FAILED
    if word.startswith(_STARTING) and not word.endswith("_MIGRATE"):
        return MachineState.MAKING
    if word == "UNKNOWN" or word.startswith(_STOPPING):
        return MachineState.STOPPED
    return MachineState.RUNNING


def _quota_trouble(me: Any) -> Iterable[str]:
    quotas = getattr(me, "VM_QUOTA", None)
    for one in quotas.VM if quotas is not None else ():
        limit, used = int(float(one.VMS)), int(float(one.VMS_USED))
        if 0 <= limit <= used:
            yield f"the quota is used up: {used} of {limit} machines"


def failure(error: OneException) -> CapacityError:
    """An error of the bindings in the words of this room."""
    text = " ".join(error.message.split()).rstrip(".")
    if isinstance(error, OneTransportException) or _NO_LEADER.search(text):
        return Unanswered(text, hint=error.hint, retry_after=error.retry_after)
    if isinstance(error, OneAuthenticationException):
        return Refused(text, hint="see auth_file of this capacity")
    if isinstance(error, OneAuthorizationException | OneActionException) and _USED_UP.search(text):
        return QuotaReached(text, hint=error.hint, retry_after=error.retry_after)
    if error.code or isinstance(error, TemplateError):
        return Refused(text, hint=error.hint, retry_after=error.retry_after)
    return Unanswered(text, hint=error.hint, retry_after=error.retry_after)
