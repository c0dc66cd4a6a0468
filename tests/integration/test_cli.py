"""The command line as a program, against a real master; an agent is played by the test."""

import contextlib
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pytest

from pelagos.core.web import Server
from pelagos.slap.client import SlapClient
from pelagos.slap.master import Master
from pelagos.slap.model import (
    Cause,
    ComputerFormat,
    InstanceState,
    PartitionFormat,
    SupplyState,
)

PELAGOS = Path(sys.executable).with_name("pelagos")

pytestmark = pytest.mark.integration


@dataclass
class Program:
    """The program `pelagos` with a data folder of its own."""

    folder: Path
    profile: Path
    agent: SlapClient
    environ: dict[str, str]
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, *words: str, **more: Any) -> subprocess.Popen[str]:
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
        process = subprocess.Popen([PELAGOS, *words], env=self.environ, text=True, **pipes)
        self.started.append(process)
        return process

    def close(self) -> None:
        """End what a failed test left running."""
        for process in self.started:
            if process.poll() is None:
                process.kill()
                process.communicate()

    def run(self, *words: str, code: int = 0, **environ: str) -> tuple[str, str]:
        done = subprocess.run(
            [PELAGOS, *words],
            env={**self.environ, **environ},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == code, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done.stdout, done.stderr

    def data(self, *words: str) -> Any:
        return json.loads(self.run(*words, "--output", "json")[0])

    def announce(self, count: int = 2) -> None:
        partitions = tuple(PartitionFormat(f"slappart{n}") for n in range(count))
        self.agent.format_computer(ComputerFormat("COMP", partitions))

    def obey(self) -> None:
        """Do once what an agent does: build everything, run everything."""
        for release in self.agent.fetch_computer("COMP").releases:
            if release.requested_state is SupplyState.AVAILABLE:
                self.agent.report_release("COMP", release.url, "available", Cause("ok", "built"))
        for partition in self.agent.fetch_computer("COMP").partitions:
            if partition.is_free:
                continue
            slot = ("COMP", partition.partition_id)
            if partition.requested_state == InstanceState.STARTED:
                self.agent.publish(*slot, {"url": "http://127.0.0.1:8080/"})
            state: Any = str(partition.requested_state)
            self.agent.report_partition(*slot, state, Cause("ok", "runs"))


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    profile = tmp_path / "software.cfg"
    profile.write_text("[buildout]\nparts =\n")
    master = Master(f"sqlite:///{tmp_path}/plane.db")
    server = Server(master.app)
    server.start()
    try:
        data = tmp_path / "data"
        data.mkdir()
        (data / "token").write_text(master.service.create_person("admin") + "\n")
        noted = {"master_url": server.url, "computer_id": "COMP"}
        (data / "plane.json").write_text(json.dumps(noted))
        agent = SlapClient(server.url, token=master.service.register_computer("COMP"))
        environ = {
            "HOME": str(tmp_path),
            "PATH": f"{PELAGOS.parent}:{os.environ['PATH']}",
            "PELAGOS_DATA": str(data),
            "TERM": "xterm",
        }
        with contextlib.closing(Program(tmp_path, profile, agent, environ)) as program:
            yield program
    finally:
        master.end_waiting()
        server.stop()
        master.close()


@pytest.fixture
def playing(program: Program) -> Iterator[Callable[[], None]]:
    """Starts an agent that goes on obeying until the test ends."""
    stop = threading.Event()
    thread = threading.Thread(target=lambda: _play(program, stop))

    def start() -> None:
        program.announce()
        thread.start()

    yield start
    stop.set()
    if thread.is_alive():
        thread.join()


def _play(program: Program, stop: threading.Event) -> None:
    while not stop.wait(0.1):
        program.obey()


def test_a_service_is_asked_for_used_stopped_and_destroyed(program, playing):
    playing()
    program.run("supply", str(program.profile))
    out, err = program.run("request", "hello", str(program.profile), "-p", "a=1", "--wait")
    assert out == "url = http://127.0.0.1:8080/\n"
    assert err == ""
    [found] = program.data("service", "list")
    assert (found["reference"], found["status"]) == ("hello", "started")
    assert found["parameters"] == {"a": "1"}
    assert program.data("service", "info", "hello")["computer_id"] == "COMP"
    assert program.run("why", "hello")[0].startswith("hello: ")
    program.run("service", "stop", "hello", "--wait")
    assert program.data("service", "info", "hello")["status"] == "stopped"
    program.run("service", "destroy", "hello", "--wait")
    assert program.data("service", "list") == []
    assert program.data("software", "list")[0]["status"] == "available"
    [computer] = program.data("computer", "list")
    assert (computer["free_count"], computer["partition_count"]) == (2, 2)
    assert "instance.requested" in program.run("events")[0]


def test_a_request_without_a_place_is_kept_and_says_what_to_do(program):
    program.announce()
    out, err = program.run("request", "dream", "http://127.0.0.1:9/s.cfg", code=3)
    assert "waiting" in out
    assert "pelagos supply http://127.0.0.1:9/s.cfg" in err
    assert program.data("service", "info", "dream")["cause"]["code"] == "release-unknown"
    first = program.run("why", "dream")[0].splitlines()[0]
    assert "release-unknown" in first
    _, err = program.run(
        "request", "dream", "http://127.0.0.1:9/s.cfg", "--wait", "--timeout", "0.5", code=3
    )
    assert "next: " in err


def test_a_service_that_was_never_placed_is_destroyed_at_once(program):
    program.run("request", "dream", "http://127.0.0.1:9/s.cfg", code=3)
    program.run("service", "destroy", "dream", "--wait")
    assert program.data("service", "list") == []
    program.run("request", "dream", "http://127.0.0.1:9/s.cfg", code=3)
    program.run("request", "dream", "http://127.0.0.1:9/s.cfg", "--state", "destroyed", "--wait")
    program.run("request", "dream", "http://127.0.0.1:9/s.cfg", code=3)
    program.run("request", "dream", "http://127.0.0.1:9/s.cfg", "--state", "destroyed")


def test_a_wrong_token_is_told_by_every_way_to_ask(program):
    for words in (["service", "list"], ["service", "info", "x"], ["why", "x"], ["events"]):
        _, err = program.run(*words, code=5, PELAGOS_TOKEN="wrong")
        assert "token" in err


def test_names_that_are_not_there_end_with_4(program):
    for name in ("nope", "x/../y", ".", "..", "../../v1/identity", "?a=b#c", "%2e", "ü"):
        for words in (["service", "info"], ["service", "stop"], ["computer", "info"], ["why"]):
            _, err = program.run(*words, name, code=4)
            assert name in err


def test_bad_input_is_refused_by_the_master_in_words(program):
    path = program.folder / "p.json"
    path.write_text(json.dumps({"a": "x" * 7_000_000}))
    _, err = program.run("request", "db", str(program.profile), "--param-file", str(path), code=2)
    assert "1,048,576" in err
    path.write_text(json.dumps({"a": "x" * 10_000_000}))
    program.run("request", "db", str(program.profile), "--param-file", str(path), code=2)
    assert program.data("service", "list") == []


def test_the_same_answer_comes_by_the_quick_look_and_by_the_client(program):
    program.announce()
    program.run("request", "dream", "http://127.0.0.1:9/s.cfg", code=3)
    url = json.loads((program.folder / "data" / "plane.json").read_text())["master_url"]
    token = (program.folder / "data" / "token").read_text().strip()
    for words in (["service", "list"], ["computer", "list"], ["software", "list"]):
        quick = program.data(*words)
        # A token in the URL is left to the client.
        slow = program.data(*words, "--master-url", url.replace("://", f"://x:{token}@"))
        assert _without_ages(slow) == _without_ages(quick)


def _without_ages(data: Any) -> Any:
    return [{key: value for key, value in one.items() if key != "last_seen"} for one in data]


def test_completion_proposes_live_names_in_bash(program):
    program.run("request", "dream", "http://127.0.0.1:9/s.cfg", code=3)
    bash = shutil.which("bash")
    assert bash
    script = (
        'eval "$(pelagos completion bash)"; COMP_WORDS=(pelagos service info dr); COMP_CWORD=3; '
        'COMP_LINE="pelagos service info dr"; _pelagos; echo "${COMPREPLY[@]}"; '
        "COMP_WORDS=(pelagos servi); COMP_CWORD=1; "
        'COMP_LINE="pelagos servi"; _pelagos; echo "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        [bash, "-c", script], env=program.environ, capture_output=True, text=True, check=True
    )
    assert done.stdout == "dream\nservice\n"


def test_ctrl_c_in_the_middle_of_a_wait_is_clean(program):
    leader, follower = pty.openpty()
    waiting = program.start(
        "request", "dream", "http://127.0.0.1:9/s.cfg", "--wait", stderr=follower
    )
    os.close(follower)
    shown = _read_until(leader, "waiting")
    waiting.send_signal(signal.SIGINT)
    shown += _read_until(leader, "interrupted")
    out, _ = waiting.communicate(timeout=60)
    os.close(leader)
    assert waiting.returncode == 130
    assert out == ""
    assert "Traceback" not in shown
    assert program.data("service", "info", "dream")["status"] == "waiting"


def _read_until(leader: int, text: str) -> str:
    shown = ""
    end = time.monotonic() + 60
    while text not in shown:
        assert time.monotonic() < end, shown
        shown += os.read(leader, 4096).decode()
    return shown


def test_progress_names_the_cause_and_its_change_on_a_terminal(program):
    leader, follower = pty.openpty()
    waiting = program.start("request", "hello", str(program.profile), "--wait", stderr=follower)
    os.close(follower)
    shown = _read_until(leader, "waiting")
    program.announce()
    program.run("supply", str(program.profile))
    shown += _read_until(leader, "the agent of COMP")
    program.obey()
    out, _ = waiting.communicate(timeout=60)
    os.close(leader)
    assert waiting.returncode == 0
    assert out == "url = http://127.0.0.1:8080/\n"
    assert "hello: waiting: " in shown


def test_an_event_that_is_followed_is_printed_when_it_happens(program):
    program.announce()
    following = program.start("events", "--follow")
    try:
        assert following.stdout
        assert "COMP" in _line_with(following.stdout, "computer.formatted")
        program.run("request", "dream", "http://127.0.0.1:9/s.cfg", code=3)
        assert "dream" in _line_with(following.stdout, "instance.requested")
    finally:
        following.send_signal(signal.SIGINT)
        following.communicate(timeout=60)
    assert following.returncode == 130


def _line_with(stream: IO[str], text: str) -> str:
    line = stream.readline()
    while text not in line:
        assert line, "it ended"
        line = stream.readline()
    return line


def test_a_check_that_fails_prints_no_log_and_no_traceback(tmp_path):
    code = (
        "import sys, pelagos.plane.doctor as doctor; from pelagos.cli.main import main\n"
        "doctor._builder = lambda: 1 / 0\n"
        "sys.exit(main(['doctor']))"
    )
    environment = {**os.environ, "HOME": str(tmp_path), "PELAGOS_DATA": str(tmp_path / "data")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "fail  builder" in done.stdout
    assert done.stderr == ""
