"""The end of an instance, up to the removal of its files: may it end yet, and its own last words.

In this order, each step once, also when the agent is killed in between:

1. services that `.slapos-report-wait-service-list` names end by themselves;
2. (the caller stops the rest)
3. the time that the requester asked its files to be kept is over: `.slapos-retention-lock-delay`
   holds days, frozen when the instance was first configured; `.slapos-retention-lock-date` holds
   Unix seconds, written when its end was first tried;
4. each script of `etc/prerm` has run;
5. `sbin/destroy` has run and said that it went well;
6. (the caller removes the files).

Last words may take as long as they like, so they have a thread of their own: the caller only
begins them and looks at them again, and no other instance waits.
"""

from __future__ import annotations

import logging
import math
import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from pelagos.core.clock import Clock
from pelagos.core.logs import hide
from pelagos.slap.agent.account import acting_as, owner_of
from pelagos.slap.agent.cause import Causes
from pelagos.slap.agent.diagnose import tail
from pelagos.slap.agent.errors import StepDeferred, StepFailed
from pelagos.slap.agent.facts import ProgramStatus
from pelagos.slap.agent.files import ensure_folder, read_tail, read_text, write_atomic
from pelagos.slap.agent.lock import Held, Lock
from pelagos.slap.agent.partition import STATE, PartitionFiles
from pelagos.slap.agent.patience import Patience
from pelagos.slap.agent.process import (
    Finished,
    clean_environment,
    run_logged,
)
from pelagos.slap.agent.promise import as_text, executables
from pelagos.slap.agent.untrusted import append_untrusted
from pelagos.slap.model import Cause, Partition

log = logging.getLogger(__name__)

DELAY = ".slapos-retention-lock-delay"
DATE = ".slapos-retention-lock-date"
WAIT_LIST = ".slapos-report-wait-service-list"
_DAY = 86_400.0
_FOREVER = 10 * 365 * _DAY
#: Seconds between two looks at scripts that still run.
_PAUSE = 1.0
#: Seconds that the caller itself waits for them: most have ended by then.
_BRIEF = 0.25


class _Words:
    """The last words of one instance, in a thread of their own."""

    def __init__(self, speak: Callable[[threading.Event], None]) -> None:
        self._speak = speak
        self._stop = threading.Event()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="last-words", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._speak(self._stop)
        except Exception as error:  # noqa: BLE001 - raised again where it is looked at
            self._error = error

    def have_ended(self, stop: threading.Event) -> bool:
        """Whether they have; raises what went wrong with them."""
        if not stop.is_set():
            self._thread.join(_BRIEF)
        if self._thread.is_alive():
            return False
        if self._error is not None:
            raise self._error
        return True

    def cut_off(self, timeout: float) -> None:
        """End them: the next agent begins the one that was cut off anew."""
        self._stop.set()
        self._thread.join(timeout)


