"""The command line in this process, on the clouds of a box or on a real OpenStack."""

from __future__ import annotations

import io
import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pelagos.box import Box
from pelagos.cli.context import Context
from pelagos.cli.failures import as_written, exit_code
from pelagos.cli.main import run
from pelagos.core.clock import Clock, SystemClock
from pelagos.core.errors import PelagosError

from .openstack_services import OpenStack
from .places import ANSWER_SECONDS


@dataclass
class Ran:
    """What a command line did."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)

    @property
    def rows(self) -> dict[str, str]:
        """The lines of a thing that is shown: value by key."""
        lines = (line.partition("  ") for line in self.out.splitlines())
        return {key: value.strip() for key, _, value in lines}


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@dataclass
class CloudShell:
    """Runs command lines; `environ` says which clouds there are."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)
    clock: Clock = field(default_factory=SystemClock)

    def run(self, *words: str, stdin: str = "", is_terminal: bool = False) -> Ran:
        """Run one line."""
        out, err = io.StringIO(), _Terminal() if is_terminal else io.StringIO()

        def make(values: Mapping[str, Any]) -> Context:
            return Context(
                values,
                environ={"HOME": str(self.folder), **self.environ},
                stdin=io.StringIO(stdin),
                stdout=out,
                stderr=err,
                clock=self.clock,
            )

        try:
            code = run(list(words), make)
        except PelagosError as error:
            code = exit_code(error)
            err.write(as_written(error))
        return Ran(code, out.getvalue(), err.getvalue())

    def ok(self, *words: str, **more: Any) -> Ran:
        """Run one line that must do what it says."""
        ran = self.run(*words, **more)
        assert ran.code == 0, ran.err
        return ran

    def data(self, *words: str) -> Any:
        """What a line prints as JSON."""
        return self.ok(*words, "-j").data


def follow(guide: Path, shell: CloudShell) -> int:
    """Type what a guide's blocks say, each line to do what stands there; how many there were."""
    lines = guide.read_text().splitlines()
    typed = [number for number, line in enumerate(lines) if line.startswith("$ pelagos ")]
    for number in typed:
        words = shlex.split(lines[number])[2:]
        said = re.fullmatch(r"\[exit (\d+)\]", lines[number + 1])
        ran = shell.run(*words)
        assert ran.code == (int(said[1]) if said else 0), lines[number] + "\n" + ran.err
    return len(typed)


def openstack_shell(
    box: Box | OpenStack, folder: Path, clock: Clock, person: str = "demo"
) -> CloudShell:
    """A shell whose cloud is the box, as an OpenStack, for one of its persons."""
    return CloudShell(folder, _own_file(box, folder, person), clock)


def synnefo_shell(box: Box, folder: Path, clock: Clock, person: str = "demo") -> CloudShell:
    """A shell whose cloud is the box, as a Synnefo, for one of its persons."""
    return CloudShell(folder, {**_own_file(box, folder, person), "OS_CLOUD": "synnefo"}, clock)


def _own_file(box: Box | OpenStack, folder: Path, name: str) -> dict[str, str]:
    person = box.admin if name == "admin" else box.person(name)
    path = folder / f"{name}.toml"
    path.write_text(
        f"""
        [cloud.named.box]
        auth_url = "{box.auth_url}"
        username = "{person.name}"
        password = "{person.password}"
        project_name = "{person.project}"
        keep_token = true
        timeout = {ANSWER_SECONDS}

        [cloud.named.synnefo]
        auth_url = "{box.astakos_url}"
        token = "{person.token()}"
        """
    )
    return {"PELAGOS_CONFIG": str(path), "OS_CLOUD": "box"}
