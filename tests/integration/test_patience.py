"""A command that takes its time says on a terminal that it is at work, and nowhere else."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.screen import Screen

PELAGOS = str(Path(sys.executable).with_name("pelagos"))
AT_WORK = "service list: at work"
CLEARED = "\r\x1b[K"

FARM = """
import time

from pelagos.cli import Command, CommandTree, command

farm = CommandTree("farm", "Animals")


@command(farm)
class FarmFeed(Command):
    \"\"\"Feed them.\"\"\"

    def main(self):
        time.sleep(2)
        print("fed")
"""

pytestmark = pytest.mark.integration


class Slow:
    """A master that answers every question when it is told to."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self.answering = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        body = json.dumps({"services": [], "next": None}).encode()
        head = f"HTTP/1.0 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        while True:
            link, _ = self._listening.accept()
            with link:
                if not link.recv(65536):  # that of the end
                    return
                self.answering.wait(60)
                link.sendall(head + body)

    def close(self) -> None:
        self.answering.set()
        with socket.create_connection(self._listening.getsockname()):
            pass
        self._thread.join()
        self._listening.close()


@pytest.fixture
def master() -> Iterator[Slow]:
    made = Slow()
    yield made
    made.close()


@pytest.fixture
def environ(master: Slow, tmp_path: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return {
        **kept,
        "HOME": str(tmp_path),
        "PELAGOS_MASTER_URL": master.url,
        "PELAGOS_TOKEN": "a-token-of-somebody",
    }


def test_a_slow_command_says_that_it_is_at_work_until_it_speaks(environ, master):
    with Screen([PELAGOS, "service", "list"], environ) as screen:
        screen.until(AT_WORK)
        master.answering.set()
        assert screen.ended() == 0
    after = screen.shown.rpartition(AT_WORK)[2]
    assert CLEARED in after
    assert "no services" in after.rpartition(CLEARED)[2].lower()


def test_it_goes_when_the_person_interrupts(environ):
    with Screen([PELAGOS, "service", "list"], environ) as screen:
        screen.until(AT_WORK)
        screen.type("\x03")
        assert screen.ended() == 130
    assert screen.shown.rpartition(CLEARED)[2].strip() == "pelagos: interrupted"


def test_a_session_at_its_prompt_is_not_at_work(environ):
    with Screen([PELAGOS, "shell"], environ) as screen:
        screen.until(">")
        screen.type("service list\r")
        screen.until(AT_WORK)
        screen.type("\x03")
        screen.until("interrupted")
        screen.type("exit\r")
        screen.ended()
    assert "shell: at work" not in screen.shown


def test_what_others_print_is_left_alone(environ, tmp_path):
    (tmp_path / "farm.py").write_text(FARM)
    (tmp_path / "c.toml").write_text(f'[farm]\ncli = "{tmp_path}/farm.py"\n')
    with Screen([PELAGOS, "--config", f"{tmp_path}/c.toml", "farm", "feed"], environ) as screen:
        assert screen.ended() == 0
    assert screen.shown.split() == ["fed"]


def test_into_a_pipe_nothing_is_said(environ, master):
    words = [PELAGOS, "service", "list"]
    with subprocess.Popen(
        words, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as ran:
        with pytest.raises(subprocess.TimeoutExpired):
            ran.wait(2.5)
        master.answering.set()
        out, err = ran.communicate(timeout=60)
    assert (ran.returncode, err) == (0, b"")
    assert b"\x1b" not in out
