"""Agents that something befalls at a chosen point of what they do to the disk and to processes.

The program in this module forks an agent for each line of stdin. The agent works as usual until
SIGUSR1, then counts what it does (files opened to be written, written, renamed, removed, folders
made, programs started, …). At the number that a file names it kills itself; or its disk is full
from then on, until the next SIGUSR1. It builds releases with the shipped fake; its supervisor is
a real one. SIGUSR2 has it say what its threads do.
"""

from __future__ import annotations

import contextlib
import errno
import faulthandler
import io
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn, Self

from pelagos.core.clock import SystemClock
from pelagos.slap.agent import Agent, AgentSettings
from pelagos.slap.agent.builders.fake import FakeBuilder, FakeRelease
from pelagos.slap.agent.layout import Layout
from pelagos.slap.agent.supervisors import conf
from pelagos.slap.agent.supervisors.supervisord import Supervisord
from pelagos.slap.client import SlapClient

#: What needs room on the disk, besides opening files to write them, writing and syncing.
_MAKING = frozenset({"os.link", "os.mkdir", "os.rename", "os.symlink", "tempfile.mkstemp"})
_DEEDS = _MAKING | {
    "fcntl.flock",
    "os.chmod",
    "os.chown",
    "os.remove",
    "os.rmdir",
    "os.truncate",
    "os.utime",
    "socket.connect",
    "subprocess.Popen",
}
#: What it does all the time, also when nothing is wished of it.
_IDLE = ("agent-status.json", "sv.sock")
DIE, FULL, WELL = "die", "full", "well"


class Mortals:
    """Makes one agent after the other; use as a context."""

    def __init__(self, root: Path, url: str, token: str, options: Mapping[str, Any]) -> None:
        self._fate = root.with_name("fate")
        self._struck = root.with_name("struck")
        environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(root), url, token, json.dumps(options)],
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()

    def spawn(self) -> int:
        """A new agent that is ready for its fate; its pid."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        said = self._process.stdout.readline().strip()
        assert said, "the agent ended before it began"
        return int(said)

    def arm(self, pid: int, kind: str, point: int = 0) -> None:
        """Let it count from now on, and have this befall it at that point."""
        self._struck.unlink(missing_ok=True)
        coming = self._fate.with_suffix(".new")
        coming.write_text(f"{kind} {point}")
        coming.replace(self._fate)  # it may be reading what was there
        os.kill(pid, signal.SIGUSR1)

    @property
    def struck(self) -> str:
        """The deed at which it happened; empty as long as it did not."""
        try:
            return self._struck.read_text() or "another at the same time"
        except FileNotFoundError:
            return ""

    @staticmethod
    def tell(pid: int) -> None:
        """Let it write to stderr what its threads do."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGUSR2)

    @staticmethod
    def is_alive(pid: int) -> bool:
        """Whether it has not died yet."""
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        return True


class _Fate:
    """Counts deeds since it was armed.

    Takes no lock: a hook may run inside another one of the same thread, for a signal or for what
    the garbage collector ends.
    """

    def __init__(self, root: Path) -> None:
        self._file, self._struck = root.with_name("fate"), root.with_name("struck")
        self._kind, self._point = WELL, 0
        self._numbers = itertools.count(1)
        self._exempt = threading.local()
        signal.signal(signal.SIGUSR1, self._arm)
        sys.addaudithook(self._see)

    def _arm(self, *_: object) -> None:
        kind, point = self._file.read_text().split()
        self._numbers = itertools.count(1)
        self._kind, self._point = kind, int(point)

    def _see(self, event: str, details: tuple[Any, ...]) -> None:
        if self._kind == WELL or event not in _DEEDS | {"open"}:
            return
        if getattr(self._exempt, "is_set", False) or not _is_counted(event, details):
            return
        if self._kind == DIE or _needs_room(event, details):
            self.count(f"{event} {details[0]}")

    def count(self, deed: str) -> None:
        """Note a deed; what is to befall it may happen here."""
        if self._kind == WELL or next(self._numbers) < self._point:
            return
        self._exempt.is_set = True
        try:
            if not self._struck.exists():
                self._struck.write_text(deed)
        finally:
            self._exempt.is_set = False
        if self._kind == DIE:
            os.kill(os.getpid(), signal.SIGKILL)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), deed)


def _is_counted(event: str, details: tuple[Any, ...]) -> bool:
    if any(name in str(detail) for detail in details for name in _IDLE):
        return False
    return event != "open" or bool(_flags(details) & (os.O_WRONLY | os.O_RDWR))


def _needs_room(event: str, details: tuple[Any, ...]) -> bool:
    if event in _MAKING:
        return event != "os.mkdir" or not os.path.lexists(details[0])
    if event != "open" or isinstance(details[0], int):
        return False
    return bool(_flags(details) & os.O_CREAT) and not os.path.lexists(details[0])


def _flags(details: tuple[Any, ...]) -> int:
    return details[2] if len(details) > 2 and isinstance(details[2], int) else 0


class _Raw(io.FileIO):
    """A file of which half of a write is there when the disk is full."""

    fate: _Fate

    def write(self, data: Any) -> int:
        try:
            self.fate.count(f"write {_name(self.fileno())}")
        except OSError:
            super().write(bytes(data)[: len(data) // 2])
            raise
        return super().write(data)


def _name(handle: int) -> str:
    return str(Path(f"/proc/self/fd/{handle}").readlink())


def _watch_writing(fate: _Fate) -> None:
    """Have writing and syncing counted, too, of which Python tells no hook."""
    plain_open, plain_sync = os.fdopen, os.fsync
    _Raw.fate = fate

    def fdopen(handle: int, mode: str = "r", *rest: Any, **more: Any) -> Any:
        if mode not in {"wb", "ab"}:
            return plain_open(handle, mode, *rest, **more)
        if any(name in _name(handle) for name in _IDLE):
            return plain_open(handle, mode, *rest, **more)
        return io.BufferedWriter(_Raw(handle, mode))

    def fsync(handle: int) -> None:
        fate.count(f"fsync {_name(handle)}")
        plain_sync(handle)

    os.fdopen, os.fsync = fdopen, fsync  # type: ignore[assignment]


def _live(root: Path, url: str, token: str, options: Mapping[str, Any], ready: int) -> None:
    os.setsid()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    faulthandler.register(signal.SIGUSR2)
    settings = AgentSettings(root=root, **options["settings"])
    layout = Layout(root, settings.partition_count)
    releases = {one: FakeRelease(files=files) for one, files in options["releases"].items()}
    clock = SystemClock()
    agent = Agent(
        settings,
        SlapClient(url, token=token, timeout=5.0),
        builder=FakeBuilder(layout, releases),
        supervisor=Supervisord(layout, clock=clock),
    )
    _watch_writing(_Fate(root))
    os.write(ready, f"{os.getpid()}\n".encode())
    os.close(ready)
    agent.run(stop)


def _be_born(arguments: tuple[Path, str, str, Mapping[str, Any]], ready: int) -> NoReturn:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    status = 1
    try:
        _live(*arguments, ready)
        status = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
        raise
    finally:
        os._exit(status)


def main() -> None:
    """Fork an agent for each line of stdin, and say its pid when it is ready."""
    root, url, token, text = sys.argv[1:]
    options = json.loads(text)
    conf.START_SECONDS = options["start_seconds"]
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    for _ in sys.stdin:
        said, ready = os.pipe()
        if os.fork() == 0:
            os.close(said)
            _be_born((Path(root), url, token, options), ready)
        os.close(ready)
        with os.fdopen(said) as stream:
            sys.stdout.write(f"{stream.readline().strip()}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
