"""A real supervisord: a daemon, so that services outlive the agent; adopted later."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import resource
import signal
import stat
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pelagos.core.clock import Clock
from pelagos.slap.agent.account import acting_as, owner_of
from pelagos.slap.agent.errors import SupervisorError
from pelagos.slap.agent.facts import ProgramState, ProgramStatus
from pelagos.slap.agent.files import ensure_folder, read_tail, read_text, write_atomic
from pelagos.slap.agent.layout import Layout
from pelagos.slap.agent.process import read_stat, wait_for_end
from pelagos.slap.agent.supervisors.base import Program
from pelagos.slap.agent.supervisors.conf import (
    KEPT_SUFFIX,
    STOP_SECONDS,
    group_text,
    main_text,
    process_name,
)
from pelagos.slap.agent.supervisors.rpc import (
    ALREADY_ADDED,
    ALREADY_STARTED,
    NO_SUCH_NAME,
    Rpc,
    RpcFault,
)

#: A Unix socket's path has at most 107 bytes, and supervisord binds a name that is longer by its
#: pid.
SOCKET_PATH_LIMIT = 94
START_TIMEOUT = 15.0
#: Seconds: a machine may stand still for a while, and ending supervisord ends every service.
HUNG_AFTER = 30.0
#: Seconds between two looks at programs that start or end; each look is twice as long after.
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.005, 0.1
#: Files that supervisord may hold open: three for each of 1,000 programs, and some more; no more
#: than the system allows.
_FILES = 4096
_OF_ROOT = "/run"
_SHARED = "/tmp"  # noqa: S108 - the folder made there is checked to be ours
_STATES = {
    0: ProgramState.STOPPED,
    10: ProgramState.STARTING,
    20: ProgramState.RUNNING,
    30: ProgramState.BACKOFF,
    40: ProgramState.STOPPING,
    100: ProgramState.EXITED,
    200: ProgramState.FATAL,
}


class Supervisord:
    """The supervisor of one node. Safe to share.

    Changes of one group are made one after another; groups do not wait for each other's programs,
    which may take their time to end. What concerns all groups is short, and has a lock of its own.
    """

    def __init__(self, layout: Layout, *, clock: Clock, log_limit: int = 1 << 20) -> None:
        self._layout = layout
        self._clock = clock
        self._log_limit = log_limit
        self._etc = layout.instance / "etc"
        self._conf = self._etc / "supervisord.conf"
        self._groups_folder = self._etc / "supervisord.conf.d"
        self._change = threading.Lock()
        self._groups: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._socket = _socket_path(layout)
        self._rpc = Rpc(self._socket, timeout=5.0)

    # ---- the daemon -----------------------------------------------------------------------------

    def start(self) -> None:
        """Adopt the supervisord that runs, or start one."""
        with self._change:
            if self._socket.parent != self._layout.instance and self._socket.parent.exists():
                _check_private_folder(self._socket.parent)  # before somebody else's is asked
            if self._is_up():
                return
            try:
                self._write_configuration()
                self._end_hung_daemon()
                if not self._is_up():
                    _end_orphans(self._socket)
                    self._launch()
            except (OSError, subprocess.TimeoutExpired) as error:
                raise SupervisorError(
                    f"supervisord cannot be started: {error}",
                    hint=f"See that {self._layout.root} can be written and its disk has room.",
                    retry_after=5.0,
                ) from error

    def _is_up(self) -> bool:
        try:
            return bool(self._rpc.call("supervisor.getState")["statename"] == "RUNNING")
        except SupervisorError:
            return False

    def _write_configuration(self) -> None:
        for folder, mode in (
            (self._layout.instance, 0o755),
            (self._etc, 0o700),
            (self._groups_folder, 0o700),
            (self._layout.logs, 0o751),
        ):
            ensure_folder(folder, mode)
        if self._socket.parent != self._layout.instance:
            _ensure_private_folder(self._socket.parent)
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        text = main_text(
            socket=self._socket,
            logs=self._layout.logs,
            etc=self._etc,
            files=_FILES if most == resource.RLIM_INFINITY else min(_FILES, most),
        )
        write_atomic(self._conf, text, mode=0o600)

    def _launch(self) -> None:
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(self._conf)]
        environ = {"PATH": os.environ.get("PATH", os.defpath), "PYTHONNOUSERSITE": "1"}
        done = subprocess.run(  # noqa: S603 - our own interpreter and file, no shell
            command,
            env=environ,
            cwd=self._etc,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=START_TIMEOUT,
            check=False,
        )
        deadline = self._clock.monotonic() + START_TIMEOUT
        while not self._is_up():
            if done.returncode or self._clock.monotonic() > deadline:
                said = (done.stdout + done.stderr).decode("utf-8", "replace").strip()
                tail = said or read_tail(self._layout.logs / "supervisord.log", 2000)
                raise SupervisorError(
                    f"supervisord did not start: {tail.splitlines()[-1] if tail else 'no answer'}",
                    hint=f"Read {self._layout.logs / 'supervisord.log'}.",
                    retry_after=5.0,
                )
            self._clock.sleep(0.02)

    def _end_hung_daemon(self) -> None:
        """End a supervisord of ours that runs and has not answered for long, services and all."""
        deadline = self._clock.monotonic() + HUNG_AFTER
        while (pid := self.pid()) is not None and self._clock.monotonic() < deadline:
            if self._is_up():
                return
            self._clock.sleep(0.1)
        if pid is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            wait_for_end(pid, 5.0)

    def pid(self) -> int | None:
        """The pid of the supervisord of this node, if it runs."""
        text = read_text(self._etc / "supervisord.pid", 32) or ""
        if not text.strip().isdigit():
            return None
        pid = int(text)
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return None
        return pid if os.fsencode(str(self._conf)) in command.split(b"\0") else None

    def shutdown(self) -> None:
        """Stop every program and supervisord."""
        with self._change:
            pid = self.pid()
            if pid is not None:
                self._end(pid)
            self._socket.unlink(missing_ok=True)
            if self._socket.parent != self._layout.instance:
                with contextlib.suppress(OSError):
                    self._socket.parent.rmdir()

    def _end(self, pid: int) -> None:
        with contextlib.suppress(SupervisorError):
            self._rpc.call("supervisor.shutdown")
        if not wait_for_end(pid, STOP_SECONDS + 5.0):
            os.kill(pid, signal.SIGKILL)
            wait_for_end(pid, 5.0)
            _end_orphans(self._socket)

    # ---- the programs ---------------------------------------------------------------------------

    def observe(self) -> Mapping[str, tuple[ProgramStatus, ...]]:
        """All programs by group."""
        found: dict[str, list[ProgramStatus]] = {}
        text: str | None = None
        infos = self._rpc.call("supervisor.getAllProcessInfo")
        names = Counter(str(info["name"]) for info in infos)
        for info in infos:
            status = _status(info)
            if status.state in {ProgramState.BACKOFF, ProgramState.FATAL}:
                if text is None:
                    text = read_tail(self._layout.logs / "supervisord.log")
                name = str(info["name"])
                at = int(info["stop"]) if names[name] > 1 else None
                status = replace(status, exit_status=_logged_exit(text, name, at))
            found.setdefault(str(info["group"]), []).append(status)
        return {group: tuple(statuses) for group, statuses in found.items()}

    def run(self, group: str, programs: tuple[Program, ...]) -> None:
        """Make the group consist of exactly these programs, all of them started."""
        programs = tuple(self._with_own_log(group, program) for program in programs)
        with self._group(group):
            path = self._groups_folder / f"{group}.conf"
            stamps = self._groups_folder / f"{group}.stamps"
            text = group_text(group, programs, log_limit=self._log_limit)
            if not programs:
                self._forget(group)
                return
            is_new = write_atomic(path, text, mode=0o600)
            known = {(s.name, s.is_kept): s for s in self.observe().get(group, ())}
            if is_new or set(known) != {(p.name, p.is_kept) for p in programs}:
                self._replace(group)
            else:
                self._renew(group, programs, known, read_text(stamps) or "")
            write_atomic(stamps, _stamps(programs), mode=0o600)

    def _group(self, group: str) -> threading.Lock:
        with self._change:
            return self._groups[group]

    def _with_own_log(self, group: str, program: Program) -> Program:
        """The program with its log where only supervisord can write, if it has another user.

        supervisord opens logs as root, and the owner of a folder can put links in place of them.
        A link in the partition leads to the log.
        """
        if not program.user:
            return program
        account = owner_of(program.folder)
        folder = self._layout.service_logs(group)
        ensure_folder(folder, 0o2750)  # what supervisord makes in it belongs to the group, too
        os.chown(folder, 0, account.gid if account else 0)
        log = folder / f"{program.name}.log"
        with acting_as(account):
            if not program.log.is_symlink() or program.log.readlink() != log:
                program.log.unlink(missing_ok=True)
                program.log.symlink_to(log)
        return replace(program, log=log)

    def _replace(self, group: str) -> None:
        self._stop(group)
        with self._change:
            self._rpc.call("supervisor.reloadConfig")
            try:
                self._rpc.call("supervisor.addProcessGroup", group)
            except RpcFault as fault:
                if fault.code != ALREADY_ADDED:
                    raise
        deadline = self._clock.monotonic() + START_TIMEOUT
        pause = _SHORTEST_PAUSE
        while any(s.state is ProgramState.STOPPED for s in self.observe().get(group, ())):
            if self._clock.monotonic() > deadline:
                raise SupervisorError(f"The programs of {group} do not start.", retry_after=5.0)
            self._clock.sleep(pause)
            pause = min(_LONGEST_PAUSE, 2.0 * pause)

    def _renew(
        self,
        group: str,
        programs: tuple[Program, ...],
        known: Mapping[tuple[str, bool], ProgramStatus],
        stamps: str,
    ) -> None:
        """Restart what changed and start what does not run; leave the rest alone."""
        current = set(stamps.splitlines())
        for program in programs:
            is_same = _stamp(program) in current
            status = known[program.name, program.is_kept]
            if is_same and (status.is_alive or status.state is ProgramState.BACKOFF):
                continue
            if is_same and not program.is_kept and status.state is ProgramState.EXITED:
                continue
            full = _full_name(group, program)
            if status.is_alive or status.state is ProgramState.BACKOFF:
                self._rpc.call("supervisor.stopProcess", full, timeout=STOP_SECONDS + 10.0)
            self._start(full)

    def _start(self, full: str) -> None:
        try:
            self._rpc.call("supervisor.startProcess", full, False)
        except RpcFault as fault:
            if fault.code != ALREADY_STARTED:
                raise

    def restart(self, group: str, name: str) -> None:
        """Start a program again that ended or was given up."""
        with self._group(group):
            for suffix in (KEPT_SUFFIX, ""):
                try:
                    self._start(f"{group}:{name}{suffix}")
                except RpcFault as fault:
                    if fault.code != NO_SUCH_NAME or not suffix:
                        raise
                else:
                    return

    def remove(self, group: str) -> None:
        """Stop a group's programs and forget it."""
        with self._group(group):
            self._forget(group)

    def _forget(self, group: str) -> None:
        for suffix in ("conf", "stamps"):
            (self._groups_folder / f"{group}.{suffix}").unlink(missing_ok=True)
        self._stop(group)
        with self._change:
            self._rpc.call("supervisor.reloadConfig")

    def _stop(self, group: str) -> None:
        """Stop and remove a group; waits until each process group of it is gone."""
        deadline = self._clock.monotonic() + STOP_SECONDS + 10.0
        try:
            # Asking again wakes supervisord; waiting inside one call would take it a second.
            self._rpc.call("supervisor.stopProcessGroup", group, False)
            pause = _SHORTEST_PAUSE
            while any(status.is_alive for status in self.observe().get(group, ())):
                if self._clock.monotonic() > deadline:
                    raise SupervisorError(f"The programs of {group} do not end.", retry_after=5.0)
                self._clock.sleep(pause)
                pause = min(_LONGEST_PAUSE, 2.0 * pause)
            self._rpc.call("supervisor.removeProcessGroup", group)
        except RpcFault as fault:
            if fault.code != NO_SUCH_NAME:
                raise


