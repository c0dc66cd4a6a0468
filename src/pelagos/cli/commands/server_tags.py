"""`pelagos server tags`: the labels of a server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pelagos.cli.argument import Operand
from pelagos.cli.cloud.command import CLOUD, CloudCommand
from pelagos.cli.cloud.things import SERVER
from pelagos.cli.commands.server import WHICH
from pelagos.cli.failures import NOT_FOUND
from pelagos.cli.output import Column
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

_server_commands = CommandTree("server")


@command(_server_commands)
class ServerTags(CloudCommand):
    """List the labels of a server; of a Synnefo, with the status of each.

    With TAG only these; it ends with 4 when the server lacks one. They are changed with
    `pelagos server modify --tag-add`.
    """

    shows = True
    lists = True
    keys = ("status",)
    arguments = CLOUD
    operands = {"server": WHICH, "tags": Operand("only these")}
    examples = ("pelagos server tags web", "pelagos server tags web blue")

    def main(self, server: str, *tags: str) -> int | None:
        """Print them."""
        said: Any = self.cloud.compute.list_tags(self.find_id(SERVER, server))
        is_told = isinstance(said, Mapping)
        names = said.get("tags") if is_told else said
        statuses = said.get("statuses") if is_told else None
        rows = [
            {"tag": name, **({"status": status} if is_told else {})}
            for name, status in zip(names or [], statuses or [None] * len(names), strict=False)
            if not tags or name in tags
        ]
        columns = [Column("tag"), *([Column("status")] if is_told else [])]
        self.context.output.show_list(rows, columns, empty="it has none")
        lacking = set(tags) - {row["tag"] for row in rows}
        for name in sorted(lacking):
            self.context.say(f"{server} has no label {name}")
        return NOT_FOUND if lacking else None
