"""The contract of a driver that makes machines in a cloud.

A driver remembers nothing: the cloud is what it knows, and the name is what it knows a machine
by. Whoever asks again after a crash gets the machine that is there.

An entry point of the group `pelagos.capacity` names a class that keeps `Capacity` and is made
with `settings` (the keys of `[capacity.NAME]` that are not the plane's own) and `environ`.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from pelagos.core.clock import Clock, SystemClock
from pelagos.plane.capacity.errors import MachineLost

#: Entry points of drivers.
GROUP = "pelagos.capacity"
#: Labels of a machine that the plane sets; a driver keeps them where the cloud has a place.
LABEL_PLANE, LABEL_CAPACITY = "pelagos_plane", "pelagos_capacity"


class MachineState(StrEnum):
    """What a cloud says of a machine, in five words for all clouds."""

    MAKING = "making"
    RUNNING = "running"
    STOPPED = "stopped"
    REMOVING = "removing"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class NewMachine:
    """A machine that is wished for.

    Attributes:
        name: letters, digits and dashes, at most 63; the only one of this name.
        user_data: text for cloud-init, begins with `#cloud-config` or `#!`. It is a secret.
        labels: texts by name, for people who look at the cloud.
    """

    name: str
    user_data: str = field(repr=False)
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine as the cloud tells it.

    Attributes:
        name: that it was made with.
        key: the cloud's own id.
        state: see there.
        said: the cloud's word for the state, and its reason when it failed; one line.
        addresses: those known by now, e.g. "10.0.0.5".
        created: Unix seconds; None when the cloud does not tell.
    """

    name: str
    key: str
    state: MachineState
    said: str = ""
    addresses: tuple[str, ...] = ()
    created: float | None = None


class Capacity(Protocol):
    """Makes, finds and removes machines in one cloud. One thread uses it at a time.

    Each method asks the cloud, ends within the driver's own timeout, and raises CapacityError:
    `Refused` (`QuotaReached`) when the cloud said no and nothing was done, `Unanswered` when it
    is not known what was done.
    """

    def check(self) -> tuple[str, ...]:
        """What would keep a machine from being made now, one line each; none when all is well.

        Asks for what the settings name (login, flavour, image, network, quota), makes nothing.
        """

    def make(self, wish: NewMachine) -> Machine:
        """The machine of that name; a new one only when the cloud has none.

        Returns as soon as the cloud has accepted, usually with the state making. One that is
        there is returned as it is, also failed; one that is being removed counts as not there.
        Of several with the name the oldest is returned: `list` shows the others.
        """

    def find(self, name: str) -> Machine | None:
        """The machine of exactly that name, the oldest of several; None when there is none.

        One that is being removed is found as such, when there is no other.
        """

    def list(self, prefix: str) -> builtins.list[Machine]:
        """All machines whose names begin so, from all pages, by name and then by age.

        Those being removed are among them; those that are gone are not. Never a part of the
        list: that would be an error.
        """

    def remove(self, key: str) -> None:
        """Begin to remove the machine with the cloud's id `key`; nothing when it is gone.

        Returns when the cloud has accepted; the machine may be listed for a while.
        """

    def close(self) -> None:
        """Give connections back."""


def oldest(machines: builtins.list[Machine]) -> Machine | None:
    """The one of these that `find` returns: not being removed, then the oldest, then by id."""
    return min(
        machines,
        key=lambda one: (
            one.state is MachineState.REMOVING,
            one.created is None,
            one.created or 0.0,
            one.key,
        ),
        default=None,
    )


def wait_until_running(
    capacity: Capacity,
    name: str,
    *,
    timeout: float,
    delay: float = 2.0,
    clock: Clock | None = None,
    progress: Callable[[Machine], None] = lambda _: None,
) -> Machine:
    """Ask until the machine runs.

    Args:
        timeout: seconds, for all.
        delay: seconds between two questions.
        clock: tells the time and waits.
        progress: called with each answer.

    Raises:
        MachineLost: it failed, is not there, or took too long.
        CapacityError: the cloud could not be asked.
    """
    clock = clock or SystemClock()
    end = clock.monotonic() + timeout
    while True:
        machine = capacity.find(name)
        if machine is None or machine.state in (MachineState.FAILED, MachineState.REMOVING):
            said = "it is not there" if machine is None else machine.said or machine.state
            raise MachineLost(f"the machine {name} will not run: {said}")
        progress(machine)
        if machine.state is MachineState.RUNNING:
            return machine
        left = end - clock.monotonic()
        if left <= 0:
            raise MachineLost(f"the machine {name} is still {machine.said} after {timeout:g} s")
        clock.sleep(min(delay, left))


def wait_until_gone(
    capacity: Capacity,
    name: str,
    *,
    timeout: float,
    delay: float = 2.0,
    clock: Clock | None = None,
) -> None:
    """Ask until the cloud has no machine of that name.

    Raises:
        MachineLost: it is still there when the time is over.
        CapacityError: the cloud could not be asked.
    """
    clock = clock or SystemClock()
    end = clock.monotonic() + timeout
    while (machine := capacity.find(name)) is not None:
        left = end - clock.monotonic()
        if left <= 0:
            raise MachineLost(f"the machine {name} is still {machine.said} after {timeout:g} s")
        clock.sleep(min(delay, left))
