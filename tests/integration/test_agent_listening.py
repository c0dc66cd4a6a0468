"""Whose listener it is, on real sockets of this process and of a child."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pelagos.slap.agent import listening
from pelagos.slap.agent.facts import ProgramState, ProgramStatus
from pelagos.slap.agent.listening import Listening

pytestmark = pytest.mark.integration


def program(pid: int | None) -> ProgramStatus:
    return ProgramStatus("web", ProgramState.STARTING, pid=pid)


@pytest.fixture
def port() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield holder.getsockname()[1]


def keep(folder: Path, text: str) -> None:
    kept = folder / "var" / "port" / "address"
    kept.parent.mkdir(parents=True)
    kept.write_text(text)


def test_a_program_that_listens_is_known_by_its_socket(tmp_path: Path, port: int) -> None:
    assert listening.look(tmp_path, [program(os.getpid())]) == Listening()  # keeps no port
    keep(tmp_path, f"{port} 127.0.0.1\n")
    own = listening.look(tmp_path, [program(os.getpid())])
    assert own == Listening(programs=frozenset({"web"}))


def test_what_a_descendant_listens_on_is_the_programs_own(tmp_path: Path) -> None:
    code = (
        "import socket, sys; s = socket.create_server(('127.0.0.1', 0));"
        "print(s.getsockname()[1], flush=True); sys.stdin.read()"
    )
    words = ["/bin/sh", "-c", '"$0" -c "$1"; true', sys.executable, code]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as shell:
        assert shell.stdin is not None and shell.stdout is not None
        keep(tmp_path, shell.stdout.readline().decode())
        assert listening.look(tmp_path, [program(shell.pid)]).programs == {"web"}


def test_the_listener_of_another_is_a_stranger(tmp_path: Path, port: int) -> None:
    keep(tmp_path, f"{port}\n")
    with subprocess.Popen(["/bin/sleep", "60"]) as other:
        try:
            assert listening.look(tmp_path, [program(other.pid)]) == Listening(stranger=port)
            assert listening.look(tmp_path, [program(None)]) == Listening(stranger=port)
        finally:
            other.kill()
