"""What a consumer does with a message that its inbox cannot tell about now."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from pelagos.core.backoff import Backoff
from pelagos.messaging import (
    Exchange,
    GenericConsumer,
    GenericProducer,
    Middleware,
    ReceivedMessage,
)
from pelagos.messaging.errors import InboxAwayError, InboxBusyError
from pelagos.messaging.runner import serve
from pelagos.messaging.transports.base import Queue
from pelagos.messaging.transports.memory import MemoryBroker, MemoryTransport

WAIT = 60.0
QUICK = Backoff(first=0.001, limit=0.01)
AWAY = InboxAwayError("the inbox's database cannot be reached", retry_after=0.001)
NEVER = InboxAwayError("the inbox's database cannot be reached", retry_after=WAIT * 60)


class Town(Exchange):
    name = "town"


class Sender(GenericProducer):
    eks = ((Town, "a"),)


class Inbox:
    """A callback whose inbox is away for so many messages."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.asked = queue.SimpleQueue[ReceivedMessage]()
        self.done = queue.SimpleQueue[ReceivedMessage]()

    def __call__(self, message: ReceivedMessage) -> None:
        self.asked.put(message)
        if self.errors:
            raise self.errors.pop(0)
        self.done.put(message)


@pytest.fixture
def bus() -> MemoryTransport:
    return MemoryTransport("", broker=MemoryBroker("off"))


@pytest.fixture
def sender(bus: MemoryTransport) -> Iterator[Sender]:
    with Sender(bus=bus) as made:
        yield made


def consumer(bus: MemoryTransport, **options: Any) -> GenericConsumer:
    quorum = Queue("inbox", arguments={"x-queue-type": "quorum", "x-delivery-limit": 2})
    return GenericConsumer([(Town, [(quorum, "a")])], bus=bus, backoff=QUICK, **options)


def content(message: ReceivedMessage) -> Any:
    return message.content["parameters"]


@pytest.mark.parametrize("error", [AWAY, InboxBusyError("in work", retry_after=0.001)])
def test_it_is_handled_anew_as_often_as_it_takes(
    bus: MemoryTransport, sender: Sender, error: Exception
) -> None:
    """The queue would give it up after three returns."""
    inbox = Inbox(*[error] * 9)
    with consumer(bus, prefetch=1) as reader:
        reader.start(inbox)
        reader.wait_ready(WAIT)
        sender.message_go("it", _mandatory=True)
        message = inbox.done.get(timeout=WAIT)
        assert content(message) == "it"
        assert not message.redelivered
        bus.drain("inbox", timeout=WAIT)
    assert inbox.asked.qsize() == 10
    assert bus.broker.depth("inbox") == 0


def test_who_takes_step_by_step_has_it_again(bus: MemoryTransport, sender: Sender) -> None:
    inbox, bell = Inbox(AWAY), threading.Semaphore(0)
    reader = consumer(bus)
    reader.begin(bell.release)
    try:
        reader.wait_ready(WAIT)
        sender.message_go("it", _mandatory=True)
        while inbox.done.empty():
            assert bell.acquire(timeout=WAIT)
            reader.step(inbox)
    finally:
        reader.finish()
    assert inbox.asked.qsize() == 2
    assert bus.broker.depth("inbox") == 0


def test_an_event_loop_has_it_again(bus: MemoryTransport, sender: Sender) -> None:
    errors = [AWAY] * 3
    reader = consumer(bus)

    async def callback(_message: ReceivedMessage) -> None:
        if errors:
            raise errors.pop()
        reader.stop_consuming()

    with ThreadPoolExecutor(1) as pool:
        ended = pool.submit(lambda: asyncio.run(serve(reader, callback)))
        reader.wait_ready(WAIT)
        sender.message_go("it", _mandatory=True)
        ended.result(WAIT)
    assert not errors
    assert bus.broker.depth("inbox") == 0


def test_others_are_handled_meanwhile(bus: MemoryTransport, sender: Sender) -> None:
    inbox = Inbox(NEVER)
    with consumer(bus) as reader:
        reader.start(inbox)
        reader.wait_ready(WAIT)
        sender.message_go("first", _mandatory=True)
        sender.message_go("second", _mandatory=True)
        assert content(inbox.done.get(timeout=WAIT)) == "second"
        assert reader.stop(WAIT)
    assert bus.broker.depth("inbox") == 1  # the first is given back


def test_what_comes_off_after_a_stop_goes_back(bus: MemoryTransport, sender: Sender) -> None:
    told = threading.Event()
    with consumer(bus) as reader:

        def callback(_message: ReceivedMessage) -> None:
            reader.stop_consuming()
            told.set()
            raise NEVER

        reader.start(callback)
        reader.wait_ready(WAIT)
        sender.message_go("it", _mandatory=True)
        assert told.wait(WAIT)
        assert reader.stop(WAIT)
    assert bus.broker.depth("inbox") == 1


def test_what_was_put_off_comes_over_the_next_connection(
    bus: MemoryTransport, sender: Sender
) -> None:
    inbox = Inbox(NEVER)
    with consumer(bus) as reader:
        reader.start(inbox)
        reader.wait_ready(WAIT)
        sender.message_go("it", _mandatory=True)
        inbox.asked.get(timeout=WAIT)
        bus.broker.cut()
        message = inbox.done.get(timeout=WAIT)
        assert message.redelivered
        bus.drain("inbox", timeout=WAIT)


def test_it_cannot_be_settled_while_it_waits_and_a_settled_one_does_not_wait(
    bus: MemoryTransport, sender: Sender
) -> None:
    inbox, settled = Inbox(NEVER), threading.Event()

    def callback(message: ReceivedMessage) -> None:
        if content(message) == "settled":
            message.ack()
            settled.set()
            raise NEVER
        inbox(message)

    with consumer(bus, prefetch=1) as reader:
        reader.start(callback)
        reader.wait_ready(WAIT)
        sender.message_go("settled", _mandatory=True)
        sender.message_go("it", _mandatory=True)
        message = inbox.asked.get(timeout=WAIT)
        assert settled.is_set()
        assert reader.stop(WAIT)
        assert message.outcome == "retry"
        message.ack()
    assert bus.broker.depth("inbox") == 1


def test_who_watches_hears_that_it_comes_again_and_the_log_has_it_once(
    bus: MemoryTransport, sender: Sender, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[str] = []

    class Watch(Middleware):
        def after_handle(self, *told: Any) -> None:
            heard.append(told[2])

    inbox = Inbox(AWAY, InboxBusyError("in work", retry_after=0.001))
    with caplog.at_level(logging.INFO), consumer(bus, middlewares=[Watch()]) as reader:
        reader.start(inbox)
        reader.wait_ready(WAIT)
        sender.message_go("it", _mandatory=True)
        inbox.done.get(timeout=WAIT)
        bus.drain("inbox", timeout=WAIT)
    assert heard == ["retry", "retry", "ack"]
    assert [r.message for r in caplog.records if "comes again in" in r.message] == [
        f"{inbox.asked.get()!r} comes again in 0.001 s: in work"
    ]
