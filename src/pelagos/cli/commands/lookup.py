"""`pelagos lookup`: a search in the directory."""

from __future__ import annotations

from pelagos.cli.argument import Operand, ValueArgument
from pelagos.cli.command import Command
from pelagos.cli.failures import NOT_FOUND
from pelagos.cli.output import Column


class Lookup(Command):
    """Search the directory of the plane: services, and whatever sources it was given.

    Sources that failed or were late are named on stderr. Ends with exit code 4 when nothing is
    found.
    """

    shows = True
    arguments = {
        "profile": ValueArgument(
            "which sources and columns; default: default", "--profile", default="default"
        ),
    }
    operands = {"term": Operand("what to search for", complete="service")}

    def main(self, term: str) -> int | None:
        """Ask and print."""
        answer = self.context.directory.lookup(term, self["profile"])
        headers = [header or f"column {n}" for n, header in enumerate(answer.column_headers, 1)]
        rows = [dict(zip(headers, row.column_values, strict=False)) for row in answer.results]
        self.context.output.show_list(rows, [Column(header) for header in headers])
        for source in answer.sources:
            if not source.has_answered:
                reason = f": {source.error}" if source.error else ""
                self.context.say(f"source {source.name}: {source.verdict}{reason}")
        if rows:
            return None
        self.context.say(f"nothing found for {term}")
        return NOT_FOUND
