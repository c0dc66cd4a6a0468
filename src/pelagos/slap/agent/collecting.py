"""What one instance says of its own use: its scripts are run, its files are read, within bounds.

Whatever an instance leaves there costs it its own reports at the most, never another's.
"""

from __future__ import annotations

import heapq
import logging
import os
import stat
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pelagos.slap import tio
from pelagos.slap.agent.account import acting_as, owner_of
from pelagos.slap.agent.process import clean_environment, run_captured
from pelagos.slap.agent.promise import executables
from pelagos.slap.agent.spool import Source

log = logging.getLogger(__name__)

_REPORTS = ("var", "xml_report")
_OUTPUT_LIMIT = 4096
#: Scripts of one partition that are run in a round; together they get the time of one.
SCRIPTS = 20
#: Files that are looked at in a round; the next round goes on after the last of them.
LOOKS = 5000
#: What of one partition goes into a round; more waits for the next.
BYTES = 2 * tio.LIMIT
MOVEMENTS = 20_000
#: Seconds for looking at the files of one partition.
_READING = 20.0


@dataclass(slots=True)
class Found:
    """What one partition tells in a round."""

    movements: list[tio.Movement] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)


class Collector:
    """Collects what partitions say. Belongs to one thread.

    Args:
        hook_timeout: seconds for all scripts of a partition together.
        stop: set when the agent stops.
    """

    def __init__(self, *, hook_timeout: float, stop: threading.Event) -> None:
        self._hook_timeout = hook_timeout
        self._stop = stop
        self._last: dict[Path, str] = {}

    def collect(self, folder: Path) -> Found:
        """What a partition has to tell; nothing that it left there makes this fail."""
        found = Found()
        try:
            self._run_scripts(folder)
        except Exception:  # fan-out: one instance must not stop the reports of others
            log.warning("the reports of %s cannot be run", folder, exc_info=True)
        try:
            with acting_as(owner_of(folder)):
                self._read(folder, found)
        except Exception:  # fan-out, as above
            log.warning("the reports of %s cannot be collected", folder, exc_info=True)
        return found

    def _run_scripts(self, folder: Path) -> None:
        with acting_as(owner_of(folder)):
            scripts = executables(folder / "etc" / "report")
            if not scripts:
                return
            place = folder.joinpath(*_REPORTS)
            place.mkdir(mode=0o750, parents=True, exist_ok=True)
        if len(scripts) > SCRIPTS:
            log.warning("%s has %d reports; %d are run", folder, len(scripts), SCRIPTS)
        deadline = time.monotonic() + self._hook_timeout
        for script in scripts[:SCRIPTS]:
            left = deadline - time.monotonic()
            if left <= 0 or self._stop.is_set():
                log.warning("%a is not run: the reports of %s took too long", str(script), folder)
                return
            self._run(script, folder, place, left)

    def _run(self, script: Path, folder: Path, place: Path, timeout: float) -> None:
        try:
            done = run_captured(
                [str(script), str(place / f"slapreport.{uuid.uuid4().hex}")],
                cwd=folder,
                environ=clean_environment(os.environ, folder),
                timeout=timeout,
                limit=_OUTPUT_LIMIT,
                stop=self._stop,
            )
        except (OSError, ValueError) as error:  # no interpreter, no program at all
            log.warning("%a cannot be run: %s", str(script), error)
            return
        if done.status or done.is_late:
            said = done.output[:500]
            log.warning("%a did not report (%s): %s", str(script), done.status, said)

    def _read(self, folder: Path, found: Found) -> None:
        place = folder.joinpath(*_REPORTS)
        try:
            mode = place.stat().st_mode
        except FileNotFoundError:
            return
        if mode & 0o700 != 0o700:  # noqa: PLR2004 - what was told must be removed from there
            place.chmod(stat.S_IMODE(mode) | 0o700)
        deadline = time.monotonic() + _READING
        names = heapq.nsmallest(LOOKS, self._names(place, self._last.get(folder, ""), deadline))
        last, size = "", 0
        for name in names:
            last, path = name, place / name
            try:
                content, seen = _read_plain(path)
                movements = tio.read_consumption(content)
            except (OSError, tio.TioError) as error:
                log.info("%a is no usage report: %s", str(path), error)
                continue
            size += len(content)
            count = len(found.movements) + len(movements)
            if size > BYTES or count > MOVEMENTS or time.monotonic() > deadline:
                log.warning("%s has more reports than are told at once; the rest waits", folder)
                break
            found.movements += movements
            found.sources.append(Source.of(path, seen))
        else:
            last = last if len(names) == LOOKS else ""
        self._last[folder] = last

    @staticmethod
    def _names(place: Path, after: str, deadline: float) -> Iterator[str]:
        with os.scandir(place) as entries:
            for entry in entries:
                if entry.name > after:
                    yield entry.name
                if time.monotonic() > deadline:
                    return


def _read_plain(path: Path) -> tuple[bytes, os.stat_result]:
    """A small regular file; a link, a pipe or a device is refused."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as stream:
        seen = os.fstat(stream.fileno())
        if not stat.S_ISREG(seen.st_mode):
            raise tio.TioError("it is no file")
        return stream.read(tio.LIMIT + 1), seen
