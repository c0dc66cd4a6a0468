"""`pelagos shell`: many lines in one session."""

from __future__ import annotations

from pelagos.cli.argument import FlagArgument, ValueArgument
from pelagos.cli.cloud.command import CLOUD
from pelagos.cli.command_base import FORMATS, Command
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

_shell_commands = CommandTree("shell")


@command(_shell_commands)
class Shell(Command):
    """Type commands one after another, in one session.

    At a terminal it completes with TAB, keeps a history and goes into groups; `help` tells what it
    understands. In a pipe each line is a command; all are run, and the exit code is that of the
    first that failed. The options given here hold for each line that does not say otherwise.
    """

    converses = True
    arguments = {
        "form": ValueArgument(
            "how lists and things are printed",
            "-o",
            "--output",
            metavar="FORMAT",
            choices=FORMATS,
        ),
        **CLOUD,
        "stop": FlagArgument("end at the first line that fails", "--stop"),
    }
    examples = (
        "pelagos shell --cloud home",
        "printf 'service list\\ncomputer list\\n' | pelagos shell -o json",
    )

    def main(self) -> int:
        """Run the session."""
        from pelagos.cli.shell.options import SessionOptions
        from pelagos.cli.shell.session import Session

        given = {"output": ("--output", self["form"]), "cloud": ("--cloud", self["cloud"])}
        own = {key: pair for key, pair in given.items() if pair[1]}
        options = SessionOptions(self.context.options, own)
        return Session(self.context, options, stops=self["stop"]).run()
