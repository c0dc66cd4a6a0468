"""Workers as processes of a real program: they end, die, come again and begin anew."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pelagos.messaging import Exchange, GenericProducer, connect
from pelagos.messaging.transports.base import Queue

pytestmark = pytest.mark.interop

WAIT = 60.0

PROGRAM = """
import asyncio, logging, os, signal, sys, time
from pathlib import Path

from pelagos.messaging import Exchange, GenericConsumer
from pelagos.messaging.errors import AckAndRestart, ExitScheduler
from pelagos.messaging.runner import Crew, Target, run

NAME, FOLDER = os.environ["QUEUE"], Path(os.environ["FOLDER"])
BORN = time.time_ns()


class Town(Exchange):
    name = NAME


def note(*words):
    with (FOLDER / "notes").open("a") as file:
        file.write(" ".join(map(str, words)) + "\\n")


class Worker:
    def __init__(self, fingerprint, bus):
        self.consumer = GenericConsumer([(Town, [(NAME, NAME)])], bus=bus, prefetch=1)

    def dispatch(self, message):
        name, given = message.name, message.content["parameters"]
        note("begin", name, os.getpid(), BORN, given)
        if name == "die" and not (FOLDER / "died").exists():
            (FOLDER / "died").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if name == "slow":
            time.sleep(given)
        if name == "restart":
            raise AckAndRestart
        if name == "quit":
            raise ExitScheduler
        note("end", name, os.getpid(), BORN, given)
        if name == "coroutine":
            return self.later(given)
        if name == "stuck":
            return asyncio.to_thread(time.sleep, given)

    async def later(self, given):
        await asyncio.sleep(given)
        note("awaited", given)


def prepare():
    logging.basicConfig(level=logging.INFO)


if __name__ == "__main__":
    prepare()
    options = {key: float(value) for key, value in (one.split("=") for one in sys.argv[3:])}
    grace = options.pop("grace", 15.0)
    crew = Crew(**{key: int(value) for key, value in options.items()}, grace=grace)
    note("program", os.getpid(), BORN)
    sys.exit(run(Target(sys.argv[1], bus=sys.argv[2]), crew, prepare=prepare))
