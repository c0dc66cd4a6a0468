"""`pelagos software …`: the software releases."""

from __future__ import annotations

from pelagos.cli.command import Command
from pelagos.cli.output import Column


class SoftwareList(Command):
    """List the software releases that were supplied, on which computers, and how far they are."""

    shows = True

    def main(self) -> None:
        """Print them."""
        found = self.context.glance("v1/releases")
        columns = (
            Column("url"),
            Column("computer_id", "computer"),
            Column("requested_state", "wished"),
            Column("status"),
            Column("cause.message", "cause"),
        )
        self.context.output.show_list(
            self.context.master.releases() if found is None else found,
            columns,
            empty="no software yet; supply one: pelagos supply URL",
        )
