"""Run a partition's promises: executables in `etc/promise`, Python plugins in `etc/plugin`.

An executable holds when its exit status is 0; a plugin says so itself. In test mode all are asked,
while an instance is being processed. In anomaly mode, once it was well, a plugin is asked as often
as it wishes, and an executable counts as failed when it failed three times in a row.
"""

from __future__ import annotations

import logging
import os
import select
import threading
import uuid
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from pelagos.core.clock import Clock
from pelagos.core.logs import hide
from pelagos.slap.agent import promise_plugin as plugin
from pelagos.slap.agent import promise_record as record
from pelagos.slap.agent.account import acting_as, owner_of
from pelagos.slap.agent.errors import StepDeferred
from pelagos.slap.agent.process import MARK, Finished, end_marked, run_captured
from pelagos.slap.agent.promise_plugin import Asked, Mode, find_plugins
from pelagos.slap.agent.promise_record import HISTORY, Change, PromiseRecord

log = logging.getLogger(__name__)

OUTPUT_LIMIT = 5000
SIDE_BY_SIDE = 4
#: So many runs in a row must fail before an executable's failure is an anomaly.
SURE_AFTER = 3
#: Seconds until a plugin that does not hold is asked again, at most.
RED_PAUSE = 20.0
#: Seconds for which a plugin that held is not asked again although the instance is processed.
FRESH = 5.0
#: All promises of a partition together may take so many times what one may; what was not asked
#: then comes first in the next round.
ROUND = 3.0
#: Entries of a folder that are looked at, at the most.
ENTRIES = 10_000
#: Seconds between two writings of a result that has not changed.
WRITE_EVERY = 60.0


@dataclass(frozen=True, slots=True)
class PromiseResult:
    """What one promise said.

    Attributes:
        message: its output, at most 5,000 characters.
        elapsed: seconds that it ran.
        is_suspect: it failed, but not often enough in a row to count.
        wants_bang: the instance should be processed again because of it.
    """

    name: str
    is_held: bool
    message: str
    elapsed: float
    is_suspect: bool = False
    wants_bang: bool = False


def find_promises(folder: Path) -> tuple[Path, ...]:
    """The executables in a partition's `etc/promise`, by name."""
    return executables(folder / "etc" / "promise")


def executables(folder: Path) -> tuple[Path, ...]:
    """The executable regular files of a folder that are not hidden, by name."""
    return tuple(path for path in _files(folder) if os.access(path, os.X_OK))


def not_executable(folder: Path) -> tuple[Path, ...]:
    """The files in a partition's `etc/promise` that cannot be run, which is a mistake."""
    files = _files(folder / "etc" / "promise")
    return tuple(path for path in files if not os.access(path, os.X_OK))


