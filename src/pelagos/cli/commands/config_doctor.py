"""`pelagos config doctor`: is all that settings come from in order?"""

from __future__ import annotations

from pelagos.cli.checks import show_checks
from pelagos.cli.command_base import Command
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

_config_commands = CommandTree("config")


@command(_config_commands)
class ConfigDoctor(Command):
    """Check every source of settings; each fault comes with its mend.

    The file, the environment, the token, the clouds of all files that have some, and the login of
    OpenNebula: unknown keys, wrong values, files that others may read, logins that lack something.
    Nothing is asked or sent. Ends with exit code 1 when a check fails.
    """

    shows = True
    lists = True
    keys = ("name", "grade", "message", "mend")
    examples = ("pelagos config doctor",)

    def main(self) -> int:
        """Check and print."""
        from pelagos.plane.config_doctor import examine

        path, environ = self.context.config_path, dict(self.context.environ)
        if self["config"]:  # a file that is named must be there
            environ["PELAGOS_CONFIG"] = str(path)
        return show_checks(self, examine(path, self.context.data, environ))
