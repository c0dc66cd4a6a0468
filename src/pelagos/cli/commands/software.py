"""`pelagos software …`: the software releases."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pelagos.cli.argument import IntArgument, Operand
from pelagos.cli.command_base import Command
from pelagos.cli.commands.service import WAIT_ARGUMENTS
from pelagos.cli.commands.supply import (
    COMPUTER,
    RELEASE,
    check_supplied,
    only_computer,
    tell_or_wait,
)
from pelagos.cli.failures import NOT_FOUND, CommandError
from pelagos.cli.output import Column
from pelagos.cli.registration import command
from pelagos.cli.software import written_release
from pelagos.cli.tree import CommandTree
from pelagos.core.spelling import nearest

if TYPE_CHECKING:  # not for a cycle: a listing does not pay for the model
    from pelagos.slap.model import ReleaseOnComputer

_software_commands = CommandTree("software", "Software releases and the computers that have them")


@command(_software_commands)
class SoftwareList(Command):
    """List the software releases of all computers: how far each is where."""

    shows = True
    lists = True
    keys = ("pelagos.slap.model:ReleaseOnComputer",)

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


@command(_software_commands)
class SoftwareRemove(Command):
    """Take a software release away from a computer.

    The agent removes it; services that still use it keep running until they are configured anew,
    which then fails. Without COMPUTER it is this computer, or the only one of the plane.
    """

    arguments = WAIT_ARGUMENTS
    operands = {"url": RELEASE, "computer": COMPUTER}

    def main(self, url: str, computer: str | None = None) -> None:
        """Tell the master."""
        from pelagos.slap.model import SupplyState

        release = written_release(url)
        computer = computer or only_computer(self.context, "software remove")
        check_supplied(self.context, release, computer)
        self.context.master.supply(release, computer, SupplyState.DESTROYED)
        tell_or_wait(self, release, computer, is_removed=True)


@command(_software_commands)
class SoftwareLog(Command):
    """Print the end of the log of a release's last build.

    On the release's computer it is the whole log that counts; elsewhere it is what the agent sent
    to the master of a failed build.
    """

    arguments = {"lines": IntArgument("the last N; default 50", "-n", "--lines", default=50)}
    operands = {
        "url": Operand("URL or path of the release", complete="release"),
        "computer": COMPUTER,
    }

    def main(self, url: str, computer: str | None = None) -> None:
        """Print it."""
        release = written_release(url)
        own = self.context.endpoints.computer_id
        needs_nobody = self.context.token is None and self.context.is_own_plane and own
        if needs_nobody and computer in (None, own):  # a computer that joined: only its own logs
            where, said = own, ""
        else:
            found = self._supply(release, computer)
            where, said = found.computer_id, found.cause.detail
        log = self._local_log(release, where)
        if log is not None:
            from pelagos.cli.commands.logs import last_lines

            with log.open("rb") as file:
                lines = last_lines(file, self["lines"])
        else:
            lines = said.splitlines()[-self["lines"] :] if self["lines"] else []
        if not lines:
            raise self._no_log(release, where)
        for line in lines:
            self.context.output.line(line)

    def _no_log(self, release: str, computer: str) -> CommandError:
        if computer == self.context.endpoints.computer_id:
            return CommandError(
                f"{release} has no log here: no build of it has begun on {computer}",
                hint=f"see: pelagos why {release}",
                code=NOT_FOUND,
            )
        return CommandError(
            f"no log of {release} is here",
            hint=f"on {computer} run: pelagos software log {release}",
            code=NOT_FOUND,
        )

    def _supply(self, release: str, computer: str | None) -> ReleaseOnComputer:
        known = [
            one for one in self.context.master.releases() if computer in (None, one.computer_id)
        ]
        found = [one for one in known if one.url == release]
        if not found:
            where = f" on {computer}" if computer else ""
            near = nearest(release, (one.url for one in known))
            raise CommandError(
                f"{release} was not supplied{where}",
                hint=f"did you mean {near}?" if near else "see: pelagos software list",
                code=NOT_FOUND,
            )
        own = self.context.endpoints.computer_id
        return min(found, key=lambda one: (one.computer_id != own, one.status != "error"))

    def _local_log(self, release: str, computer: str) -> Path | None:
        from pelagos.slap.agent.layout import Layout

        endpoints = self.context.endpoints
        if computer != endpoints.computer_id or not endpoints.node_root:
            return None
        log = Layout(Path(endpoints.node_root), 0).release_log(release)
        return log if log.is_file() else None
