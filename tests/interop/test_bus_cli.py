"""`pelagos bus …` as processes of their own, on a RabbitMQ and on the broker of `bus broker`."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.ports import free_ports

pytestmark = pytest.mark.interop

MODULE = """
import logging
import os

from pelagos.messaging import Exchange
from pelagos.messaging.application import GenericApplication
from pelagos.messaging.processor import MessageHandler, RpcHandler

log = logging.getLogger("disks")


class Disks(Exchange):
    name = "EXCHANGE"
    exchange_type = "topic"


class Resizer(GenericApplication):
    eqk = [(Disks, [("EXCHANGE.resizer", "disk.*.resize")])]

    @MessageHandler("command", "resize")
    def msg_resize(self, content: int):
        log.warning("resized to %d", content)

    @RpcHandler("command", "crash")
    def rpc_crash(self, content):
        os._exit(9)

    @RpcHandler("command", "double")
    def rpc_double(self, content, reply):
        reply(2 * content["parameters"])
"""


class Shell:
    """Runs command lines in a folder of their own."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url
        self.environment = {
            **os.environ,
            "PELAGOS_DATA": str(folder / "data"),
            "PELAGOS_CONFIG": "",
            "XDG_CONFIG_HOME": str(folder),
            "PELAGOS_BUS_URL": url,
        }
        self.started: list[subprocess.Popen[str]] = []

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "pelagos", "bus", *words]

    def run(self, *words: str, code: int = 0) -> str:
        done = subprocess.run(
            self.command(*words),
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert "Traceback" not in done.stderr
        assert done.returncode == code, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout if code == 0 else done.stderr

    def data(self, *words: str) -> Any:
        return json.loads(self.run(*words, "-o", "json"))

    def start(self, *words: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            self.command(*words),
            env=self.environment,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.started.append(process)
        return process

    def end(self) -> None:
        for process in reversed(self.started):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(60)
            if process.stdout is not None:
                process.stdout.close()


@pytest.fixture(params=["rabbitmq", "embedded"])
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shell]:
    made = Shell(tmp_path, "")
    if request.param == "rabbitmq":
        made = Shell(tmp_path, request.getfixturevalue("rabbitmq_url"))
    else:
        broker = made.start("broker", "--port", "0")
        assert broker.stdout is not None
        lines = [broker.stdout.readline() for _ in range(2)]
        [url] = [line.strip() for line in lines if line.startswith("amqp://")]
        broker_shell, made = made, Shell(tmp_path, url)
        made.started = broker_shell.started
    yield made
    made.end()


@pytest.fixture
def exchange(shell: Shell) -> str:
    """The name of an exchange that nobody else uses."""
    name = f"disks-{os.urandom(4).hex()}"
    module = MODULE.replace("EXCHANGE", name).replace("Resizer", resizer(name))
    (shell.folder / "disks.py").write_text(module)
    return name


def resizer(exchange: str) -> str:
    """The name of the component of an exchange, on a broker where others work, too."""
    return f"Resizer_{exchange.removeprefix('disks-')}"


def until_there(shell: Shell, host: str, count: int) -> list[dict[str, Any]]:
    """The components of a host, once there are so many."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        done = subprocess.run(
            shell.command("components", host, "--timeout", "1", "-o", "json"),
            env=shell.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        found = json.loads(done.stdout) if done.returncode == 0 else []
        if len(found) >= count:
            return found
    raise AssertionError(f"the component did not come: {done.stdout}{done.stderr}")


def test_a_day_on_the_bus(shell: Shell, exchange: str):
    [port] = free_ports(1)
    run = shell.start(
        "run", f"disks:{resizer(exchange)}", "--metrics", str(port), "--threads", "2"
    )
    [who] = until_there(shell, resizer(exchange), 1)
    assert who["pid"] == str(run.pid)

    # One looks, another sends.
    tail = shell.start("tail", exchange, "-n", "2", "--timeout", "2m", "-o", "json")
    assert tail.stdout is not None
    assert "looking at" in tail.stdout.readline()
    for value in ("3", '"large"'):
        shell.run(
            "send", "resize", "--exchange", exchange, "--key", "disk.7.resize", "--json", value
        )
    seen = [json.loads(tail.stdout.readline()) for _ in range(2)]
    assert [one["body"]["content"]["parameters"] for one in seen] == [3, "large"]
    assert tail.wait(60) == 0

    # Calls are answered, also those that nobody handles.
    assert shell.run("call", "double", "--to", f"{resizer(exchange)}/rr", "--json", "21") == "42\n"
    assert "no handler" in shell.run("call", "nope", "--to", f"{resizer(exchange)}/rr", code=1)
    assert resizer(exchange) in shell.run("ping", f"{who['pid']}@{who['host']}")

    # What has a wrong type is a dead letter, and can be sent once more.
    letters = dead_letters(shell, exchange)
    assert "content.parameters" in letters[0]["cause"]
    letter = letters[0]["id"]
    assert shell.run("dead", "retry", letter) == "sent back: 1\n"
    assert dead_letters(shell, exchange)
    shell.run("dead", "drop", "--yes", *(one["id"] for one in dead_letters(shell, exchange)))

    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as page:
        metrics = page.read().decode()
    handled = f'handled_total{{handler="{resizer(exchange)}.msg_resize",outcome="ack"}} 1.0'
    assert handled in metrics
    grades = {one["name"]: one["grade"] for one in shell.data("doctor")}
    assert grades["broker"] == "ok"
    assert grades["publish"] == grades["consume"] == "ok"

    run.send_signal(signal.SIGTERM)
    said, _ = run.communicate(timeout=60)
    assert run.returncode == 0
    assert re.search(r"resized to 3 \[trace [0-9a-f]{32} span [0-9a-f]{16}\]", said)


def dead_letters(shell: Shell, exchange: str) -> list[dict[str, Any]]:
    """Those of this test, once there are any."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = [
            one for one in shell.data("dead", "list") if one["queue"] == f"{exchange}.resizer"
        ]
        if found:
            return found
    raise AssertionError("no dead letter came")


