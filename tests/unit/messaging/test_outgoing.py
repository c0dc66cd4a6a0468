"""Bytes on their way: all of them, in order, whoever writes and however little goes at once."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pelagos.messaging.transports.amqp.outgoing import Outgoing
from pelagos.messaging.transports.amqp.stream import Stream

MUCH = 32_768
AT_ONCE = 262_144


class Pipe(Stream):
    """Takes as much as it is told; None: everything."""

    def __init__(self, room: int | None = None) -> None:
        self.room = room
        self.writes: list[bytes] = []
        self.broken = self.closed = 0
        self.meanwhile: Callable[[], None] = lambda: None
        self.problem: BaseException | None = None

    def write(self, data: bytes | memoryview) -> int:
        self.meanwhile()
        if self.problem is not None:
            raise self.problem
        count = len(data) if self.room is None else min(self.room, len(data))
        if self.room is not None:
            self.room -= count
        self.writes.append(bytes(data[:count]))
        return count

    def break_off(self) -> None:
        self.broken += 1

    def close(self) -> None:
        self.closed += 1


class Case:
    def __init__(self, room: int | None = None) -> None:
        self.pipe = Pipe(room)
        self.wakes = 0
        self.outgoing = Outgoing(self.pipe, self._wake)

    def _wake(self) -> None:
        self.wakes += 1

    def add(self, data: bytes) -> Outgoing:
        with self.outgoing.lock:
            self.outgoing.add(data)
        return self.outgoing

    def state(self) -> tuple[bool, bool, int]:
        return self.outgoing.sleeping, self.outgoing.stuck, self.outgoing.size

    def asleep(self) -> Outgoing:
        """The thread that reads waits for news."""
        assert not self.outgoing.send_from_loop(writable=False)
        assert self.outgoing.sleeping
        return self.outgoing


def test_what_waits_is_counted_until_it_has_left() -> None:
    case = Case()
    outgoing = case.add(b"abc")
    assert (outgoing.size, outgoing.count, outgoing.is_empty) == (3, 1, False)
    case.add(b"de").send()
    assert (outgoing.size, outgoing.count, outgoing.is_empty) == (0, 0, True)
    case.add(b"f").send()
    assert outgoing.size == 0
    assert case.pipe.writes == [b"abcde", b"f"]
    assert outgoing.written and case.wakes == 0


def test_it_begins_awake_and_with_nothing_written() -> None:
    case = Case()
    assert not case.outgoing.written
    case.add(b"x").send_soon()
    assert case.wakes == 0, "who reads has not slept yet"


@pytest.mark.parametrize(("size", "written"), [(MUCH - 1, False), (MUCH, True)])
def test_much_is_written_by_who_brings_it(size: int, written: bool) -> None:
    case = Case()
    case.add(bytes(size)).send_soon()
    assert bool(case.pipe.writes) is written


def test_more_than_goes_at_once_goes_in_several_writes() -> None:
    case = Case()
    for _ in range(3):
        case.add(bytes(AT_ONCE // 2))
    case.outgoing.send()
    assert [len(data) for data in case.pipe.writes] == [AT_ONCE, AT_ONCE // 2]
    assert case.outgoing.size == 0


def test_who_does_not_read_writes_while_answers_are_given_out() -> None:
    case = Case()
    case.outgoing.reader = threading.get_ident() + 1
    case.add(b"x").send()
    assert case.pipe.writes == [b"x"]


def test_a_full_socket_is_left_to_the_thread_that_reads() -> None:
    case = Case(room=2)
    outgoing = case.asleep()
    case.add(b"abcde").send()
    assert case.state() == (True, True, 3)
    assert case.wakes == 1, "it is to look when the socket takes more"
    case.pipe.room = 4
    case.add(b"fg").send()
    assert case.wakes == 1
    assert not outgoing.send_from_loop(writable=False, expecting=True)
    assert case.state() == (True, True, 5) and case.pipe.writes == [b"ab"]
    outgoing.send_from_loop(writable=True)
    assert case.state() == (True, True, 1)
    case.pipe.room = None
    outgoing.send_from_loop(writable=True)
    assert case.state() == (True, False, 0)
    case.add(b"h").send()
    assert b"".join(case.pipe.writes) == b"abcdefgh"
    assert case.wakes == 1


def test_who_sleeps_is_woken_once_for_many_and_again_the_next_time() -> None:
    case = Case()
    for wakes in (1, 2, 3):
        case.asleep()
        for _ in range(3):
            case.add(b"x").send_soon()
        assert case.wakes == wakes
        case.outgoing.awake(in_vain=False)
        while case.outgoing.send_from_loop(writable=False):
            case.outgoing.awake(in_vain=True)
    assert b"".join(case.pipe.writes) == b"x" * 9


def test_who_is_awake_is_not_woken() -> None:
    case = Case()
    case.asleep().awake(in_vain=False)
    case.add(b"x").send_soon()
    assert case.wakes == 0


def test_what_was_held_back_goes_first_with_the_next_write() -> None:
    case = Case()
    held = [b"late"]

    def late() -> None:
        while held:
            case.outgoing.add(held.pop())

    case.outgoing.late = late
    case.add(b"early,").send()
    assert case.pipe.writes == [b"early,late"]
    held.append(b"alone")
    case.outgoing.send()
    assert case.pipe.writes[1:] == [b"alone"]


def test_nobody_sleeps_on_what_was_held_back_a_moment_ago() -> None:
    case = Case()
    calls = iter([b"", b"came between"])
    case.outgoing.late = lambda: case.outgoing.add(data) if (data := next(calls, b"")) else None
    assert not case.outgoing.send_from_loop(writable=False)
    assert not case.outgoing.sleeping
    case.outgoing.send_from_loop(writable=False)
    assert case.pipe.writes == [b"came between"] and case.outgoing.sleeping


def test_while_one_writes_others_only_add() -> None:
    case = Case()
    found: list[tuple[bool, bool]] = []

    def add_more() -> None:
        case.pipe.meanwhile = lambda: None
        found.append((case.outgoing.is_empty, case.outgoing.send_from_loop(writable=False)))
        case.add(b"second").send()
        found.append((case.outgoing.send_from_loop(writable=False), case.outgoing.sleeping))

    case.pipe.meanwhile = add_more
    case.add(b"first").send()
    assert found == [(False, False), (False, True)]
    assert case.pipe.writes == [b"first", b"second"] and case.wakes == 0


def test_a_socket_that_fails_breaks_the_stream_off_and_keeps_nothing() -> None:
    case = Case()
    case.pipe.problem = OSError("reset")
    outgoing = case.add(b"x")
    outgoing.send()
    assert case.pipe.broken == 1 and outgoing.is_empty and not outgoing.stuck
    assert case.wakes == 0
    outgoing.close()
    assert case.pipe.closed == 1
    case.pipe.problem = None
    case.add(b"y").send()
    assert case.pipe.writes == []


@pytest.mark.parametrize("problem", [None, KeyboardInterrupt()])
def test_a_stream_that_was_to_be_closed_meanwhile_is_closed_by_who_writes(
    problem: BaseException | None,
) -> None:
    case = Case()
    case.pipe.problem = problem
    closed: list[int] = []

    def end() -> None:
        case.outgoing.close()
        closed.append(case.pipe.closed)

    case.pipe.meanwhile = end
    try:
        case.add(b"x").send()
    except KeyboardInterrupt as error:
        assert error is problem  # noqa: PT017 - one of both cases raises it
    assert closed == [0] and case.pipe.closed == 1


def test_an_interrupted_writer_closes_nothing_that_is_still_needed() -> None:
    case = Case()
    case.pipe.problem = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        case.add(b"x").send()
    assert (case.pipe.broken, case.pipe.closed) == (1, 0)


steps = st.one_of(
    st.integers(1, 40).map(lambda size: ("add", size)),
    st.sampled_from([("send", 0), ("soon", 0), ("loop", 0), ("writable", 0)]),
    st.integers(0, 30).map(lambda room: ("room", room)),
)


@given(st.lists(steps, max_size=60))
def test_whatever_happens_all_bytes_leave_once_and_in_order(steps: list[tuple[str, int]]) -> None:
    case = Case(room=0)
    outgoing, added = case.outgoing, b""
    for step, number in steps:
        if step == "add":
            data = bytes((len(added) + place) % 251 for place in range(number))
            added += data
            case.add(data).send_soon()
        elif step == "send":
            outgoing.send()
        elif step == "soon":
            outgoing.send_soon()
        elif step == "room":
            case.pipe.room = number
        else:
            outgoing.send_from_loop(writable=step == "writable")
        written = b"".join(case.pipe.writes)
        assert added.startswith(written)
        assert outgoing.size == len(added) - len(written)
        assert outgoing.size == 0 or not outgoing.sleeping or outgoing.stuck or case.wakes
    case.pipe.room = None
    outgoing.send_from_loop(writable=True)
    assert b"".join(case.pipe.writes) == added
    assert outgoing.is_empty
