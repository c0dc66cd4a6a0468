"""What failed is put aside once, and is in one place: neither doubled nor lost on the way."""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest

from pelagos.messaging import MessageHandler, MessageProcessor, RejectMessage, Retry, RpcHandler
from pelagos.messaging.binding import make_queue
from pelagos.messaging.inbox import Receipt, busy
from pelagos.messaging.processor.settling import Settler, with_dead_letters
from pelagos.messaging.transports.base import Queue
from pelagos.messaging.transports.memory import MemoryTransport
from support.bus_desk import Desk

_names = itertools.count()


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk(MemoryTransport(f"settling-{next(_names)}"))
    yield made
    made.close()


class Failing(MessageProcessor):
    """Fails as often as it is told."""

    desk: Desk
    retry = Retry(attempts=2, first=0.01)

    @MessageHandler("command", "go")
    def msg_go(self, content: Any) -> None:
        message = self.current.message
        self.desk.got.put((message.attempt, dict(message.headers)))
        if message.attempt <= content["parameters"]:
            raise OSError("disk full")

    @MessageHandler("command", "refuse")
    def msg_refuse(self, _content: Any) -> None:
        raise RejectMessage("too large")


class BusyOnce:
    """The first copy is in work when it is asked first."""

    def __init__(self) -> None:
        self.asked = 0

    def receive(self, key: str, _consumer: str) -> AbstractContextManager[Receipt]:
        """See `Inbox`."""
        self.asked += 1
        if self.asked == 1:
            raise busy(key)
        return nullcontext(Receipt(first=True))


def settler_of(processor: MessageProcessor) -> Any:
    settler: Any = processor.consumer.on_open.__self__  # type: ignore[union-attr]
    assert isinstance(settler, Settler)
    return settler


def with_brokers_graves(desk: Desk) -> tuple[str, dict[str, Any]]:
    """A queue in which the broker puts what is rejected, and the flags that say so."""
    brokers = f"{desk.queue}.brokers"
    desk.queues.append(brokers)
    desk.link.declare_queue(Queue(brokers))
    arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": brokers}
    return brokers, {"arguments": arguments}


# In one place.


@pytest.mark.parametrize("own_graves", [True, False])
def test_what_is_put_aside_is_not_rejected_too(desk: Desk, own_graves: bool) -> None:
    brokers, flags = with_brokers_graves(desk)
    desk.run(
        Failing if own_graves else type("Graveless", (Failing,), {"dead_letters": None}),
        flags=flags,
    )
    desk.tell("go", 1)
    assert [desk.take()[0], desk.take()[0]] == [1, 2]
    if own_graves:
        desk.tell("go", 9)
        desk.tell("refuse")
        desk.raw(b"poison")
        desk.letters(3)
    desk.settled()
    assert desk.waiting(brokers) == 0


