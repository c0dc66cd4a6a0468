"""`pelagos history …`: what was typed in the shell."""

from __future__ import annotations

from pelagos.cli.argument import Operand
from pelagos.cli.command_base import Command
from pelagos.cli.failures import UsageError
from pelagos.cli.output import Column
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

_history_commands = CommandTree("history", "What was typed in the shell")

_COLUMNS = (Column("number"), Column("line"))


@command(_history_commands)
class HistoryShow(Command):
    """Show the lines typed in the shell, the oldest first; secrets were left out."""

    shows = True
    lists = True
    keys = ()
    operands = {"lines": Operand("which of them: N, N:M, N: or :M, counted from 1")}
    examples = ("pelagos history show 10:20",)

    def main(self, lines: str = ":") -> None:
        """Print them."""
        from pelagos.cli.shell.history import history_of

        first, last = _bounds(lines)
        kept = enumerate(history_of(self.context).lines(), start=1)
        chosen = [
            {"number": number, "line": line}
            for number, line in kept
            if first <= number and (last is None or number <= last)
        ]
        self.context.output.show_list(chosen, _COLUMNS, empty="nothing was typed yet")


@command(_history_commands)
class HistoryClean(Command):
    """Forget all lines typed in the shell."""

    def main(self) -> None:
        """Forget them."""
        from pelagos.cli.shell.history import history_of

        count = history_of(self.context).clean()
        self.context.say(f"{count} line{'' if count == 1 else 's'} forgotten")


def _bounds(text: str) -> tuple[int, int | None]:
    """The first and the last number that are meant; None: to the end."""
    first, colon, last = text.partition(":")
    if all(part.isascii() and (part.isdigit() or not part) for part in (first, last)) and text:
        start = int(first or 1)
        return start, (int(last) if last else None) if colon else start
    raise UsageError(f"{text!r} names no lines", hint="write for example: 5, 5:10, 5: or :10")
