"""The report loop: what instances use and say of themselves, on its way to the master.

    sample … sample → etc/report of each partition → collect var/xml_report → one journal, on disk
    → the files that it was made of go → post → the journal goes when the master has taken it

Each journal carries the list of files that it was made of, so that an agent that was killed in
between neither loses nor repeats one.
"""

from __future__ import annotations

import logging
import os
import stat
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pelagos.core import wire
from pelagos.core.clock import Clock
from pelagos.slap import tio
from pelagos.slap.agent.account import acting_as, owner_of
from pelagos.slap.agent.errors import AgentError, SupervisorError
from pelagos.slap.agent.facts import ProgramStatus
from pelagos.slap.agent.files import write_atomic
from pelagos.slap.agent.layout import Layout
from pelagos.slap.agent.partition import STATE
from pelagos.slap.agent.process import clean_environment, run_captured
from pelagos.slap.agent.promise import executables
from pelagos.slap.agent.settings import AgentSettings
from pelagos.slap.agent.supervisors.base import Supervisor
from pelagos.slap.agent.usage import Meter, movements
from pelagos.slap.errors import SlapError

log = logging.getLogger(__name__)

_REPORTS = ("var", "xml_report")
_OUTPUT_LIMIT = 4096
#: Journals that wait for a master that does not answer; older ones are given up.
_WAITING = 1000
_FILES = 1000
_MOVEMENTS = 2000
_NAP = 1.0
#: Seconds until a report is tried again that this computer could not make.
_RETRY = 60.0
#: Seconds from the start to the first sample: the supervisor is there by then.
_FIRST = 5.0


class Taker(Protocol):
    """Who takes journals: the client."""

    def report_usage(self, computer_id: str, report: str) -> None:
        """Hand one in; raises SlapError."""


@dataclass(frozen=True, slots=True)
class _Source:
    """A file that went into a journal, as it was then."""

    path: str
    size: int
    changed_ns: int


@dataclass(frozen=True, slots=True)
class _Journal:
    texts: tuple[str, ...]
    sources: tuple[_Source, ...]


