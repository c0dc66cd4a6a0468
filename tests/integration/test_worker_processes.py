"""Worker processes of the runner, without any bus."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

_PROGRAM = """
import sys, time
from pelagos.core.backoff import Backoff
from pelagos.core.clock import SystemClock
from pelagos.messaging.runner.processes import Supervisor

def work(post):
    time.sleep(600)  # and listens to no signal, as a worker that is only beginning

if __name__ == "__main__":
    print("begun", flush=True)
    backoff = Backoff(first=0.5, limit=30.0)
    options = {"grace": 30.0, "slots": 1, "deaths": 3}
    sys.exit(Supervisor(work, 2, **options, clock=SystemClock(), backoff=backoff).run())
"""


_ENDING = """
import sys
from pelagos.core.backoff import Backoff
from pelagos.core.clock import SystemClock
from pelagos.messaging.runner.hands import Notes
from pelagos.messaging.runner.processes import OVERDUE_CODE, Supervisor

def work(post):
    if post.first:
        Notes(post).begin(b"sixteen letters!")
        return OVERDUE_CODE if sys.argv[1] == "overdue" else 1
    print(sum(post.deaths[16::17]), flush=True)
    return 0

if __name__ == "__main__":
    options = {"grace": 30.0, "slots": 1, "deaths": 3, "clock": SystemClock()}
    sys.exit(Supervisor(work, 1, **options, backoff=Backoff(first=0.01, limit=0.01)).run())
"""


@pytest.mark.parametrize(("ending", "deaths"), [("death", b"1\n"), ("overdue", b"0\n")])
def test_a_worker_that_could_not_wait_any_longer_is_replaced_and_did_not_die(
    tmp_path: Path, ending: str, deaths: bytes
):
    program = tmp_path / "program.py"
    program.write_text(_ENDING)
    ran = subprocess.run(
        [sys.executable, program, ending], capture_output=True, timeout=60, check=False
    )
    assert (ran.returncode, ran.stdout) == (0, deaths), ran.stderr


def test_a_program_that_is_ended_while_its_workers_begin_ends_in_order(tmp_path: Path):
    program = tmp_path / "program.py"
    program.write_text(_PROGRAM)
    with subprocess.Popen([sys.executable, program], stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == b"begun\n"
        children = Path(f"/proc/{running.pid}/task/{running.pid}/children")
        while len(children.read_text().split()) < 3:  # two workers and their resource tracker
            assert running.poll() is None
        running.send_signal(signal.SIGTERM)
        assert running.wait(60) == 0