"""


class Rig:
    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder
        self.queue = f"runner-{uuid.uuid4().hex[:8]}"
        self.exchange = type("Town", (Exchange,), {"name": self.queue})
        (folder / "workers.py").write_text(PROGRAM)
        self.producer = GenericProducer(bus=connect(url))
        self.link = connect(url).open()
        self.link.declare_queue(Queue(self.queue))
        self.link.declare_exchange(self.exchange)
        self.link.bind(self.queue, self.queue, self.queue)
        self.programs: list[subprocess.Popen[str]] = []

    def program(
        self, *options: str, target: str = "workers:Worker", bus: str | None = None
    ) -> subprocess.Popen[str]:
        started = subprocess.Popen(
            [sys.executable, "workers.py", target, bus or self.url, *options],
            cwd=self.folder,
            env=os.environ | {"QUEUE": self.queue, "FOLDER": str(self.folder)},
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
        )
        self.programs.append(started)
        return started

    def send(self, name: str, given: Any = None) -> None:
        getattr(self.producer, f"message_{name}")(given, _eks=[(self.exchange, self.queue)])

    def notes(self, *begin: str) -> list[list[str]]:
        path = self.folder / "notes"
        lines = path.read_text().splitlines() if path.exists() else []
        words = [line.split() for line in lines]
        return [line for line in words if line[: len(begin)] == list(begin)]

    def until(self, true: Callable[[], object]) -> None:
        deadline = time.monotonic() + WAIT
        while not true():
            assert time.monotonic() < deadline, self.notes()
            time.sleep(0.02)

    def waiting(self) -> int:
        return self.link.declare_queue(Queue(self.queue, passive=True)).messages

    def close(self) -> None:
        for program in self.programs:
            if program.poll() is None:
                program.kill()
                program.wait()
            assert program.stderr is not None
            program.stderr.close()
        self.link.delete_queue(self.queue)
        self.link.delete_exchange(self.queue)
        self.link.close()
        self.producer.close()


@pytest.fixture
def rig(rabbitmq_url: str, tmp_path: Path) -> Iterator[Rig]:
    made = Rig(rabbitmq_url, tmp_path)
    yield made
    made.close()


def told(program: subprocess.Popen[str], number: int = signal.SIGTERM) -> tuple[int, str]:
    program.send_signal(number)
    _, errors = program.communicate(timeout=WAIT)
    return program.returncode, errors


@pytest.mark.parametrize("options", [["threads=2"], ["processes=2"], ["processes=1", "threads=2"]])
def test_the_message_in_hand_is_finished_and_the_program_ends_in_order(
    rig: Rig, options: list[str]
) -> None:
    program = rig.program(*options)
    rig.send("slow", 1.5)
    rig.until(lambda: rig.notes("begin", "slow"))
    rig.send("slow", 1.4)
    rig.until(lambda: len(rig.notes("begin", "slow")) == 2)
    code, errors = told(program)
    assert (code, len(rig.notes("end", "slow"))) == (0, 2), errors
    assert rig.waiting() == 0
    assert "Traceback" not in errors


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_whole_group_lets_worker_processes_finish_too(
    rig: Rig, number: int
) -> None:
    program = rig.program("processes=2")
    rig.send("slow", 1.5)
    rig.until(lambda: rig.notes("begin", "slow"))
    os.killpg(program.pid, number)  # as Ctrl-C in a terminal, or a manager of services
    time.sleep(0.3)
    os.kill(int(rig.notes("begin", "slow")[0][2]), signal.SIGTERM)
    _, errors = program.communicate(timeout=WAIT)
    assert (program.returncode, len(rig.notes("end", "slow"))) == (0, 1), errors


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("slow", "processes=1"),
        ("slow", "threads=1"),
        ("stuck", "concurrency=5"),
        ("stuck", "threads=1"),
    ],
)
def test_what_does_not_end_in_time_comes_again(rig: Rig, name: str, option: str) -> None:
    program = rig.program(option, "grace=0.2")
    rig.send(name, 300)
    rig.until(lambda: rig.notes("begin", name))
    began = time.monotonic()
    code, errors = told(program)
    assert code == 1 and time.monotonic() - began < 30
    assert "did not end within 0.2 s" in errors
    rig.until(lambda: rig.waiting() == 1)


@pytest.mark.parametrize("options", ["threads=1", "processes=2"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_it_at_once(rig: Rig, options: str, number: int) -> None:
    program = rig.program(options, "grace=200")
    rig.send("slow", 300)
    rig.until(lambda: rig.notes("begin", "slow"))
    program.send_signal(number)
    time.sleep(0.3)
    assert program.poll() is None
    code, errors = told(program, number)
    assert code == 128 + number and "Traceback" not in errors
    rig.until(lambda: rig.waiting() == 1)


def test_a_worker_that_died_is_started_again_and_its_message_is_handled(rig: Rig) -> None:
    program = rig.program("processes=1")
    rig.send("die")
    rig.send("ping")
    rig.until(lambda: rig.notes("end", "die") and rig.notes("end", "ping"))
    first, second = (line[2] for line in rig.notes("begin", "die"))
    assert first != second
    code, errors = told(program)
    assert code == 0 and "died (killed by signal 9); it is started again in 0.5 s" in errors


def test_restart_is_a_fresh_image_of_the_same_process(rig: Rig) -> None:
    program = rig.program("threads=2")
    rig.send("restart")
    rig.until(lambda: len(rig.notes("program")) == 2)
    first, second = rig.notes("program")
    assert first[1] == second[1] == str(program.pid) and first[2] != second[2]
    rig.send("ping")
    rig.until(lambda: rig.notes("end", "ping"))
    ping = rig.notes("end", "ping")[0]
    assert ping[2] == second[1] and int(ping[3]) >= int(second[2])
    assert len(rig.notes("begin", "restart")) == 1
    code, errors = told(program)
    assert code == 0, errors
    assert rig.waiting() == 0


def test_restart_of_a_worker_process_is_another_process(rig: Rig) -> None:
    program = rig.program("processes=1")
    rig.send("restart")
    rig.send("ping")
    rig.until(lambda: rig.notes("end", "ping"))
    assert rig.notes("begin", "restart")[0][2] != rig.notes("end", "ping")[0][2]
    assert len(rig.notes("begin", "restart")) == 1
    assert told(program)[0] == 0


def test_the_program_ends_when_every_worker_has_quit(rig: Rig) -> None:
    program = rig.program("processes=2")
    rig.send("quit")
    rig.send("quit")
    program.communicate(timeout=WAIT)
    assert program.returncode == 0
    assert len({line[2] for line in rig.notes("begin", "quit")}) == 2
    assert rig.waiting() == 0


def test_coroutines_run_side_by_side_in_each_process(rig: Rig) -> None:
    program = rig.program("processes=1", "concurrency=20")
    for _ in range(20):
        rig.send("coroutine", 1)
    rig.until(lambda: rig.notes("end", "coroutine"))
    began = time.monotonic()
    rig.until(lambda: len(rig.notes("awaited")) == 20)
    assert time.monotonic() - began < 15
    assert told(program)[0] == 0


def test_worker_processes_end_with_the_program_that_started_them(rig: Rig) -> None:
    program = rig.program("processes=1")
    rig.send("ping")
    rig.until(lambda: rig.notes("end", "ping"))
    worker = int(rig.notes("end", "ping")[0][2])
    assert not _is_gone(worker)
    program.kill()
    rig.until(lambda: not Path(f"/proc/{worker}/cmdline").exists() or _is_gone(worker))


def _is_gone(pid: int) -> bool:
    try:
        return " Z " in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True


@pytest.mark.parametrize(
    ("target", "bus", "said"),
    [
        ("workers:Absent", None, "workers has no Absent"),
        ("absent:Worker", None, "there is no module absent"),
        ("workers", None, "does not name a processor"),
        ("workers:NAME", None, "is not callable"),
        ("workers:note", None, "is no processor"),
        ("workers:Worker", "memory:nobody", "cannot be shared"),
    ],
)
def test_what_cannot_begin_is_said_once(rig: Rig, target: str, bus: str | None, said: str) -> None:
    program = rig.program("processes=2", target=target, bus=bus)
    _, errors = program.communicate(timeout=WAIT)
    assert program.returncode == 1
    assert errors.count(said) == 1 and errors.count("Traceback") == 1  # `run` raises it here
