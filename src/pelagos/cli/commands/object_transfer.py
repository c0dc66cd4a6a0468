"""`pelagos object upload|download|cat`: bytes to and from object storage."""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any, cast

from pelagos.cli.argument import (
    FlagArgument,
    IntArgument,
    KeyValueArgument,
    Operand,
    ValueArgument,
)
from pelagos.cli.cloud.command import MORE
from pelagos.cli.cloud.conditions import CONDITIONS, check, conditions
from pelagos.cli.cloud.showing import size
from pelagos.cli.cloud.storage import PLACE, STORAGE, Spot, StorageCommand, file_here, folder_here
from pelagos.cli.commands.object_listing import VERSION
from pelagos.cli.failures import CommandError, UsageError
from pelagos.cli.folders import EXCLUDE, run
from pelagos.cli.meter import metered
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

_object_commands = CommandTree("object")

_RECURSIVE = FlagArgument("a whole folder", "-r", "--recursive")
_FORCE = FlagArgument("replace what is there with other content", "-f", "--force")
_WORKERS = IntArgument(
    "pieces of one file that travel at once", "--workers", least=1, most=64, default=None
)
_RANGE = ValueArgument(
    "only these bytes: A-B, A-, -N (the last N), with commas between", "--range", metavar="RANGE"
)