def test_a_call_that_is_put_off_is_not_rejected(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pelagos.messaging.processor.dispatch.BUSY_MS", 10)
    brokers, flags = with_brokers_graves(desk)

    class Adding(MessageProcessor):
        @RpcHandler("command", "add")
        def rpc_add(self, content: Any) -> int:
            return int(content["parameters"]) + 1

    desk.run(Adding, flags=flags, inbox=BusyOnce())
    assert desk.ask("add", 41)["value"] == 42
    desk.settled()
    assert desk.waiting(brokers) == 0


def test_handlers_that_wait_differently_are_each_tried_as_often_as_they_say(desk: Desk) -> None:
    class Two(MessageProcessor):
        @MessageHandler("command", "go", retry=Retry(attempts=2, first=0.01))
        def soon(self, _content: Any) -> None:
            desk.got.put(("soon", self.current.message.attempt))
            raise OSError

        @MessageHandler("command", "go", retry=Retry(attempts=3, first=0.02, factor=1))
        def later(self, _content: Any) -> None:
            desk.got.put(("later", self.current.message.attempt))
            raise OSError

    desk.run(Two)
    desk.tell("go")
    desk.letters(2)
    desk.settled()
    tried = sorted(desk.take() for _ in range(desk.got.qsize()))
    assert tried == [("later", 1), ("later", 2), ("later", 3), ("soon", 1), ("soon", 2)]


def test_all_that_failed_together_is_for_whoever_handles_it_then(desk: Desk) -> None:
    desk.run(Failing)
    desk.tell("go", 1)
    assert "x-pelagos-handlers" not in [desk.take(), desk.take()][1][1]


def test_what_came_over_a_connection_that_is_lost_is_not_put_aside_over_the_next(
    desk: Desk,
) -> None:
    """The broker delivers it again: there would be two of it."""

    class Cut(Failing):
        @MessageHandler("command", "cut")
        def msg_cut(self, _content: Any) -> None:
            message = self.current.message
            desk.got.put((message.attempt, message.redelivered))
            if not message.redelivered:
                desk.bus.broker.cut()  # type: ignore[attr-defined]
                desk.until(lambda: settler_of(self)._link.connection is not message.connection)
                raise OSError

    desk.run(Cut)
    desk.tell("cut")
    assert [desk.take(), desk.take()] == [(1, False), (1, True)]
    desk.link = desk.bus.open()
    desk.settled()
    assert desk.got.empty()
    with pytest.raises(Exception, match=r"retry\.10"):  # nothing ever waited there
        desk.waiting(f"{desk.queue}.retry.10")


# Never in none.


def test_what_cannot_be_put_aside_before_the_end_stays_in_its_queue(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    full = {"x-queue-type": "classic", "x-max-length": 0, "x-overflow": "reject-publish"}
    waiting = f"{desk.queue}.retry.10"
    desk.queues.append(waiting)
    desk.link.declare_queue(Queue(waiting, arguments=full))
    brokers, flags = with_brokers_graves(desk)
    desk.run(Failing, flags=flags)
    with caplog.at_level(logging.WARNING, "pelagos.messaging"):
        desk.tell("go", 9)
        assert desk.take()[0] == 1
        desk.until(lambda: "trying on" in caplog.text)
        desk.stop()
    assert "comes again" in caplog.records[-1].getMessage()
    assert [desk.waiting(name) for name in (desk.queue, desk.graves, brokers)] == [1, 0, 0]


def test_there_are_graves_before_anything_dies(desk: Desk) -> None:
    """A broker that gives up on a message of a quorum queue puts it there by itself."""
    desk.run(Failing)
    assert desk.waiting(desk.graves) == 0


def test_it_is_due_after_its_delay(desk: Desk) -> None:
    class Patient(Failing):
        retry = Retry(attempts=2, first=3600)

    desk.run(Patient)
    before = time.time()
    desk.tell("go", 9)
    waiting = f"{desk.queue}.retry.3600000"
    desk.take()
    desk.stop()
    delivery = desk.link.get(waiting)
    assert delivery is not None
    due = delivery.properties.headers["x-pelagos-due"]
    assert before + 3600 <= due / 1000 + 1 <= time.time() + 3601
    desk.queues += [waiting, f"{desk.queue}.retry.delays"]


def test_a_quorum_queue_refuses_rather_than_to_drop_what_its_graves_wait_for() -> None:
    def arguments(**given: Any) -> dict[str, Any]:
        flags = {"arguments": {"x-queue-type": "quorum", **given}}
        found = with_dead_letters(({"name": "q", "flags": flags}, "k"), "graves")
        return dict(make_queue(found[0]).arguments)

    graves = {
        "x-queue-type": "quorum",
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": "graves",
    }
    safe = {"x-overflow": "reject-publish", "x-dead-letter-strategy": "at-least-once"}
    assert arguments() == graves | safe
    assert arguments(**{"x-overflow": "drop-head"}) == graves | {"x-overflow": "drop-head"}
    own = {"x-dead-letter-strategy": "at-most-once"}
    assert arguments(**own) == graves | safe | own


# What the log says.


def test_a_refusal_is_told_in_one_line(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    desk.run(Failing)
    with caplog.at_level(logging.WARNING, "pelagos.messaging"):
        desk.tell("refuse")
        desk.letters()
        desk.settled()
    (told,) = caplog.records
    assert told.levelno == logging.WARNING and told.exc_info is None
    assert told.getMessage().endswith("too large")


def test_a_failure_says_in_how_many_seconds_it_is_tried_again(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.run(Failing)
    with caplog.at_level(logging.WARNING, "pelagos.messaging"):
        desk.tell("go", 1)
        assert [desk.take()[0], desk.take()[0]] == [1, 2]
    assert "comes again in 0.01 s" in caplog.text
