"""`pelagos favorite …`: the entries that a person wants at hand."""

from __future__ import annotations

from pelagos.cli.argument import Operand
from pelagos.cli.command_base import Command
from pelagos.cli.found import PROFILE, show
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

_favorite_commands = CommandTree("favorite", "The entries of the directory that you want at hand")

_OPERANDS = {
    "source": Operand("name of the source", complete="source"),
    "id": Operand("id of the entry in its source; `pelagos lookup --ids` shows it"),
}


@command(_favorite_commands)
class FavoriteList(Command):
    """List your favourites, with the source and the id of each."""

    shows = True
    lists = True
    keys = ()
    arguments = {"profile": PROFILE}

    def main(self) -> None:
        """Print them."""
        if not show(self.context, self.context.directory.favorites(self["profile"]), ids=True):
            self.context.say("no favourites yet; make one: pelagos favorite add SOURCE ID")


@command(_favorite_commands)
class FavoriteAdd(Command):
    """Make an entry of a source one of your favourites."""

    operands = _OPERANDS
    examples = ("pelagos favorite add phones 17",)

    def main(self, source: str, id: str) -> None:  # noqa: A002  # what it is called in the answer
        """Tell the directory."""
        self.context.directory.add_favorite(source, id)
        self.context.say(f"{id} of {source} is a favourite now")


@command(_favorite_commands)
class FavoriteRemove(Command):
    """Take an entry off your favourites."""

    operands = _OPERANDS

    def main(self, source: str, id: str) -> None:  # noqa: A002  # what it is called in the answer
        """Tell the directory."""
        self.context.directory.remove_favorite(source, id)
        self.context.say(f"{id} of {source} is no favourite any more")
