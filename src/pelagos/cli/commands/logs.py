"""`pelagos service logs`: what a service wrote."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from pelagos.cli.argument import FlagArgument, IntArgument, ValueArgument
from pelagos.cli.command_base import Command
from pelagos.cli.commands.service import SERVICE
from pelagos.cli.failures import NOT_FOUND, CommandError, unknown
from pelagos.cli.here import Elsewhere, partition_folder
from pelagos.cli.registration import command
from pelagos.cli.terminal import clean
from pelagos.cli.tree import CommandTree

_service_commands = CommandTree("service")

_CHUNK = 64 * 1024
#: Bytes of one file that are printed before the next has its turn.
_MOST = 1024 * 1024
#: Seconds between two looks for more.
_PAUSE = 0.25


@command(_service_commands)
class ServiceLogs(Command):
    """Print the ends of the log files of a service.

    They are the output of each of its programs, its own files in var/log, and `configure`: what
    its last configuration printed. When its computer is another one, that one's agent is asked
    over the bus.
    """

    arguments = {
        "lines": IntArgument("the last N of each file; default 50", "-n", "--lines", default=50),
        "program": ValueArgument("only this program's", "--program", metavar="NAME"),
        "follow": FlagArgument(
            "go on printing as more is written, until Ctrl-C", "-f", "--follow"
        ),
    }
    operands = {"service": SERVICE}
    examples = ("pelagos service logs hello --follow",)

    _heading: str | None = None

    def main(self, service: str) -> None:
        """Print them."""
        try:
            folder = partition_folder(
                self.context, service, what="the logs", command="service logs"
            )
        except Elsewhere as there:
            if self["follow"]:  # only its own computer has more as it is written
                raise CommandError(
                    f"{there.message}; --follow works there only",
                    hint=f"leave --follow out for what is written already\n{there.hint}",
                ) from there
            self._print_from_afar(service, there)
            return
        files = self._wanted(folder)
        if not self["follow"]:
            self._check(service, files, folder)
        tails = {name: _Tail(path, self["lines"]) for name, path in files.items()}
        try:
            self._print(tails)
            while self["follow"]:
                self.context.stdout.flush()
                self.context.clock.sleep(_PAUSE)
                for name, path in self._wanted(folder).items():  # a program may be new
                    tails.setdefault(name, _Tail(path, None))
                self._print(tails)
        finally:
            for tail in tails.values():
                tail.close()

    def _print_from_afar(self, service: str, there: Elsewhere) -> None:
        from pelagos.cli.afar import asked

        found = asked(
            lambda: self.context.master.logs(
                service, lines=self["lines"], program=self["program"]
            ),
            there,
        )
        if not found.files:
            raise _no_logs(service)
        for file in found.files:
            if self["program"] is None:
                self.context.stdout.write(f"==> {clean(file.name)} ({clean(file.path)})\n")
            for line in file.lines:
                self.context.stdout.write(clean(line, keep="\t") + "\n")

    def _wanted(self, folder: Path) -> dict[str, Path]:
        files, wanted = log_files(folder), self["program"]
        return {name: path for name, path in files.items() if wanted in (None, name)}

    def _check(self, service: str, files: Mapping[str, Path], folder: Path) -> None:
        known = log_files(folder)
        if known and not files:
            raise unknown("program", self["program"], known)
        if not files:
            raise _no_logs(service)

    def _print(self, tails: Mapping[str, _Tail]) -> None:
        for name, tail in tails.items():
            lines = tail.read()
            is_first = tail.is_first
            if (lines or is_first) and self["program"] is None and self._heading != name:
                self._heading = name
                self.context.stdout.write(f"==> {clean(name)} ({clean(str(tail.path))})\n")
            for line in lines:
                self.context.stdout.write(clean(line, keep="\t") + "\n")


def _no_logs(service: str) -> CommandError:
    return CommandError(
        f"{service} has written no logs yet",
        hint=f"see: pelagos why {service}",
        code=NOT_FOUND,
    )


class _Tail:
    """A log file that is read to its end again and again.

    Args:
        path: of the file; it may be rotated or cut short meanwhile.
        number: how many of its last lines come first; None = all.
    """

    def __init__(self, path: Path, number: int | None) -> None:
        self.path = path
        self.is_first = False
        self._number = number
        self._file: BinaryIO | None = None
        self._rest = b""

    def read(self) -> list[str]:
        """The whole lines that are new; bytes that are no UTF-8 as escapes."""
        self.is_first = self._file is None
        try:
            if self._file is None:
                return self._begin()
            data = self._file.read(_MOST)
            if not data and self._was_replaced(self._file):
                self._file.close()
                self._file, self._rest = _open(self.path), b""
                data = self._file.read(_MOST)
        except OSError:  # gone, or not there yet; look again later
            return []
        return self._lines(data)

    def close(self) -> None:
        """Give the file back."""
        if self._file is not None:
            self._file.close()

    def _begin(self) -> list[str]:
        file = _open(self.path)
        lines = [] if self._number is None else last_lines(file, self._number)
        self._file = file
        if self._number is None:
            return self._lines(file.read(_MOST))
        file.seek(0, os.SEEK_END)
        return lines

    def _was_replaced(self, file: BinaryIO) -> bool:
        now, held = self.path.lstat(), os.fstat(file.fileno())
        return now.st_ino != held.st_ino or now.st_size < file.tell()

    def _lines(self, data: bytes) -> list[str]:
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [line.decode("utf-8", "backslashreplace") for line in lines]


def log_files(folder: Path) -> dict[str, Path]:
    """The log files of a partition, by the name of their program.

    The programs of a partition that has a user of its own log into a folder of the agent's, named
    like the partition. Links are left out: an instance could lead the reader to files that are
    not its own.
    """
    from pelagos.slap.agent import log_files as agents

    found = agents.log_files(folder)
    return {name: path for name, path in found.items() if _is_file(path)}


def _is_file(path: Path) -> bool:
    try:
        _open(path).close()
    except OSError:
        return False
    return True


def _open(path: Path) -> BinaryIO:
    """A regular file, reached over real folders; never a pipe, a device or a link.

    Raises:
        OSError: it is none.
    """
    if path.parent.resolve() != path.parent:
        raise NotADirectoryError(errno.ENOTDIR, "reached by a link", str(path))
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return os.fdopen(descriptor, "rb")


def last_lines(file: BinaryIO, number: int) -> list[str]:
    """The last lines of a text file, at most 1 MiB; bytes that are no UTF-8 as escapes."""
    position = file.seek(0, os.SEEK_END)
    pieces: list[bytes] = []
    ends = 0
    while position > 0 and ends <= number and len(pieces) * _CHUNK < _MOST:
        step = min(_CHUNK, position)
        position -= step
        file.seek(position)
        pieces.append(file.read(step))
        ends += pieces[-1].count(b"\n")
    lines = b"".join(reversed(pieces)).decode("utf-8", "backslashreplace").split("\n")
    if lines and not lines[-1]:
        lines.pop()
    return lines[-number:] if number else []