@command(_object_commands)
class ObjectUpload(StorageCommand):
    """Store files, or with -r folders, in object storage.

    A place that ends with a slash, or is a container alone, takes them under their own names.
    What was interrupted goes on with the same command: of Pithos only missing blocks are sent, of
    Swift whole files and the segments of large ones. An object is there whole or not at all.
    """

    is_apart = True

    arguments = {
        **STORAGE,
        "recursive": _RECURSIVE,
        "force": _FORCE,
        "type": ValueArgument(
            "content type; by default as the name says", "--type", metavar="TYPE"
        ),
        "match": ValueArgument(
            "only when the object is still this one, by its hash (Pithos)",
            "--if-match",
            metavar="HASH",
        ),
        "encoding": ValueArgument("content encoding, as gzip", "--encoding", metavar="NAME"),
        "disposition": ValueArgument(
            "what browsers shall do with it", "--disposition", metavar="TEXT"
        ),
        "meta": KeyValueArgument("metadata; may be given several times", "--meta"),
        "hashmap": FlagArgument(
            "the file is not the content, but names the blocks of it that are there, as "
            "`object info --hashmap -j` prints them (Pithos)",
            "--source-is-hashmap",
        ),
        "exclude": EXCLUDE,
        "workers": _WORKERS,
    }
    operands = {
        "source": Operand("file or folder; - reads standard input", complete="file"),
        "target": Operand(
            "CONTAINER/PATH, or CONTAINER/ for the file's own name", complete="cloud:place"
        ),
    }
    examples = (
        "pelagos object upload sea.jpg photos/2026/",
        "pelagos object upload -r album photos/album",
        "tar c src | pelagos object upload - backups/src.tar",
    )

    def main(self, source: str, target: str) -> int | None:
        """Upload."""
        spot = self.spot(target)
        path = Path(source).expanduser()
        self._check_match()
        self._check_hashmap(source)
        if self["recursive"] and source != "-":
            return self._folder(folder_here(source), spot)
        if source != "-":
            path = file_here(source, folder_hint="with all that is in it: -r")
        if not spot.name or spot.name.endswith("/"):
            if source == "-":
                raise UsageError(f"{target} is no name of an object", hint="write CONTAINER/PATH")
            spot = spot._replace(name=spot.name + path.absolute().name)
        with self.looking(spot):
            if self["hashmap"]:
                self._blocks(path, spot)
            else:
                self._file(path if source != "-" else None, spot)
        return None

    def _blocks(self, path: Path, spot: Spot) -> None:
        if not self["force"]:
            self._refuse_existing(spot)
        how = {name: value for name, value in self._how().items() if name != "metadata"}
        how["content_type"] = how["content_type"] or "application/octet-stream"
        with path.open("rb") as file:
            self.client.upload_object_unchunked(
                spot.name, file, withHashFile=True, **how, **spot.where
            )
        self.context.say(f"{spot} is there")

    def _check_match(self) -> None:
        if not self["match"]:
            return
        for option in ("recursive", "force"):
            if self[option]:
                name = self.all_arguments()[option].name
                raise UsageError(f"--if-match and {name} exclude each other")
        if self.is_swift:
            raise CommandError(
                f"--if-match: only Pithos can, and the cloud {self.cloud.name} has Swift",
                hint="leave it out; -f replaces whatever is there",
            )

    def _check_hashmap(self, source: str) -> None:
        if not self["hashmap"]:
            return
        if self["recursive"] or self["match"] or self["meta"] or source == "-":
            raise UsageError("--source-is-hashmap is of one file, without --meta and --if-match")
        self.only_pithos("--source-is-hashmap")

    def _how(self) -> dict[str, Any]:
        return {
            "content_type": self["type"],
            "content_encoding": self["encoding"],
            "content_disposition": self["disposition"],
            "metadata": self["meta"] or None,
        }

    def _file(self, path: Path | None, spot: Spot) -> None:
        from pelagos.clients.errors import PreconditionFailed
        from pelagos.clients.folder.carry import send

        match = self["match"]
        may_replace = self["force"] or match is not None
        how = {**self._how(), "if_not_exist": not may_replace, "workers": self["workers"]}
        if match is not None:
            how["if_etag_match"] = match
        if how["content_encoding"] is None:
            del how["content_encoding"]
        total = path.stat().st_size if path is not None else 0
        if path is not None and total > 0 and not may_replace:
            self._refuse_existing(spot)  # before all of it has been sent for nothing
        try:
            with metered(self.context, spot.name, total) as meter:
                if path is None:
                    self._stream(spot, how)
                else:
                    place = self.below(spot._replace(name=""))
                    send(self.client, path, spot.name, place, meter.advance, **how)
        except PreconditionFailed as error:
            raise (_is_there(spot) if match is None else _is_another(spot, match)) from error
        self.context.say(f"{spot} is there{f', {size(total)}' if path is not None else ''}")

    def _refuse_existing(self, spot: Spot) -> None:
        path = self.client.object_path(spot.name, **spot.where)
        if self.client.head(path, success=(200, 204, 404)).status != 404:  # noqa: PLR2004
            raise _is_there(spot)

    def _stream(self, spot: Spot, how: dict[str, Any]) -> None:
        stream = cast("IO[bytes]", getattr(self.context.stdin, "buffer", self.context.stdin))
        how["content_type"] = how["content_type"] or "application/octet-stream"
        self.client.upload_object(spot.name, stream, **how, **spot.where)

    def _folder(self, path: Path, spot: Spot) -> int | None:
        from pelagos.clients.folder import Push

        with self.looking(spot._replace(name="")):
            push = Push(
                self.client,
                path,
                self.below(spot),
                exclude=self["exclude"],
                how=self._how() | ({} if self["encoding"] else {"content_encoding": None}),
                clock=self.context.clock,
            )
            return run(self.context, push, spot.container, may_replace=self["force"])


def _is_another(spot: Spot, match: str) -> CommandError:
    return CommandError(
        f"{spot} is not the one with the hash {match}",
        hint=f"see what is there now: pelagos object info {spot}",
    )


def _is_there(spot: Spot) -> CommandError:
    return CommandError(
        f"{spot} is there already", hint="replace it with -f, or choose another name"
    )


