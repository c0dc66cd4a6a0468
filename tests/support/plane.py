"""A plane in processes of its own, for tests that start, use, kill and restart it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from pelagos.plane.data_folder import DataFolder
from pelagos.plane.settings import Part
from pelagos.slap.client import SlapClient

PELAGOS = Path(sys.executable).with_name("pelagos")
HELLO = Path(__file__).parents[2] / "examples" / "hello" / "software.cfg"

T = TypeVar("T")


def eventually(look: Callable[[], T], *, within: float = 60.0, every: float = 0.05) -> T:
    """The first true value of `look`; fails with the last one after `within` seconds."""
    end = time.monotonic() + within
    while True:
        value = look()
        if value:
            return value
        assert time.monotonic() < end, f"still {value!r} after {within:g} s"
        time.sleep(every)


class Plane:
    """The parts of one plane, each in a process of its own or all in one.

    Everything lives below `folder`. `stop` ends what was started, services included.
    """

    def __init__(self, folder: Path, *, poll_interval: float | None = None) -> None:
        self.folder = folder
        self.data = DataFolder(folder / "data")
        self.environment = {
            **os.environ,
            "HOME": str(folder),
            "PELAGOS_DATA": str(self.data.path),
            "XDG_CONFIG_HOME": str(folder),
        }
        if poll_interval is not None:
            self.configure(node={"poll_interval": poll_interval})
        self._processes: dict[tuple[Part, ...], subprocess.Popen[bytes]] = {}

    def configure(self, **sections: Mapping[str, object]) -> None:
        """Write the configuration file."""
        file = self.folder / "pelagos" / "config.toml"
        file.parent.mkdir(exist_ok=True)
        lines = []
        for section, values in sections.items():
            lines += [f"[{section}]", *(f"{k} = {json.dumps(v)}" for k, v in values.items())]
        file.write_text("\n".join(lines) + "\n")

    def start(
        self, *parts: Part, options: tuple[str, ...] = (), before: tuple[str, ...] = ()
    ) -> None:
        """Run some parts, or all of them, in one process; returns when they answer.

        `before` is a command that runs them, e.g. in a namespace of its own; it must exec.
        """
        words = [word for part in parts for word in ("--part", part)]
        with (self.folder / "up.log").open("ab") as log:
            process = subprocess.Popen(
                [*before, PELAGOS, "up", *words, *options],
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._processes[parts] = process
        for part in parts or tuple(Part):
            eventually(lambda part=part: self._answers(part, process))

    def _answers(self, part: Part, process: subprocess.Popen[bytes]) -> bool:
        assert process.poll() is None, (self.folder / "up.log").read_text()
        if self.data.running(part) != process.pid:
            return False
        endpoints = self.data.endpoints()
        if part is Part.AGENT:
            return endpoints.pid == process.pid
        url = endpoints.master_url if part is Part.MASTER else endpoints.directory_url
        path = "/v1/health" if part is Part.MASTER else "/"
        return bool(url) and _responds(url + path)

    def kill(self, *parts: Part) -> None:
        """End what `start` of the same parts began, by force."""
        process = self._processes.pop(parts)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def terminate(self, *parts: Part) -> int:
        """Ask what `start` of the same parts began to end; its exit code."""
        process = self._processes.pop(parts)
        process.terminate()
        return process.wait(60)

    def client(self) -> SlapClient:
        """A client with the administrator's token."""
        url, tls = self.data.endpoints().master_url, self.data.client_tls()
        return SlapClient(url, token=self.data.token(), timeout=20, tls=tls)

    def run(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """One command of the command line."""
        done = subprocess.run(
            [PELAGOS, *words],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=200,
        )
        assert not check or done.returncode == 0, f"pelagos {words}: {done.stdout}{done.stderr}"
        assert "Traceback" not in done.stdout + done.stderr
        return done

    def stop(self) -> None:
        """End everything, services included; nothing may be left behind."""
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            process.wait(60)
        self._processes.clear()
        self.run("down", "--stop-services")
        left = processes_of(self.folder)
        assert left == [], f"left behind: {left}"


def processes_of(folder: Path) -> list[str]:
    """Command lines of all other processes that name the folder."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            command = file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if str(folder) in command and file.parent.name != str(os.getpid()):
                found.append(command)
    return found


def _responds(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except urllib.error.HTTPError:
        return True
    except urllib.error.URLError as error:  # one with an authority of its own answers, too
        return isinstance(error.reason, ssl.SSLCertVerificationError)
    except OSError:
        return False


def page(url: str) -> str:
    """What a URL answers, empty when it does not."""
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return answer.read().decode().strip()
    except OSError:
        return ""