def test_processes_share_the_work_and_end_in_order(shell: Shell, exchange: str):
    run = shell.start("run", f"disks:{resizer(exchange)}", "--processes", "2")
    assert len({one["pid"] for one in until_there(shell, resizer(exchange), 2)}) == 2
    for number in range(4):
        words = ("send", "resize", "--exchange", exchange, "--key", "disk.7.resize")
        shell.run(*words, "--json", str(number))
    run.send_signal(signal.SIGTERM)
    said, _ = run.communicate(timeout=60)
    assert run.returncode == 0
    handled = {int(number) for number in re.findall(r"resized to (\d+)", said)}
    assert handled <= set(range(4))
    assert "Traceback" not in said


def test_what_kills_its_workers_goes_to_the_dead_letters_and_the_rest_goes_on(
    shell: Shell, exchange: str
):
    run = shell.start("run", f"disks:{resizer(exchange)}", "--deaths", "2")
    until_there(shell, resizer(exchange), 1)
    words = ("--exchange", exchange, "--key", "disk.7.resize", "--timeout", "2m")
    answer = shell.run("call", "crash", *words, code=1)
    assert "2 worker processes died while they had it" in answer
    [letter] = dead_letters(shell, exchange)
    assert (letter["name"], letter["cause"]) == (
        "crash",
        "2 worker processes died while they had it",
    )
    assert shell.run("call", "double", *words, "--json", "21") == "42\n"
    run.send_signal(signal.SIGTERM)
    said, _ = run.communicate(timeout=60)
    assert run.returncode == 0
    assert said.count("died (exit code 9)") == 2 and "messages in hand: 1" in said


def test_a_login_that_is_refused_at_the_start_ends_the_program(shell: Shell, exchange: str):
    place = shell.environment["PELAGOS_BUS_URL"].rpartition("@")[2]
    words = (
        "run",
        f"disks:{resizer(exchange)}",
        "--bus",
        f"amqp://guest:wrong-{exchange}@{place}",
    )
    for more in ((), ("--processes", "2")):
        said = shell.run(*words, *more, code=5)
        assert "refuses the login" in said and "check the user, the password" in said
        assert f"wrong-{exchange}" not in said
    patient = shell.start(*words, "--keep-trying")
    assert patient.stdout is not None
    while "not consuming from" not in (line := patient.stdout.readline()):
        assert line, "it ended"
    patient.send_signal(signal.SIGTERM)
    assert patient.wait(60) == 0