def _files(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in islice(entries, ENTRIES)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [folder / n for n in sorted(names) if n[0] != "." and (folder / n).is_file()]


def as_text(name: str) -> str:
    r"""A file's name as text, also when it is none: other bytes are written as `\xff`."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


@dataclass(slots=True)
class _Known:
    """What is remembered of one promise; used by one thread at a time."""

    title: str
    is_plugin: bool
    history: tuple[Change, ...] = ()
    last: PromiseResult | None = None
    mode: Mode | None = None
    ran_at: float = 0.0
    next_run: float = 0.0
    periodicity: float = 0.0
    failures: int = 0
    identity: tuple[int, ...] = ()
    may_bang: bool = False
    is_banged: bool = False
    written: tuple[bool, str] | None = None
    written_at: float = 0.0


class PromiseRunner:
    """Runs promises, a few side by side, each with a limit in time; keeps results on disk.

    Args:
        timeout: seconds that one may take.
        interval: seconds between two checks of a well instance, for what is shown of them.
    """

    def __init__(self, *, timeout: float, clock: Clock, interval: float = 5.0) -> None:
        self._timeout = timeout
        self._interval = interval
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[Path, _Known] = {}
        self._told: set[Path] = set()

    def run(
        self,
        folder: Path,
        environ: Mapping[str, str],
        stop: threading.Event,
        asked: Asked | None = None,
    ) -> tuple[PromiseResult, ...]:
        """The results of all promises of a partition, by name; cut short when the agent stops.

        A plugin that has nothing to say in this mode has no result.
        """
        asked = asked or Asked()
        self._tell_of_mistakes(folder)
        known = self._look(folder)
        deadline = self._clock.monotonic() + ROUND * self._timeout
        work = _Work(self, folder, environ, stop, asked, deadline)
        turns = sorted(known, key=lambda path: known[path].ran_at)  # left out: first
        if len(known) < 2:  # noqa: PLR2004 - one needs no pool
            results = {path: work.do(path, known[path]) for path in turns}
        else:
            with ThreadPoolExecutor(min(SIDE_BY_SIDE, len(known))) as pool:
                said = pool.map(work.do, turns, [known[path] for path in turns])
                results = dict(zip(turns, said, strict=True))
        if stop.is_set():
            raise StepDeferred("The agent stops.")
        return tuple(result for path in known if (result := results[path]) is not None)

    def banged(self, folder: Path) -> None:
        """Note that a partition's anomalies have been told: each bangs once until it is over."""
        with self._lock:
            for known in self._below(folder):
                known.is_banged |= known.last is not None and not known.last.is_held

    def renew(self, folder: Path) -> None:
        """Ask every promise of a partition anew: it was configured again."""
        with self._lock:
            for known in self._below(folder):
                known.mode, known.ran_at, known.failures = None, 0.0, 0

    def forget(self, folder: Path) -> None:
        """Forget the history of a partition that was emptied."""
        with self._lock:
            for path in [path for path in self._known if folder in path.parents]:
                del self._known[path]

    def _below(self, folder: Path) -> list[_Known]:
        return [known for path, known in self._known.items() if folder in path.parents]

    def _tell_of_mistakes(self, folder: Path) -> None:
        for path in not_executable(folder):
            with self._lock:
                is_new = path not in self._told
                self._told.add(path)
            if is_new:
                log.warning("%s is no promise: it is not executable (chmod +x makes it one)", path)

    def _look(self, folder: Path) -> dict[Path, _Known]:
        """All promises of a partition, with what is remembered of each."""
        paths = dict.fromkeys(find_plugins(folder), True)
        paths |= dict.fromkeys(find_promises(folder), False)
        taken = {path.stem for path, is_plugin in paths.items() if is_plugin}
        found, is_new = {}, False
        with self._lock:
            for path in [path for path in self._known if folder in path.parents]:
                if path not in paths:
                    del self._known[path]
            for path in sorted(paths, key=lambda one: one.name):
                known = self._known.get(path)
                if known is None:
                    title = path.stem if paths[path] or path.stem not in taken else path.name
                    known = self._known[path] = _Known(title, paths[path])
                    is_new = True
                found[path] = known
        if is_new:
            with acting_as(owner_of(folder)):
                self._recall(folder, found.values())
        return found

    def _recall(self, folder: Path, known: Iterable[_Known]) -> None:
        """Take up what an earlier agent wrote down."""
        record.prepare(folder)
        record.drop_others(folder, frozenset(one.title for one in known))
        for one in known:
            if one.last is None and (former := record.read_one(folder, one.title)):
                one.history = former.history

    # ---- one promise --------------------------------------------------------------------------

    def keep(self, folder: Path, path: Path, known: _Known, mode: Mode) -> None:
        """Write down what a promise said, when it is news or the last writing is long ago."""
        last, now = known.last, self._clock.time()
        if last is None:
            return
        if not known.history or known.history[-1].failed is last.is_held:
            change = Change(not last.is_held, now, last.message)
            known.history = (*known.history, change)[-HISTORY:]
        news = (last.is_held, last.message)
        if known.written == news and 0 <= now - known.written_at < WRITE_EVERY:
            return
        known.written, known.written_at = news, now
        wait = known.next_run - self._clock.monotonic()
        entry = PromiseRecord(
            name=path.name,
            kind="plugin" if known.is_plugin else "executable",
            is_held=last.is_held,
            since=known.history[-1].date,
            message=last.message,
            checked=now,
            next_run=now + max(0.0, wait),
            periodicity=known.periodicity,
            elapsed=last.elapsed,
            history=known.history,
        )
        kind = "Anomaly Result" if mode is Mode.ANOMALY else "Test Result"
        with acting_as(owner_of(folder)):
            record.write(folder, known.title, path, entry, kind)
            if not known.is_plugin:
                record.append_log(folder, known.title, entry)

    @property
    def clock(self) -> Clock:
        """What tells the time."""
        return self._clock

    @property
    def timeout(self) -> float:
        """Seconds that one promise may take."""
        return self._timeout

    @property
    def interval(self) -> float:
        """Seconds between two checks of a well instance."""
        return self._interval


@dataclass(frozen=True, slots=True)
class _Work:
    """One round of the promises of one partition."""

    runner: PromiseRunner
    folder: Path
    environ: Mapping[str, str]
    stop: threading.Event
    asked: Asked
    deadline: float

    def do(self, path: Path, known: _Known) -> PromiseResult | None:
        """Ask a promise, unless what it said is new enough; None when it has nothing to say."""
        now, mode = self.runner.clock.monotonic(), self.asked.mode
        if as_text(path.name) != path.name:
            said = f"the name of {as_text(str(path))} is no text (UTF-8): rename the file"
            return PromiseResult(as_text(path.name), is_held=False, message=said, elapsed=0.0)
        if now >= self.deadline:
            return self._left_out(path, known)
        identity = _identity(path)
        if known.is_plugin and not _is_due(known, mode, identity, now):
            return replace(known.last, wants_bang=False) if known.last else None
        result = self._plugin(path, known) if known.is_plugin else self._executable(path, known)
        if self.stop.is_set():
            return result
        known.identity, known.ran_at = identity, now
        known.mode, known.last = mode, result
        pause = known.periodicity
        if known.is_plugin and result is not None and not result.is_held:
            pause = min(pause, RED_PAUSE)
        known.next_run = self.runner.clock.monotonic() + pause
        if result is None or result.is_held:
            known.is_banged = False
        self.runner.keep(self.folder, path, known, mode)
        return result

    def _left_out(self, path: Path, known: _Known) -> PromiseResult | None:
        """What a promise counts for that the others left no time for: what it said last."""
        if known.mode is not None:
            return replace(known.last, wants_bang=False) if known.last else None
        limit = ROUND * self.runner.timeout
        said = f"not asked yet: the promises before it took longer than {limit:g} s together"
        return PromiseResult(path.name, is_held=False, message=said, elapsed=0.0)

    def _plugin(self, path: Path, known: _Known) -> PromiseResult | None:
        asks = plugin.question(path, self.folder, self.asked)
        done, elapsed = self._run(plugin.command(self.asked), asks, plugin.ANSWER_LIMIT)
        if isinstance(done, str):
            answer = plugin.Answer(False, done)
        elif done.is_late:
            answer = plugin.Answer(False, _late(self.runner.timeout, ""))
        else:
            answer = plugin.read_answer(done)
        known.periodicity, known.may_bang = answer.periodicity, answer.may_bang
        if answer.is_silent:
            return None
        return PromiseResult(
            path.name,
            is_held=answer.is_held,
            message=hide(answer.message.strip())[:OUTPUT_LIMIT],
            elapsed=elapsed,
            wants_bang=self.asked.mode is Mode.ANOMALY
            and not answer.is_held
            and answer.may_bang
            and not known.is_banged,
        )

    def _executable(self, path: Path, known: _Known) -> PromiseResult:
        known.periodicity = self.runner.interval
        done, elapsed = self._run([str(path)], {}, OUTPUT_LIMIT * 4)
        if isinstance(done, str):
            is_held, message = False, done
        else:
            is_held = done.status == 0 and not done.is_late
            message = hide(done.output.strip())[:OUTPUT_LIMIT]
            if done.is_late:
                message = _late(self.runner.timeout, message)
            elif done.status and not message:
                message = f"exit status {done.status}"
        known.failures = 0 if is_held else known.failures + 1
        is_sure = self.asked.mode is Mode.TEST or known.failures >= SURE_AFTER
        return PromiseResult(
            path.name, is_held, message, elapsed, is_suspect=not is_held and not is_sure
        )

    def _run(
        self, argv: Sequence[str], more: Mapping[str, str], limit: int
    ) -> tuple[Finished | str, float]:
        """How a program ended, or why it cannot be run; and the seconds that it took."""
        before = self.runner.clock.monotonic()
        timeout = max(0.1, min(self.runner.timeout, self.deadline - before))
        mark = uuid.uuid4().hex
        held, leash = os.pipe()
        try:
            done: Finished | str = run_captured(
                argv,
                cwd=self.folder,
                environ={**self.environ, **more, MARK: mark},
                timeout=timeout,
                limit=limit,
                stop=self.stop,
                pass_fds=[leash],
            )
        except OSError as error:
            done = f"cannot be run: {error}"
        finally:
            os.close(leash)
            if not _is_let_go(held):
                end_marked(mark)
            os.close(held)
        return done, self.runner.clock.monotonic() - before


def _is_due(known: _Known, mode: Mode, identity: tuple[int, ...], now: float) -> bool:
    """Whether a plugin is to be run, or what it said last still counts."""
    if known.mode is None or known.identity != identity:
        return True
    if mode is Mode.ANOMALY:
        return now >= known.next_run
    is_fresh = known.mode is Mode.TEST and now < known.ran_at + FRESH
    return not is_fresh or (known.last is not None and not known.last.is_held)


def _identity(path: Path) -> tuple[int, ...]:
    try:
        seen = path.stat()
    except OSError:
        return ()
    return seen.st_ino, seen.st_mtime_ns, seen.st_size


def _late(timeout: float, message: str) -> str:
    said = f"; it said: {message}" if message else ""
    return f"no answer within {timeout:g} s, so it was ended{said}"[:OUTPUT_LIMIT]


def _is_let_go(pipe: int) -> bool:
    """Whether nobody holds the other end: what a promise leaves behind mostly still does."""
    poll = select.poll()
    poll.register(pipe, select.POLLIN)
    return bool(poll.poll(0))
