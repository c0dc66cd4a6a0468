"""Software releases built with zc.buildout: a process, a folder, a log and a lock for each."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from pelagos.core.clock import Clock
from pelagos.core.logs import hide
from pelagos.slap.agent.account import acting_as, owner_of
from pelagos.slap.agent.builders.base import Run
from pelagos.slap.agent.builders.profile import check_profile
from pelagos.slap.agent.builders.profile_text import instance_tail, release_profile
from pelagos.slap.agent.builders.warm import DRIVER, WarmBuildouts
from pelagos.slap.agent.cache import BinaryCache, CacheMiss
from pelagos.slap.agent.diagnose import diagnose_buildout, tail
from pelagos.slap.agent.errors import StepDeferred, StepFailed
from pelagos.slap.agent.files import (
    ensure_folder,
    read_tail,
    read_text,
    remove_folder,
    write_atomic,
)
from pelagos.slap.agent.layout import Layout
from pelagos.slap.agent.lock import Held, Lock
from pelagos.slap.agent.process import (
    Finished,
    clean_environment,
    run_logged,
)
from pelagos.slap.agent.promise import executables
from pelagos.slap.agent.settings import AgentSettings
from pelagos.slap.agent.untrusted import read_untrusted
from pelagos.slap.agent.uploads import Uploads
from pelagos.slap.model import Cause

log = logging.getLogger(__name__)

COMPLETED = ".completed"
BUILDING = ".pelagos-building"
BUILT = ".pelagos-built"
FAILED = ".pelagos-failed"
FRESH_START_EVERY = 3


class BuildoutBuilder:
    """Builds releases with the agent's own zc.buildout; instances are configured by the release's.

    A build that was interrupted starts over in an empty folder; one that failed goes on where it
    was, and starts over at every third try.
    """

    def __init__(
        self,
        layout: Layout,
        settings: AgentSettings,
        *,
        clock: Clock,
        environ: Mapping[str, str] | None = None,
        cache: BinaryCache | None = None,
    ) -> None:
        self._layout = layout
        self._cache = cache
        self._uploads = None if cache is None else Uploads(cache, layout, clock=clock)
        self._settings = settings
        self._clock = clock
        self._environ = os.environ if environ is None else environ
        self._warm = WarmBuildouts(
            limit=settings.warm_limit,
            idle=settings.warm_idle,
            environ=clean_environment(self._environ, layout.root),
            folder=layout.software,
            clock=clock,
        )

    # ---- releases -------------------------------------------------------------------------------

    def is_complete(self, url: str) -> bool:
        """Whether a release may be used."""
        return (self._layout.release(url) / COMPLETED).exists()

    def complete(self, url: str) -> None:
        """Mark a release as usable."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ\n", time.gmtime(self._clock.time()))
        with acting_as(owner_of(self._layout.software)):
            write_atomic(self._layout.release(url) / COMPLETED, stamp, mode=0o644)

    def build(self, url: str, on_start: Callable[[], None], stop: threading.Event) -> None:
        """Fetch or build a release under its lock, unless that has been done."""
        folder = self._layout.release(url)
        try:
            with self._lock(url).hold() as lock:
                if (folder / COMPLETED).exists() or (folder / BUILT).exists():
                    return
                missed = self._missed(url, folder, stop)
                if missed is None:
                    return
                owner = owner_of(self._layout.software)
                check_profile(url, timeout=self._settings.profile_timeout, owner=owner, stop=stop)
                if stop.is_set():
                    raise StepDeferred("The build is not wished any more.")
                on_start()
                self._build_locked(url, folder, lock, stop, missed)
        except Held:
            self._end_overdue(url)
            raise StepDeferred(
                "A build that an earlier agent started is still running.", retry_after=1.0
            ) from None

    def _missed(self, url: str, folder: Path, stop: threading.Event) -> str | None:
        """Why the release must be built here; None when the binary cache gave it."""
        if self._cache is None:
            return ""
        into = self._layout.software / f".unpacked-{folder.name}"
        try:
            self._cache.fetch(url, stop, into=into)
        except CacheMiss as miss:
            if self._cache.is_forced(url) and not stop.is_set():
                raise StepFailed(
                    Cause(
                        "release-not-cached",
                        f"It may only come from the binary cache, and cannot: {miss.message}.",
                        "Build it on the computer that uploads; it is tried again by itself.",
                    )
                ) from miss
            log.info("the binary cache is not used for %s: %s", url, miss.message)
            return miss.message
        with acting_as(owner_of(self._layout.software)):
            (into / BUILT).touch()
            remove_folder(folder)
            into.rename(folder)
        log.info("%s came from the binary cache", url)
        self.prepare(url)
        return None

    def _build_locked(
        self, url: str, folder: Path, lock: int, stop: threading.Event, missed: str
    ) -> None:
        log = self._layout.release_log(url)
        with acting_as(owner_of(self._layout.software)):
            self._begin_build(url, folder)
        done = self._run_build(folder, log, lock, stop, missed)
        if done.is_stopped:
            raise StepDeferred("The build was ended; the next one starts over.")
        with acting_as(owner_of(self._layout.software)):
            (folder / BUILDING).unlink(missing_ok=True)
        if done.is_late or done.status:
            raise self._failed(done, log, self._settings.build_timeout, self._layout.logs)
        if not (folder / "instance.cfg").is_file():
            raise StepFailed(
                Cause(
                    "buildout-failed",
                    "The release was built, but it made no instance.cfg, so it has no instances.",
                    "Add a part that writes ${buildout:directory}/instance.cfg.",
                    f"Log: {log}",
                )
            )
        self.prepare(url)
        if self._uploads is not None:
            self._uploads.offer(url)

    def _begin_build(self, url: str, folder: Path) -> None:
        failures = int(read_text(folder / FAILED) or 0)
        if (folder / BUILDING).exists() or failures % FRESH_START_EVERY == FRESH_START_EVERY - 1:
            remove_folder(folder)
        ensure_folder(folder, 0o755)
        ensure_folder(folder / "extends-cache", 0o755)
        write_atomic(folder / FAILED, str(failures + 1), mode=0o644)
        ensure_folder(self._downloads, 0o755)
        profile = release_profile(url, self._settings)
        write_atomic(folder / "buildout.cfg", profile, mode=0o644)
        (folder / BUILDING).touch()

    @property
    def _downloads(self) -> Path:
        """What all builds have downloaded, so that none does it again."""
        return self._layout.software / ".downloads"

    def _run_build(
        self, folder: Path, log: Path, lock: int, stop: threading.Event, missed: str
    ) -> Finished:
        arguments = [
            "-U",
            "-N",
            "-c",
            str(folder / "buildout.cfg"),
            f"buildout:directory={folder}",
            f"buildout:extends-cache={folder / 'extends-cache'}",
            f"buildout:download-cache={self._downloads}",
        ]
        command = [sys.executable, str(DRIVER), "build", str(folder), str(folder / BUILT)]
        with _open_log(log) as output:
            if missed:
                output.write(f"The binary cache is not used: {missed}.\n".encode())
                output.flush()
            return run_logged(
                [*command, *arguments],
                cwd=folder,
                environ=clean_environment(self._environ, folder),
                log=output.fileno(),
                timeout=self._settings.build_timeout,
                stop=stop,
                pass_fds=[lock],
            )

    def _lock(self, url: str) -> Lock:
        return Lock(self._layout.release_lock(url))

    def _end_overdue(self, url: str) -> None:
        """End an earlier agent's build whose time is over, and what is left of one that ended."""
        try:
            started = (self._layout.release(url) / BUILDING).lstat().st_mtime
        except OSError:  # it ended, and left something that holds its lock
            self._lock(url).end_holders()
            return
        # Begun in the future: the clock was set back, and its time would be over too late.
        if abs(self._clock.time() - started) > self._settings.build_timeout:
            self._lock(url).end_holders()

    def remove(self, url: str) -> None:
        """Remove a release; the marker goes first, so that nothing uses what is left of it."""
        folder = self._layout.release(url)
        lock = self._lock(url)
        try:
            with lock.hold(), acting_as(owner_of(self._layout.software)):
                (folder / COMPLETED).unlink(missing_ok=True)
                remove_folder(folder)
        except Held:
            lock.end_holders()
            raise StepDeferred("Its build is being ended first.", retry_after=0.5) from None
        lock.remove()
        self._layout.release_log(url).unlink(missing_ok=True)

    # ---- instances ------------------------------------------------------------------------------

    def prepare(self, url: str) -> None:
        """Start the warm buildout of a release, and go on with uploads that were interrupted."""
        self._warm.prepare(self._layout.release(url) / "bin" / "buildout")
        if self._uploads is not None:
            self._uploads.start()

    def configure(self, url: str, run: Run, stop: threading.Event) -> None:
        """Write the partition's profile and run the release's buildout on it, offline."""
        release = self._layout.release(url)
        with acting_as(owner_of(self._layout.software)):
            profile = read_text(release / "instance.cfg", 1 << 20) or ""
        with acting_as(owner_of(run.folder)):
            tail_of_it = instance_tail(run, self._settings)
            write_atomic(run.folder / "buildout.cfg", profile + tail_of_it, mode=0o640)
            for name in ("sbin", "etc"):
                (run.folder / name).mkdir(mode=0o750, exist_ok=True)
            log = _open_log(run.log)
        with log as output:
            done = self._bootstrap(release, run, output.fileno(), stop)
            if done is None:
                script = release / "bin" / "buildout"
                done = self._run_instance(script, run, output.fileno(), stop)
        if done.is_stopped:
            raise StepDeferred("The agent stops.")
        if done.is_late or done.status:
            raise self._failed(done, run.log, self._settings.partition_timeout, run.folder)

    def _bootstrap(
        self, release: Path, run: Run, output: int, stop: threading.Event
    ) -> Finished | None:
        """Run a release's own bootstrap in the partition, then the buildout that it made there.

        None: the release has no `bin/bootstrap*`, as most.
        """
        found = executables(release / "bin")
        scripts = [path for path in found if path.name.startswith("bootstrap")]
        if not scripts:
            return None
        if len(scripts) > 1:
            names = ", ".join(path.name for path in scripts)
            raise StepFailed(
                Cause(
                    "buildout-failed",
                    f"The release has several bootstrap programs: {names}.",
                    "Let it make one bin/bootstrap* at the most.",
                )
            )
        done = self._run_in(run, [str(scripts[0])], output, stop)
        if done.status or done.is_late or done.is_stopped:
            return done
        script = run.folder / "sbin" / "buildout"
        if not script.is_file():
            raise StepFailed(
                Cause(
                    "buildout-failed",
                    f"{scripts[0].name} of the release ended well, but made no sbin/buildout.",
                    "Let it make sbin/buildout in the partition, from where it is run.",
                    f"Log: {run.log}",
                )
            )
        arguments = ["-U", "-N", "-c", str(run.folder / "buildout.cfg")]
        command = [*_interpreter(script, run.folder), str(script), *arguments]
        return self._run_in(run, command, output, stop)

    def _run_in(
        self, run: Run, argv: Sequence[str], output: int, stop: threading.Event
    ) -> Finished:
        return run_logged(
            argv,
            cwd=run.folder,
            environ=run.environ,
            log=output,
            timeout=self._settings.partition_timeout,
            stop=stop,
            pass_fds=[run.lock],
        )

    def _run_instance(
        self, script: Path, run: Run, output: int, stop: threading.Event
    ) -> Finished:
        arguments = ["-U", "-N", "-c", str(run.folder / "buildout.cfg")]
        timeout = self._settings.partition_timeout
        done = self._warm.run(
            script,
            arguments,
            folder=run.folder,
            environ=run.environ,
            output=output,
            timeout=timeout,
            stop=stop,
        )
        if done is not None:
            return done
        command = [*_interpreter(script, self._layout.software), str(script), *arguments]
        return self._run_in(run, command, output, stop)

    def close(self) -> None:
        """End the warm buildouts and the uploads."""
        self._warm.close()
        if self._uploads is not None:
            self._uploads.close()

    def _failed(self, done: Finished, log: Path, timeout: float, place: Path) -> StepFailed:
        with acting_as(owner_of(place)):  # who owns the log's folder may have put anything there
            text = hide(read_tail(log))
        if done.is_late:
            last = tail(text, 1)
            return StepFailed(
                Cause(
                    "buildout-failed",
                    f"buildout was ended after {timeout:.0f} s; last it said: {last}",
                    "Find out what it waits for; the log shows how far it came.",
                    f"{tail(text)}\nLog: {log}",
                ),
                log=text,
            )
        found = diagnose_buildout(text)
        if found.is_disk_full:
            raise OSError(errno.ENOSPC, f"{found.summary} (line {found.line} of {log})")
        if found.taken_port is not None:
            return StepFailed(
                Cause(
                    "port-taken",
                    f"{found.summary} (line {found.line} of {log})",
                    "Request the service with another port, or without one to get a free one.",
                    f"{tail(text)}\nLog: {log}, line {found.line}",
                ),
                log=text,
            )
        return StepFailed(
            Cause(
                "buildout-failed",
                f"{found.summary} (line {found.line} of {log})",
                "Mend the profile or its parameters; it is tried again by itself.",
                f"{tail(text)}\nLog: {log}, line {found.line}",
            ),
            log=text,
        )


def _open_log(path: Path) -> BinaryIO:
    """A fresh log that only we and our group can read; the one before is kept beside it."""
    with contextlib.suppress(FileNotFoundError):
        path.replace(path.with_suffix(".1.log"))
    return os.fdopen(
        os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o640), "wb"
    )


def _interpreter(script: Path, place: Path) -> Sequence[str]:
    """The interpreter of a script, named on its own: the kernel cuts long first lines.

    Args:
        place: whose owner made the script.
    """
    content = read_untrusted(script, limit=4096, owner=owner_of(place), follow=True) or b""
    first = content.partition(b"\n")[0].decode(errors="replace")
    return first.removeprefix("#!").strip().split() if first.startswith("#!") else []
