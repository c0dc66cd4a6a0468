"""A command line in a small world of its own: a fake master, no files but below tmp_path."""

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pelagos.cli.context import Context
from pelagos.cli.main import main
from pelagos.core import wire
from pelagos.core.clock import ManualClock
from pelagos.core.http import FakeTransport, Request, Response
from pelagos.slap.model import (
    Cause,
    ComputerStatus,
    InstanceState,
    InstanceStatus,
    PartitionSummary,
    Service,
)

NOW = 1_800_000_000.0


class Terminal(io.StringIO):
    """A stream that a person watches."""

    def isatty(self) -> bool:
        return True


def answer(value: Any, status: int = 200) -> Response:
    return Response(status, {"Content-Type": "application/json"}, wire.encode(value))


def page(services: list[Any], following: int | None = None) -> Response:
    return answer({"services": services, "next": following})


def refusal(status: int, message: str, **more: Any) -> Response:
    return answer({"error": {"code": "x", "message": message, "hint": None}, **more}, status)


def service(reference: str = "hello", **changes: Any) -> Service:
    facts: dict[str, Any] = {
        "reference": reference,
        "guid": f"guid-of-{reference}",
        "release_url": "/srv/hello/software.cfg",
        "software_type": "default",
        "requested_state": InstanceState.STARTED,
        "status": InstanceStatus.STARTED,
        "cause": Cause(
            "ok", "runs and all its promises hold", since=NOW - 190, seen_by="agent on COMP"
        ),
        "root_reference": reference,
        "computer_id": "COMP",
        "partition_id": "slappart0",
        "connection": {"url": "http://127.0.0.1:8080/"},
        "created": NOW - 7300,
    }
    return Service(**{**facts, **changes})


def computer(computer_id: str = "COMP", **changes: Any) -> ComputerStatus:
    facts: dict[str, Any] = {
        "computer_id": computer_id,
        "cause": Cause("ok", "its agent was heard of 2 s ago"),
        "last_seen": NOW - 2,
        "partitions": (
            PartitionSummary("slappart0", "hello", "guid-of-hello", InstanceStatus.STARTED),
            PartitionSummary("slappart1"),
        ),
        "partition_count": 2,
        "free_count": 1,
    }
    return ComputerStatus(**{**facts, **changes})


@dataclass
class Ran:
    """What a command line did."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


@dataclass
class World:
    """Runs command lines against a fake master."""

    answer = staticmethod(answer)
    page = staticmethod(page)
    refusal = staticmethod(refusal)
    service = staticmethod(service)
    computer = staticmethod(computer)

    folder: Path
    capture: Callable[[], tuple[str, str]]
    routes: dict[str, Any] = field(default_factory=dict)
    environ: dict[str, str] = field(default_factory=dict)
    stdin: str = ""
    is_terminal: bool = False
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOW))
    transport: FakeTransport = field(default_factory=FakeTransport)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def plane(self, **endpoints: Any) -> None:
        """Make the data folder look like that of a plane."""
        self.data.mkdir(exist_ok=True)
        (self.data / "token").write_text("t0ken\n")
        noted = {"master_url": "http://master.test:1", "computer_id": "COMP", **endpoints}
        (self.data / "plane.json").write_text(json.dumps(noted))

    def run(self, *words: str) -> Ran:
        stream = Terminal if self.is_terminal else io.StringIO
        out, err = stream(), stream()
        self.transport.routes.update(self.routes)

        def make(values: Mapping[str, Any]) -> Context:
            environ = {
                "HOME": str(self.folder),
                "PELAGOS_DATA": str(self.data),
                "PELAGOS_CONFIG": "",
                **self.environ,
            }
            return Context(
                values,
                environ=environ,
                stdin=io.StringIO(self.stdin),
                stdout=out,
                stderr=err,
                transport=self.transport,
                clock=self.clock,
            )

        code = main(list(words), make)
        program_out, program_err = self.capture()
        return Ran(code, out.getvalue() + program_out, err.getvalue() + program_err)

    def sent(self, method: str, path: str) -> list[Request]:
        return [one for one in self.transport.requests if one.method == method and path in one.url]


@pytest.fixture
def world(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> World:
    """A world with a plane that is known and answers nothing yet."""
    monkeypatch.setenv("PELAGOS_DATA", str(tmp_path / "data"))  # where failures are kept

    def capture() -> tuple[str, str]:
        said = capsys.readouterr()
        return said.out, said.err

    made = World(tmp_path, capture)
    made.plane()
    return made


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    """A software release on this machine."""
    path = tmp_path / "software.cfg"
    path.write_text("[buildout]\nparts =\n")
    return path
