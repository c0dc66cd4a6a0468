"""Programs that the agent runs: limits, output, and that nothing is left of them."""

from __future__ import annotations

import subprocess
import threading
import time
from pathlib import Path

import pytest

from pelagos.core.clock import SystemClock
from pelagos.slap.agent.process import (
    Finished,
    clean_environment,
    end_tree,
    run_captured,
    run_logged,
)
from pelagos.slap.agent.promise import PromiseRunner
from support.plane import eventually

pytestmark = pytest.mark.integration
ENVIRON = {"PATH": "/usr/bin:/bin"}
#: Leaves a daemon: nobody's child, in a session of its own, that heeds no signal.
STUBBORN = """\
trap '' TERM HUP
if [ -n "$1" ]; then
    echo $$ > daemon
    exec sleep 600
fi
(setsid /bin/sh "$0" stay &)
sleep 600
"""


def captured(folder: Path, script: str, *, timeout: float = 10.0, limit: int = 1000) -> Finished:
    return run_captured(
        ["/bin/sh", "-c", script],
        cwd=folder,
        environ=ENVIRON,
        timeout=timeout,
        limit=limit,
        stop=threading.Event(),
    )


def is_gone(pid: int) -> bool:
    for _ in range(3000):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.02)
    return False


def test_output_and_status_are_kept(tmp_path: Path) -> None:
    done = captured(tmp_path, "echo out; echo err >&2; exit 3")
    assert (done.status, done.output, done.is_late) == (3, "out\nerr\n", False)


def test_a_flood_of_output_neither_blocks_nor_fills_memory(tmp_path: Path) -> None:
    done = captured(tmp_path, "head -c 30000000 /dev/zero | tr '\\0' x", limit=50)
    assert done.status == 0 and done.output == "x" * 50


def test_a_program_that_ends_is_done_though_its_child_holds_the_pipe(tmp_path: Path) -> None:
    began = time.monotonic()
    done = captured(tmp_path, "sleep 600 & echo $!")
    assert time.monotonic() - began < 60
    assert done.status == 0 and is_gone(int(done.output))


def test_a_late_program_ends_with_all_that_descends_from_it(tmp_path: Path) -> None:
    script = "setsid sh -c 'echo $$; exec sleep 600' & sleep 600"
    done = captured(tmp_path, script, timeout=0.7)
    # The shell itself is ended, or it sees its child ended first and says so: 128 + 9.
    assert done.is_late and done.status in {-9, 137}
    assert is_gone(int(done.output))


def test_a_late_program_ends_with_its_daemons_that_heed_no_signal(tmp_path: Path) -> None:
    script = tmp_path / "stubborn"
    script.write_text(STUBBORN)
    with (tmp_path / "log").open("wb") as log:
        done = run_logged(
            ["/bin/sh", str(script)],
            cwd=tmp_path,
            environ=ENVIRON,
            log=log.fileno(),
            timeout=1.5,
            stop=threading.Event(),
        )
    assert done.is_late
    assert is_gone(int((tmp_path / "daemon").read_text()))


def test_a_set_stop_ends_a_program_at_once(tmp_path: Path) -> None:
    stop = threading.Event()

    def stop_when_it_runs() -> None:
        eventually(lambda: (tmp_path / "log").read_text() == "0027\n")
        stop.set()

    stopper = threading.Thread(target=stop_when_it_runs)
    began = time.monotonic()
    with (tmp_path / "log").open("wb") as log:
        stopper.start()
        done = run_logged(
            ["/bin/sh", "-c", "umask; exec sleep 600"],
            cwd=tmp_path,
            environ=ENVIRON,
            log=log.fileno(),
            timeout=200.0,
            stop=stop,
        )
    stopper.join()
    assert done.is_stopped and time.monotonic() - began < 150
    assert (tmp_path / "log").read_text() == "0027\n"


def test_ending_what_has_ended_is_no_error_and_ends_nobody_else(tmp_path: Path) -> None:
    pid = int(captured(tmp_path, "echo $$").output)
    with subprocess.Popen(["/bin/sleep", "600"], start_new_session=True) as other:
        end_tree(pid)
        assert other.poll() is None
        other.kill()


def test_the_environment_of_others_reaches_the_network_and_no_python(tmp_path: Path) -> None:
    agent = {
        "PATH": "/bin",
        "PYTHONPATH": "/x",
        "PYTHONHOME": "/x",
        "LANG": "de_DE",
        "LC_ALL": "C",
        "HOME": "/root",
        "https_proxy": "http://p",
        "NO_PROXY": "x",
        "PIP_CERT": "/c",
        "SSL_CERT_FILE": "/c",
        "PELAGOS_TOKEN": "secret",
    }
    kept = clean_environment(agent, tmp_path)
    assert kept["HOME"] == str(tmp_path) and kept["LANG"] == "C.UTF-8"
    assert {"https_proxy", "NO_PROXY", "PIP_CERT", "SSL_CERT_FILE", "PATH"} <= set(kept)
    assert not {"PYTHONPATH", "PYTHONHOME", "LC_ALL", "PELAGOS_TOKEN"} & set(kept)


def test_promises_run_side_by_side_and_each_has_its_result(tmp_path: Path) -> None:
    folder = tmp_path / "etc" / "promise"
    folder.mkdir(parents=True)
    scripts = {
        "a": "echo fine",
        "b": "echo broken; exit 1",
        "c": "sleep 600",
        "d": "exit 5",
        "e": "head -c 20000 /dev/zero | tr '\\0' y",
    }
    for name, script in scripts.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o750)
    (folder / "f").write_text("no interpreter line")
    (folder / "f").chmod(0o750)
    runner = PromiseRunner(timeout=3.0, clock=SystemClock())
    began = time.monotonic()
    results = {r.name: r for r in runner.run(tmp_path, ENVIRON, threading.Event())}
    assert time.monotonic() - began < 60
    assert [results[n].is_held for n in "abcdef"] == [True, False, False, False, True, False]
    assert results["b"].message == "broken"
    assert "no answer within 3 s" in results["c"].message
    assert results["d"].message == "exit status 5"
    assert len(results["e"].message) == 5000
    assert "cannot be run" in results["f"].message
    kept = tmp_path / ".slapgrid" / "promise" / "result" / "b.status.json"
    first = kept.read_text()
    assert '"message":"broken"' in first and '"failed":true' in first
    runner.run(tmp_path, ENVIRON, threading.Event())
    assert kept.read_text() == first  # no news, no write
    assert kept.stat().st_mode & 0o777 == 0o640
