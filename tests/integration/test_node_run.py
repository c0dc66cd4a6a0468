"""`pelagos node run TOKEN` as a process: a computer of a plane whose master is elsewhere."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

PELAGOS = [sys.executable, "-m", "pelagos"]


class Planes:
    """Two data folders of this machine, as if of two."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        config = folder / "config.toml"
        config.write_text('[master]\nhttps = "true"\n[node]\npartitions = 2\n')
        self.environ = {**os.environ, "PELAGOS_CONFIG": str(config), "HOME": str(folder)}
        self.started: list[subprocess.Popen[bytes]] = []

    def start(self, where: str, *words: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{where}.log").open("wb") as log:
            process = subprocess.Popen(
                [*PELAGOS, *words, "--data", str(self.folder / where)],
                env=self.environ,
                stdout=log,
                stderr=log,
            )
        self.started.append(process)
        return process

    def run(self, where: str, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*PELAGOS, *words, "--data", str(self.folder / where)],
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
        )

    def until_said(self, where: str, words: str) -> None:
        log = self.folder / f"{where}.log"
        end = time.monotonic() + 40.0
        while words not in log.read_text():
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.05)

    def close(self) -> None:
        for process in reversed(self.started):
            process.send_signal(signal.SIGTERM)
            process.wait(40.0)


@pytest.fixture
def planes(tmp_path: Path) -> Iterator[Planes]:
    made = Planes(tmp_path)
    yield made
    made.close()


def test_a_computer_joins_runs_and_starts_again_without_a_token(planes: Planes) -> None:
    planes.start("home", "up", "--part", "master")
    planes.until_said("home", "Ctrl-C")
    refused = planes.run("away", "node", "run")
    assert refused.returncode != 0
    assert "pelagos computer add NAME" in refused.stderr
    added = planes.run("home", "computer", "add", "box")
    [token] = [w for w in (added.stdout + added.stderr).split() if w.startswith("pelagos-join.")]
    node = planes.start("away", "node", "run", token)
    planes.until_said("away", "box works for the plane at https://")
    second = planes.run("away", "node", "run")
    assert second.returncode != 0
    assert "already runs" in second.stderr
    node.send_signal(signal.SIGTERM)
    assert node.wait(40.0) == 0
    used = planes.run("third", "node", "run", token)
    assert used.returncode != 0
    assert "has not joined" in used.stderr
    planes.start("away", "node", "run")
    planes.until_said("away", "box works for the plane at https://")
    end = time.monotonic() + 30.0
    while True:
        listed = json.loads(planes.run("home", "computer", "list", "-o", "json").stdout)
        if [(c["computer_id"], c["free_count"]) for c in listed if c["free_count"]] == [
            ("box", 2)
        ]:
            break
        assert time.monotonic() < end, listed
        time.sleep(0.2)
