"""`pelagos service logs`: what a service wrote."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from pelagos.cli.argument import IntArgument, ValueArgument
from pelagos.cli.command import Command
from pelagos.cli.commands.service import SERVICE, find
from pelagos.cli.failures import NOT_FOUND, CommandError, unknown
from pelagos.cli.terminal import clean

_CHUNK = 64 * 1024


class ServiceLogs(Command):
    """Print the ends of the log files of a service whose computer is this one.

    They are the output of each of its programs, its own files in var/log, and `configure`: what
    its last configuration printed.
    """

    arguments = {
        "lines": IntArgument("the last N of each file; default 50", "-n", "--lines", default=50),
        "program": ValueArgument("only this program's", "--program", metavar="NAME"),
    }
    operands = {"service": SERVICE}

    def main(self, service: str) -> None:
        """Print them."""
        files = log_files(self._folder(service))
        wanted = self["program"]
        if wanted is not None and wanted not in files:
            raise unknown("program", wanted, files, hint=f"{service} has written no logs yet")
        if not files:
            raise CommandError(
                f"{service} has written no logs yet",
                hint=f"see: pelagos why {service}",
                code=NOT_FOUND,
            )
        for name, path in files.items():
            if wanted in (None, name):
                self._print(name, path, is_alone=wanted is not None)

    def _folder(self, name: str) -> Path:
        context = self.context
        found = find(context, name)
        if found.computer_id is None or found.partition_id is None:
            raise CommandError(
                f"{name} has no place yet, so no logs",
                hint=f"see: pelagos why {name}",
                code=NOT_FOUND,
            )
        root = context.endpoints.node_root
        if found.computer_id != context.endpoints.computer_id or not root:
            raise CommandError(
                f"the logs of {name} are on computer {found.computer_id}, in its partition "
                f"{found.partition_id}",
                hint=f"run there: pelagos service logs {name}",
            )
        # The id comes from the master: it must not lead out of the folder.
        if Path(found.partition_id).name != found.partition_id:
            raise CommandError(f"{found.partition_id!r} is not a partition")
        return Path(root, "instance", found.partition_id)

    def _print(self, name: str, path: Path, *, is_alone: bool) -> None:
        write = self.context.stdout.write
        if not is_alone:
            write(f"==> {clean(name)} ({clean(str(path))})\n")
        for line in last_lines(path, self["lines"]):
            write(clean(line, keep="\t") + "\n")


def log_files(folder: Path) -> dict[str, Path]:
    """The log files of a partition, by the name of their program.

    Links are left out: an instance could lead the reader to files that are not its own.
    """
    prefix = f".{folder.name}_"
    found = {"configure": folder / ".slapgrid" / "log" / "instance.log"}
    for path in sorted(folder.glob(f"{prefix}*.log")):
        found[path.name.removeprefix(prefix).removesuffix(".log")] = path
    for path in sorted((folder / "var" / "log").glob("*.log")):
        found.setdefault(path.stem, path)
    return {name: path for name, path in found.items() if _is_file(path)}


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def last_lines(path: Path, number: int) -> list[str]:
    """The last lines of a text file, however large it is; bytes that are no UTF-8 as escapes."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "rb") as file:
        position = file.seek(0, os.SEEK_END)
        end = b""
        while position > 0 and end.count(b"\n") <= number:
            step = min(_CHUNK, position)
            position -= step
            file.seek(position)
            end = file.read(step) + end
    lines = end.decode("utf-8", "backslashreplace").split("\n")
    if lines and not lines[-1]:
        lines.pop()
    return lines[-number:] if number else []