def _status(info: Mapping[str, Any]) -> ProgramStatus:
    ended = int(info["stop"]) > 0
    name = str(info["name"])
    return ProgramStatus(
        name=name.removesuffix(KEPT_SUFFIX),
        is_kept=name.endswith(KEPT_SUFFIX),
        state=_STATES.get(int(info["state"]), ProgramState.UNKNOWN),
        pid=int(info["pid"]) or None,
        started_at=float(info["start"]),
        exit_status=int(info["exitstatus"]) if ended else None,
        log=str(info["stdout_logfile"]),
    )


def _logged_exit(log: str, name: str, at: int | None) -> int | None:
    """How a program of this name ended lately; None when that differs.

    supervisord forgets the exit status of what ends at once, but logs it, without the group. So
    where several groups have a program of that name, only what ended when ours did counts.

    Args:
        at: Unix seconds of its last end; None: no other program has this name.
    """
    pattern = rf"^(\S+ \S+),\d+ \w+ exited: {re.escape(name)} \(exit status (\d+);"
    lines = re.findall(pattern, log, re.MULTILINE)
    if at is None:
        found = {status for _, status in lines[-4:]}
    else:
        found = {status for when, status in lines if abs(_moment(when) - at) <= 1}
    return int(found.pop()) if len(found) == 1 else None