@command(_object_commands)
class ObjectDownload(StorageCommand):
    """Bring objects into files; with -r all that is below a place.

    A file stands under its name when it is whole; until then under a hidden one, with which the
    same command goes on after an interruption. No object's name leads out of the folder.
    """

    is_apart = True

    arguments = {
        **STORAGE,
        "recursive": _RECURSIVE,
        "force": _FORCE,
        "version": VERSION,
        "range": _RANGE,
        **CONDITIONS,
        "exclude": EXCLUDE,
        "workers": _WORKERS,
    }
    operands = {
        "source": PLACE,
        "target": Operand("file or folder; by default here, under its own name", complete="file"),
    }
    examples = (
        "pelagos object download photos/2026/sea.jpg",
        "pelagos object download -r photos/album album",
        "pelagos object download photos/film.mkv --range 0-1023 head.bin",
    )

    def main(self, source: str, target: str = ".") -> int | None:
        """Download."""
        spot = self.spot(source)
        path = Path(target).expanduser()
        if self["recursive"]:
            if self["range"] or self["version"] or conditions(self):
                raise UsageError(
                    "--range, --version and conditions are of one object; leave -r out"
                )
            return self._folder(spot, path)
        spot = self.object(source)
        folder = path if target.endswith("/") else path.parent
        if not folder.is_dir():
            raise UsageError(f"there is no folder {folder}", hint=f"make it: mkdir -p {folder}")
        if path.is_dir():
            path /= _own_name(spot)
        with self.looking(spot):
            self._file(spot, path)
        return None

    def _file(self, spot: Spot, path: Path) -> None:
        from pelagos.clients.folder.carry import fetch

        wanted = check(self, spot)
        total = self._size(spot)
        try:
            if self["range"]:
                self._parts(spot, path)
            else:
                with metered(self.context, spot.name, total) as meter:
                    fetch(
                        self.client,
                        spot.name,
                        path,
                        self.below(spot._replace(name="")),
                        meter.advance,
                        size=total,
                        replace=self["force"],
                        version=self["version"],
                        workers=self["workers"],
                        **wanted,
                    )
        except FileExistsError as error:
            raise CommandError(
                f"{path} is there already", hint="replace it with -f, or choose another name"
            ) from error
        self.context.say(f"{path} is there, {size(path.stat().st_size)}")

    def _size(self, spot: Spot) -> int:
        info = self.client.get_object_info(spot.name, self["version"], **spot.where)
        return int(info.get("content-length") or 0)

    def _parts(self, spot: Spot, path: Path) -> None:
        """The parts that --range names, one behind the other; never those of an earlier call."""
        from pelagos.clients.folder import PartialFile

        if path.exists() and not self["force"]:
            raise FileExistsError(17, "File exists", str(path))
        part = PartialFile(path)
        with part.open() as file:
            file.truncate(0)
            self.client.stream_down(
                spot.name, file, version=self["version"], range_str=self["range"], **spot.where
            )
            part.finish(file, modified=None, replace=self["force"])

    def _folder(self, spot: Spot, path: Path) -> int | None:
        from pelagos.clients.folder import Pull

        with self.looking(spot):
            pull = Pull(
                self.client,
                path,
                self.below(spot),
                exclude=self["exclude"],
                clock=self.context.clock,
            )
            return run(self.context, pull, str(path), may_replace=self["force"])


def _own_name(spot: Spot) -> str:
    from pelagos.clients.folder.names import why_not

    name = spot.name.rstrip("/").rpartition("/")[2]
    if why_not(name) is not None:
        raise UsageError(f"{name!r} is no name of a file", hint="name the file, too")
    return name


@command(_object_commands)
class ObjectCat(StorageCommand):
    """Print objects as they are."""

    arguments = {**STORAGE, "version": VERSION, "range": _RANGE, **CONDITIONS}
    operands = {"object": PLACE, "more": MORE}
    examples = ("pelagos object cat logs/today.txt --range -1000",)

    def main(self, object: str, *more: str) -> None:  # noqa: A002  # its name there
        """Print them."""
        stream = getattr(self.context.stdout, "buffer", None)
        if stream is None:
            raise CommandError("the bytes of an object have nowhere to go")
        self.context.stdout.flush()
        for word in (object, *more):
            spot = self.object(word)
            with self.looking(spot):
                self.client.stream_down(
                    spot.name,
                    stream,
                    version=self["version"],
                    range_str=self["range"],
                    **check(self, spot),
                    **spot.where,
                )
            stream.flush()
