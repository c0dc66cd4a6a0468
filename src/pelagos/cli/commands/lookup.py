"""`pelagos lookup`: a search in the directory."""

from __future__ import annotations

from typing import Any

from pelagos.cli.argument import Operand, ValueArgument
from pelagos.cli.command import Command
from pelagos.cli.failures import NOT_ALLOWED, NOT_FOUND, CommandError, NoPlaneError
from pelagos.cli.output import Column, plain


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
        from pelagos.directory.client import DirectoryClient

        answer = plain(self._client(DirectoryClient).lookup(term, self["profile"]))
        headers = answer["column_headers"]
        rows = [
            dict(zip(headers, row["column_values"], strict=False)) for row in answer["results"]
        ]
        columns = tuple(Column(header) for header in headers)
        self.context.output.show_list(rows, columns)
        for source in answer.get("sources", ()):
            if source["verdict"] not in ("answered", "empty"):
                reason = source.get("error")
                self.context.say(
                    f"source {source['name']}: {source['verdict']}"
                    + (f": {reason}" if reason else "")
                )
        if rows:
            return None
        self.context.say(f"nothing found for {term}")
        return NOT_FOUND

    def _client(self, kind: type[Any]) -> Any:
        context = self.context
        url = context.config.plane.directory_url or context.endpoints.get("directory_url")
        if not url:
            raise NoPlaneError(
                f"no directory is known here: {context.data} has none",
                hint="start one: pelagos up\nor name one: PELAGOS_DIRECTORY_URL",
            )
        if context.token is None:
            raise CommandError(
                f"there is no token for {url}",
                hint="give one: --token-file FILE, or PELAGOS_TOKEN",
                code=NOT_ALLOWED,
            )
        return kind(url, context.token)
