"""Runs zc.buildout for the agent: one build, or a warm server that forks a child for each run.

A program of its own, run by path with the interpreter of the release: it imports the standard
library and zc.buildout only, so that it works in any environment that has zc.buildout. See `warm`
for the agent's side.

    driver.py build FOLDER BUILT_FILE ARGUMENT…
        bootstrap FOLDER unless that was done, then run its buildout
    driver.py serve BIN_BUILDOUT SOCKET_FD IDLE PRELOAD…
        answer requests on a socket until it is closed
"""

import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

REQUEST_LIMIT = 1 << 20


def run_buildout(program: str, arguments: Sequence[str]) -> int:
    """Run zc.buildout in this process the way its script does; returns the exit status."""
    from zc.buildout import buildout  # noqa: PLC0415 - costs a second; imported before any fork

    spare_the_whole_index()
    sys.argv = [program, *arguments]
    try:
        buildout.main(list(arguments))
    except SystemExit as error:
        if isinstance(error.code, int):
            return error.code
        return 1 if error.code else 0
    return 0


def spare_the_whole_index() -> None:
    """Let a name that the public index does not have be told at once.

    For a misspelt recipe zc.buildout would fetch the names of all packages there, tens of
    megabytes, and find no other spelling among them: that index, which is zc.buildout's own
    choice, answers to every spelling of a name (PEP 503). A zc.buildout that does not say what it
    chooses, or looks for names otherwise, is left as it is: this only saves time.
    """
    spared = getattr(sys.modules.get("zc.buildout.easy_install"), "default_index_url", None)
    for name in ("zc.buildout._package_index", "setuptools.package_index"):
        index = getattr(sys.modules.get(name), "PackageIndex", None)
        scan_all = getattr(index, "scan_all", None)
        if index is not None and scan_all is not None and isinstance(spared, str):
            index.scan_all = _scanning(scan_all, spared)


def _scanning(scan_all: Callable[..., None], spared: str) -> Callable[..., None]:
    def scan(index: Any, *about: Any) -> None:
        if index.index_url.rstrip("/") != spared.rstrip("/"):
            scan_all(index, *about)

    return scan


def in_child(work: Callable[[], int]) -> int:
    """Fork; the child does the work and ends with its result; returns the child's pid."""
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return pid
    status = 70
    try:
        status = work()
    except BaseException:  # noqa: BLE001 - the last frame of a process: print it and end
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def wait(pid: int) -> int:
    """The exit status of a child; negative for the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def build(folder: str, built_file: str, arguments: Sequence[str]) -> int:
    """Bootstrap and build one release, importing zc.buildout once for both."""
    importlib.import_module("zc.buildout.buildout")
    script = Path(folder, "bin", "buildout")
    if not script.exists():
        status = wait(in_child(lambda: run_buildout(str(script), [*arguments, "bootstrap"])))
        if status:
            return status
    status = wait(in_child(lambda: run_buildout(str(script), arguments)))
    if status == 0:
        Path(built_file).touch()
    return status


class Server:
    """One warm buildout: single-threaded, so that forking is safe."""

    def __init__(self, script: str, control: socket.socket, idle: float) -> None:
        self._script = script
        self._control = control
        self._idle = idle
        self._runs: dict[int, socket.socket] = {}
        self._wake, woken = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def serve(self) -> None:
        """Answer until the agent goes away or nothing was asked for `idle` seconds."""
        self._control.sendall(b"ready\n")
        while True:
            timeout = None if self._runs else self._idle
            watched: list[socket.socket | int] = [self._control, self._wake, *self._runs.values()]
            ready, _, _ = select.select(watched, [], [], timeout)
            if not ready:
                return
            if self._wake in ready:
                os.read(self._wake, 4096)
                self._collect()
            self._end_given_up(ready)
            if self._control in ready and not self._accept():
                self._end_all()
                return

    def _accept(self) -> bool:
        try:
            data, handles, _, _ = socket.recv_fds(
                self._control, REQUEST_LIMIT, 2, socket.MSG_CMSG_CLOEXEC
            )
        except OSError:
            return False
        if not data or len(handles) != 2:  # noqa: PLR2004 - the answer's socket and the log
            return False
        answer, log = socket.socket(fileno=handles[0]), handles[1]
        request = json.loads(data)
        pid = in_child(lambda: self._work(request, answer, log))
        os.close(log)
        self._runs[pid] = answer
        return True

    def _work(self, request: dict[str, object], answer: socket.socket, log: int) -> int:
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.dup2(log, 1)
        os.dup2(log, 2)
        for inherited in (self._control, answer, *self._runs.values()):
            inherited.close()
        os.umask(0o027)
        os.chdir(str(request["folder"]))
        os.environ.clear()
        os.environ.update(request["environ"])  # type: ignore[call-overload]  # made by `warm`
        return run_buildout(self._script, request["arguments"])  # type: ignore[arg-type]

    def _collect(self) -> None:
        for pid in list(self._runs):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                with self._runs.pop(pid) as answer, contextlib.suppress(OSError):
                    answer.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))

    def _end_given_up(self, ready: Sequence[socket.socket | int]) -> None:
        """End runs whose asker closed its socket: it has given up, or is gone."""
        for pid, answer in self._runs.items():
            if answer in ready:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)

    def _end_all(self) -> None:
        for pid in self._runs:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)


def warm_up(preload: Sequence[str]) -> None:
    """Import what recipes will need and let their distributions be read and hashed, once.

    zc.buildout hashes the whole environment that a recipe comes from and keeps the result in the
    process.
    """
    import pkg_resources  # noqa: PLC0415 - of the release, known only now
    from zc.buildout import buildout  # noqa: PLC0415 - as above

    for name in preload:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    for entry in pkg_resources.iter_entry_points("zc.buildout"):
        with contextlib.suppress(Exception):  # one that cannot be loaded fails where it is used
            entry.load()
            named = entry.dist.project_name if entry.dist else ""
            requirement = pkg_resources.Requirement.parse(named)
            buildout._dists_sig(pkg_resources.working_set.resolve([requirement]))  # noqa: SLF001


def serve(script: str, handle: int, idle: float, preload: Sequence[str]) -> int:
    """Become warm: load the release's own buildout and what its recipes will need, then serve."""
    runpy.run_path(script, run_name="warm")  # its sys.path and its imports, without running it
    warm_up(preload)
    gc.collect()
    gc.freeze()
    with socket.socket(fileno=handle) as control:
        Server(script, control, idle).serve()
    return 0


def main(arguments: Sequence[str]) -> int:
    """Do what the arguments say."""
    sys.path[:] = [entry for entry in sys.path if entry != str(Path(__file__).parent)]
    if arguments[0] == "build":
        return build(arguments[1], arguments[2], arguments[3:])
    return serve(arguments[1], int(arguments[2]), float(arguments[3]), arguments[4:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
