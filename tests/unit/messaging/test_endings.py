"""Ends in disorder: of consumers, processors, crews and schedulers. Nobody and nothing is left."""

from __future__ import annotations

import math
import os
import queue
import signal
import sys
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from pelagos.core.backoff import Backoff
from pelagos.core.clock import ManualClock
from pelagos.messaging import (
    Exchange,
    GenericConsumer,
    GenericProducer,
    MessageHandler,
    MessageProcessor,
    MessagingError,
    ReceivedMessage,
)
from pelagos.messaging.microthreads import MicroScheduler, MicroThread
from pelagos.messaging.runner import Crew, run
from pelagos.messaging.runner.interrupts import Interrupts
from pelagos.messaging.runner.processes import Supervisor
from pelagos.messaging.runner.team import Ending, Team
from pelagos.messaging.transports.memory import MemoryBroker, MemoryTransport

WAIT = 60.0


class Town(Exchange):
    name = "town"


class Sender(GenericProducer):
    eks = ((Town, "a"),)


class Porter(MessageProcessor):
    eqk = ((Town, [("inbox", "a")]),)

    @MessageHandler("command", "exit")
    def exit(self, _content: Any) -> None:
        sys.exit(3)


@pytest.fixture
def bus() -> MemoryTransport:
    return MemoryTransport("", broker=MemoryBroker("endings"))


# Of one.


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_hook_that_fails_at_the_end_does_not_keep_the_connection(bus: MemoryTransport) -> None:
    connections: list[Any] = []
    consumer = GenericConsumer(Porter.eqk, bus=bus)
    consumer.on_open = connections.append

    def fail() -> None:
        raise ValueError("the hook")

    consumer.on_finish = fail
    consumer.start(lambda _message: None)
    consumer.wait_ready(WAIT)
    assert consumer.stop(WAIT)
    assert [connection.is_open for connection in connections] == [False]


def test_who_waits_for_ever_may_say_so(bus: MemoryTransport) -> None:
    consumer, processor = GenericConsumer(Porter.eqk, bus=bus), Porter({"name": "p"}, bus=bus)
    consumer.start(lambda _message: None)
    processor.start()
    for one in (consumer, processor):
        one.wait_ready(math.inf)
        assert one.stop(math.inf)


def test_a_program_starts_anew_from_any_thread(
    bus: MemoryTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    replaced: queue.SimpleQueue[list[str]] = queue.SimpleQueue()
    monkeypatch.setattr(
        "pelagos.messaging.processor.restart.os.execv", lambda _path, words: replaced.put(words)
    )
    with Porter({"name": "p"}, bus=bus) as processor, Sender(bus=bus) as sender:
        processor.start()
        processor.wait_ready(WAIT)
        sender.message_restart(_mandatory=True)
        assert replaced.get(timeout=WAIT)[0] == sys.executable


# Of a crew.


@pytest.mark.parametrize("concurrency", [0, 2])
def test_a_handler_that_exits_ends_its_crew_and_the_log_says_why(
    bus: MemoryTransport, caplog: pytest.LogCaptureFixture, concurrency: int
) -> None:
    ended = threading.Event()
    team = Team(lambda: Porter({"name": "p"}, bus=bus), threads=1, concurrency=concurrency)
    with Sender(bus=bus) as sender:
        team.start(ended.set)
        team.consumers[0].wait_ready(WAIT)
        sender.message_exit(_mandatory=True)
        assert ended.wait(WAIT)
    team.join(WAIT)
    assert team.ending is Ending.FAILED
    assert "a handler of a worker called sys.exit()" in caplog.text
    assert bus.broker.depth("inbox") == 1


@pytest.mark.parametrize(
    ("command", "ending"),
    [("quit", Ending.QUIT), ("restart", Ending.RESTART), ("fail", Ending.FAILED)],
)
def test_how_a_worker_ended_is_known(
    bus: MemoryTransport, command: str, ending: Ending, caplog: pytest.LogCaptureFixture
) -> None:
    def dispatch(message: ReceivedMessage) -> object:
        if message.name == "fail":
            raise OSError("a transport of others")
        return worker.dispatch(message)

    def conclude(message: ReceivedMessage, error: Exception | None) -> None:
        message.ack()
        if error is not None:
            raise error

    worker: Any = Porter({"name": "p"}, bus=bus)
    worker.consumer.conclude = conclude
    made = SimpleNamespace(consumer=worker.consumer, dispatch=dispatch)
    ended = threading.Event()
    team = Team(lambda: made, threads=1, concurrency=0)
    with Sender(bus=bus) as sender:
        team.start(ended.set)
        team.consumers[0].wait_ready(WAIT)
        getattr(sender, f"message_{command}")(_mandatory=True)
        assert ended.wait(WAIT)
    team.join(WAIT)
    assert (team.ending, team.busy) == (ending, 0)
    assert ("a worker failed" in caplog.text) is (ending is Ending.FAILED)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"processes": 1.5}, "processes is 1.5"),
        ({"threads": 0}, "threads is 0"),
        ({"concurrency": 2.0}, "concurrency is 2.0"),
        ({"grace": math.nan}, "grace is nan"),
        ({"grace": -1}, "grace is -1"),
        ({"deaths": 1}, "deaths is 1"),
    ],
)
def test_a_crew_of_a_wrong_size_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(MessagingError, match=said) as caught:
        Crew(**options)
    assert caught.value.hint


