"""Read a log the way a person would: which part failed, with what words, on which line. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

_PART = re.compile(
    r"^\s+(?:Installing|Updating|Uninstalling) (?P<part>[^.\s][^\n]*?)\.$"
    r"|^\s+(?:Getting|Initializing) section (?P<section>.+?)\.$"
    r"|^\s+Getting option (?P<option>[^:]+):[^.]+\.$"
)
_FULL_DISK = re.compile(r"No space left on device|\[Errno 28\]|\bENOSPC\b|Disk quota exceeded")
_PORT_TAKEN = re.compile(
    r"Address already in use|\bEADDRINUSE\b|\[Errno 98\]|port is already in use|address in use",
    re.IGNORECASE,
)
#: What the recipe pelagos:free-port says.
_PORT_KEPT = re.compile(r"\bport (\d{1,5}) is taken: the partition \S+ keeps it")
_NUMBER = re.compile(r"(?<![\w.])\d{2,5}(?![\w.])|(?<=:)\d{2,5}(?![\w.])")
_LINE_LIMIT = 300
_LAST_PORT = 65535


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What a log says about a failure.

    Attributes:
        part: the part of the profile that failed; None when the log does not say.
        error: the line that names the error.
        line: its number in the log, from 1; 0 for an empty log.
        is_disk_full: whether a full disk is behind it.
        taken_port: a port that the instance should have and another partition keeps.
    """

    part: str | None
    error: str
    line: int
    is_disk_full: bool
    taken_port: int | None = None

    @property
    def summary(self) -> str:
        """The failure in a few words."""
        what = f"part {self.part}" if self.part else "buildout"
        return f"{what}: {self.error}" if self.error else f"{what} failed without a word"


def diagnose_buildout(log: str) -> Diagnosis:
    r"""Find the failed part and the error in the output of zc.buildout.

    >>> diagnose_buildout("While:\n  Installing web.\nError: no such egg\n").summary
    'part web: no such egg'
    """
    lines = log.splitlines()
    start = max((n for n, line in enumerate(lines) if line.rstrip() == "While:"), default=None)
    number = _error_line(lines, start or 0)
    error = lines[number].strip().removeprefix("Error: ") if lines else ""
    kept = _PORT_KEPT.search(error)
    return Diagnosis(
        part=_part(lines, start),
        error=error[:_LINE_LIMIT],
        line=number + 1 if lines else 0,
        is_disk_full=any(_FULL_DISK.search(line) for line in lines[-400:]),
        taken_port=int(kept[1]) if kept else None,
    )


def _part(lines: list[str], start: int | None) -> str | None:
    """The first part named after While:, which is the outermost thing that was being done."""
    if start is None:
        return None
    for line in lines[start + 1 :]:
        if not line.startswith("  "):
            break
        match = _PART.match(line)
        if match:
            name = match["part"] or match["section"] or match["option"]
            if name != "buildout":
                return name
    return None


def _error_line(lines: list[str], start: int) -> int:
    """The last "Error:" after `start`, or else the last line that says anything."""
    for number in range(len(lines) - 1, start - 1, -1):
        if lines[number].startswith("Error: "):
            return number
    for number in range(len(lines) - 1, -1, -1):
        if lines[number].strip():
            return number
    return 0


def tail(log: str, lines: int = 12) -> str:
    """The last lines of a log that are not empty."""
    kept = [line[:_LINE_LIMIT] for line in log.splitlines() if line.strip()]
    return "\n".join(kept[-lines:])


def is_disk_full(log: str) -> bool:
    """Whether the end of a log complains of a full disk."""
    return any(_FULL_DISK.search(line) for line in log.splitlines()[-50:])


def taken_port(log: str, command: str, listening: Collection[int]) -> int | None:
    """The port that a service could not have; 0: not known which; None: not the matter.

    Args:
        log: the end of the service's output.
        command: how it is started; the port is often only there.
        listening: ports that somebody listens on now.
    """
    lines = log.splitlines()[-50:]
    found = [number for number, line in enumerate(lines) if _PORT_TAKEN.search(line)]
    if not found:
        return None
    near = "\n".join(lines[max(0, found[-1] - 1) : found[-1] + 2])
    for text in (near, command):
        ports = [int(word) for word in _NUMBER.findall(text) if 0 < int(word) <= _LAST_PORT]
        held = [port for port in ports if port in listening]
        if held:
            return held[-1]
    return 0
