"""`pelagos supply`: a software release onto a computer, or away from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pelagos.cli.argument import FlagArgument, Operand
from pelagos.cli.command_base import Command
from pelagos.cli.commands.service import WAIT_ARGUMENTS
from pelagos.cli.context import Context
from pelagos.cli.failures import NOT_FOUND, CommandError, UsageError
from pelagos.cli.registration import command
from pelagos.cli.software import software_url, written_release
from pelagos.cli.tree import CommandTree

if TYPE_CHECKING:  # not for a cycle: the help does not pay for the model
    from pelagos.slap.model import ReleaseOnComputer

_supply_commands = CommandTree("supply")

RELEASE = Operand("URL or path of the buildout profile", complete="file")
COMPUTER = Operand("name of the computer", complete="computer")


@command(_supply_commands)
class Supply(Command):
    """Make a software release available on a computer.

    The agent of the computer builds it; see how far it is with `pelagos software list`. Without
    COMPUTER it is this computer, or the only one of the plane.
    """

    arguments = {
        "remove": FlagArgument("take the software away from the computer", "--remove"),
        **WAIT_ARGUMENTS,
    }
    operands = {"url": RELEASE, "computer": COMPUTER}
    examples = (
        "pelagos supply examples/hello/software.cfg --wait --timeout 20m",
        "pelagos supply https://example.org/db.cfg node-2 --remove",
    )

    def main(self, url: str, computer: str | None = None) -> None:
        """Tell the master."""
        from pelagos.cli.commands.computer import find
        from pelagos.slap.errors import NotFoundError
        from pelagos.slap.model import SupplyState

        if self["remove"]:
            state = SupplyState.DESTROYED
            release = written_release(url)
        else:
            state = SupplyState.AVAILABLE
            release = software_url(url)
        computer = computer or only_computer(self.context, "supply")
        if self["remove"]:
            check_supplied(self.context, release, computer)
        try:
            self.context.master.supply(release, computer, state)
        except NotFoundError:
            find(self.context, computer)  # of one that is unknown it names the nearest
            raise
        tell_or_wait(self, release, computer, is_removed=self["remove"])


def tell_or_wait(command: Command, release: str, computer: str, *, is_removed: bool) -> None:
    """Say what will become of a release, or wait until it is so when told to.

    Raises:
        CommandError: with exit code 3, when it is not so in time.
    """
    if not command["wait"]:
        verb = "will be removed from" if is_removed else "will be available on"
        command.context.say(f"{release} {verb} {computer}; see: pelagos software list")
        return
    from pelagos.cli.settling import wait_settled

    def look() -> tuple[str, ReleaseOnComputer] | None:
        for one in command.context.master.releases():
            if (one.url, one.computer_id) == (release, computer):
                return one.status, one
        return None

    wait_settled(command, release, look, None if is_removed else "available")
    verb = "is removed from" if is_removed else "is available on"
    command.context.say(f"{release} {verb} {computer}")


def check_supplied(context: Context, release: str, computer: str) -> None:
    """Pass, when a release was supplied on a computer, so that it can be taken away.

    Raises:
        CommandError: it was not; names the nearest that was.
        NotFoundError: there is no such computer.
    """
    from pelagos.cli.commands.computer import find
    from pelagos.core.spelling import nearest

    found = context.master.releases()
    there = [one.url for one in found if one.computer_id == computer]
    if release in there:
        return
    find(context, computer)
    elsewhere = [one.computer_id for one in found if one.url == release]
    near = nearest(release, there)
    hint = "see: pelagos software list"
    if elsewhere:
        hint = f"it is supplied on {', '.join(elsewhere[:3])}"
    elif near:
        hint = f"did you mean {near}?"
    raise CommandError(
        f"{release} was never supplied on {computer}, or is removed already",
        hint=hint,
        code=NOT_FOUND,
    )


def only_computer(context: Context, command: str) -> str:
    """This computer, or the only one there is.

    Raises:
        UsageError: there are several, or none; `command` is named in it.
    """
    own = context.endpoints.computer_id if context.is_own_plane else None
    if own:
        return own
    names = [one.computer_id for one in context.master.computers()]
    if len(names) == 1:
        return names[0]
    raise UsageError(
        f"{command}: COMPUTER is missing",
        hint=f"name one of: {', '.join(names)}" if names else "the plane has no computer yet",
    )