def test_a_grace_without_end_waits_for_the_message_in_hand(bus: MemoryTransport) -> None:
    class Slow(Porter):
        @MessageHandler("command", "ask_to_end")
        def ask_to_end(self, _content: Any) -> None:
            os.kill(os.getpid(), signal.SIGTERM)
            assert self.consumer._intake._ceasing.wait(WAIT)  # the crew has been told

    worker = Slow({"name": "p"}, bus=bus)
    with Sender(bus=bus) as sender:

        def ask() -> None:
            worker.wait_ready(WAIT)
            sender.message_ask_to_end(_mandatory=True)

        assert run(lambda: worker, Crew(grace=math.inf), on_begin=ask) == 0
    assert bus.broker.depth("inbox") == 0


# Of worker processes.


class Process:
    """One that the system refuses to start so many times, and that ends when it is told to."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._reader, self._writer = os.pipe()
        self.sentinel, self.pid = self._reader, 4711
        self.exitcode: int | None = None

    def start(self) -> None:
        self._system.asked += 1
        if self._system.refusals:
            self._system.refusals -= 1
            raise BlockingIOError(11, "Resource temporarily unavailable")
        self._system.running.append(self)

    def is_alive(self) -> bool:
        return self.exitcode is None

    def terminate(self) -> None:
        self.exitcode = 0
        self._system.running.remove(self)
        os.write(self._writer, b"!")

    def close(self) -> None:
        os.close(self._reader)
        os.close(self._writer)


class System:
    """What starts processes."""

    def __init__(self, refusals: int = 0) -> None:
        self.refusals = refusals
        self.asked = 0
        self.running: list[Process] = []

    def Process(self, **_options: Any) -> Process:  # noqa: N802 - as the library has it
        return Process(self)

    def Pipe(self, **_options: Any) -> tuple[Any, Any]:  # noqa: N802 - as the library has it
        return Voice(), Voice()


class Voice:
    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()

    def fileno(self) -> int:
        return self._reader

    def poll(self) -> bool:
        return False

    def close(self) -> None:
        os.close(self._reader)
        os.close(self._writer)


def supervisor(system: System, count: int) -> Any:
    made: Any = Supervisor(
        lambda _post: 0,
        count,
        grace=1.0,
        slots=1,
        deaths=2,
        clock=ManualClock(),
        backoff=Backoff(first=0.0, limit=0.0),
    )
    made._context = system
    return made


@pytest.fixture
def interrupts() -> Iterator[Interrupts]:
    with Interrupts() as made:
        yield made


def test_a_system_short_of_processes_is_asked_again(
    interrupts: Interrupts, caplog: pytest.LogCaptureFixture
) -> None:
    system = System(refusals=2)
    boss = supervisor(system, 1)
    for _ in range(3):
        boss._start_due()
    assert system.asked == 3 and len(system.running) == 1
    assert caplog.text.count("worker 1 cannot be started: [Errno 11]") == 2
    boss._stop(interrupts)
    assert system.running == []


def test_what_fails_among_worker_processes_leaves_none_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    system = System()
    boss = supervisor(system, 2)

    def fail(*_given: Any) -> None:
        assert len(system.running) == 2
        raise RuntimeError("what nobody foresaw")

    monkeypatch.setattr(boss, "_listen", fail)
    monkeypatch.setattr(boss, "_until_due", lambda: 0.0)
    with pytest.raises(RuntimeError, match="nobody foresaw"):
        boss.run()
    assert system.running == []


# Of a scheduler.


class Fickle(MicroThread):
    def __init__(self, log: list[str], name: str) -> None:
        self.log, self.name = log, name

    def main(self) -> Iterator[Any]:
        yield None
        self.log.append(self.name)
        yield None

    def destroy(self) -> None:
        self.log.append(f"-{self.name}")
        raise ValueError(self.name)


def test_each_microthread_is_ended_though_others_fail_at_it() -> None:
    log: list[str] = []
    scheduler = MicroScheduler()
    for name in ("a", "b"):
        scheduler.add_microthread(Fickle(log, name))
    rounds: Any = scheduler.main()
    next(rounds)
    with pytest.raises(ValueError, match="b"):
        rounds.close()
    assert log == ["a", "b", "-a", "-b"]


def test_a_microthread_may_yield_anything() -> None:
    log: list[str] = []

    class Plain(Fickle):
        def destroy(self) -> None:
            self.log.append(f"-{self.name}")

    scheduler = MicroScheduler(autoquit=True)
    scheduler.add_microthread(Plain(log, "a"))
    scheduler.run()
    assert log == ["a", "-a"]