def _moment(text: str) -> float:
    """Unix seconds of a date in supervisord's log, which is local time; 0 when it is none."""
    try:
        return time.mktime(time.strptime(text, "%Y-%m-%d %H:%M:%S"))
    except (ValueError, OverflowError):
        return 0.0


def _full_name(group: str, program: Program) -> str:
    return f"{group}:{process_name(program)}"


def _stamp(program: Program) -> str:
    return f"{program.name} {program.fingerprint}"


def _stamps(programs: tuple[Program, ...]) -> str:
    return "".join(f"{_stamp(program)}\n" for program in programs)


def _socket_path(layout: Layout) -> Path:
    """Below the root when the path is short enough, else in a private folder elsewhere.

    That is below /run, where root alone can make one, or for others below /tmp, where somebody
    else may have been faster: it is used only when it is ours. The place depends on nothing else:
    an agent started from elsewhere must find its supervisord.
    """
    path = layout.instance / "sv.sock"
    if len(os.fsencode(str(path))) <= SOCKET_PATH_LIMIT:
        return path
    key = hashlib.sha256(os.fsencode(str(layout.root))).hexdigest()[:16]
    if os.geteuid() == 0 and Path(_OF_ROOT).is_dir():
        return Path(_OF_ROOT, f"pelagos-{key}", "sv.sock")
    return Path(_SHARED, f"pelagos-{os.geteuid()}-{key}", "sv.sock")


def _ensure_private_folder(path: Path) -> None:
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=0o700)
    _check_private_folder(path)


def _check_private_folder(path: Path) -> None:
    seen = path.lstat()
    is_ours = stat.S_ISDIR(seen.st_mode) and seen.st_uid == os.geteuid()
    if not is_ours or stat.S_IMODE(seen.st_mode) & 0o077:
        raise SupervisorError(
            f"{path} exists and is not a private folder of this user.",
            hint="Remove it, or choose a shorter data folder.",
        )


def _end_orphans(socket_path: Path) -> None:
    """End what a killed supervisord left running, or its successor would start it twice."""
    mark = b"SUPERVISOR_SERVER_URL=unix://" + os.fsencode(str(socket_path))
    for entry in os.listdir("/proc"):  # noqa: PTH208 - names are enough
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        try:
            environ = Path(f"/proc/{entry}/environ").read_bytes()
        except OSError:
            continue
        stat_fields = read_stat(int(entry))
        if mark in environ.split(b"\0") and stat_fields and stat_fields[0] != "Z":
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(int(entry), signal.SIGKILL)
