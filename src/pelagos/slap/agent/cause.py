"""Put what was found into words for a person: the causes that an agent reports."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from pelagos.core.clock import Clock
from pelagos.core.logs import hide
from pelagos.slap.agent.account import acting_as, owner_of
from pelagos.slap.agent.diagnose import is_disk_full, tail, taken_port
from pelagos.slap.agent.facts import ProgramStatus
from pelagos.slap.agent.files import read_tail
from pelagos.slap.agent.promise import PromiseResult
from pelagos.slap.agent.untrusted import read_untrusted
from pelagos.slap.model import Cause

#: A file system with less room than this is as good as full: a log line no longer fits.
FULL_BELOW = 64 * 1024


class Causes:
    """Makes causes that carry the time and the name of this computer."""

    def __init__(self, computer_id: str, clock: Clock) -> None:
        self._computer_id = computer_id
        self._clock = clock

    def sign(self, cause: Cause) -> Cause:
        """The same cause with time and witness, in words that can be sent."""
        return replace(
            cause,
            message=writable(cause.message),
            hint=writable(cause.hint),
            detail=writable(cause.detail),
            since=self._clock.time(),
            seen_by=f"agent on {self._computer_id}",
        )

    def plain(self, code: str, message: str, hint: str = "", detail: str = "") -> Cause:
        """A cause in these words."""
        return self.sign(Cause(code, message, hint, detail))

    def disk_full(self, folder: Path, *, doing: str) -> Cause:
        """The disk below `folder` is full."""
        return self.plain(
            "disk-full",
            f"No space is left on the disk that holds {folder} (while {doing}).",
            f"Free some space there (see: df -h {folder}); it is tried again by itself.",
        )

    def promise_failed(
        self, promise: PromiseResult, others: Collection[str] = (), *, is_red_long: bool = False
    ) -> Cause:
        """A promise does not hold, nor do others.

        Args:
            is_red_long: the instance was configured again because of it, in vain.
        """
        said = (promise.message or "it says nothing").strip() or "it says nothing"
        also = f"\nNor do: {', '.join(others)}" if others else ""
        again = " It is configured again from time to time." if is_red_long else ""
        return self.plain(
            "promise-failed",
            f"The promise {promise.name} does not hold: {said.splitlines()[0][:300]}",
            f"The services run; look at what the promise checks and at their logs.{again}",
            promise.message + also,
        )

    def crashed(
        self, folder: Path, program: ProgramStatus, restarts: int, listening: Collection[int]
    ) -> Cause:
        """A service ends again and again, or was given up."""
        log = Path(program.log) if program.log else folder
        text = hide(_said(log, folder)) if program.log else ""
        detail = f"{tail(text)}\nLog: {log}"
        if is_disk_full(text) or has_no_room(folder):
            return self.disk_full(folder, doing=f"running the service {program.name}")
        port = taken_port(text, _command(folder, program.name), listening)
        if port is not None:
            return self._port_taken(program, port, detail)
        how = _ended(program)
        last = tail(text, 1) or "nothing"
        often = f", {restarts} restarts within a minute" if restarts else ""
        return self.plain(
            "service-crashed",
            f"The service {program.name} does not stay up ({how}{often}); last it said: {last}",
            f"Read {log}; it is started again by itself.",
            detail,
        )

    def _port_taken(self, program: ProgramStatus, port: int, detail: str) -> Cause:
        named = f"Port {port}" if port else "The port that it wants"
        look = f"ss -ltnp 'sport = :{port}'" if port else "ss -ltnp"
        return self.plain(
            "port-taken",
            f"{named} is taken by another program, so the service {program.name} cannot start.",
            f"See who holds it ({look}) and end that, or request the service with another port.",
            detail,
        )


def writable(text: str) -> str:
    """A text that UTF-8 has bytes for: names of files and errors about them may hold others."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _said(log: Path, folder: Path) -> str:
    """The end of a program's log, which lies in its partition or in the agent's own folder."""
    with acting_as(owner_of(folder) if log.is_relative_to(folder) else None):
        return read_tail(log)


def _command(folder: Path, name: str) -> str:
    """The start of what is run; often a link into the release, so the owner's rights count."""
    path = folder / "etc" / "service" / name
    content = read_untrusted(path, limit=65536, owner=owner_of(folder), follow=True)
    return (content or b"").decode("utf-8", "replace")


def _ended(program: ProgramStatus) -> str:
    if program.exit_status is None:
        return program.state
    if program.exit_status < 0:
        return "ended by a signal"
    return f"exit status {program.exit_status}"


def has_no_room(folder: Path) -> bool:
    """Whether the disk below a folder is full, in bytes or in files."""
    try:
        room = os.statvfs(folder)
    except OSError:
        return False
    is_out_of_files = room.f_files > 0 and room.f_favail == 0
    return room.f_blocks > 0 and (room.f_bavail * room.f_frsize < FULL_BELOW or is_out_of_files)
