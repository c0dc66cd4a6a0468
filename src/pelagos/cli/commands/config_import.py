"""`pelagos config import`: what another program was configured to do, in our configuration."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pelagos.cli.argument import FlagArgument, Operand
from pelagos.cli.command_base import Command
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

if TYPE_CHECKING:
    from pelagos.directory.migration import Carried

_config_commands = CommandTree("config")

KINDS = ("xivo-dird",)


@command(_config_commands)
class ConfigImport(Command):
    """Take over the configuration of another program.

    xivo-dird: reads config.yml with its conf.d and sources.d and writes the table
    directory.settings; says on stderr what could not be carried over, and what to do about it.
    """

    operands = {
        "kind": Operand("whose configuration it is: xivo-dird", choices=KINDS),
        "folder": Operand("its folder, e.g. /etc/xivo-dird or a copy", complete="file"),
    }
    arguments = {
        "dry_run": FlagArgument("print the settings instead of writing them", "--dry-run"),
        "replace": FlagArgument("put them in the place of those that are there", "--replace"),
        "run_commands": FlagArgument(
            "run the commands of files that are made by one (!exec)", "--run-commands"
        ),
    }
    examples = (
        "pelagos config import xivo-dird /etc/xivo-dird --dry-run",
        "pelagos config import xivo-dird /etc/xivo-dird --replace",
    )

    def main(self, kind: str, folder: str) -> None:
        """Read, write, and say what was left out."""
        from pelagos.core import toml
        from pelagos.core.config import set_table
        from pelagos.directory.migration import carry_over, read_tree
        from pelagos.plane.sections import SECTIONS

        del kind  # there is one
        tree = read_tree(Path(folder), run_commands=self["run_commands"])
        carried = carry_over(tree)
        if self["dry_run"]:
            text = toml.dumps({"directory": {"settings": carried.settings}})
            for line in text.splitlines():
                self.context.output.line(line)
        else:
            path = self.context.config_path
            set_table(
                SECTIONS, path, "directory.settings", carried.settings, replace=self["replace"]
            )
        self._report(carried, len(tree.files))

    def _report(self, carried: Carried, files: int) -> None:
        say = self.context.say
        for remark in carried.remarks:
            say(str(remark))
            if remark.hint:
                say(f"    {remark.hint}")
        sources = len(carried.settings.get("sources", ()))
        where = "not written" if self["dry_run"] else f"written to {self.context.config_path}"
        say(f"{files} files read, {sources} sources, {len(carried.remarks)} remarks; {where}")
        if not self["dry_run"]:
            say("pelagos source check asks each source once the directory runs")
