"""`pelagos image create` and `save`: images made of files and objects, and brought back."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from pelagos.cli.argument import FlagArgument, KeyValueArgument, Operand, ValueArgument
from pelagos.cli.cloud.command import CLOUD, CloudCommand, Record, find_id
from pelagos.cli.cloud.showing import show_record, size
from pelagos.cli.cloud.things import IMAGE, SERVER
from pelagos.cli.cloud.waiting import WAIT, wait_for
from pelagos.cli.commands.image import WHICH, image_head
from pelagos.cli.failures import CommandError, UsageError
from pelagos.cli.registration import command
from pelagos.cli.status_line import StatusLine
from pelagos.cli.tree import CommandTree

_image_commands = CommandTree("image")

_OFTEN = 0.1
"""Seconds between two lines about how far it is."""


@command(_image_commands)
class ImageCreate(CloudCommand):
    """Make an image: of a file, of what an address has, of an object (Synnefo), or of a server.

    An upload that breaks off leaves no image behind.
    """

    shows = True
    arguments = {
        **CLOUD,
        "file": ValueArgument(
            "file with the disk's content (OpenStack)", "--file", metavar="FILE", complete="file"
        ),
        "location": ValueArgument(
            "an address that the cloud fetches (OpenStack), or pithos://USER/CONTAINER/PATH "
            "(Synnefo)",
            "--location",
            metavar="URL",
        ),
        "server": ValueArgument(
            "make it of this server, by id or name (OpenStack)",
            "--server",
            complete="cloud:server",
        ),
        "empty": FlagArgument("without content, to be given later (OpenStack)", "--empty"),
        "disk_format": ValueArgument(
            "qcow2, raw, vmdk…; default: as the file's name ends, else raw", "--disk-format"
        ),
        "container_format": ValueArgument("bare, ovf…", "--container-format", default="bare"),
        "public": FlagArgument("let everybody use it", "--public"),
        "property": KeyValueArgument("a text that is kept with it", "-p", "--property"),
        **WAIT,
    }
    required = ["file", "location", "server", "empty"]
    operands = {"name": Operand("name of the new image")}
    examples = (
        "pelagos image create debian-12 --file debian-12.qcow2",
        "pelagos image create web-yesterday --server web --wait",
    )

    def main(self, name: str) -> None:
        """Make and print it."""
        ways = [one for one in ("file", "location", "server", "empty") if self[one]]
        if len(ways) > 1:
            raise UsageError(f"--{ways[0]} and --{ways[1]} exclude each other")
        found = self._of_server(name) if self["server"] else self._registered(name)
        if self["wait"]:
            found = self._finished(found)
        show_record(self, found, image_head(self, found))

    def _registered(self, name: str) -> Record:
        params = {
            "disk_format": self["disk_format"] or _format_of(self["file"] or self["location"]),
            "container_format": self["container_format"],
            "is_public": True if self["public"] else None,
        }
        params = {key: value for key, value in params.items() if value is not None}
        properties = self["property"] or {}
        image = self.cloud.image
        if self["file"] is None:
            return image.register(name, self["location"], params, properties)
        self._only_openstack("--file", "upload it (pelagos object upload), then give --location")
        path = Path(self["file"]).expanduser()
        try:
            with path.open("rb") as content, self._line(name) as line:
                told = _Told(content, self.context.clock.monotonic, line)
                return image.register(name, told, params, properties)
        except OSError as error:
            if error.filename is None:
                raise
            raise UsageError(f"--file: cannot read {path}: {error.strerror}") from error

    def _of_server(self, name: str) -> Record:
        self._only_openstack("--server", "make a snapshot of its volume: pelagos snapshot create")
        compute: Any = self.cloud.compute
        which = find_id(self.cloud, SERVER, self["server"])
        place = compute.create_server_image(which, name, **(self["property"] or {}))
        made = place.rstrip("/").rpartition("/")[2]
        return self.find(IMAGE, made or name)

    def _finished(self, image: Record) -> Record:
        which, client = str(image["id"]), self.cloud.image
        return wait_for(
            self,
            f"image {image.get('name')}",
            lambda: client.get_meta(which),
            lambda one: str(one.get("status", "")).lower() in {"active", "available"},
            goal="active",
            see=f"pelagos image info {which} --cloud {self.cloud.name}",
        )

    def _only_openstack(self, option: str, hint: str) -> None:
        if self.cloud.dialect == "synnefo":
            raise UsageError(f"{option}: a Synnefo makes images of objects", hint=hint)

    def _line(self, name: str) -> StatusLine:
        return StatusLine(self.context.stderr, self.context.clock, name)


@command(_image_commands)
class ImageSave(CloudCommand):
    """Save the content of an image in a file; it is checked, too (OpenStack).

    The file has its name when it is whole.
    """

    arguments = {
        **CLOUD,
        "force": FlagArgument("replace the file when it is there", "-f", "--force"),
    }
    operands = {
        "image": WHICH,
        "file": Operand("where to; - writes to standard output", complete="file"),
    }
    examples = ("pelagos image save debian-12 debian-12.qcow2",)

    def main(self, image: str, file: str) -> None:
        """Save it."""
        if file == "-":
            self._print(image)
            return
        path = Path(file).expanduser()
        if path.exists() and not self["force"]:
            raise CommandError(f"{path} is there already", hint="replace it with --force")
        found = self.find(IMAGE, image)
        part = path.with_name(f".{path.name}.part")
        line = StatusLine(self.context.stderr, self.context.clock, str(found.get("name")))
        try:
            with part.open("wb") as content, line:
                now, total = self.context.clock.monotonic, found.get("size")
                told: Any = _Told(content, now, line, total)
                self.cloud.image.download_image(str(found["id"]), told)
                content.flush()
                os.fsync(content.fileno())
            part.replace(path)
        except BaseException:
            with suppress(OSError):
                part.unlink()
            raise
        self.context.say(f"{path} has {size(path.stat().st_size)}")

    def _print(self, image: str) -> None:
        stream = getattr(self.context.stdout, "buffer", None)
        if stream is None:
            raise CommandError("the bytes of an image have nowhere to go")
        self.context.stdout.flush()
        self.cloud.image.download_image(str(self.find(IMAGE, image)["id"]), stream)
        stream.flush()


class _Told:
    """A file that says how far it is read or written; all else is the file's own."""

    def __init__(
        self, file: IO[bytes], now: Any, line: StatusLine, total: int | None = None
    ) -> None:
        self._file = file
        self._now = now
        self._line = line
        self._shown = float("-inf")
        self._total = total or os.fstat(file.fileno()).st_size

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def read(self, count: int = -1) -> bytes:
        """The next bytes."""
        found = self._file.read(count)
        self._tell()
        return found

    def write(self, data: bytes) -> int:
        """Append bytes."""
        written = self._file.write(data)
        self._tell()
        return written

    def _tell(self) -> None:
        if not self._line.is_shown or self._now() - self._shown < _OFTEN:
            return
        self._shown = self._now()
        done = self._file.tell()
        share = f", {100 * done // self._total} %" if self._total else ""
        self._line.show(f"{size(done)} of {size(self._total)}{share}")


def _format_of(name: str | None) -> str:
    """The format of a disk by the ending of its file's name."""
    ending = (name or "").rpartition(".")[2].lower()
    known = {"qcow2", "vmdk", "vhd", "vhdx", "vdi", "iso", "ami", "raw", "ploop"}
    return ending if ending in known else "raw"
