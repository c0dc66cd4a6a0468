"""What becomes of a message that is watched by middlewares, and of one whose hook fails."""

from __future__ import annotations

import asyncio
import itertools
import queue
from collections.abc import Iterator
from typing import Any

import pytest

from pelagos.messaging import Exchange, GenericConsumer, Middleware, RejectMessage
from pelagos.messaging.encoder import JsonEncoder
from pelagos.messaging.message import MessageCommand
from pelagos.messaging.transports.base import Connection, Delivery, Envelope, Properties, Queue
from pelagos.messaging.transports.memory import MemoryTransport

_names = itertools.count()
WAIT = 60.0


class Halls(Exchange):
    name = "halls"


class Watching(Middleware):
    """A middleware that keeps what became of each message."""

    def __init__(self) -> None:
        self.ended: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()

    def after_handle(self, _received: Any, handler: str, outcome: str, _seconds: float) -> None:
        self.ended.put((handler.rpartition(".")[2], outcome))


class Hall:
    """One queue, what its broker takes for dead, and consumers that are ended with it."""

    def __init__(self) -> None:
        self.bus = MemoryTransport(f"hall-{next(_names)}")
        self.link: Connection = self.bus.open()
        self.link.declare_queue(Queue("dead"))
        self.dead: queue.SimpleQueue[Delivery] = queue.SimpleQueue()
        self.link.consume("dead", self.dead.put, lambda _problem: None, prefetch=9)
        self.consumers: list[GenericConsumer] = []

    def consumer(self, callback: Any, *middlewares: Any) -> GenericConsumer:
        graves = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"}
        where = {"name": "q", "flags": {"arguments": graves}}
        made = GenericConsumer([(Halls, [(where, "k")])], bus=self.bus, middlewares=middlewares)
        self.consumers.append(made)
        made.start(callback)
        made.wait_ready(WAIT)
        return made

    def send(self, name: str) -> None:
        body = JsonEncoder.encode(MessageCommand(name).body)
        envelope = Envelope("halls", "k", body, Properties(name), mandatory=True)
        problems: list[object] = []
        self.link.publish(envelope, problems.append)
        assert problems == [None]

    def left(self) -> int:
        for consumer in self.consumers:
            assert consumer.stop(WAIT)
        return self.link.declare_queue(Queue("q", passive=True)).messages


@pytest.fixture
def hall() -> Iterator[Hall]:
    made = Hall()
    yield made
    made.left()
    made.link.close()


def work(message: Any) -> None:
    if message.name == "fail":
        raise OSError("disk full")
    if message.name == "refuse":
        raise RejectMessage
    if message.name == "later":
        message.reject(requeue=not message.redelivered)


async def work_later(message: Any) -> None:
    await asyncio.sleep(0)
    work(message)


@pytest.mark.parametrize("callback", [work, work_later])
@pytest.mark.parametrize("watched", [True, False])
def test_what_fails_is_refused_whoever_watches(hall: Hall, callback: Any, watched: bool) -> None:
    watching = Watching()
    hall.consumer(callback, *[watching] * watched)
    for name in ("go", "fail", "refuse", "go"):
        hall.send(name)
    found = [hall.dead.get(timeout=WAIT).properties.message_id for _ in range(2)]
    assert found == ["fail", "refuse"]
    assert hall.left() == 0 and hall.dead.empty()
    ended = [watching.ended.get() for _ in range(watching.ended.qsize())]
    outcomes = ["ack", "reject", "reject", "ack"] if watched else []
    assert ended == [(callback.__name__, outcome) for outcome in outcomes]


@pytest.mark.parametrize("callback", [work, work_later])
def test_what_a_handler_settled_is_told_as_it_was(hall: Hall, callback: Any) -> None:
    watching = Watching()
    hall.consumer(callback, watching)
    hall.send("later")
    assert hall.dead.get(timeout=WAIT).properties.message_id == "later"
    assert [watching.ended.get(timeout=WAIT)[1] for _ in range(2)] == ["requeue", "reject"]


def test_a_watch_that_fails_before_the_handler_refuses_the_message(hall: Hall) -> None:
    class Strict(Watching):
        def before_handle(self, message: Any, _handler: str) -> None:
            if message.name == "fail":
                raise ZeroDivisionError

    watching, called = Strict(), []
    hall.consumer(lambda message: called.append(message.name), watching)
    for name in ("fail", "go"):
        hall.send(name)
    assert hall.dead.get(timeout=WAIT).properties.message_id == "fail"
    assert [watching.ended.get(timeout=WAIT)[1] for _ in range(2)] == ["reject", "ack"]
    assert called == ["go"]


def test_who_knows_the_name_of_the_handler_watches_instead(hall: Hall) -> None:
    watching = Watching()
    consumer = hall.consumer(work, watching)
    consumer.observes_handling = False
    assert consumer.observed(work) is work
    consumer.observes_handling = True
    assert consumer.observed(work) is not work