class Bookkeeper:
    """One thread of an agent; its work never holds up the instances."""

    def __init__(
        self,
        settings: AgentSettings,
        client: Taker,
        *,
        layout: Layout,
        supervisor: Supervisor,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._client = client
        self._layout = layout
        self._supervisor = supervisor
        self._clock = clock
        self._outgoing = layout.root / "usage"
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._began = clock.monotonic()
        folders = {name: layout.partition(name) for name in layout.partition_ids}
        self._meter = Meter(folders)

    def start(self) -> None:
        """Begin, unless the period is set to never (0)."""
        if self._settings.report_interval > 0:
            self._thread = threading.Thread(target=self._work, name="usage", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """End soon; what waits goes out with the next agent."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(2.0)

    def _work(self) -> None:
        now = self._clock.monotonic()
        sample_at = now + min(_FIRST, self._settings.usage_interval)
        report_at = now + self._settings.report_interval
        while not self._stop.is_set():
            now = self._clock.monotonic()
            try:
                if now >= sample_at:
                    sample_at = now + self._settings.usage_interval
                    self.sample()
                    self.send()  # what waited for the master
                if now >= report_at:
                    report_at = now + min(_RETRY, self._settings.report_interval)
                    self.report()
                    report_at = now + self._settings.report_interval
                    self.send()
            except (AgentError, OSError) as error:
                log.warning("usage cannot be told now: %s", error)
            self._stop.wait(_NAP)

    # ---- one round ---------------------------------------------------------------------------

    def sample(self) -> None:
        """Look once at all that runs."""
        try:
            running = self._supervisor.observe()
        except SupervisorError as error:  # it is being started; nothing of it can be counted
            log.debug("no programs to measure: %s", error)
            running = {}
        programs = self._busy(running)
        self._meter.sample(programs)
        self._meter.forget(set(self._layout.partition_ids) - set(programs))

    def _busy(
        self, programs: Mapping[str, tuple[ProgramStatus, ...]]
    ) -> dict[str, tuple[int, ...]]:
        """The partitions that hold an instance, and the pids of its programs."""
        found = {}
        for name in self._layout.partition_ids:
            if (self._layout.partition(name) / STATE).exists():
                found[name] = tuple(p.pid for p in programs.get(name, ()) if p.pid is not None)
        return found

    def report(self) -> None:
        """Write one journal of all that there is to tell."""
        self._outgoing.mkdir(mode=0o700, exist_ok=True)
        self._finish_sources()
        self.sample()
        told: list[tio.Movement] = []
        sources: list[_Source] = []
        for name in self._busy({}):
            folder = self._layout.partition(name)
            self._run_scripts(folder)
            found, files = _collect(folder)
            told += tio.belonging_to(found, name)
            sources += files
        for name, use in self._meter.take().items():
            told += movements(use, name)
        told += movements(self._meter.computer(self._layout.root))
        now, ended = self._clock.time(), self._clock.monotonic()
        texts = tuple(self._journals(told, now - (ended - self._began), now))
        self._began = ended
        journal = wire.encode(_Journal(texts, tuple(sources)))
        write_atomic(self._free_path(now), journal, mode=0o600)
        self._finish_sources()

    def _free_path(self, now: float) -> Path:
        """By time, as a rule; a clock that was set back must not have one replace another."""
        number = int(now * 1000)
        while (path := self._outgoing / f"{number:015d}.json").exists():
            number += 1
        return path

    def _journals(self, told: Sequence[tio.Movement], start: float, stop: float) -> Iterator[str]:
        """As many journals as are needed for none to be too large."""
        document = tio.write_journal(
            self._settings.computer_id,
            told,
            start=start,
            stop=stop,
            title=f"Resource consumptions {uuid.uuid4().hex}",  # two are never the same
        )
        if len(told) <= _MOVEMENTS and len(document) <= tio.LIMIT // 2:
            yield document.decode()
        elif len(told) > 1:
            middle = len(told) // 2
            yield from self._journals(told[:middle], start, stop)
            yield from self._journals(told[middle:], start, stop)
        else:
            log.warning("a movement of %s is too large to be told", told[0].reference)

    def _run_scripts(self, folder: Path) -> None:
        """Let an instance report; what fails is logged and does not hold up the rest."""
        owner = owner_of(folder)
        with acting_as(owner):
            scripts = executables(folder / "etc" / "report")
            if not scripts:
                return
            place = folder.joinpath(*_REPORTS)
            place.mkdir(mode=0o750, parents=True, exist_ok=True)
        for script in scripts:
            target = place / f"slapreport.{uuid.uuid4().hex}"
            done = run_captured(
                [str(script), str(target)],
                cwd=folder,
                environ=clean_environment(os.environ, folder),
                timeout=self._settings.hook_timeout,
                limit=_OUTPUT_LIMIT,
                stop=self._stop,
            )
            if done.status or done.is_late:
                log.warning("%s did not report (%s): %s", script, done.status, done.output[:500])

    def _finish_sources(self) -> None:
        """Remove the files that went into journals, unless they were written again since."""
        for path in self._waiting():
            journal = _read(path)
            if journal is None or not journal.sources:
                continue
            for source in journal.sources:
                _remove_source(source)
            write_atomic(path, wire.encode(_Journal(journal.texts, ())), mode=0o600)

    def _waiting(self) -> list[Path]:
        return sorted(self._outgoing.glob("*.json"))

    def send(self) -> None:
        """Hand in what waits, the oldest first; what the master never takes is put aside."""
        waiting = self._waiting()
        for path in waiting[:-_WAITING]:
            path.unlink()
        for path in waiting[-_WAITING:]:
            journal = _read(path)
            if journal is None:
                log.warning("%s is damaged; it is put aside", path)
                path.replace(path.with_suffix(".damaged"))
                continue
            if not self._hand_in(path, journal):
                return

    def _hand_in(self, path: Path, journal: _Journal) -> bool:
        """Hand in one file's journals; whether the master can be talked to."""
        for done, text in enumerate(journal.texts):
            try:
                self._client.report_usage(self._settings.computer_id, text)
            except SlapError as error:
                if error.status not in {400, 413}:
                    log.info("usage waits for the master: %s", error)
                    rest = _Journal(journal.texts[done:], journal.sources)
                    write_atomic(path, wire.encode(rest), mode=0o600)
                    return False
                log.warning("the master refuses a usage report: %s", error)
                write_atomic(path.with_suffix(".refused"), text, mode=0o600)
        path.unlink()
        return True


def _collect(folder: Path) -> tuple[list[tio.Movement], list[_Source]]:
    """The valid reports of an instance; what is none is left where it is."""
    found: list[tio.Movement] = []
    files: list[_Source] = []
    with acting_as(owner_of(folder)):
        try:
            names = sorted(os.listdir(folder.joinpath(*_REPORTS)))[:_FILES]  # noqa: PTH208 - names
        except OSError:
            return [], []
        for name in names:
            path = folder.joinpath(*_REPORTS, name)
            try:
                content, seen = _read_plain(path)
                found += tio.read_consumption(content)
            except (OSError, tio.TioError) as error:
                log.info("%s is no usage report: %s", path, error)
                continue
            files.append(_Source(str(path), seen.st_size, seen.st_mtime_ns))
    return found, files


def _read_plain(path: Path) -> tuple[bytes, os.stat_result]:
    """A small regular file; a link, a pipe or a device is refused."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as stream:
        seen = os.fstat(stream.fileno())
        if not stat.S_ISREG(seen.st_mode):
            raise tio.TioError("it is no file")
        return stream.read(tio.LIMIT + 1), seen


def _remove_source(source: _Source) -> None:
    path = Path(source.path)
    try:
        with acting_as(owner_of(path.parents[2])):
            seen = path.lstat()
            if (seen.st_size, seen.st_mtime_ns) == (source.size, source.changed_ns):
                path.unlink()
    except FileNotFoundError:
        return


def _read(path: Path) -> _Journal | None:
    try:
        return wire.decode(path.read_bytes(), _Journal)
    except (OSError, wire.WireError):
        return None
