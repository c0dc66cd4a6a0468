"""Run one program to its end, with a limit in time, and leave nothing of it behind."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pelagos.slap.agent.account import owner_of

KEPT_VARIABLES = ("PATH", "TZ", "TMPDIR")
NETWORK_PREFIXES = ("PIP_", "SSL_", "REQUESTS_", "CURL_")
PROXY_SUFFIX = "_proxy"
#: The variable by which what a run started is known, wherever it went.
MARK = "PELAGOS_RUN"


@dataclass(frozen=True, slots=True)
class Finished:
    """How a program ended.

    Attributes:
        status: exit status; negative for the signal that ended it.
        is_late: it was ended because its time was over.
        is_stopped: it was ended because the agent stops.
        output: the first bytes of what it wrote, when captured.
    """

    status: int
    is_late: bool = False
    is_stopped: bool = False
    output: str = ""


def clean_environment(environ: Mapping[str, str], home: Path) -> dict[str, str]:
    """The environment of builds and instances: the network's, and nothing of Python's.

    Args:
        environ: the agent's own environment.
        home: becomes HOME, so that no person's dot files change a result.
    """
    kept = {
        name: value
        for name, value in environ.items()
        if name in KEPT_VARIABLES
        or name.startswith(NETWORK_PREFIXES)
        or name.lower().endswith(PROXY_SUFFIX)
    }
    kept.setdefault("PATH", "/usr/local/bin:/usr/bin:/bin")
    return {
        **kept,
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "PYTHONNOUSERSITE": "1",
        "PYTHONWARNINGS": "ignore:pkg_resources is deprecated:UserWarning",
    }


def as_owner(folder: Path, environ: Mapping[str, str]) -> dict[str, Any]:
    """What `subprocess.Popen` needs, so that an agent that is root runs as a folder's owner."""
    account = owner_of(folder)
    if account is None:
        return {"env": dict(environ)}
    return {"env": {**environ, **account.environ}, **account.process_arguments}


def run_logged(
    argv: Sequence[str],
    *,
    cwd: Path,
    environ: Mapping[str, str],
    log: int,
    timeout: float,
    stop: threading.Event,
    pass_fds: Sequence[int] = (),
) -> Finished:
    """Run a program whose output goes to the open file `log`; leaves nothing running.

    As root it runs as the owner of `cwd`, as with `run_captured`. With it ends what it had put
    into a session of its own and let go.

    Raises:
        OSError: it cannot be started.
    """
    mark = uuid.uuid4().hex
    with subprocess.Popen(  # noqa: S603 - the caller's program, no shell
        argv,
        cwd=cwd,
        **as_owner(cwd, {**environ, MARK: mark}),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
        umask=0o027,
        pass_fds=tuple(pass_fds),
    ) as process:
        done = _await(process, timeout, stop)
    end_marked(mark)
    return done


def _await(process: subprocess.Popen[bytes], timeout: float, stop: threading.Event) -> Finished:
    deadline = time.monotonic() + timeout
    is_late = is_stopped = False
    try:
        while not wait_for_end(process.pid, min(0.25, max(0.0, deadline - time.monotonic()))):
            is_late = time.monotonic() >= deadline
            is_stopped = stop.is_set()
            if is_late or is_stopped:
                break
    finally:
        end_tree(process.pid, has_ended=not (is_late or is_stopped))
    return Finished(process.wait(), is_late=is_late, is_stopped=is_stopped)