class Ending:
    """Safe to share between threads, as long as each partition ends in one at a time.

    Args:
        hook_timeout: seconds that `sbin/destroy` may take. Scripts of `etc/prerm` may take as
            long as they need.
    """

    def __init__(self, *, causes: Causes, clock: Clock, hook_timeout: float) -> None:
        self._causes = causes
        self._clock = clock
        self._hook_timeout = hook_timeout
        self._patience = Patience(causes, clock)
        self._lock = threading.Lock()
        self._words: dict[Path, _Words] = {}

    def close(self, timeout: float = 2.0) -> None:
        """End the scripts that run, and leave the rest to the next agent."""
        with self._lock:
            words, self._words = list(self._words.values()), {}
        for one in words:
            one.cut_off(0.0)
        for one in words:
            one.cut_off(timeout)

    def begin_life(self, partition: Partition, folder: Path) -> None:
        """Freeze how long the instance's files are kept after its end was asked for."""
        with acting_as(owner_of(folder)):
            if not (folder / DELAY).exists():
                days = _number(str(partition.filters.get("retention_delay", "")))
                write_atomic(folder / DELAY, str(max(0.0, days)), mode=0o640)

    def awaited(self, folder: Path, programs: Iterable[ProgramStatus]) -> list[str]:
        """The running programs whose own end the instance wants to be waited for."""
        if not folder.exists():
            return []
        with acting_as(owner_of(folder)):
            listed = (read_text(folder / WAIT_LIST) or "").split()
        wanted = {line.rpartition(":")[2].removesuffix("-on-watch") for line in listed}
        return sorted(p.name for p in programs if p.is_alive and p.name in wanted)

    def carry_out(
        self, files: PartitionFiles, tell: Callable[[Cause], None], stop: threading.Event
    ) -> None:
        """Return when the instance's files may be removed.

        Args:
            tell: takes what is being waited for.

        Raises:
            StepFailed: retention, or destroy-failed.
            StepDeferred: a script still runs, or the agent stops; call again.
        """
        folder = files.folder
        if not (folder / STATE).exists():
            return  # nothing was ever here, or it is being removed already
        with acting_as(owner_of(folder)):
            self._check_retention(folder)
            scripts = executables(folder / "etc" / "prerm")
            last = [p for p in executables(folder / "sbin") if p.name == "destroy"]
            ensure_folder(self._done(folder), 0o750)
            ensure_folder(folder / STATE / "log", 0o750)
        with self._lock:
            words = self._words.get(folder)
            if words is None:
                words = _Words(partial(self._say, files, (scripts, last), tell))
                self._words[folder] = words
        try:
            has_ended = words.have_ended(stop)
        except Exception:
            self._forget(folder, words)
            raise
        if not has_ended:
            raise StepDeferred("What runs before its end still runs.", retry_after=_PAUSE)
        self._forget(folder, words)

    def _forget(self, folder: Path, words: _Words) -> None:
        with self._lock:
            if self._words.get(folder) is words:
                del self._words[folder]

    def _say(
        self,
        files: PartitionFiles,
        scripts: tuple[Sequence[Path], Sequence[Path]],
        tell: Callable[[Cause], None],
        stop: threading.Event,
    ) -> None:
        """Run what runs before the end, each script unless it has ended before."""
        lock, name = Lock(files.lock), files.folder.name
        try:
            with lock.hold(is_patient=True) as handle:
                self._patience.forget(name)
                for script in scripts[0]:
                    self._run_once(script, files, handle, tell, stop, timeout=_FOREVER)
                for script in scripts[1]:
                    self._run_once(script, files, handle, tell, stop, timeout=self._hook_timeout)
        except Held as held:
            if held.is_patient:
                said = "A script that an earlier agent began still runs."
                tell(self._causes.plain("destroying", said))
                raise StepDeferred(said, retry_after=_PAUSE) from None
            self._patience.try_again(name, lock, held)  # a configuration that nobody wants now

    @staticmethod
    def _done(folder: Path) -> Path:
        return folder / STATE / "ended"

    def _check_retention(self, folder: Path) -> None:
        days = _number(read_text(folder / DELAY, 100) or "")
        known = read_text(folder / DATE, 100)
        if known is None and days <= 0:
            return
        now = self._clock.time()
        until = _number(known) if known is not None else now + days * _DAY
        if days > 0 and until > now + days * _DAY:  # noted while the clock was wrong
            known, until = None, now + days * _DAY
        if known is None:
            write_atomic(folder / DATE, str(until), mode=0o640)
        if now < until:
            when = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(min(until, 2.0**40)))
            raise StepFailed(
                Cause(
                    "retention",
                    f"Its services are stopped; its files are kept until {when}, "
                    f"as it was requested ({days:g} days).",
                    f"To remove them sooner, run on its computer: echo 0 > {folder / DATE}",
                )
            )

    def _run_once(
        self,
        script: Path,
        files: PartitionFiles,
        lock: int,
        tell: Callable[[Cause], None],
        stop: threading.Event,
        *,
        timeout: float,
    ) -> None:
        """Run a script unless it has ended before."""
        owner = owner_of(files.folder)
        name = as_text(script.relative_to(files.folder).as_posix())
        mark = self._done(files.folder) / name.replace("/", "-")
        output = files.folder / STATE / "log" / f"{name.replace('/', '-')}.log"
        with acting_as(owner):
            if mark.exists():
                return
        opened = append_untrusted(output, mode=0o640, owner=owner)
        tell(self._causes.plain("destroying", f"{name} runs before its end.", f"Log: {output}"))
        with opened as stream:
            done = run_logged(
                [str(script)],
                cwd=files.folder,
                environ=clean_environment(os.environ, files.folder),
                log=stream.fileno(),
                timeout=timeout,
                stop=stop,
                pass_fds=[lock],
            )
        if done.is_stopped:
            raise StepDeferred("The agent stops.")
        with acting_as(owner):
            self._judge(name, done, output)
            write_atomic(mark, f"{done.status}\n", mode=0o640)

    def _judge(self, name: str, done: Finished, output: Path) -> None:
        if not (done.status or done.is_late):
            return
        how = "was ended: it took too long" if done.is_late else f"ended with status {done.status}"
        if name.startswith("etc/prerm/"):  # as in SlapOS: that it has run is what counts
            log.warning("%s of %s %s", name, output, how)
            return
        said = tail(hide(read_tail(output)))
        raise StepFailed(
            Cause(
                "destroy-failed",
                f"{name} {how}, so its files are not removed yet.",
                "See what it says; it is tried again by itself. Remove it to go on without.",
                f"{said}\nLog: {output}",
            )
        )


def _number(text: str) -> float:
    """A number in a file or filter; 0 when it is none."""
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return value if math.isfinite(value) else 0.0
