"""Warm buildouts: servers with zc.buildout imported, which fork a child for each run.

Importing zc.buildout costs most of a second of processor time, a run of a small instance a few
hundredths. Each server runs the interpreter and the path of a release's own `bin/buildout`;
releases whose scripts are equal share one. An agent that is root starts a server for each user
that partitions belong to, as that user: the server imports the release's code, which is nobody's
to run as root.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import socket
import subprocess
import threading
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pelagos.core import wire
from pelagos.core.clock import Clock
from pelagos.slap.agent.account import Account, owner_of
from pelagos.slap.agent.process import MARK, Finished, end_marked, end_tree
from pelagos.slap.agent.untrusted import read_untrusted

log = logging.getLogger(__name__)

DRIVER = Path(__file__).with_name("driver.py")
#: Seconds in which a server ends a run that was given up.
_ENDING = 5.0
#: Bytes of a `bin/buildout`; it has a line for each egg.
_SCRIPT_LIMIT = 1 << 20
PRELOAD = ("zc.recipe.egg", "pelagos.slap.recipes", "pelagos.slap.client")


@dataclass(slots=True)
class _Server:
    process: subprocess.Popen[bytes]
    control: socket.socket
    last_used: float
    sending: threading.Lock = field(default_factory=threading.Lock)


class WarmBuildouts:
    """The warm servers of one agent; the least recently used one makes room for a new one."""

    def __init__(
        self, *, limit: int, idle: float, environ: Mapping[str, str], folder: Path, clock: Clock
    ) -> None:
        self._limit = limit
        self._idle = idle
        self._environ = environ
        self._folder = folder
        self._clock = clock
        self._lock = threading.Lock()
        self._servers: dict[tuple[bytes, int | None], _Server] = {}
        self._is_closed = False

    def prepare(self, script: Path) -> None:
        """Start a server for this `bin/buildout` unless one is there; does not wait for it.

        Nothing happens where partitions have users of their own: which will come is unknown.
        """
        with contextlib.suppress(OSError):
            if owner_of(self._folder) is None:
                self._server(script, None)

    def run(
        self,
        script: Path,
        arguments: Sequence[str],
        *,
        folder: Path,
        environ: Mapping[str, str],
        output: int,
        timeout: float,
        stop: threading.Event,
    ) -> Finished | None:
        """Run buildout in a child of the warm server; None when that cannot be done."""
        account = owner_of(folder)
        mark = uuid.uuid4().hex
        known = {**environ, **(account.environ if account else {}), MARK: mark}
        request = wire.encode(
            {"folder": str(folder), "environ": known, "arguments": list(arguments)}
        )
        ours, theirs = socket.socketpair()
        with ours:
            try:
                server = self._server(script, account)
                if server is None:
                    return None
                with server.sending:
                    socket.send_fds(server.control, [request], [theirs.fileno(), output])
            except OSError as error:
                log.debug("warm buildout of %s cannot be used: %s", script, error)
                return None
            finally:
                theirs.close()
            done = self._answer(ours, timeout, stop)
        if done is not None and (done.is_late or done.is_stopped):
            end_marked(mark)  # what had left the run's session
        return done

    def _answer(
        self, answer: socket.socket, timeout: float, stop: threading.Event
    ) -> Finished | None:
        deadline = self._clock.monotonic() + timeout
        poll = select.poll()
        poll.register(answer, select.POLLIN)
        while True:
            left = deadline - self._clock.monotonic()
            if poll.poll(max(0.0, min(0.25, left)) * 1000):
                return _ended(answer.recv(64))
            if left <= 0 or stop.is_set():
                answer.shutdown(socket.SHUT_WR)  # makes the server end the run, and say so
                poll.poll(_ENDING * 1000)
                return Finished(-9, is_late=left <= 0, is_stopped=stop.is_set())

    def _server(self, script: Path, account: Account | None) -> _Server | None:
        text = read_untrusted(
            script, limit=_SCRIPT_LIMIT, owner=owner_of(self._folder), follow=True
        )
        if text is None:
            return None
        key = (text, account.uid if account else None)
        with self._lock:
            if self._is_closed or self._limit < 1:
                return None
            server = self._servers.get(key)
            if server is not None and server.process.poll() is not None:
                self._end(self._servers.pop(key))
                server = None
            if server is None:
                interpreter = _interpreter(text)
                if interpreter is None:
                    return None
                while len(self._servers) >= self._limit:
                    oldest = min(self._servers, key=lambda k: self._servers[k].last_used)
                    self._end(self._servers.pop(oldest))
                server = self._servers[key] = self._start(interpreter, script, account)
            server.last_used = self._clock.monotonic()
            return server

    def _start(self, interpreter: str, script: Path, account: Account | None) -> _Server:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            handle = theirs.fileno()
            idle = str(self._idle)
            process = subprocess.Popen(  # noqa: S603 - the release's own interpreter, no shell
                [interpreter, str(DRIVER), "serve", str(script), str(handle), idle, *PRELOAD],
                cwd=self._folder,
                env={**self._environ, **(account.environ if account else {})},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                pass_fds=[handle],
                **(account.process_arguments if account else {}),
            )
        log.debug("warm buildout %d for %s", process.pid, script)
        return _Server(process, ours, self._clock.monotonic())

    @staticmethod
    def _end(server: _Server) -> None:
        """Let a server go; runs that it has under way are ended by it."""
        server.control.close()
        try:
            server.process.wait(2.0)
        except subprocess.TimeoutExpired:
            end_tree(server.process.pid)
            server.process.wait()

    def close(self) -> None:
        """End every server."""
        with self._lock:
            self._is_closed = True
            servers = list(self._servers.values())
            self._servers.clear()
        for server in servers:
            self._end(server)


def _ended(line: bytes) -> Finished | None:
    """How a run went, as its server says; None when it says nothing that can be understood.

    The server is a process of whoever owns the partition.
    """
    try:
        return Finished(int(line))
    except ValueError:
        return None


def _interpreter(script: bytes) -> str | None:
    """The interpreter named by a script's first line; None when that is unclear."""
    first = script.partition(b"\n")[0]
    path = os.fsdecode(first.removeprefix(b"#!").strip())
    is_plain = first.startswith(b"#!") and " " not in path and os.access(path, os.X_OK)
    return path if is_plain and b"import zc.buildout.buildout" in script else None
