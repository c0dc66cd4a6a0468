"""The demonstrations that a newcomer runs first, as programs, on a real broker."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pelagos.messaging import connect

pytestmark = pytest.mark.interop

EXAMPLES = Path(__file__).parents[2] / "examples"
WAIT = 60.0
LEFT_BEHIND = {
    "messaging_echo": (["echo-queue"], "echo-exchange"),
    "messaging_advanced_echo": (["advanced-echo", "advanced-count"], "advanced-echo-exchange"),
    "messaging_rpc_echo": (["rpc-echo-queue"], "rpc-echo-exchange"),
}


class Demo:
    """One example, of which one role runs all the time."""

    def __init__(self, url: str, name: str, role: str) -> None:
        self.command = [sys.executable, str(EXAMPLES / f"{name}.py")]
        self.env = os.environ | {"PELAGOS_BUS": url}
        self.running = subprocess.Popen(
            [*self.command, role], env=self.env, stdout=subprocess.PIPE, text=True
        )
        self.said: queue.Queue[str] = queue.Queue()
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self) -> None:
        assert self.running.stdout is not None
        for line in self.running.stdout:
            self.said.put(line.rstrip("\n"))

    def do(self, *words: str, code: int = 0) -> str:
        done = subprocess.run(
            [*self.command, *words],
            env=self.env,
            capture_output=True,
            text=True,
            timeout=WAIT,
            check=False,
        )
        assert done.returncode == code, done.stderr
        return done.stdout.strip()

    def hears(self, count: int) -> list[str]:
        return [self.said.get(timeout=WAIT) for _ in range(count)]

    def end(self) -> int:
        self.do("quit")
        return self.running.wait(WAIT)

    def close(self) -> None:
        if self.running.poll() is None:
            self.running.kill()
            self.running.wait()
        self.reader.join(WAIT)
        assert self.running.stdout is not None
        self.running.stdout.close()


@pytest.fixture
def demo(request: pytest.FixtureRequest, rabbitmq_url: str) -> Iterator[Demo]:
    name, role = request.param
    queues, exchange = LEFT_BEHIND[name]
    link = connect(rabbitmq_url).open()
    # What is sent before the receiver is there must not get lost here.
    made = Demo(rabbitmq_url, name, role)
    try:
        while True:
            try:
                link = link if link.is_open else connect(rabbitmq_url).open()
                for one in queues:
                    link.purge_queue(one)
                break
            except Exception:  # noqa: BLE001 - not declared yet
                assert made.running.poll() is None
        yield made
    finally:
        made.close()
        link = link if link.is_open else connect(rabbitmq_url).open()
        for one in queues:
            link.delete_queue(one)
        link.delete_exchange(exchange)
        link.close()


@pytest.mark.parametrize("demo", [("messaging_echo", "receive")], indirect=True)
def test_echo(demo: Demo) -> None:
    demo.do("send", "ahoy")
    demo.do("send", "land")
    assert demo.hears(2) == ["ahoy", "land"]
    assert demo.end() == 0


@pytest.mark.parametrize("demo", [("messaging_advanced_echo", "receive")], indirect=True)
def test_advanced_echo(demo: Demo) -> None:
    demo.do("send", "ahoy", "3")
    assert sorted(demo.hears(3)) == ["  heard 1", "  said by advanced_send", "ahoy ahoy ahoy"]
    demo.do("old", "land")
    assert sorted(demo.hears(3)) == ["  heard 2", "  said by advanced_send", "land"]
    assert demo.end() == 0


@pytest.mark.parametrize("demo", [("messaging_rpc_echo", "serve")], indirect=True)
def test_rpc_echo(demo: Demo) -> None:
    assert demo.do("call", "ahoy") == "RPC: ahoy"
    assert demo.do("divide", "7", "2") == "3.5"
    assert demo.do("divide", "1", "0", code=1) == (
        "it failed: ZeroDivisionError: division by zero"
    )
    assert demo.end() == 0
