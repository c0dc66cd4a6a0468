"""A processor step by step, and its timers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pelagos.core.backoff import Backoff
from pelagos.messaging import (
    Exchange,
    ExitScheduler,
    GenericProducer,
    MessageHandler,
    MessageProcessor,
)
from pelagos.messaging.transports.memory import MemoryBroker, MemoryTransport

WAIT = 60.0


class Town(Exchange):
    name = "town"


class Sender(GenericProducer):
    eks = ((Town, "a"),)


class Porter(MessageProcessor):
    eqk = ((Town, [("inbox", "a")]),)

    def __init__(self, **options: Any) -> None:
        super().__init__({"name": "porter"}, backoff=Backoff(first=0.001), **options)
        self.got: list[Any] = []
        self.fresh = 0
        self.restarter = self.begin_anew

    def begin_anew(self) -> None:
        self.fresh += 1

    @MessageHandler("command", "go")
    def go(self, content: Any) -> None:
        self.got.append(content["parameters"])


class Turns:
    def __init__(self) -> None:
        self.bus = MemoryTransport("", broker=MemoryBroker("turns"))
        self.sender = Sender(bus=self.bus)
        self.bell = threading.Semaphore(0)
        self.porter = Porter(bus=self.bus)
        self.porter.attach(self.bell.release)

    def begin(self) -> None:
        self.porter.create()
        self.porter.wait_ready(WAIT)

    def step_until(self, true: Callable[[], object]) -> None:
        while not true():
            assert self.bell.acquire(timeout=WAIT)
            self.porter.step()


@pytest.fixture
def turns() -> Iterator[Turns]:
    made = Turns()
    yield made
    made.porter.destroy()
    made.sender.close()


def test_it_handles_one_message_in_a_turn_and_says_when_it_has_none(turns: Turns) -> None:
    turns.begin()
    turns.sender.message_go(1, _mandatory=True)
    turns.step_until(lambda: turns.porter.got == [1])
    assert not turns.porter.is_idle
    turns.porter.step()
    assert turns.porter.is_idle


def test_once_told_to_stop_it_has_no_more_turns_until_it_is_created_again(turns: Turns) -> None:
    turns.begin()
    turns.porter.stop_consuming()
    with pytest.raises(StopIteration):
        turns.porter.step()
    turns.porter.destroy()
    assert not turns.porter.consumer._intake.is_running
    turns.begin()
    turns.sender.message_go(2, _mandatory=True)
    turns.step_until(lambda: turns.porter.got == [2])


def test_a_restart_in_its_turn_ends_the_connection_first(turns: Turns) -> None:
    turns.begin()
    turns.sender.message_restart(_mandatory=True)
    turns.step_until(lambda: turns.porter.fresh == 1)
    assert not turns.porter.consumer._intake.is_running
    assert turns.bus.broker.depth("inbox") == 0


def test_timers_are_gone_with_the_processor(turns: Turns) -> None:
    rung = threading.Event()
    turns.porter.add_timeout(0.0, rung.set)
    assert rung.wait(WAIT)
    never, more = threading.Event(), threading.Event()
    turns.porter.add_timeout(WAIT * 60, never.set)
    turns.porter.add_timeout(WAIT * 60, more.set)
    timers = list(turns.porter._timers)
    assert [timer.daemon for timer in timers[-2:]] == [True, True]
    turns.porter.stop_consuming()
    for timer in timers:
        timer.join(WAIT)
    assert not any(timer.is_alive() for timer in timers)
    assert not never.is_set() and not more.is_set()


def test_a_sleep_ends_when_the_processor_does(turns: Turns) -> None:
    turns.begin()
    asleep = threading.Thread(target=turns.porter.add_timeout, args=(WAIT * 60,))
    asleep.start()
    assert asleep.is_alive()
    turns.porter.stop_consuming()
    asleep.join(WAIT)
    assert not asleep.is_alive()


def test_what_ended_it_once_is_forgotten_when_it_starts_again(turns: Turns) -> None:
    endings: list[object] = []
    with turns.porter as porter:
        porter.start()
        porter.wait_ready(WAIT)
        turns.sender.message_quit(_mandatory=True)
        assert porter.join()
        endings.append(type(porter.ending))
        porter.start()
        endings.append(porter.ending)
    assert endings == [ExitScheduler, None]
    assert not porter.is_running


def test_its_own_thread_does_not_wait_for_itself(turns: Turns) -> None:
    told: list[bool] = []
    ended = threading.Event()

    class Tired(Porter):
        @MessageHandler("command", "go")
        def go(self, content: Any) -> None:  # noqa: ARG002 - a handler's form
            told.append(self.stop())
            ended.set()

    with Tired(bus=turns.bus) as porter:
        porter.start()
        porter.wait_ready(WAIT)
        turns.sender.message_go(_mandatory=True)
        assert ended.wait(WAIT)
        assert porter.join(WAIT)
    assert told == [True]
