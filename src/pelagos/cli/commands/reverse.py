"""`pelagos reverse`: whose number is this?"""

from __future__ import annotations

from pelagos.cli.argument import Operand, ValueArgument
from pelagos.cli.command_base import Command
from pelagos.cli.failures import NOT_FOUND, NoPlaneError, UsageError
from pelagos.cli.found import PROFILE, tell
from pelagos.cli.output import Column
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

_reverse_commands = CommandTree("reverse")

_COLUMNS = (Column("exten", "number"), Column("display", "name"), Column("source"))


@command(_reverse_commands)
class Reverse(Command):
    """Tell whose numbers these are, as a phone would show it.

    Ends with exit code 4 when nobody has any of them.
    """

    shows = True
    lists = True
    keys = ("pelagos.directory.client.answers:ReverseAnswer",)
    arguments = {
        "profile": PROFILE,
        "user": ValueArgument(
            "whose personal contacts are looked at, too; default: your own",
            "--user",
            metavar="UUID",
            default="",
        ),
    }
    operands = {"number": Operand("a number"), "more": Operand("further numbers")}
    examples = ("pelagos reverse 2041", "pelagos reverse +4930123 2041")

    def main(self, number: str, *more: str) -> int | None:
        """Ask and print."""
        directory = self.context.directory
        user = self["user"] or self._own()
        answers = [directory.reverse(one, self["profile"], user) for one in (number, *more)]
        self.context.output.show_list(answers, _COLUMNS)
        silent = {v.name: v for one in answers for v in one.sources if not v.has_answered}
        tell(self.context, silent.values())
        return None if any(one.source for one in answers) else NOT_FOUND

    def _own(self) -> str:
        """What the directory calls the person who asks: in a plane the name."""
        try:
            return str(self.context.master.identity().get("name", ""))
        except NoPlaneError as error:
            raise UsageError(
                "it is not known who you are, for no plane is known here",
                hint="say whose personal contacts shall be looked at: --user UUID",
            ) from error
