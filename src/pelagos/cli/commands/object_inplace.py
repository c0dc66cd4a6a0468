"""`pelagos object append|overwrite|truncate|manifest`: objects changed or made where they are."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import IO, cast

from pelagos.cli.argument import DataSizeArgument, IntArgument, Operand, ValueArgument
from pelagos.cli.cloud.showing import size
from pelagos.cli.cloud.storage import PLACE, STORAGE, Spot, StorageCommand, file_here
from pelagos.cli.failures import CommandError, UsageError
from pelagos.cli.meter import metered
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

_object_commands = CommandTree("object")

_SOURCE = Operand("file; - reads standard input", complete="file")


class _InPlace(StorageCommand):
    """What the commands share."""

    is_apart = True

    @contextlib.contextmanager
    def opened(self, source: str) -> Iterator[tuple[IO[bytes], int]]:
        """The bytes of a file or of standard input, and how many they are as far as is known."""
        if source == "-":
            yield cast("IO[bytes]", getattr(self.context.stdin, "buffer", None)), 0
            return
        path = file_here(source)
        with path.open("rb") as file:
            yield file, path.stat().st_size

    def only_in_pithos(self, what: str, spot: Spot) -> None:
        """Refuse what Swift cannot.

        Raises:
            CommandError: the cloud has Swift.
        """
        if self.is_swift:
            raise CommandError(
                f"only Pithos {what}; the cloud {self.cloud.name} has Swift",
                hint=f"send the whole object again: pelagos object upload -f FILE {spot}",
            )

    def length(self, spot: Spot) -> int:
        """How many bytes an object has."""
        info = self.client.get_object_info(spot.name, **spot.where)
        return int(info.get("content-length") or 0)


@command(_object_commands)
class ObjectAppend(_InPlace):
    """Add a file to the end of an object (Pithos). Only one may do so at a time."""

    arguments = STORAGE
    operands = {"source": _SOURCE, "object": PLACE}
    examples = ("pelagos object append today.log logs/all.log",)

    def main(self, source: str, object: str) -> None:  # noqa: A002  # its name there
        """Append."""
        from pelagos.clients.folder.carry import told_in_bytes

        spot = self.object(object)
        self.only_in_pithos("adds to objects", spot)
        with self.looking(spot), self.opened(source) as (file, count):
            with metered(self.context, spot.name, count) as meter:
                tell = told_in_bytes(count, meter.advance)
                self.client.append_object(spot.name, file, tell, **spot.where)
            self.context.say(f"{spot} is longer now: {size(self.length(spot))}")


@command(_object_commands)
class ObjectOverwrite(_InPlace):
    """Write a file over bytes of an object (Pithos); the others stay.

    The object keeps its length. What was there before is a former version, where those are kept.
    """

    arguments = {
        **STORAGE,
        "from": IntArgument("the first byte that is replaced, from 0", "--from", default=None),
        "to": IntArgument(
            "the last one; by default as many as the file has", "--to", default=None
        ),
    }
    required = "from"
    operands = {"source": _SOURCE, "object": PLACE}
    examples = ("pelagos object overwrite header.bin images/disk.raw --from 0",)

    def main(self, source: str, object: str) -> None:  # noqa: A002  # its name there
        """Overwrite."""
        first, last = self["from"], self["to"]
        if last is not None and last < first:
            raise UsageError(f"--to {last} is before --from {first}")
        spot = self.object(object)
        self.only_in_pithos("writes into objects", spot)
        with self.looking(spot), self.opened(source) as (file, count):
            self._write(spot, file, first, count if last is None else last - first + 1)

    def _write(self, spot: Spot, file: IO[bytes], first: int, count: int) -> None:
        from pelagos.clients.folder.carry import told_in_bytes

        if not count:
            hint = "say how many bytes: --to" if self["to"] is None else ""
            raise UsageError("there is nothing to write", hint=hint or None)
        there = self.length(spot)
        if first + count > there:
            raise CommandError(
                f"bytes {first:,} to {first + count - 1:,} are not in {spot}, which has {there:,}",
                hint="what is to stand behind its end: pelagos object append",
            )
        with metered(self.context, spot.name, count) as meter:
            self.client.overwrite_object(
                spot.name,
                first,
                first + count - 1,
                file,
                upload_cb=told_in_bytes(count, meter.advance),
                **spot.where,
            )
        self.context.say(f"{spot} has {size(count)} from the file, from byte {first:,} on")


@command(_object_commands)
class ObjectTruncate(_InPlace):
    """Keep the beginning of an object alone (Pithos)."""

    arguments = {
        **STORAGE,
        "size": DataSizeArgument("bytes to keep", "--size", default=None),
    }
    required = "size"
    operands = {"object": PLACE}

    def main(self, object: str) -> None:  # noqa: A002  # its name there
        """Cut it."""
        spot = self.object(object)
        self.only_in_pithos("cuts objects", spot)
        with self.looking(spot):
            there = self.length(spot)
            if there < self["size"]:
                raise CommandError(
                    f"{spot} has {there:,} bytes, which are fewer than {self['size']:,}",
                    hint="what is to stand behind its end: pelagos object append",
                )
            self.client.truncate_object(spot.name, self["size"], **spot.where)
        self.context.say(f"{spot} has {size(self['size'])} now")


@command(_object_commands)
class ObjectManifest(_InPlace):
    """Make an object that reads as all objects below it, in order.

    `film.mkv` then reads as film.mkv/1, film.mkv/2 and so on, in the order of their names; what
    is stored below it later is read, too.
    """

    arguments = {
        **STORAGE,
        "type": ValueArgument("content type", "--type", metavar="TYPE"),
    }
    operands = {"object": PLACE}
    examples = ("pelagos object manifest videos/film.mkv --type video/x-matroska",)

    def main(self, object: str) -> None:  # noqa: A002  # its name there
        """Make it."""
        spot = self.object(object.rstrip("/"))
        with self.looking(spot):
            self.client.create_object_by_manifestation(
                spot.name, content_type=self["type"], **spot.where
            )
            self.context.say(f"{spot} has {size(self.length(spot))} from what is below it")