def run_captured(
    argv: Sequence[str],
    *,
    cwd: Path,
    environ: Mapping[str, str],
    timeout: float,
    limit: int,
    stop: threading.Event,
    pass_fds: Sequence[int] = (),
) -> Finished:
    """Run a program, keep the first `limit` bytes of its output, leave nothing running.

    Raises:
        OSError: it cannot be started.
    """
    with subprocess.Popen(  # noqa: S603 - a promise of the partition, no shell
        argv,
        cwd=cwd,
        **as_owner(cwd, environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        umask=0o027,
        pass_fds=tuple(pass_fds),
    ) as process:
        assert process.stdout is not None  # noqa: S101 - PIPE was asked for
        kept, is_late = _read_until_end(process.pid, process.stdout.fileno(), timeout, limit, stop)
        end_tree(process.pid, has_ended=not is_late)
        status = process.wait()
    return Finished(status, is_late=is_late, output=kept.decode("utf-8", "replace"))


def _read_until_end(
    pid: int, pipe: int, timeout: float, limit: int, stop: threading.Event
) -> tuple[bytes, bool]:
    """Read until the program itself has ended: a child of it may hold the pipe open for ever."""
    deadline = time.monotonic() + timeout
    os.set_blocking(pipe, False)
    kept = bytearray()
    pidfd = os.pidfd_open(pid)
    try:
        poll = select.poll()
        poll.register(pidfd, select.POLLIN)
        poll.register(pipe, select.POLLIN)
        while True:
            left = deadline - time.monotonic()
            ready = {fd for fd, _ in poll.poll(max(0.0, min(0.25, left)) * 1000)}
            if pipe in ready and not _drain(pipe, kept, limit):
                poll.unregister(pipe)
            if pidfd in ready:
                _drain(pipe, kept, limit)
                return bytes(kept), False
            if left <= 0 or stop.is_set():
                return bytes(kept), True
    finally:
        os.close(pidfd)


def _drain(pipe: int, kept: bytearray, limit: int) -> bool:
    """Take at most 1 MiB that is ready; whether more may come."""
    for _ in range(16):
        try:
            chunk = os.read(pipe, 65536)
        except BlockingIOError:
            return True
        if not chunk:
            return False
        kept += chunk[: max(0, limit - len(kept))]
    return True


def wait_for_end(pid: int, timeout: float) -> bool:
    """Wait until a process has ended, without collecting its status; whether it has."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        poll = select.poll()
        poll.register(pidfd, select.POLLIN)
        return bool(poll.poll(timeout * 1000))
    finally:
        os.close(pidfd)


def end_tree(pid: int, *, has_ended: bool = False) -> None:
    """End a process, its session and everything descended from it.

    `pid` must lead its own session. It may have ended already and must not have been collected;
    `has_ended` then spares the search for descendants, which cannot be told any more.
    """
    if has_ended:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        return
    for _ in range(3):  # what forks while it is being ended is met in the next round
        members = tree_of(pid)
        if not members:
            return
        for member in members:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(member, signal.SIGKILL)


def end_marked(mark: str) -> None:
    """End what a run left behind in a session of its own; it carries the run's mark."""
    for entry in os.listdir("/proc"):  # noqa: PTH208 - names are enough
        if entry.isdigit() and is_marked(int(entry), mark):
            with contextlib.suppress(OSError):
                os.kill(int(entry), signal.SIGKILL)


def is_marked(pid: int, mark: str = "") -> bool:
    """Whether a process carries this mark, or any."""
    wanted = f"{MARK}={mark}".encode()
    try:
        environ = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False
    return wanted in environ if mark else any(one.startswith(wanted) for one in environ)


def end_processes_of(uid: int) -> None:
    """End every process of a user."""
    for _ in range(5):  # what forks while it is being ended is met in the next round
        members = [
            int(entry.name)
            for entry in Path("/proc").iterdir()
            if entry.name.isdigit() and _is_of(entry, uid)
        ]
        if not members:
            return
        for member in members:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(member, signal.SIGKILL)


def _is_of(entry: Path, uid: int) -> bool:
    fields = read_stat(int(entry.name))
    try:
        return fields is not None and fields[0] != "Z" and entry.stat().st_uid == uid
    except OSError:
        return False


def tree_of(root: int) -> set[int]:
    """The living processes that descend from `root` or share its session."""
    parents: dict[int, int] = {}
    found = set()
    for entry in os.listdir("/proc"):  # noqa: PTH208 - names are enough
        if not entry.isdigit():
            continue
        fields = read_stat(int(entry))
        if fields is None or fields[0] == "Z":
            continue
        pid = int(entry)
        parents[pid] = int(fields[1])
        if int(fields[3]) == root:
            found.add(pid)
    if root in parents:
        found.add(root)
    grown = True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in found} - found
        found |= more
        grown = bool(more)
    return found


def read_stat(pid: int) -> list[str] | None:
    """State, parent, group, session and so on of a process; None when it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text.rpartition(")")[2].split()
