"""`pelagos lookup`: a search in the directory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pelagos.cli.argument import FlagArgument, Operand
from pelagos.cli.command_base import Command
from pelagos.cli.failures import NOT_FOUND
from pelagos.cli.found import PROFILE, show, show_parts, tell
from pelagos.cli.registration import command
from pelagos.cli.status_line import StatusLine
from pelagos.cli.terminal import is_terminal
from pelagos.cli.tree import CommandTree

if TYPE_CHECKING:  # not for a cycle: the help does not pay for the client
    from pelagos.directory.client import Headers, LookupPart

_lookup_commands = CommandTree("lookup")


@command(_lookup_commands)
class Lookup(Command):
    """Search the directory of the plane: services, people, and whatever sources it was given.

    On a terminal results are shown as the sources answer; elsewhere they come in the order of
    the sources. Sources that failed or were late are named on stderr. Ends with exit code 4 when
    nothing is found.
    """

    shows = True
    lists = True
    keys = ()
    arguments = {
        "profile": PROFILE,
        "ids": FlagArgument("show source and id of each entry, for `favorite add`", "--ids"),
    }
    operands = {"term": Operand("what to search for", complete="service")}
    examples = ("pelagos lookup gretel", "pelagos lookup gretel --ids")

    def main(self, term: str) -> int | None:
        """Ask and print."""
        is_watched = is_terminal(self.context.stdout) and self.context.output.is_table
        found = None
        if is_watched and not self["ids"] and not self["columns"]:
            found = self._live(term)
        if found is None:
            answer = self.context.directory.lookup(term, self["profile"])
            found = show(self.context, answer, ids=self["ids"])
        if found:
            return None
        self.context.say(f"nothing found for {term}")
        return NOT_FOUND

    def _live(self, term: str) -> int | None:
        """Print results as they come; how many there were, None when they come only at once."""
        from pelagos.directory.errors import UnknownProfileError

        with StatusLine(self.context.stderr, self.context.clock, "lookup") as line:
            line.show("waiting for the sources")
            parts = self.context.directory.stream(term, self["profile"])
            try:
                headers = next(parts)
            except UnknownProfileError:  # or a directory of others, which has no such route
                return None
            count, verdicts = show_parts(
                self.context,
                getattr(headers, "column_headers", ()),
                _told(parts, line),
            )
        tell(self.context, verdicts)
        return count


def _told(parts: Iterator[Headers | LookupPart], line: StatusLine) -> Iterator[LookupPart]:
    """The parts; each takes the line of progress away before it is printed."""
    answered = 0
    from pelagos.directory.client import LookupPart

    for part in parts:
        if not isinstance(part, LookupPart):
            continue
        answered += 1
        line.clear()
        yield part
        line.show(f"{answered} answered, waiting for the others")
