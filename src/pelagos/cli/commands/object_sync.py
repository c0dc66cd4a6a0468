"""`pelagos object sync up|down`: a folder and a place in object storage become the same."""

from __future__ import annotations

from pathlib import Path

from pelagos.cli.argument import FlagArgument, Operand
from pelagos.cli.cloud.storage import STORAGE, StorageCommand, folder_here
from pelagos.cli.folders import EXCLUDE, run
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

_object_commands = CommandTree("object")
_object_commands.add_command(
    "object_sync", "A folder of this computer and a place in object storage"
)

_SYNC = {
    **STORAGE,
    "delete": FlagArgument("remove from the target what the source has not", "--delete"),
    "dry": FlagArgument("only print what would be done", "-n", "--dry-run"),
    "fast": FlagArgument(
        "take files of equal size for equal when the target's is not older, unread", "--fast"
    ),
    "exclude": EXCLUDE,
}
_FOLDER = Operand("folder of this computer", complete="file")
_PLACE = Operand("CONTAINER, or CONTAINER/FOLDER", complete="cloud:place")


@command(_object_commands, path="object sync up")
class SyncUp(StorageCommand):
    """Make a place in object storage as a folder of this computer is.

    Only what differs is sent. With --delete, what the folder has not is removed there, unless
    something could not be read or sent.
    """

    is_apart = True

    shows = True
    arguments = _SYNC
    operands = {"folder": _FOLDER, "place": _PLACE}
    examples = ("pelagos object sync up album photos/album --delete --dry-run",)

    def main(self, folder: str, place: str) -> int | None:
        """Send."""
        from pelagos.clients.folder import Push

        spot = self.spot(place)
        source = folder_here(folder)
        with self.looking(spot._replace(name="")):
            push = Push(
                self.client,
                source,
                self.below(spot),
                delete=self["delete"],
                exclude=self["exclude"],
                fast=self["fast"],
                clock=self.context.clock,
            )
            return run(self.context, push, place, dry=self["dry"])


@command(_object_commands, path="object sync down")
class SyncDown(StorageCommand):
    """Make a folder of this computer as a place in object storage is.

    Only what differs is fetched. With --delete, files that the place has not are removed here,
    unless something could not be fetched.
    """

    is_apart = True

    shows = True
    arguments = _SYNC
    operands = {"place": _PLACE, "folder": _FOLDER}
    examples = ("pelagos object sync down photos/album album --delete",)

    def main(self, place: str, folder: str) -> int | None:
        """Fetch."""
        from pelagos.clients.folder import Pull

        spot = self.spot(place)
        with self.looking(spot):
            pull = Pull(
                self.client,
                Path(folder).expanduser(),
                self.below(spot),
                delete=self["delete"],
                exclude=self["exclude"],
                fast=self["fast"],
                clock=self.context.clock,
            )
            return run(self.context, pull, folder, dry=self["dry"])
