"""A line for every command, worlds in which one thing is wrong, and what a good answer is."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, TextIO

from pelagos.cli.command_base import Command, parse
from pelagos.cli.context import Context
from pelagos.cli.failures import EXIT_CODES, UsageError
from pelagos.cli.launch import load
from pelagos.cli.main import main, resolve
from pelagos.cli.tree import Node, pelagos_tree
from pelagos.core.clock import ManualClock
from pelagos.core.errors import PelagosError
from pelagos.core.http import FakeTransport, Request, Response

TREE = pelagos_tree()
COMMANDS: dict[str, tuple[Node, type[Command]]] = {
    node.line: (node, load(node)) for node in TREE.root.walk()
}

NOW = datetime.now(UTC)

FILE = "input.txt"
"""A file that is there, with text that suits no command in particular."""

_SAMPLES = {
    "mode": "640",
    "state": "running",
    "cidr": "10.0.0.0/24",
    "number": "5551234",
    "attributes": "firstname=Ada",
    "keys": "url=http://source.test/",
    "key": "master.port",
    "value": "1",
    "url": "http://release.test/software.cfg",
    "method": "one.vm.info",
    "exchange": "events",
    "lines": "1:2",
    "email": "ada@example.org",
    "size": "1",
    "token": "0ne-time",
    "rule": "@1 VM/* USE",
    "to": "bob",
}
_STORED = {"object", "place", "source", "target", "more"}


def sample(name: str, command: type[Command]) -> str:
    """A word for an operand, which the command could take."""
    operand = command.operands[name]
    if operand.choices:
        return operand.choices[0]
    if operand.complete == "file":
        return FILE
    if name in _STORED and "object" in command.__module__:
        return "box/thing"
    return _SAMPLES.get(name, "7")


def usual_line(node: Node, command: type[Command]) -> list[str]:
    """A line of a command that is right: its own example, or its operands."""
    for example in command.examples:
        with contextlib.suppress(PelagosError, ValueError):
            [typed] = re.findall("pelagos [^|#>]*", example)
            words = shlex.split(typed.rstrip(' )"'))[1:]
            found, options, rest = resolve(TREE, words)
            if found.line == node.line and _is_right(command, node, [*options, *rest]):
                ends = [word for word in rest if word != "--follow"]
                return [*_agreed(command, options), *node.terms, *ends]
    given = [sample(name, command) for name, is_needed, is_rest in command.signature()
             if is_needed or is_rest]  # fmt: skip
    return [*node.terms, *_agreed(command, []), *given]


def _is_right(command: type[Command], node: Node, words: list[str]) -> bool:
    _, operands = parse(command, node.line, words)
    command.check_operands(operands, node.line)
    return True


def _agreed(command: type[Command], options: list[str]) -> list[str]:
    """With what lets a command do what is not asked twice."""
    return [*options, *(["--yes"] if "yes" in command.arguments else [])]


class Faulty:
    """A transport over which every request meets the same fault.

    Args:
        fault: what happens to a request.
        lets_in: whether a cloud's login is answered as it should be.

    Attributes:
        asked: how many requests met the fault.
    """

    def __init__(self, fault: Callable[[Request], Response], *, lets_in: bool = False) -> None:
        self._fault = fault
        self._lets_in = lets_in
        self.asked = 0
        self._fake = FakeTransport()

    def send(self, request: Request) -> Response:
        """Answer."""
        return self._answered(request, self._fake.send)

    def open(self, request: Request) -> Any:
        """Answer."""
        return self._answered(request, self._fake.open)

    def close(self) -> None:
        """Nothing is held."""

    def _answered(self, request: Request, send: Callable[[Request], Any]) -> Any:
        if self._lets_in and request.url.endswith("/v3/auth/tokens"):
            return _login()
        self.asked += 1
        self._fake.routes = _Every(self._fault)
        return send(request)


class _Every(dict[str, Any]):
    """A table with one answer to all."""

    def __init__(self, answer: Callable[[Request], Response]) -> None:
        super().__init__()
        self._answer = answer

    def get(self, _key: str, _default: object = None) -> Any:
        return self._answer


_SERVICES = (
    "identity",
    "compute",
    "network",
    "block-storage",
    "volumev3",
    "image",
    "object-store",
)


def _login() -> Response:
    catalog = [
        {
            "type": kind,
            "name": kind,
            "endpoints": [
                {
                    "interface": "public",
                    "region_id": "one",
                    "url": f"http://{kind}.test/v3/AUTH_p1",
                }
            ],
        }
        for kind in _SERVICES
    ]
    token = {
        "expires_at": (NOW + timedelta(hours=1)).isoformat(),
        "user": {"id": "u1", "name": "ada", "domain": {"id": "default", "name": "Default"}},
        "project": {"id": "p1", "name": "engines", "domain": {"id": "default"}},
        "roles": [{"name": "member"}],
        "catalog": catalog,
    }
    headers = {"X-Subject-Token": "t0ken", "Date": format_datetime(NOW, usegmt=True)}
    return Response(201, headers, json.dumps({"token": token}).encode())


@dataclass
class Answer:
    """What a line did."""

    line: str
    code: int
    out: str
    err: str
    asked: int = 0

    @property
    def faults(self) -> list[str]:
        """What of it is not as an answer to a person should be."""
        found = []
        if "Traceback" in self.out + self.err or "should not have happened" in self.err:
            found.append("nobody foresaw it")
        if self.code not in EXIT_CODES:
            found.append(f"exit code {self.code}")
        if any(not char.isprintable() and char not in "\n\t\r" for char in self.out + self.err):
            found.append("it can steer a terminal")
        if self.code not in (0, 130):
            found += _faults_of_words(self.err)
        return [f"{self.line}: {fault} ({self.code}) {self.err[-600:]}" for fault in found]


def _faults_of_words(err: str) -> Iterator[str]:
    lines = err.splitlines()
    told = [number for number, line in enumerate(lines) if line.startswith("pelagos: ")]
    if not told:
        yield "it does not say what went wrong"
    elif not any(line.startswith("  ") and line.strip() for line in lines[told[-1] + 1 :]):
        yield "it does not say what to do"


@dataclass
class Place:
    """A person with a plane, a cloud, an OpenNebula and some files, none of which exists.

    Addresses are such as need no name server, which may take seconds to say no.
    """

    folder: Path
    transport: Faulty | None = None
    environ: dict[str, str] = field(default_factory=dict)
    stdout: TextIO | None = None

    def furnish(self) -> None:
        """Make the files."""
        data = self.folder / "data"
        data.mkdir(parents=True)
        (data / "token").write_text("t0ken\n")
        noted = {
            "master_url": "http://127.0.0.1:1",
            "directory_url": "http://127.0.0.1:1",
            "computer_id": "COMP",
        }
        (data / "plane.json").write_text(json.dumps(noted))
        (self.folder / FILE).write_text("some text\n")
        (self.folder / "pelagos.toml").write_text(
            f"""
            [bus]
            url = "amqp://guest:guest@127.0.0.1:1/"
            [node]
            root = "{self.folder}/node"
            [cloud.named.one]
            auth_url = "http://127.0.0.1:1/v3"
            username = "ada"
            password = "pw"
            project_name = "engines"
            """
        )
        (self.folder / "one_auth").write_text("oneadmin:pw\n")

    def run(self, words: list[str], stdin: str = "") -> Answer:
        """Run a line here."""
        out, err = io.StringIO(), io.StringIO()
        asked = self.transport.asked if self.transport else 0

        def make(values: Mapping[str, Any]) -> Context:
            return Context(
                values,
                environ={
                    "HOME": str(self.folder),
                    "PATH": "/usr/bin:/bin",
                    "PELAGOS_DATA": str(self.folder / "data"),
                    "PELAGOS_CONFIG": str(self.folder / "pelagos.toml"),
                    "ONE_XMLRPC": "http://127.0.0.1:1/RPC2",
                    "ONE_AUTH": str(self.folder / "one_auth"),
                    **self.environ,
                },
                stdin=io.StringIO(stdin),
                stdout=self.stdout,
                transport=self.transport,
                clock=ManualClock(NOW.timestamp()),
            )

        with (
            contextlib.chdir(self.folder),
            contextlib.redirect_stdout(self.stdout or out),
            contextlib.redirect_stderr(err),
        ):
            code = main(list(words), make)
        asked = self.transport.asked - asked if self.transport else 0
        return Answer(shlex.join(words), code, out.getvalue(), err.getvalue(), asked)


def is_usage_error(command: type[Command], node: Node, words: list[str]) -> bool:
    """Whether the parser refuses these words."""
    try:
        return not _is_right(command, node, words)
    except UsageError:
        return True
