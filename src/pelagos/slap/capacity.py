"""Machines that the plane makes in clouds, as people are shown them. Pure data."""

from __future__ import annotations

from dataclasses import dataclass, field

from pelagos.slap.model import Cause


@dataclass(frozen=True, slots=True)
class MachineRow:
    """A machine that the plane made, or is making.

    Attributes:
        name: in the cloud, and of the computer that it becomes.
        capacity: the section of the configuration that it comes from.
        state: planned, making, booting, joined, leaving or removing.
        cause: of that state.
        key: the cloud's own id; empty while it is not known.
        addresses: as the cloud tells them.
        services: names of what sits on it.
        reason: what it was made for.
        begun: Unix seconds.
        is_kept: not removed when it is idle.
    """

    name: str
    capacity: str
    state: str
    cause: Cause
    key: str = ""
    addresses: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    reason: str = ""
    begun: float = 0.0
    is_kept: bool = False


@dataclass(frozen=True, slots=True)
class CapacityRow:
    """A place where the plane may make machines.

    Attributes:
        name: of its section in the configuration.
        driver: what speaks to the cloud.
        state: ready, full, waiting, standby, failing or off.
        cause: of that state.
        machines: that are there or on their way.
        max_machines: that there may be.
        makes_left: machines that may still be made within this hour.
    """

    name: str
    driver: str
    state: str
    cause: Cause
    machines: int = 0
    max_machines: int = 0
    makes_left: int = 0


@dataclass(frozen=True, slots=True)
class Overview:
    """All capacities, in the order in which they are asked, and all machines."""

    capacities: tuple[CapacityRow, ...] = ()
    machines: tuple[MachineRow, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Checked:
    """What keeps a capacity from making a machine now; nothing when all is well."""

    name: str
    problems: tuple[str, ...] = ()
