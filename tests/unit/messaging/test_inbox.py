"""The memory of messages that had their effect."""

from __future__ import annotations

import threading

import pytest

from pelagos.core.clock import ManualClock
from pelagos.messaging.errors import InboxBusyError
from pelagos.messaging.inbox import MemoryInbox


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
