"""core.turns: few threads compute at a time, in their order, and a hung one stops nobody."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from queue import Queue

import pytest

from pelagos.core.fanout import Fanout
from pelagos.core.turns import Turns, give_back

LONG = 60.0


@contextmanager
def thread(do: Callable[[], None]) -> Iterator[threading.Thread]:
    running = threading.Thread(target=do, daemon=True)
    running.start()
    yield running
    running.join(LONG)
    assert not running.is_alive()


class Worker:
    """Takes a turn when told to, says so, and gives it back when told to."""

    def __init__(self, turns: Turns, said: Queue[str], name: str) -> None:
        self.ending = threading.Event()
        self.waits = threading.Event()
        self._all = (turns, said, name)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        turns, said, name = self._all
        with turns.turn():
            said.put(name)
            assert self.ending.wait(LONG)

    def end(self) -> None:
        self.ending.set()
        self.thread.join(LONG)
        assert not self.thread.is_alive()


def begin(turns: Turns, said: Queue[str], count: int) -> list[Worker]:
    """Workers that asked for their turns one after the other."""
    made = []
    for number in range(count):
        before = len(turns._waiting) + len(turns._holding)
        made.append(Worker(turns, said, str(number)))
        while len(turns._waiting) + len(turns._holding) == before:
            pass
    return made


def test_turns_are_given_in_the_order_in_which_they_were_asked_for() -> None:
    turns, said = Turns(2, patience=LONG), Queue[str]()
    workers = begin(turns, said, 6)
    assert sorted(said.get(timeout=LONG) for _ in range(2)) == ["0", "1"]
    for number, worker in enumerate(workers):
        worker.end()
        if number < 4:
            assert said.get(timeout=LONG) == str(number + 2)
    assert (turns._free, list(turns._holding), list(turns._waiting)) == (2, [], [])


def test_who_hangs_holds_up_nobody_for_long() -> None:
    turns, said = Turns(1, patience=0.05), Queue[str]()
    first, second = begin(turns, said, 2)
    assert [said.get(timeout=LONG) for _ in range(2)] == ["0", "1"]
    second.end()
    third = begin(turns, said, 1)[0]
    assert (
        said.get(timeout=LONG) == "0"
    )  # the third, without patience: the turn is the first's no more
    first.end()  # and gives nothing back that it does not have
    third.end()
    assert (turns._free, list(turns._holding), list(turns._waiting)) == (1, [], [])


def test_who_waits_for_sources_lets_others_compute() -> None:
    turns, answer, is_free = Turns(1, patience=LONG), threading.Event(), threading.Event()

    def ask() -> None:
        with closing(Fanout()) as fanout, turns.turn():
            [reply] = fanout.ask({"slow": lambda: answer.wait(LONG)}, timeout=LONG)
            assert reply.value is True

    def compute() -> None:
        with turns.turn():
            is_free.set()

    with thread(ask), thread(compute):
        assert is_free.wait(LONG)
        answer.set()
    assert turns._free == 1


def test_a_turn_within_a_turn_is_the_same_and_an_error_gives_it_back() -> None:
    turns = Turns(1, patience=LONG)
    with pytest.raises(ValueError, match="wrong"), turns.turn(), turns.turn():
        raise ValueError("wrong")
    give_back()
    assert turns._free == 1
