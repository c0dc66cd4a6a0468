"""Whoever set an alarm hears it at his time, whatever became of the others."""

from __future__ import annotations

import math
import queue
import sys
import threading
import weakref

import pytest

from pelagos.core.clock import ManualClock
from pelagos.messaging.sending.alarm import Alarm

WAIT = 60.0


class Item:
    def __init__(self, name: str) -> None:
        self.name = name
        self.is_over = False


class Clock(ManualClock):
    def __init__(self) -> None:
        super().__init__()
        self.asked = threading.Event()

    def monotonic(self) -> float:
        self.asked.set()
        return super().monotonic()


class Case:
    """An alarm whose clock stands still; what rang, and in which thread."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.rung: queue.SimpleQueue[tuple[str, threading.Thread]] = queue.SimpleQueue()
        self.alarm = Alarm(self.clock, self._ring, lambda item: item.is_over)

    def set(self, when: float, name: str) -> Item:
        item = Item(name)
        self.alarm.set(when, item)
        return item

    def _ring(self, item: Item) -> None:
        self.rung.put((item.name, threading.current_thread()))
        if item.name == "exit":
            sys.exit(1)

    def next(self) -> tuple[str, threading.Thread]:
        return self.rung.get(timeout=WAIT)


def test_one_thread_rings_for_all_in_the_order_of_their_times_and_goes() -> None:
    case = Case()
    case.set(1000, "late")
    case.set(2000, "latest")
    case.set(0, "now")
    name, thread = case.next()
    case.clock.advance(3000)
    case.set(500, "earlier")
    rung = [case.next() for _ in range(3)]
    assert [name, *(name for name, _ in rung)] == ["now", "earlier", "late", "latest"]
    assert {other for _, other in rung} == {thread}
    thread.join(WAIT)
    assert not thread.is_alive()
    case.set(0, "again")
    assert case.next()[0] == "again"


def test_what_is_over_does_not_ring_and_keeps_no_thread() -> None:
    case = Case()
    over = [case.set(1000 + number, "over") for number in range(3)]
    for item in over:
        item.is_over = True
    case.set(0, "now")
    case.next()[1].join(WAIT)
    assert case.rung.empty()


def test_what_is_over_is_not_kept_for_long() -> None:
    case = Case()
    case.set(0.5, "first")
    kept = []
    for number in range(3000):
        item = case.set(1000 - number / 10_000, "over")
        item.is_over = True
        kept.append(weakref.ref(item))
    del item
    assert sum(item() is not None for item in kept) <= 1000
    case.clock.advance(1)
    case.set(0, "now")
    assert [case.next()[0] for _ in range(2)] == ["now", "first"]


@pytest.mark.parametrize("name", ["exit", "never"])
def test_nobody_is_kept_from_his_time_by_another(name: str) -> None:
    case = Case()
    case.set(math.inf if name == "never" else 0, name)
    if name == "exit":
        case.next()
    assert case.clock.asked.wait(WAIT)
    case.set(0, "mine")
    assert case.next()[0] == "mine"
