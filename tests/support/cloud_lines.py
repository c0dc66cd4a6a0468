"""Command lines against a box: one person, the same account storage as Swift and as Pithos."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pelagos.box import Box
from pelagos.cli.context import Context
from pelagos.cli.main import main
from pelagos.core.clock import Clock

from .openstack_services import OpenStack

CLOUDS = """
[cloud.named.swift]
auth_url = "{keystone}"
username = "{name}"
password = "{password}"
project_name = "{project}"
keep_token = {keep}

[cloud.named.admin]
auth_url = "{keystone}"
username = "{admin.name}"
password = "{admin.password}"
project_name = "{admin.project}"

[cloud.named.pithos]
auth_url = "{astakos}"
token = "{token}"
"""


@dataclass
class Ran:
    """What a command line did."""

    code: int
    raw: bytes
    err: str

    @property
    def out(self) -> str:
        return self.raw.decode()

    @property
    def data(self) -> Any:
        return json.loads(self.raw)


class Stream(io.TextIOWrapper):
    """Text over memory, which a person may watch."""

    def __init__(self, is_watched: bool = False, content: bytes = b"") -> None:
        super().__init__(io.BytesIO(content), encoding="utf-8", write_through=True)
        self._is_watched = is_watched

    def isatty(self) -> bool:
        return self._is_watched

    @property
    def bytes(self) -> bytes:
        self.flush()
        return self.buffer.getvalue()  # type: ignore[attr-defined]


@dataclass
class Lines:
    """Runs command lines as somebody with an account on a box."""

    box: Box | OpenStack
    home: Path
    who: str = "ann"
    environ: dict[str, str] = field(default_factory=dict)
    clock: Clock | None = None

    def __post_init__(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        person = self.box.person(self.who)
        is_real = not isinstance(self.box, Box)
        self.file = self.home / "pelagos.toml"
        self.file.write_text(
            CLOUDS.format(
                keystone=self.box.auth_url,
                astakos=self.box.astakos_url,
                name=person.name,
                password=person.password,
                project=person.project,
                admin=self.box.admin,
                keep=str(is_real).lower(),  # each login at a real Keystone takes its time
                token="none" if is_real else person.token(),
            )
        )
        self.file.chmod(0o600)
        self.environ = {
            "HOME": str(self.home),
            "PELAGOS_DATA": str(self.home / "data"),
            "PELAGOS_CONFIG": str(self.file),
            **self.environ,
        }

    def run(self, *words: str | Path, stdin: bytes = b"", is_watched: bool = False) -> Ran:
        """Run a line in this process."""
        out, err = Stream(), Stream(is_watched)

        def make(values: Mapping[str, Any]) -> Context:
            return Context(
                values,
                environ=self.environ,
                stdin=Stream(content=stdin),
                stdout=out,
                stderr=err,
                clock=self.clock,
            )

        with redirect_stdout(out), redirect_stderr(err):
            code = main([str(word) for word in words], make)
        return Ran(code, out.bytes, err.bytes.decode())

    def done(self, *words: str | Path, **more: Any) -> Ran:
        """Run a line that has to succeed."""
        ran = self.run(*words, **more)
        assert ran.code == 0, ran.err
        return ran

    def start(self, *words: str | Path) -> subprocess.Popen[bytes]:
        """Run a line in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "pelagos", *map(str, words)],
            env={**os.environ, **self.environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )


Make = Callable[..., Lines]
