"""`pelagos bus doctor`: is the bus in order, and if not, what to do."""

from __future__ import annotations

from pelagos.cli.argument import SecondsArgument, ValueArgument
from pelagos.cli.bus import BUS, find_bus, patience
from pelagos.cli.checks import show_checks
from pelagos.cli.command_base import Command
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

_bus_commands = CommandTree("bus")


@command(_bus_commands)
class BusDoctor(Command):
    """Check the bus: reach it, log in, send and receive; each fault comes with its mend.

    Ends with exit code 1 when a check fails.
    """

    shows = True
    lists = True
    keys = ("name", "grade", "message", "mend")
    arguments = {
        "bus": BUS,
        "timeout": SecondsArgument("for each step; default 5 s", "--timeout", default=5.0),
        "dead_letters": ValueArgument(
            "queue of the dead letters; default: pelagos.dead", "--dead-letters", metavar="QUEUE"
        ),
    }
    examples = ("pelagos bus doctor", "pelagos bus doctor --bus amqp://broker.example/sea")

    def main(self) -> int:
        """Check and print."""
        from pelagos.core import logs
        from pelagos.messaging.dead.again import DEAD_QUEUE
        from pelagos.messaging.observation.checkup import examine

        bus = find_bus(self)
        if not self["verbose"]:
            logs.mute()  # what the checks meet is their answer
        queue = self["dead_letters"] or DEAD_QUEUE
        findings = examine(
            bus, timeout=patience(self), dead_letters=queue, clock=self.context.clock
        )
        return show_checks(self, findings)
