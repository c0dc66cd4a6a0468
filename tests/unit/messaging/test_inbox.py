"""The memory of messages that had their effect."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import warnings

import pytest

from pelagos.core.clock import ManualClock
from pelagos.messaging import inbox as inbox_module
from pelagos.messaging.errors import InboxBusyError
from pelagos.messaging.inbox import CallMemory, MemoryInbox


def test_a_second_copy_is_not_the_first_and_gets_what_was_remembered():
    inbox = MemoryInbox()
    with inbox.receive("m1", "billing") as receipt:
        assert receipt.first
        receipt.remember(b"answer")
    with inbox.receive("m1", "billing") as receipt:
        assert not receipt.first
        assert receipt.reply == b"answer"


def test_each_consumer_has_its_own_effect():
    inbox = MemoryInbox()
    with inbox.receive("m1", "billing"):
        pass
    with inbox.receive("m1", "audit") as receipt:
        assert receipt.first


def test_a_message_that_failed_is_first_again():
    inbox = MemoryInbox()
    with pytest.raises(ZeroDivisionError), inbox.receive("m1", "billing"):
        raise ZeroDivisionError
    with inbox.receive("m1", "billing") as receipt:
        assert receipt.first


def test_a_copy_waits_for_the_one_in_work_and_has_no_effect():
    inbox = MemoryInbox()
    inside, go = threading.Event(), threading.Event()
    effects = []

    def work() -> None:
        with inbox.receive("m1", "billing") as receipt:
            if receipt.first:
                inside.set()
                go.wait(30)
                effects.append(1)
                receipt.remember(b"x")

    threads = [threading.Thread(target=work) for _ in range(4)]
    threads[0].start()
    assert inside.wait(30)
    for thread in threads[1:]:
        thread.start()
    go.set()
    for thread in threads:
        thread.join(30)
    assert effects == [1]


def test_a_copy_waits_no_longer_than_the_patience():
    inbox = MemoryInbox(patience=0.01)
    with (
        inbox.receive("m1", "billing"),
        pytest.raises(InboxBusyError) as caught,
        inbox.receive("m1", "billing"),
    ):
        pass
    assert caught.value.retry_after is not None


def test_the_memory_is_bounded_in_number_bytes_and_time():
    clock = ManualClock()
    inbox = MemoryInbox(limit=3, lifetime=10.0, reply_bytes=100, clock=clock)
    for number in range(5):
        with inbox.receive(str(number), "c"):
            pass
    assert len(inbox) == 3
    with inbox.receive("large", "c") as receipt:
        receipt.remember(b"x" * 101)
    assert len(inbox) == 0
    with inbox.receive("young", "c"):
        pass
    clock.advance(10.0)
    with inbox.receive("young", "c") as receipt:
        assert receipt.first


def test_a_message_without_an_id_is_always_the_first():
    inbox = MemoryInbox()
    for _ in range(2):
        with inbox.receive("", "billing") as receipt:
            assert receipt.first
    assert len(inbox) == 0


def hold(inbox: MemoryInbox, key: str = "m1") -> tuple[threading.Thread, threading.Event]:
    """A message in work, on a thread of its own, until the event is set."""
    inside, go = threading.Event(), threading.Event()

    def work() -> None:
        with inbox.receive(key, "billing") as receipt:
            inside.set()
            assert go.wait(30)
            receipt.remember(b"answer")

    thread = threading.Thread(target=work)
    thread.start()
    assert inside.wait(30)
    return thread, go


def test_of_the_copies_one_waits_and_the_others_are_sent_away_at_once():
    """With more that wait, a caller in a hurry would hold up every worker."""
    inbox = MemoryInbox(patience=30)
    first, go = hold(inbox)
    replies = []

    def ask() -> None:
        with inbox.receive("m1", "billing") as receipt:
            replies.append((receipt.first, receipt.reply))

    second = threading.Thread(target=ask)
    second.start()
    while not inbox._waiting:
        assert second.is_alive()
    for _ in range(2):
        with pytest.raises(InboxBusyError), inbox.receive("m1", "billing"):
            pass
    go.set()
    first.join(30)
    second.join(5)
    assert replies == [(False, b"answer")]


def test_who_waits_is_woken_by_the_end_of_another_and_waits_on():
    inbox = MemoryInbox()
    first, go = hold(inbox)
    other, end = hold(inbox, "m2")
    replies = []

    def ask() -> None:
        with inbox.receive("m1", "billing") as receipt:
            replies.append(receipt.first)

    second = threading.Thread(target=ask)
    second.start()
    while not inbox._waiting:
        assert second.is_alive()
    end.set()
    other.join(30)
    assert replies == []
    go.set()
    first.join(30)
    second.join(5)
    assert replies == [False]
    assert inbox._waiting == 0


def test_a_copy_whose_first_failed_while_it_waited_is_the_first():
    inbox = MemoryInbox()
    inside, go = threading.Event(), threading.Event()
    replies = []

    def fail() -> None:
        with contextlib.suppress(ZeroDivisionError), inbox.receive("m1", "billing"):
            inside.set()
            assert go.wait(30)
            raise ZeroDivisionError

    def ask() -> None:
        with inbox.receive("m1", "billing") as receipt:
            replies.append(receipt.first)

    first, second = threading.Thread(target=fail), threading.Thread(target=ask)
    first.start()
    assert inside.wait(30)
    second.start()
    while not inbox._waiting:
        assert second.is_alive()
    go.set()
    first.join(30)
    second.join(5)
    assert replies == [True]


def test_what_was_answered_is_counted_and_given_back_to_the_byte():
    inbox = MemoryInbox(reply_bytes=10)
    for key in ("a", "b"):
        with inbox.receive(key, "c") as receipt:
            receipt.remember(b"12345")
    assert len(inbox) == 2
    with inbox.receive("b", "c") as receipt:  # known: it is not counted again
        assert not receipt.first
    with inbox.receive("c", "c"):
        pass
    assert len(inbox) == 3
    with inbox.receive("d", "c") as receipt:
        receipt.remember(b"1")
    assert len(inbox) == 3  # the oldest has made room
    with inbox.receive("b", "c") as receipt:
        assert receipt.reply == b"12345"
    with inbox.receive("a", "c") as receipt:
        assert receipt.first


def test_what_is_remembered_lasts_as_long_as_told_and_no_longer():
    clock = ManualClock()
    inbox = MemoryInbox(lifetime=10, clock=clock)
    for key, seconds in [("a", 1.0), ("b", 8.5)]:
        with inbox.receive(key, "c"):
            pass
        clock.advance(seconds)
    with inbox.receive("a", "c") as receipt:
        assert not receipt.first
    clock.advance(0.5)
    with inbox.receive("a", "c") as receipt:
        assert receipt.first
    with inbox.receive("b", "c") as receipt:
        assert not receipt.first


def test_calls_are_remembered_by_bus_and_queue():
    class Bus:
        pass

    class Slotted:
        __slots__ = ()

    def first(bus: object, queue: str) -> bool:
        with CallMemory(bus).of(queue).receive("call", "Adder.add") as receipt:
            return receipt.first

    one, other = Bus(), Bus()
    assert [first(one, "q"), first(one, "q"), first(one, "p"), first(other, "q")] == [
        True,
        False,
        True,
        True,
    ]
    slotted = Slotted()  # it cannot be referred to weakly
    assert [first(slotted, "q"), first(slotted, "q")] == [True, True]
    memory = CallMemory(slotted)
    for expected in (True, False):
        with memory.of("q").receive("call", "Adder.add") as receipt:
            assert receipt.first is expected


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_process_begins_without_the_memory_of_its_parent():
    """What its parent answered is not answered by it, and a lock that was held is free."""

    class Bus:
        pass

    bus = Bus()
    with CallMemory(bus).of("q").receive("call", "c"):
        pass
    with inbox_module._memories_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # threads of other tests
        child = os.fork()
        if child == 0:
            signal.alarm(20)
            with CallMemory(bus).of("q").receive("call", "c") as receipt:
                os._exit(0 if receipt.first else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
