"""`pelagos down`: end the plane of this computer."""

from __future__ import annotations

from pelagos.cli.argument import FlagArgument, SecondsArgument
from pelagos.cli.command_base import Command
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

_down_commands = CommandTree("down")


@command(_down_commands)
class Down(Command):
    """Stop the plane that runs on this computer: the one with the same data folder.

    Its services keep running unless --stop-services says otherwise; the next `pelagos up`
    starts those again.
    """

    arguments = {
        "stop_services": FlagArgument("stop the services of this computer too", "--stop-services"),
        "timeout": SecondsArgument("how long to wait for its end", "--timeout", default=40.0),
    }

    def main(self) -> None:
        """End it and wait until it has ended."""
        from pelagos.plane import down
        from pelagos.plane.data_folder import DataFolder
        from pelagos.plane.membership import has_joined, how_to_start

        folder = DataFolder(self.context.data)
        ended = down.run(
            folder,
            stop_services=self["stop_services"],
            timeout=self["timeout"],
        )
        say = self.context.say
        what = "agent" if has_joined(folder) else "plane"
        if ended.pids:
            say(f"the {what} of {self.context.data} has ended")
        else:
            say(f"no {what} runs on {self.context.data}")
        if ended.services_stopped:
            say(f"its services are stopped; the next `{how_to_start(folder)}` starts them again")
