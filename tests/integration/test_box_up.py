"""`pelagos box up` as its user runs it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pelagos.box import Person
from support.box_site import ask, password_login


def test_a_box_runs_until_it_is_ended_and_its_persons_get_in(tmp_path: Path) -> None:
    folder = tmp_path / "box"
    words = [sys.executable, "-m", "pelagos", "box", "up", "--folder", str(folder), "--port", "0"]
    for _ in range(2):
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            assert process.stdout is not None
            while b"Ctrl-C" not in (line := process.stdout.readline()):
                assert line, "it ended"
            clouds = json.loads((folder / "clouds.yaml").read_bytes())["clouds"]
            for cloud in clouds.values():
                auth = cloud["auth"]
                person = Person(auth["username"], auth["password"], "", "", "", str)
                assert (
                    ask(auth["auth_url"], "POST", "/auth/tokens", password_login(person)).status
                    == 201
                )
            told = process.stdout.readline().decode()
            environ = {"HOME": str(tmp_path), "PATH": str(Path(sys.executable).parent)}
            tried = subprocess.run(  # as a person copies it
                told, shell=True, env=environ, capture_output=True, text=True, check=False
            )
            assert tried.returncode == 0, tried.stderr
            assert "pelagos server list" in told and "there are no servers" in tried.stdout
            process.send_signal(signal.SIGTERM)
            process.stdout.read()
        assert process.returncode == 0
    assert (folder / "clouds.yaml").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "box.example.org", ""])  # refused
def test_it_listens_beyond_this_computer_only_when_told_twice(tmp_path: Path, host: str) -> None:
    folder = tmp_path / "box"
    words = [sys.executable, "-m", "pelagos", "box", "up", "--folder", str(folder), "--port", "0"]
    done = subprocess.run([*words, f"--host={host}"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "without TLS" in done.stderr and "--open" in done.stderr
    assert not folder.exists()
