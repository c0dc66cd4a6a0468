"""`pelagos source …`: what the directory asks."""

from __future__ import annotations

from pelagos.cli.argument import Operand
from pelagos.cli.command_base import Command
from pelagos.cli.failures import FAILED, NOT_FOUND, CommandError
from pelagos.cli.output import Column
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree
from pelagos.core.spelling import nearest

_source_commands = CommandTree("source", "What the directory asks")

_GOOD = ("answered", "empty")


@command(_source_commands)
class SourceList(Command):
    """List the sources of the directory: whether each could be loaded, too."""

    shows = True
    lists = True
    keys = ("pelagos.directory.client.answers:SourceState",)

    def main(self) -> None:
        """Print them."""
        columns = (
            Column("name"),
            Column("backend"),
            Column("is_loaded", "loaded"),
            Column("error", "why"),
        )
        self.context.output.show_list(
            self.context.directory.sources(), columns, empty="the directory has no sources"
        )


@command(_source_commands)
class SourceCheck(Command):
    """Ask each source, and show verdict and time: also what it could not do.

    Ends with exit code 1 when one does not answer.
    """

    shows = True
    lists = True
    keys = ("pelagos.directory.client.answers:SourceFact",)
    operands = {"names": Operand("names of sources; without one all are asked", complete="source")}
    examples = ("pelagos source check", "pelagos source check crm")

    def main(self, *names: str) -> int | None:
        """Ask and print."""
        directory = self.context.directory
        if names:
            known = [one.name for one in directory.sources()]
            for name in names:
                if name not in known:
                    near = nearest(name, known)
                    hint = f"did you mean {near}?" if near else f"there are: {', '.join(known)}"
                    raise CommandError(f"there is no source {name}", hint=hint, code=NOT_FOUND)
        found = directory.check(names)
        columns = (
            Column("name"),
            Column("backend"),
            Column("verdict"),
            Column("ms", show=lambda ms: f"{ms:.1f}"),
            Column("error", "why"),
        )
        self.context.output.show_list(found, columns, empty="the directory has no sources")
        for one in found:
            for line in one.said:
                self.context.say(f"source {one.name}: {line}")
        is_well = all(one.verdict in _GOOD and not one.said for one in found)
        return None if is_well else FAILED
