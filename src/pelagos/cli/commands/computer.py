"""`pelagos computer …`: the computers of the plane."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pelagos.cli.argument import FlagArgument, Operand, SecondsArgument, ValueArgument
from pelagos.cli.command_base import Command
from pelagos.cli.context import Context
from pelagos.cli.moment import ago, clock_and_ago, local
from pelagos.cli.output import Column
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree
from pelagos.core.spelling import nearest

if TYPE_CHECKING:  # not for a cycle: a listing does not pay for the model
    from pelagos.slap.model import ComputerStatus

_computer_commands = CommandTree("computer", "Computers and their partitions")

_SEATS = (
    Column("partition_id", "partition"),
    Column("service", show=lambda name: name or ("(free)" if name is None else "(another's)")),
    Column("status"),
)

_PRESENCE = (
    Column("computer_id", "computer"),
    Column("elapsed_ms"),
    Column("version"),
    Column("started", show=local),
    Column("allows", show=lambda verbs: ", ".join(verbs) or "nothing"),
)

COMPUTER = Operand("name of the computer", complete="computer")


def find(context: Context, computer_id: str) -> ComputerStatus:
    """The computer of this name.

    Raises:
        NotFoundError: there is none; the hint names the nearest.
    """
    from pelagos.slap.errors import NotFoundError

    try:
        return context.master.computer(computer_id)
    except NotFoundError as error:
        near = nearest(computer_id, [one.computer_id for one in context.master.computers()])
        hint = f"did you mean {near}?" if near else "see all of them: pelagos computer list"
        raise NotFoundError(
            f"there is no computer {computer_id}", status=error.status, hint=hint
        ) from error


@command(_computer_commands)
class ComputerList(Command):
    """List the computers: how many partitions are free, and when each agent was last heard of."""

    shows = True
    lists = True
    keys = ("pelagos.slap.model:ComputerStatus",)

    def main(self) -> None:
        """Print them."""
        now = self.context.clock.time()
        found = self.context.glance("v1/computers")
        columns = (
            Column("computer_id", "computer"),
            Column("free_count", "free"),
            Column("partition_count", "of"),
            Column("last_seen", "last seen", lambda at: ago(at, now) if at else "never"),
            Column("cause.code", "state"),
            Column("cause.message", "cause"),
        )
        self.context.output.show_list(
            self.context.master.computers() if found is None else found,
            columns,
            empty="no computers yet; make this one the first: pelagos up",
        )


@command(_computer_commands)
class ComputerInfo(Command):
    """Show a computer and who sits in its partitions."""

    shows = True
    lists = True
    arguments = {"partitions": FlagArgument("list its partitions alone", "--partitions")}
    keys = ("pelagos.slap.model:PartitionSummary",)
    operands = {"computer": COMPUTER}

    def main(self, computer: str) -> None:
        """Print it; a table of the partitions follows what is said of the computer."""
        found = find(self.context, computer)
        output = self.context.output
        if self["partitions"]:
            output.show_list(found.partitions, _SEATS, empty=f"{computer} has no partitions")
            return
        if not output.is_table or self["columns"] or output.is_selective:
            output.show_one(found)
            return
        now = self.context.clock.time()
        head = {
            "computer": found.computer_id,
            "state": found.cause.code,
            "cause": found.cause.message,
            "next": found.cause.hint,
            "last seen": clock_and_ago(found.last_seen, now) if found.last_seen else "never",
            "free": f"{found.free_count} of {found.partition_count} partitions",
        }
        output.show_one(head)
        if found.partitions:
            output.line()
            output.show_list(found.partitions, _SEATS)


@command(_computer_commands)
class ComputerPing(Command):
    """Ask the agent of a computer whether it is there: over the bus; tells the time it took."""

    shows = True
    arguments = {
        "timeout": SecondsArgument(
            "how long it may take to answer; default 5s", "--timeout", default=5.0
        )
    }
    operands = {"computer": COMPUTER}
    examples = ("pelagos computer ping sea --timeout 30s",)

    def main(self, computer: str) -> None:
        """Print its answer."""
        find(self.context, computer)
        found = self.context.master.ping(computer, seconds=self["timeout"])
        self.context.output.show_one(found, _PRESENCE)


@command(_computer_commands)
class ComputerBang(Command):
    """Have all services of a computer configured again."""

    arguments = {"message": ValueArgument("why, for the events", "-m", "--message", default="")}
    operands = {"computer": COMPUTER}

    def main(self, computer: str) -> None:
        """Tell the master."""
        find(self.context, computer)
        self.context.master.bang_computer(computer, self["message"])
        self.context.say(f"all services of {computer} will be configured again")


@command(_computer_commands)
class ComputerDrain(Command):
    """Place nothing new on a computer; what runs there stays.

    To empty it, destroy its services or ask for them elsewhere.
    """

    shows = True
    arguments = {"undo": FlagArgument("place services there again", "--undo")}
    operands = {"computer": COMPUTER}

    def main(self, computer: str) -> None:
        """Tell the master; print what still sits there."""
        find(self.context, computer)
        found = self.context.master.drain(computer, not self["undo"])
        if self["undo"]:
            self.context.say(f"{computer} takes new services again")
            return
        seated = [one for one in found.partitions if one.service is not None]
        self.context.output.show_list(
            seated, _SEATS, empty=f"{computer} takes nothing new, and nothing is left on it"
        )
