"""Starts a real RabbitMQ that has nothing in common with any other on this machine.

Own ports on loopback, own node name, own port mapper (epmd), own HOME with its cookie, own
folders; no plugins. It is ended by the ids of the processes that were started here.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from .ports import free_ports

_HOST = "127.0.0.1"
_START_TIMEOUT = 90.0
_CONFIG = """\
listeners.tcp.default = {host}:{port}
log.file.level = warning
log.console = false
disk_free_limit.absolute = 50MB
vm_memory_high_watermark.relative = 0.8
loopback_users.guest = true
max_message_size = 4000000
"""


def _sbin() -> Path:
    versions = sorted(Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*"))
    if not versions:
        raise RuntimeError("rabbitmq-server is not where Debian puts it")
    return versions[-1] / "sbin"


def _alive(pid: int) -> bool:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return text.rsplit(")", 1)[1].split()[0] != "Z"


def _is_stopped(pid: int) -> bool:
    """Whether all threads of a process are; one that is gone meanwhile is, too."""
    for task in Path(f"/proc/{pid}/task").glob("*/stat"):
        with contextlib.suppress(OSError):
            if task.read_text().rsplit(")", 1)[1].split()[0] not in "TZX":
                return False
    return True


def _session(leader: int) -> list[int]:
    """The processes of the session that one of ours leads, the leader included."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, IndexError):
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
                if int(fields[3]) == leader and fields[0] != "Z":
                    found.append(int(entry.name))
    return found


def _end(leader: int, number: int, timeout: float = 30.0) -> None:
    """Send a signal to a session of ours and wait until it is gone; after the time, kill it."""
    deadline = time.monotonic() + timeout
    sent = number
    while pids := _session(leader):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, sent)
        sent = 0 if time.monotonic() < deadline else signal.SIGKILL
        with contextlib.suppress(ChildProcessError):
            os.waitpid(leader, os.WNOHANG)
        time.sleep(0.02)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(leader, os.WNOHANG)


class Broker:
    """One node; it keeps its ports and its data while it is stopped."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self._distribution, self._mapper_port = free_ports(3)
        self._node = f"pelagos{uuid.uuid4().hex[:8]}@localhost"
        self.leaders: list[int] = []
        for name in ("mnesia", "log"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / "rabbitmq.conf").write_text(_CONFIG.format(host=_HOST, port=self.port))
        (folder / "plugins").write_text("[].\n")
        (folder / "env.conf").write_text("")

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@{_HOST}:{self.port}/"

    def start(self) -> None:
        """Start and wait until it speaks AMQP."""
        if not self.leaders:
            self.leaders.append(self._spawn(["epmd", "-address", _HOST], "epmd"))
        self.leaders.append(self._spawn([str(_sbin() / "rabbitmq-server")], "server"))
        deadline = time.monotonic() + _START_TIMEOUT
        while not self._speaks():
            if time.monotonic() > deadline or not _session(self.leaders[-1]):
                log = (self.folder / "server.log").read_text(errors="replace")
                raise RuntimeError(f"rabbitmq-server did not start: {log[-2000:]}")
            time.sleep(0.05)

    def _spawn(self, command: list[str], name: str) -> int:
        with (self.folder / f"{name}.log").open("ab") as output:
            process = subprocess.Popen(
                command,
                env=self._environment(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        process.returncode = 0  # we look after it ourselves, perhaps from another process
        return process.pid

    def _environment(self) -> dict[str, str]:
        folder = self.folder
        return {
            "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin",
            "LANG": "C.UTF-8",
            "HOME": str(folder),
            "RABBITMQ_NODENAME": self._node,
            "RABBITMQ_DIST_PORT": str(self._distribution),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "none"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "env.conf"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 2:2 +sbwt none "
            "-kernel inet_dist_use_interface {127,0,0,1}",
            "RABBITMQ_CTL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "ERL_EPMD_ADDRESS": _HOST,
            "ERL_EPMD_PORT": str(self._mapper_port),
        }

    def _speaks(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection((_HOST, self.port), 1) as link:
            link.settimeout(2)
            link.sendall(b"AMQP\x00\x00\x09\x01")
            return link.recv(1) == b"\x01"
        return False

    def control(self, *arguments: str) -> str:
        """Run rabbitmqctl on this node."""
        command = [str(_sbin() / "rabbitmqctl"), "-q", "-n", self._node, *arguments]
        return subprocess.run(
            command,
            env=self._environment(),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout

    def kill(self) -> None:
        """As a power cut would."""
        self._end_server(signal.SIGKILL)

    def stop(self) -> None:
        """In order."""
        self._end_server(signal.SIGTERM)

    def freeze(self) -> None:
        """It stays connected and says nothing any more, from the moment that this returns."""
        self._signal(signal.SIGSTOP)
        deadline = time.monotonic() + 60
        while not all(map(_is_stopped, _session(self.leaders[-1]))):
            if time.monotonic() > deadline:
                raise RuntimeError("rabbitmq-server does not stop")
            time.sleep(0.005)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        for pid in _session(self.leaders[-1]):
            os.kill(pid, number)

    def _end_server(self, number: int) -> None:
        if len(self.leaders) > 1:
            _end(self.leaders.pop(), number)

    def close(self) -> None:
        """End everything that was started."""
        while self.leaders:
            _end(self.leaders.pop(), signal.SIGKILL)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / "rabbitmq.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def start_shared(folder: Path) -> str:
    """The URL of the broker of this run; the first who asks starts it."""
    with _locked(folder):
        state = folder / "rabbitmq.json"
        if not state.exists():
            broker = Broker(folder / "rabbitmq")
            try:
                broker.start()
            except BaseException:
                broker.close()
                raise
            state.write_text(json.dumps({"url": broker.url, "leaders": broker.leaders}))
        return str(json.loads(state.read_text())["url"])


def stop_shared(folder: Path) -> None:
    """End it, if anybody started it."""
    state = folder / "rabbitmq.json"
    if state.exists():
        for leader in reversed(json.loads(state.read_text())["leaders"]):
            _end(leader, signal.SIGKILL)
