"""`pelagos capacity …`: machines that the plane makes in clouds for requests that wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pelagos.cli.argument import FlagArgument, Operand
from pelagos.cli.command_base import Command
from pelagos.cli.commands.service import WAIT_ARGUMENTS
from pelagos.cli.failures import FAILED, CommandError
from pelagos.cli.moment import ago
from pelagos.cli.output import Column
from pelagos.cli.registration import command
from pelagos.cli.terminal import is_terminal
from pelagos.cli.tree import CommandTree

if TYPE_CHECKING:  # not for a cycle: the help does not pay for the model
    from pelagos.slap.capacity import MachineRow, Overview
    from pelagos.slap.client import SlapClient

_capacity_commands = CommandTree("capacity", "Machines that the plane makes in clouds")

_PLACES = (
    Column("name", "capacity"),
    Column("driver"),
    Column("state"),
    Column("machines"),
    Column("max_machines", "of"),
    Column("makes_left", "this hour"),
    Column("cause.message", "cause"),
)
_NONE = (
    "no machines are made: write [capacity.named.NAME] into the plane's configuration and start "
    "it again; see docs/how-to/machines-on-demand.md"
)
_PLACE = Operand("name of the capacity, as configured", complete="capacity")


def _overview(master: SlapClient) -> Overview:
    """Capacities and machines.

    Raises:
        CommandError: this plane makes no machines.
        NotFoundError: what answers is no Pelagos master.
    """
    from pelagos.slap.errors import NotFoundError

    try:
        return master.capacity()
    except NotFoundError as error:
        if error.is_foreign:
            raise
        raise CommandError(
            "this plane makes no machines",
            hint="write [capacity.named.NAME] into its configuration and start it again",
        ) from error


@command(_capacity_commands)
class CapacityList(Command):
    """List where machines are made, and the machines: each with its cause.

    Only the machines are listed with `--columns`, `--filter`, `--sort` or an `--output` other than
    a table; `--places` lists the capacities.
    """

    shows = True
    lists = True
    keys = ("pelagos.slap.capacity:MachineRow",)
    arguments = {"places": FlagArgument("only the capacities, no machines", "--places")}
    examples = ("pelagos capacity list", "pelagos capacity list -o json")

    def main(self) -> None:
        """Print them."""
        found = self._found()
        output, now = self.context.output, self.context.clock.time()
        is_brief = output.is_table and self["columns"] is None and not output.is_selective
        if self["places"] or is_brief:
            keys = ("pelagos.slap.capacity:CapacityRow",)
            output.show_list(found.capacities, _PLACES, keys=keys)
            if self["places"] or not found.capacities:
                return
            output.line()
        columns = (
            Column("name", "machine"),
            Column("capacity"),
            Column("state"),
            Column("begun", show=lambda at: ago(at, now)),
            Column("services", show=", ".join),
            Column("reason", "made for"),
            Column("cause.message", "cause"),
        )
        empty = "there are no machines now" if found.capacities else ""
        output.show_list(found.machines, columns, empty=empty)

    def _found(self) -> Overview:
        """What there is; a plane that makes no machines has none, and a person is told how."""
        from pelagos.slap.capacity import Overview
        from pelagos.slap.errors import NotFoundError

        try:
            found = self.context.master.capacity()
        except NotFoundError as error:
            if error.is_foreign:
                raise
            found = Overview()
        if not found.capacities and is_terminal(self.context.stderr):
            self.context.say(_NONE)
        return found


@command(_capacity_commands)
class CapacityCheck(Command):
    """Ask the clouds whether a machine could be made now: login, flavour, image, network, quota.

    Makes nothing. The exit code tells whether all is well.
    """

    operands = {
        "capacity": Operand("name of the capacity; all when none is named", complete="capacity")
    }
    examples = ("pelagos capacity check", "pelagos capacity check north")

    def main(self, capacity: str | None = None) -> None:
        """Print what is wrong, or that nothing is."""
        _overview(self.context.master)
        found = self.context.master.check_capacity(capacity)
        for one in found:
            if not one.problems:
                self.context.say(f"{one.name}: a machine could be made now")
            for problem in one.problems:
                self.context.say(f"{one.name}: {problem}")
        bad = [one.name for one in found if one.problems]
        if bad:
            raise CommandError(
                f"no good machine would be made in {', '.join(bad)}",
                code=FAILED,
                hint="mend what is said above",
            )


@command(_capacity_commands)
class CapacityMake(Command):
    """Have a machine made that nobody waits for yet.

    The limits of the configuration hold for it. It is removed when it has been idle, as others,
    unless it is made with `--keep`.
    """

    operands = {"capacity": _PLACE}
    arguments = {
        "keep": FlagArgument("not removed when it is idle", "--keep"),
        **WAIT_ARGUMENTS,
    }
    examples = ("pelagos capacity make north --wait", "pelagos capacity make north --keep")

    def main(self, capacity: str) -> None:
        """Tell the master."""
        _overview(self.context.master)
        made = self.context.master.make_machine(capacity, keep=self["keep"])
        if self["wait"]:
            _wait(self, made.name, "joined")
            self.context.say(f"{made.name} has joined")
        else:
            self.context.say(f"{made.name} is being made; see: pelagos why {made.name}")


@command(_capacity_commands)
class CapacityRemove(Command):
    """Remove a machine that the plane made, whatever it is at.

    Refused while a service sits on it. A machine whose agent has not joined is removed at once.
    With `--lost` services that sat on a machine that its cloud has no more, or that failed there,
    begin anew elsewhere, without what they kept on it.
    """

    arguments = {
        "lost": FlagArgument("the machine is lost: its services begin anew elsewhere", "--lost"),
        **WAIT_ARGUMENTS,
    }
    operands = {"machine": Operand("name of the machine", complete="machine")}
    examples = ("pelagos capacity remove pelagos-north-3fa2c1-7",)

    def main(self, machine: str) -> None:
        """Tell the master."""
        _overview(self.context.master)
        self.context.master.remove_machine(machine, lost=self["lost"])
        if self["wait"]:
            _wait(self, machine, None)
            self.context.say(f"{machine} is removed")
        else:
            self.context.say(f"{machine} is being removed; see: pelagos capacity list")


def _wait(command: Command, machine: str, goal: str | None) -> None:
    from pelagos.cli.settling import wait_settled

    def look() -> tuple[str, MachineRow] | None:
        for one in command.context.master.capacity().machines:
            if one.name == machine:
                return one.state, one
        return None

    wait_settled(command, machine, look, goal)
