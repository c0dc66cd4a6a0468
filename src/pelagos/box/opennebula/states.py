"""The life of a machine: its states, and the way that each action takes; pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum


class State(IntEnum):
    """What people see."""

    INIT = 0
    PENDING = 1
    HOLD = 2
    ACTIVE = 3
    STOPPED = 4
    SUSPENDED = 5
    DONE = 6
    POWEROFF = 8
    UNDEPLOYED = 9
    CLONING = 10


class Lcm(IntEnum):
    """What an active machine does."""

    LCM_INIT = 0
    PROLOG = 1
    BOOT = 2
    RUNNING = 3
    MIGRATE = 4
    SAVE_STOP = 5
    SAVE_SUSPEND = 6
    SAVE_MIGRATE = 7
    PROLOG_MIGRATE = 8
    PROLOG_RESUME = 9
    EPILOG_STOP = 10
    EPILOG = 11
    SHUTDOWN = 12
    UNKNOWN = 16
    HOTPLUG = 17
    SHUTDOWN_POWEROFF = 18
    BOOT_POWEROFF = 20
    BOOT_SUSPENDED = 21
    BOOT_STOPPED = 22
    CLEANUP_DELETE = 23
    HOTPLUG_SNAPSHOT = 24
    HOTPLUG_NIC = 25
    HOTPLUG_SAVEAS = 26
    SHUTDOWN_UNDEPLOY = 29
    EPILOG_UNDEPLOY = 30
    PROLOG_UNDEPLOY = 31
    BOOT_UNDEPLOY = 32
    BOOT_MIGRATE = 35
    BOOT_FAILURE = 36
    PROLOG_FAILURE = 39
    DISK_RESIZE = 62
    HOTPLUG_RESIZE = 67
    BACKUP = 69
    BACKUP_POWEROFF = 70
    RESTORE = 71


#: A state and what is done in it.
Step = tuple[State, Lcm]


def _active(*steps: Lcm) -> list[Step]:
    return [(State.ACTIVE, step) for step in steps]


def _rest(state: State) -> Step:
    return (state, Lcm.LCM_INIT)


RUNNING: Step = (State.ACTIVE, Lcm.RUNNING)
PENDING, HOLD, DONE = _rest(State.PENDING), _rest(State.HOLD), _rest(State.DONE)
POWEROFF, SUSPENDED = _rest(State.POWEROFF), _rest(State.SUSPENDED)
STOPPED, UNDEPLOYED = _rest(State.STOPPED), _rest(State.UNDEPLOYED)

_GONE = {
    "PENDING": [DONE],
    "HOLD": [DONE],
    "STOPPED": [DONE],
    "UNDEPLOYED": [DONE],
    "POWEROFF": [*_active(Lcm.EPILOG), DONE],
    "SUSPENDED": [*_active(Lcm.EPILOG), DONE],
}
_FORCED = {
    state: [*_active(Lcm.CLEANUP_DELETE), DONE]
    for state in ("RUNNING", "UNKNOWN", "PROLOG", "BOOT", "BOOT_FAILURE", "PROLOG_FAILURE")
}
_UNDEPLOY = {
    "RUNNING": [*_active(Lcm.SHUTDOWN_UNDEPLOY, Lcm.EPILOG_UNDEPLOY), UNDEPLOYED],
    "POWEROFF": [*_active(Lcm.EPILOG_UNDEPLOY), UNDEPLOYED],
}
_POWEROFF = {"RUNNING": [*_active(Lcm.SHUTDOWN_POWEROFF), POWEROFF]}

#: By action and name of the state the way that is gone from there; an empty one stays there.
ACTIONS: Mapping[str, Mapping[str, list[Step]]] = {
    "terminate": {**_GONE, "RUNNING": [*_active(Lcm.SHUTDOWN, Lcm.EPILOG), DONE]},
    "terminate-hard": {**_GONE, **_FORCED},
    "undeploy": _UNDEPLOY,
    "undeploy-hard": _UNDEPLOY,
    "poweroff": _POWEROFF,
    "poweroff-hard": _POWEROFF,
    "reboot": {"RUNNING": []},
    "reboot-hard": {"RUNNING": []},
    "hold": {"PENDING": [HOLD]},
    "release": {"HOLD": [PENDING]},
    "stop": {
        "RUNNING": [*_active(Lcm.SAVE_STOP, Lcm.EPILOG_STOP), STOPPED],
        "SUSPENDED": [*_active(Lcm.EPILOG_STOP), STOPPED],
    },
    "suspend": {"RUNNING": [*_active(Lcm.SAVE_SUSPEND), SUSPENDED]},
    "resume": {
        "SUSPENDED": [*_active(Lcm.BOOT_SUSPENDED), RUNNING],
        "POWEROFF": [*_active(Lcm.BOOT_POWEROFF), RUNNING],
        "STOPPED": [PENDING],
        "UNDEPLOYED": [PENDING],
    },
    "resched": {"RUNNING": []},
    "unresched": {"RUNNING": []},
}

#: Where a machine comes from when it is placed: what it does on the host until it runs.
PLACING: Mapping[str, list[Step]] = {
    "PENDING": [*_active(Lcm.PROLOG, Lcm.BOOT), RUNNING],
    "STOPPED": [*_active(Lcm.PROLOG_RESUME, Lcm.BOOT_STOPPED), RUNNING],
    "UNDEPLOYED": [*_active(Lcm.PROLOG_UNDEPLOY, Lcm.BOOT_UNDEPLOY), RUNNING],
}
#: Where one ends that fails on purpose.
FAILURES = {Lcm.PROLOG: Lcm.PROLOG_FAILURE, Lcm.BOOT: Lcm.BOOT_FAILURE}
LIVE_MIGRATION = [*_active(Lcm.MIGRATE), RUNNING]
COLD_MIGRATION = [*_active(Lcm.SAVE_MIGRATE, Lcm.PROLOG_MIGRATE, Lcm.BOOT_MIGRATE), RUNNING]

#: The number of an action in the history.
HISTORY = {
    "none": 0, "migrate": 1, "live-migrate": 2, "undeploy": 5, "undeploy-hard": 6, "hold": 7,
    "release": 8, "stop": 9, "suspend": 10, "resume": 11, "reboot": 15, "reboot-hard": 16,
    "resched": 17, "unresched": 18, "poweroff": 19, "poweroff-hard": 20, "disk-attach": 21,
    "disk-detach": 22, "nic-attach": 23, "nic-detach": 24, "terminate": 27, "terminate-hard": 28,
    "deploy": 30, "resize": 35, "snapshot-create": 37, "snapshot-delete": 38,
    "snapshot-revert": 39, "recover": 42, "backup": 50, "backup-cancel": 52, "pci-attach": 58,
    "pci-detach": 59, "restore": 60, "exec": 61, "exec-retry": 62, "exec-cancel": 63,
}  # fmt: skip


def name_of(state: int, lcm: int) -> str:
    """What messages call it."""
    return Lcm(lcm).name if state == State.ACTIVE else State(state).name
