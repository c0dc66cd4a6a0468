"""`pelagos computer remove`: a computer leaves the plane for good."""

from __future__ import annotations

from pelagos.cli.argument import FlagArgument
from pelagos.cli.command_base import Command
from pelagos.cli.commands.computer import COMPUTER, find
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

_computer_commands = CommandTree("computer")


@command(_computer_commands)
class ComputerRemove(Command):
    """Forget a computer that does not come back.

    Its agent must be silent. Its token and certificates are void, and the name is free. Where
    services sit on it, `--lost` gives them up: each gets another place and begins anew there, for
    what it kept is gone with the machine; one that was being destroyed is gone.

    A machine that the plane made in a cloud would stay there: use `pelagos capacity remove`.
    """

    arguments = {"lost": FlagArgument("give up the services that sit there", "--lost")}
    operands = {"computer": COMPUTER}
    examples = ("pelagos computer remove rack7", "pelagos computer remove rack7 --lost")

    def main(self, computer: str) -> None:
        """Tell the master; say what becomes of its services."""
        found = find(self.context, computer)
        self.context.master.remove_computer(computer, lost=self["lost"])
        seated = [one.service for one in found.partitions if one.service]
        what = f"; see where its services are: pelagos service list ({len(seated)})"
        self.context.say(f"{computer} is removed{what if seated else ''}")
