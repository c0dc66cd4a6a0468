from collections.abc import Iterator
from typing import Any

import pytest

from pelagos.clients.base import Waiter, wait, wait_until, wait_while, waiting
from pelagos.clients.errors import WaitedInVain
from pelagos.core.clock import ManualClock


def states(*names: str) -> Any:
    rest: Iterator[str] = iter(names)
    last = names[-1]
    return lambda: next(rest, last)


def test_it_waits_while_a_state_lasts():
    seen: list[str] = []
    clock = ManualClock()
    found = wait_while(
        states("BUILD", "BUILD", "ERROR"),
        lambda s: s == "BUILD",
        progress=seen.append,
        clock=clock,
    )
    assert (found, seen, clock.monotonic()) == ("ERROR", ["BUILD", "BUILD", "ERROR"], 2.0)


def test_it_waits_until_a_state_is_reached():
    assert wait_until(states("A", "B"), lambda s: s == "B", clock=ManualClock()) == "B"


def test_a_state_that_is_there_already_costs_no_time():
    clock = ManualClock()
    wait_until(states("B"), lambda s: s == "B", timeout=0, clock=clock)
    assert clock.monotonic() == 0


def test_waiting_in_vain_says_for_what_and_what_was_last():
    clock = ManualClock()
    with pytest.raises(WaitedInVain, match=r"5 s for server 7") as caught:
        wait_until(
            states("A"), lambda s: s == "B", what="server 7", timeout=5, delay=2, clock=clock
        )
    assert (caught.value.last, clock.monotonic()) == ("A", 5.0)


def test_the_ancestors_wait_gives_the_last_answer_when_the_time_is_over():
    clock = ManualClock()
    seen: list[str] = []
    poll = states("A")
    assert wait(poll, {}, lambda s: s == "B", 2, 9, seen.append, clock=clock) == "A"
    assert (seen, clock.monotonic()) == (["A"] * 4, 6.0)
    assert wait(lambda x, y: x + y, (1, 2), bool, clock=clock) == 3
    assert wait(lambda x: x, {"x": 5}, bool, clock=clock) == 5


def test_the_older_contract(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(waiting, "_CLOCK", ManualClock())
    steps: list[int] = []

    def bar(length: int) -> Iterator[int]:
        for number in range(length):
            steps.append(number)
            yield number

    answers = iter([("BUILD", 10), ("BUILD", 60), ("ACTIVE", 100)])
    found = Waiter().wait_while(7, "BUILD", lambda _self, _id: next(answers), 1, 100, bar)
    assert (found, len(steps)) == ("ACTIVE", 100)
    assert Waiter().wait_until(7, "X", lambda _self, _id: ("A", None), 1, 5) is False
