"""What a master asks of the program around it that makes machines in clouds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from pelagos.slap.capacity import Checked, MachineRow, Overview
from pelagos.slap.model import Cause


@dataclass(frozen=True, slots=True)
class Advice:
    """What is known of a thing beyond the master's own cause.

    Attributes:
        cause: says it.
        leads: it is what the thing waits for; else it only adds to the master's own cause.
        state: in a word, of a machine that is no computer yet.
    """

    cause: Cause
    leads: bool = True
    state: str = ""


class CapacityLine(Protocol):
    """Makes and removes machines. Each method answers at once, but for `check`."""

    def advise(self, kind: str, name: str) -> Advice | None:
        """What is known of a service (by guid) or computer; None when nothing is."""

    def overview(self) -> Overview:
        """All capacities and machines."""

    def make(self, capacity: str, *, keep: bool, actor: str) -> MachineRow:
        """Plan a machine.

        Raises:
            SlapError: there is no such capacity, or it may make none now; says why.
        """

    def remove(self, name: str, actor: str, *, lost: bool = False) -> MachineRow:
        """Plan the end of a machine.

        Args:
            lost: what sat there begins anew elsewhere.

        Raises:
            SlapError: there is none of that name, or something sits on it, or it is not lost.
        """

    def check(self, name: str | None) -> list[Checked]:
        """Ask the clouds what keeps machines from being made.

        Raises:
            SlapError: there is no such capacity.
        """
