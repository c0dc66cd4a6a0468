"""A server as it was when it was asked for, and the words for its state. Pure.

What goes on with a server is its task: it began, it will be done, and then the outcome holds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pelagos.box.neighbours import Guest

#: Seconds that a task takes at the pace 1; one that is not here is done at once.
SECONDS: Mapping[str, float] = {
    "build": 3.0, "rebuild": 3.0, "reboot": 1.5, "hard_reboot": 2.0, "start": 1.5, "stop": 1.5,
    "delete": 1.0, "pause": 0.5, "unpause": 0.5, "suspend": 1.0, "resume": 1.0, "resize": 3.0,
    "migrate": 3.0, "confirm": 0.5, "revert": 2.0, "rescue": 2.0, "unrescue": 2.0, "shelve": 2.0,
    "unshelve": 3.0, "password": 0.5, "soft_delete": 1.0, "restore": 1.0,
}  # fmt: skip

#: What Nova calls a task; that of a build changes while it goes on.
_NOVA_TASKS = {
    "rebuild": "rebuilding", "reboot": "rebooting", "hard_reboot": "rebooting_hard",
    "start": "powering-on", "stop": "powering-off", "delete": "deleting", "pause": "pausing",
    "unpause": "unpausing", "suspend": "suspending", "resume": "resuming",
    "resize": "resize_migrating", "migrate": "resize_migrating",
    "revert": "resize_reverting", "confirm": None, "rescue": "rescuing",
    "unrescue": "unrescuing", "shelve": "shelving", "unshelve": "unshelving",
    "image": "image_uploading", "backup": "image_backup", "password": "updating_password",
    "soft_delete": "soft-deleting", "restore": "restoring",
}  # fmt: skip
_BUILDING = (
    (0.15, "scheduling"), (0.35, "networking"), (0.6, "block_device_mapping"), (2.0, "spawning"),
)  # fmt: skip

_NOVA_STATES = {
    "building": "BUILD", "active": "ACTIVE", "stopped": "SHUTOFF", "paused": "PAUSED",
    "suspended": "SUSPENDED", "rescued": "RESCUE", "resized": "VERIFY_RESIZE", "error": "ERROR",
    "deleted": "DELETED", "shelved": "SHELVED", "shelved_offloaded": "SHELVED_OFFLOADED",
    "soft-delete": "SOFT_DELETED",
}  # fmt: skip
_NOVA_DURING = {
    "reboot": "REBOOT", "hard_reboot": "HARD_REBOOT", "rebuild": "REBUILD", "resize": "RESIZE",
    "migrate": "RESIZE", "revert": "REVERT_RESIZE",
    "password": "PASSWORD",
}  # fmt: skip
_POWER = {
    "active": 1, "rescued": 1, "resized": 1, "paused": 3, "suspended": 4, "stopped": 4,
    "soft-delete": 4,
}  # fmt: skip

#: Every status that Nova has, for filters.
NOVA_STATUSES = frozenset({*_NOVA_STATES.values(), *_NOVA_DURING.values(), "MIGRATING", "UNKNOWN"})

_SYNNEFO_TASKS = {
    "build": "BUILDING", "start": "STARTING", "stop": "STOPPING", "reboot": "REBOOTING",
    "hard_reboot": "REBOOTING", "delete": "DESTROYING", "resize": "RESIZING",
}  # fmt: skip
_SYNNEFO_STATES = {
    "building": "BUILD", "active": "ACTIVE", "stopped": "STOPPED", "error": "ERROR",
    "deleted": "DELETED", "rescued": "ACTIVE", "resized": "ACTIVE", "soft-delete": "DELETED",
}  # fmt: skip
#: What Synnefo calls a task in its refusals, and a state.
SYNNEFO_ACTIONS = {
    "build": "BUILD", "start": "START", "stop": "STOP", "reboot": "REBOOT",
    "hard_reboot": "REBOOT", "delete": "DESTROY", "resize": "RESIZE",
}  # fmt: skip
SYNNEFO_OPERSTATES = {
    "building": "BUILD", "active": "STARTED", "stopped": "STOPPED", "error": "ERROR",
    "deleted": "DESTROYED",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Server:
    """One server.

    Attributes:
        number: the id for Synnefo; `id` is that for OpenStack.
        state: as Nova calls it: building, active, stopped, paused, suspended, rescued, resized,
            error, deleted, shelved_offloaded, soft-delete (may come back until it is due).
        task: what goes on, a key of `SECONDS`; None for nothing.
        due: when it is done.
        outcome: what of this record changes then.
        image_id: empty when it started from a volume.
        flavor: what it was made of, by the names of `Flavor`.
        facts: what else is known of it.
    """

    number: int
    id: str
    project_id: str
    user_id: str
    name: str
    state: str
    task: str | None
    started: float
    due: float | None
    outcome: dict[str, Any]
    created: float
    updated: float
    deleted: float | None
    vcpus: int
    ram_mib: int
    disk_gib: int
    image_id: str
    flavor: dict[str, Any] = field(repr=False)
    metadata: dict[str, str] = field(repr=False)
    tags: list[str]
    facts: dict[str, Any] = field(repr=False)

    @classmethod
    def of(cls, row: Any) -> Server:
        """From a row of the table."""
        values = dict(row)
        for name in ("outcome", "flavor", "metadata", "tags", "facts"):
            values[name] = json.loads(values[name])
        return cls(**values)

    @property
    def guest(self) -> Guest:
        """As networks and volumes see it."""
        return Guest(self.id, self.number, self.name, self.user_id, self.project_id)

    @property
    def nova_status(self) -> str:
        """The status as Nova tells it."""
        if self.state in {"active", "stopped", "resized", "error"} and self.task in _NOVA_DURING:
            return _NOVA_DURING[self.task]
        return _NOVA_STATES[self.state]

    def nova_task(self, now: float) -> str | None:
        """The task as Nova tells it."""
        if self.task != "build":
            return _NOVA_TASKS[self.task] if self.task else None
        done = self._share(now)
        return next(word for until, word in _BUILDING if done < until)

    @property
    def power_state(self) -> int:
        """Nova's number: 0 none, 1 running, 3 paused, 4 off."""
        return _POWER.get(self.state, 0)

    def progress(self, now: float) -> int:
        """Percent of a build; 100 for what is built."""
        return round(100 * self._share(now)) if self.task == "build" else 100

    def _share(self, now: float) -> float:
        length = (self.due or now) - self.started
        return min(max((now - self.started) / length, 0.0), 1.0) if length > 0 else 0.0

    @property
    def synnefo_status(self) -> str:
        """The status as Synnefo tells it."""
        if self.task in {"reboot", "hard_reboot"} and self.state == "active":
            return "REBOOT"
        if self.task == "resize":
            return "RESIZE"
        return _SYNNEFO_STATES.get(self.state, "STOPPED")

    @property
    def synnefo_task(self) -> str:
        """The task as Synnefo tells it; empty for none."""
        return _SYNNEFO_TASKS.get(self.task or "", (self.task or "").upper())
