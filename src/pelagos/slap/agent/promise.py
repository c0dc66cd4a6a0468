"""Run a partition's promises: executables in `etc/promise`; exit status 0 means that it holds."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from pelagos.core import wire
from pelagos.core.clock import Clock
from pelagos.core.logs import hide
from pelagos.slap.agent.errors import StepDeferred
from pelagos.slap.agent.files import write_atomic
from pelagos.slap.agent.process import run_captured

OUTPUT_LIMIT = 5000
SIDE_BY_SIDE = 4
_HISTORY = 10


@dataclass(frozen=True, slots=True)
class PromiseResult:
    """What one promise said.

    Attributes:
        message: its output, at most 5,000 characters.
        elapsed: seconds that it ran.
    """

    name: str
    is_held: bool
    message: str
    elapsed: float


@dataclass(frozen=True, slots=True)
class _Past:
    failed: bool
    date: float
    message: str


def find_promises(folder: Path) -> tuple[Path, ...]:
    """The executables in a partition's `etc/promise`, by name."""
    return executables(folder / "etc" / "promise")


def executables(folder: Path) -> tuple[Path, ...]:
    """The executable regular files of a folder that are not hidden, by name."""
    try:
        entries = sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return ()
    return tuple(
        path
        for path in entries
        if not path.name.startswith(".") and path.is_file() and os.access(path, os.X_OK)
    )


class PromiseRunner:
    """Runs promises, a few side by side, each with a limit in time; keeps results on disk."""

    def __init__(self, *, timeout: float, clock: Clock) -> None:
        self._timeout = timeout
        self._clock = clock
        self._lock = threading.Lock()
        self._history: dict[Path, list[_Past]] = {}

    def run(
        self, folder: Path, environ: Mapping[str, str], stop: threading.Event
    ) -> tuple[PromiseResult, ...]:
        """The results of all promises of a partition, by name; cut short when the agent stops."""
        paths = find_promises(folder)
        if len(paths) < 2:  # noqa: PLR2004 - one needs no pool
            results = tuple(self._run_one(path, folder, environ, stop) for path in paths)
        else:
            with ThreadPoolExecutor(min(SIDE_BY_SIDE, len(paths))) as pool:
                results = tuple(
                    pool.map(lambda path: self._run_one(path, folder, environ, stop), paths)
                )
        if stop.is_set():
            raise StepDeferred("The agent stops.")
        for path, result in zip(paths, results, strict=True):
            self._keep(folder, path, result)
        return results

    def _run_one(
        self, path: Path, folder: Path, environ: Mapping[str, str], stop: threading.Event
    ) -> PromiseResult:
        before = self._clock.monotonic()
        try:
            done = run_captured(
                [str(path)],
                cwd=folder,
                environ=environ,
                timeout=self._timeout,
                limit=OUTPUT_LIMIT * 4,
                stop=stop,
            )
        except OSError as error:
            return PromiseResult(
                path.name, is_held=False, message=f"cannot be run: {error}", elapsed=0.0
            )
        message = hide(done.output.strip())[:OUTPUT_LIMIT]
        if done.is_late:
            said = f"; it said: {message}" if message else ""
            message = f"no answer within {self._timeout:g} s, so it was ended{said}"[:OUTPUT_LIMIT]
        elif done.status and not message:
            message = f"exit status {done.status}"
        elapsed = self._clock.monotonic() - before
        is_held = done.status == 0 and not done.is_late
        return PromiseResult(path.name, is_held=is_held, message=message, elapsed=elapsed)

    def _keep(self, folder: Path, path: Path, result: PromiseResult) -> None:
        """Write the result where SlapOS keeps it, when it differs from the one before."""
        now = _Past(not result.is_held, self._clock.time(), result.message)
        with self._lock:
            past = self._history.setdefault(path, [])
            is_news = not past or (past[-1].failed, past[-1].message) != (now.failed, now.message)
            if is_news:
                past.append(now)
                del past[:-_HISTORY]
            history = list(past)
        if not is_news:
            return
        kept = folder / ".slapgrid" / "promise" / "result"
        kept.mkdir(mode=0o750, parents=True, exist_ok=True)
        document = {
            "title": result.name,
            "name": result.name,
            "path": str(path),
            "execution-time": round(result.elapsed, 3),
            "result": {"type": "Test Result", **wire.to_builtins(now)},
            "history": wire.to_builtins(history),
        }
        write_atomic(kept / f"{result.name}.status.json", wire.encode(document), mode=0o640)

    def forget(self, folder: Path) -> None:
        """Forget the history of a partition that was emptied."""
        with self._lock:
            for path in [p for p in self._history if folder in p.parents]:
                del self._history[path]
