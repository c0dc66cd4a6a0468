"""The guides to messaging run: their programs, and their commands in their order."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pelagos import messaging
from pelagos.messaging.observation.metrics import PrometheusMetrics
from pelagos.messaging.producer.delivery import MESSAGE_OPTIONS, RPC_OPTIONS
from support.rabbitmq import free_ports

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"
REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "messaging.md"
BLOCK = re.compile(r"^```(\w+) ?(\S*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
#: What runs until it is told to end.
LASTING = ("pelagos bus broker", "pelagos bus run")

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


class Session:
    """A person's terminals, in one folder."""

    def __init__(self, folder: Path, ports: dict[str, str]) -> None:
        self.folder = folder
        self.ports = ports
        programs = Path(sys.executable).parent
        self.environment = {
            **{key: text for key, text in os.environ.items() if key != "PELAGOS_BUS"},
            "PATH": f"{programs}:{os.environ['PATH']}",
            "PELAGOS_DATA": str(folder / "data"),
            "PELAGOS_CONFIG": "",
            "XDG_CONFIG_HOME": str(folder / "config"),
        }
        self.lasting: list[subprocess.Popen[bytes]] = []

    def type(self, line: str, expected: int) -> None:
        for number, free in self.ports.items():
            line = line.replace(number, free)
        if line.startswith("export "):
            name, _, value = line.removeprefix("export ").partition("=")
            self.environment[name] = value
        elif line.startswith(LASTING):
            self.begin(line)
        else:
            done = self.ended(line)
            assert done.returncode == expected, f"$ {line}\n{done.stdout}{done.stderr}"
            assert "Traceback" not in done.stderr or not line.startswith("pelagos")

    def ended(self, line: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/bin/sh", "-c", line],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def begin(self, line: str) -> None:
        """Start what lasts, and wait until it is of use."""
        with (self.folder / f"log{len(self.lasting)}").open("wb") as log:
            self.lasting.append(
                subprocess.Popen(
                    ["/bin/sh", "-c", f"exec {line}"],
                    cwd=self.folder,
                    env=self.environment,
                    stdout=log,
                    stderr=log,
                )
            )
        if line.startswith("pelagos bus broker"):
            url = f"amqp://guest:guest@127.0.0.1:{self.ports['5672']}/"
            self.until(f"pelagos bus doctor --bus {url}")
        else:  # the queue that it reads is there
            self.until("pelagos bus send hello --queue resizer")

    def until(self, line: str) -> None:
        deadline = time.monotonic() + 60
        while (done := self.ended(line)).returncode:
            logs = [path.read_text() for path in self.folder.glob("log*")]
            assert time.monotonic() < deadline, f"{done.stdout}{done.stderr}{logs}"

    def end(self) -> None:
        for process in reversed(self.lasting):
            process.send_signal(signal.SIGTERM)
            process.wait(60)


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    wanted = ("5672", "5673")
    ports = dict(zip(wanted, map(str, free_ports(len(wanted))), strict=True))
    made = Session(tmp_path, ports | {"9100": str(two_ports())})
    yield made
    made.end()


def two_ports() -> int:
    """The first of two neighbours that are free, for the metrics of two processes."""
    for port in range(10_000 + os.getpid() % 20_000, 32_768):  # not where the system gives ports
        with contextlib.suppress(OSError), socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", port))
            other.bind(("127.0.0.1", port + 1))
            return port
    raise OSError("no two ports are free")


def lines(block: str) -> Iterator[tuple[str, int]]:
    """Each `$` line with the exit code that it must have."""
    typed = block.splitlines()
    for number, line in enumerate(typed):
        if line.startswith("$ "):
            following = typed[number + 1] if number + 1 < len(typed) else ""
            said = re.fullmatch(r"\[exit (\d+)\]", following)
            yield line.removeprefix("$ "), int(said[1]) if said else 0


def test_the_guide_to_wiring_daemons_works(session: Session):
    ran = 0
    for language, name, block in BLOCK.findall((HOW_TO / "wire-daemons.md").read_text()):
        if language == "python":
            (session.folder / name).write_text(block)
        if name.startswith("test_"):
            session.type(f"{sys.executable} {name}", 0)
        for line, expected in lines(block) if language == "console" else ():
            session.type(line, expected)
            ran += 1
    for _ in range(4):  # either of the two processes
        session.type("pelagos bus call size_of --exchange disks --key sizes --json '\"d7\"'", 0)
    assert ran >= 12
    document = (session.folder / "asyncapi.json").read_text()
    assert '"asyncapi": "3.0.0"' in document


def test_the_guide_to_the_embedded_broker_works(session: Session, tmp_path: Path):
    text = (HOW_TO / "test-with-the-embedded-broker.md").read_text()
    programs = [block for language, _, block in BLOCK.findall(text) if language == "python"]
    assert len(programs) >= 3
    for number, program in enumerate(programs):
        (tmp_path / f"program{number}.py").write_text(program)
        session.type(f"{sys.executable} program{number}.py", 0)
    [(line, _)] = [
        pair
        for language, _, block in BLOCK.findall(text)
        if language == "console"
        for pair in lines(block)
    ]
    assert line.startswith("pelagos bus broker ")


def test_the_reference_names_every_public_name():
    text = REFERENCE.read_text()
    missing = [name for name in messaging.__all__ if not re.search(rf"\b{name}\b", text)]
    assert missing == []


def test_the_reference_names_every_metric_and_no_other():
    told = set(re.findall(r"`(pelagos_bus_\w+)`", REFERENCE.read_text()))
    metrics = PrometheusMetrics()
    known = {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in metrics.registry.collect()
    }
    assert told == known


def test_the_reference_names_every_step_and_every_option():
    text = REFERENCE.read_text()
    steps = [name for name in vars(messaging.Middleware) if not name.startswith("_")]
    options = MESSAGE_OPTIONS | RPC_OPTIONS
    assert [name for name in (*steps, *options) if f"`{name}" not in text] == []
