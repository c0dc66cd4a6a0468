"""What a consumer that the broker cancels does with what it has, and with what waits behind."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator

import pytest

from pelagos.core.backoff import Backoff
from pelagos.messaging import (
    Exchange,
    GenericConsumer,
    GenericProducer,
    ReceivedMessage,
    TopologyError,
)
from pelagos.messaging.transports.base import Connection, Queue
from pelagos.messaging.transports.memory import MemoryBroker, MemoryTransport

WAIT = 60.0
QUICK = Backoff(first=0.001, limit=0.01)


class Town(Exchange):
    name = "town"


class Sender(GenericProducer):
    eks = ((Town, "a"),)


class Site:
    """A reader of two queues, that has the first message in hand until `go_on`."""

    def __init__(self) -> None:
        self.broker = MemoryBroker("cancelled")
        self.bus = MemoryTransport("", broker=self.broker)
        self.sender = Sender(bus=self.bus)
        self.got = queue.SimpleQueue[tuple[str, bool]]()
        self.in_hand, self.go_on = threading.Event(), threading.Event()
        self.connections: list[Connection] = []
        eqk = [(Town, [("inbox", "a"), ("other", "b")])]
        self.reader = GenericConsumer(eqk, bus=self.bus, backoff=QUICK)
        self.reader.on_open = self.connections.append
        self.reader.start(self.handle)
        self.reader.wait_ready(WAIT)

    def handle(self, message: ReceivedMessage) -> None:
        self.got.put((message.content["parameters"], message.redelivered))
        self.in_hand.set()
        assert self.go_on.wait(WAIT)

    def send(self, *texts: str) -> None:
        for text in texts:
            self.sender.message_go(text, _key=text[0], _mandatory=True)
        assert self.in_hand.wait(WAIT)

    def until_read_again(self) -> None:
        deadline = time.monotonic() + WAIT
        while self.consumers() != 1:
            assert time.monotonic() < deadline
            time.sleep(0.002)

    def consumers(self) -> int:
        link = self.bus.open()
        try:
            return link.declare_queue(Queue("inbox", passive=True)).consumers
        except TopologyError:
            return 0
        finally:
            link.close()

    def all_handled(self) -> list[tuple[str, bool]]:
        """In its order, and whether it was told to have come before."""
        self.go_on.set()
        self.bus.drain(timeout=WAIT)
        found = []
        while not self.got.empty():
            found.append(self.got.get())
        return found

    def close(self) -> None:
        self.go_on.set()
        assert self.reader.stop(WAIT)
        self.sender.close()


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    yield made
    made.close()


def test_what_waits_goes_back_at_once_and_is_handled_once(site: Site) -> None:
    site.send("a1", "a2", "b1", "a3")
    assert site.broker.cancel_consumers("inbox") == 1
    site.until_read_again()
    site.broker.pause(active=False)
    assert site.broker.cancel_consumers("inbox") == 1
    site.until_read_again()
    assert site.broker.depth("inbox") == 2  # others may have them, however long the first takes
    site.broker.pause(active=True)
    handled = site.all_handled()
    assert handled[:2] == [("a1", False), ("b1", False)]
    assert handled[2:] == [("a2", True), ("a3", True)]


def test_what_the_broker_took_back_meanwhile_is_not_handled_twice(site: Site) -> None:
    """RabbitMQ 4.3 does so with what is not settled in time; what was in hand does come again."""
    site.send("a1", "a2", "a3")
    site.broker.settle(site.connections[-1], 0, accept=False, requeue=True, multiple=True)
    site.broker.cancel_consumers("inbox")
    site.until_read_again()
    assert sorted(site.all_handled()) == [("a1", False), ("a1", True), ("a2", True), ("a3", True)]


def test_what_waits_of_a_queue_that_was_deleted_is_handled(site: Site) -> None:
    site.send("a1", "a2", "a3")
    link = site.bus.open()
    link.delete_queue("inbox")
    link.close()
    site.until_read_again()
    assert [text for text, _ in site.all_handled()] == ["a1", "a2", "a3"]
