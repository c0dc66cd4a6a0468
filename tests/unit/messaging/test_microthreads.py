"""Turns: who gets one, who ends, and when the scheduler sleeps."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, cast

import pytest

from pelagos.messaging import Exchange, GenericConsumer, GenericProducer, ReceivedMessage
from pelagos.messaging.microthreads import ExitScheduler, MicroScheduler, MicroThread
from pelagos.messaging.transports.memory import MemoryTransport

WAIT = 60.0


class Letters(MicroThread):
    def __init__(self, letter: str, log: list[str], last: int = 3) -> None:
        self.letter, self.log, self.left = letter, log, last

    def create(self) -> None:
        self.log.append(f"+{self.letter}")

    def step(self) -> None:
        if not self.left:
            raise StopIteration
        self.left -= 1
        self.log.append(self.letter)

    def destroy(self) -> None:
        self.log.append(f"-{self.letter}")


def test_everybody_gets_a_turn_in_order() -> None:
    log: list[str] = []
    scheduler = MicroScheduler(autoquit=True)
    scheduler.add_microthread(Letters("a", log))
    scheduler.add_microthread(Letters("b", log, 4))
    assert log == ["+a", "+b"]
    for _ in scheduler.main():
        pass
    assert log[2:] == ["a", "b", "a", "b", "a", "b", "-a", "b", "-b"]
    assert scheduler.microthreads == ()


def test_exit_ends_the_scheduler_after_the_round() -> None:
    log: list[str] = []

    class Ending(MicroThread):
        def step(self) -> None:
            raise ExitScheduler

    scheduler = MicroScheduler()
    scheduler.add_microthread(Ending())
    scheduler.add_microthread(Letters("a", log))
    scheduler.run()
    assert log == ["+a", "a", "-a"]


def test_a_microthread_may_be_added_by_another() -> None:
    log: list[str] = []
    scheduler = MicroScheduler(autoquit=True)

    class Parent(MicroThread):
        def step(self) -> None:
            scheduler.add_microthread(Letters("c", log, 1))
            raise StopIteration

    scheduler.add_microthread(Parent())
    scheduler.run()
    assert log == ["+c", "c", "-c"]


def test_an_error_of_a_step_reaches_the_program_and_everybody_is_put_away() -> None:
    log: list[str] = []

    class Failing(MicroThread):
        def step(self) -> None:
            raise ZeroDivisionError

    scheduler = MicroScheduler()
    scheduler.add_microthread(Letters("a", log))
    scheduler.add_microthread(Failing())
    with pytest.raises(ZeroDivisionError):
        scheduler.run()
    assert log[-1] == "-a"


def test_a_microthread_lives_without_a_scheduler() -> None:
    log: list[str] = []
    assert list(Letters("a", log, 2).main()) == [1, 1, 1]
    assert log == ["+a", "a", "a"]


def test_an_empty_scheduler_waits_without_spinning() -> None:
    log: list[str] = []
    scheduler = MicroScheduler()
    rounds = scheduler.main()
    timer = threading.Timer(0.5, scheduler.add_microthread, [Letters("a", log, 1)])
    timer.start()
    used = time.process_time()
    while "a" not in log:
        next(rounds)
    assert time.thread_time() - used < 0.2
    timer.join()


# Consumers that take turns.


class Town(Exchange):
    name = "town"


class House(MicroThread):
    """What a processor does: its consumer brings one message in each turn."""

    def __init__(self, name: str, bus: Any, heard: list[tuple[str, object]]) -> None:
        self.name, self.heard = name, heard
        self.consumer = GenericConsumer([(Town, [(name, name)])], bus=bus)
        self.bell: Callable[[], None] | None = None

    def attach(self, bell: Callable[[], None]) -> None:
        self.bell = bell

    def create(self) -> None:
        self.consumer.begin(self.bell)

    def step(self) -> None:
        self.is_idle = not self.consumer.step(self.hear)

    def hear(self, message: ReceivedMessage) -> None:
        if message.name == "quit":
            raise ExitScheduler
        self.heard.append((self.name, message.content["parameters"]))

    def destroy(self) -> None:
        self.consumer.finish()


def test_several_consumers_share_one_thread_in_turns() -> None:
    bus = MemoryTransport("test_several_consumers")
    heard: list[tuple[str, object]] = []
    houses = [House(name, bus, heard) for name in "abc"]
    scheduler = MicroScheduler()
    for house in houses:
        scheduler.add_microthread(house)
        house.consumer.wait_ready(WAIT)
    with GenericProducer(bus=bus) as producer:
        for number in range(4):
            for house in houses:
                producer.message_go(number, _eks=[(Town, house.name)])
        rounds = scheduler.main()
        deadline = time.monotonic() + WAIT
        while len(heard) < 12 and time.monotonic() < deadline:
            next(rounds)
        assert heard == [(house.name, number) for number in range(4) for house in houses]
        # All are idle now; a message wakes the scheduler, long before the longest sleep.
        threading.Timer(0.05, producer.message_quit, kwargs={"_eks": [(Town, "b")]}).start()
        began = time.monotonic()
        for _ in rounds:
            pass
        assert time.monotonic() - began < WAIT
    assert not any(bus.broker.depth(house.name) for house in houses)


def test_a_consumer_is_driven_step_by_step() -> None:
    bus = MemoryTransport("test_steps")
    heard: list[tuple[str, object]] = []
    house = House("a", bus, heard)
    house.create()
    house.consumer.wait_ready(WAIT)
    assert house.consumer.step(house.hear) is False
    with GenericProducer(bus=bus) as producer:
        producer.message_go(1, _eks=[(Town, "a")])
        producer.message_go(2, _eks=[(Town, "a")])
    assert house.consumer.step(house.hear) is True
    bus.broker.cut()
    deadline = time.monotonic() + WAIT
    while len(heard) < 2 and time.monotonic() < deadline:
        house.consumer.step(house.hear)
    house.destroy()
    assert list(dict.fromkeys(heard)) == [("a", 1), ("a", 2)]  # the second perhaps twice


def test_what_would_never_do_a_step_is_refused() -> None:
    class Yielding(MicroThread):
        def step(self) -> Any:
            yield

    scheduler = MicroScheduler(autoquit=True)
    with pytest.raises(TypeError, match=r"Yielding\.step has a yield"):
        scheduler.add_microthread(Yielding())
    with pytest.raises(TypeError, match="7 is no MicroThread"):
        scheduler.add_microthread(cast("Any", 7))
    assert scheduler.microthreads == ()
