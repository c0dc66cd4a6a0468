"""Messages that wait to be tried again: whoever reads their queue brings them back."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from pelagos.messaging import MessageHandler, MessageProcessor, Retry
from pelagos.messaging.dead.again import Patience, waiting_queue
from pelagos.messaging.processor import returner
from pelagos.messaging.transports.base import Envelope, Properties, Queue
from pelagos.messaging.transports.memory import MemoryBroker, MemoryTransport
from support.bus_desk import WAIT, Desk

_names = itertools.count()


@pytest.fixture
def broker() -> MemoryBroker:
    return MemoryBroker(f"returner-{next(_names)}")


@pytest.fixture
def desk(broker: MemoryBroker) -> Iterator[Desk]:
    made = Desk(MemoryTransport("", broker=broker))
    yield made
    made.close()


class Twice(MessageProcessor):
    """Fails the first time."""

    desk: Desk
    retry = Retry(attempts=2, first=0.05)

    @MessageHandler("command", "go")
    def msg_go(self, content: Any) -> None:
        message = self.current.message
        if message.attempt == 1:
            raise OSError("not yet")
        self.desk.got.put((content["parameters"], dict(message.headers)))


class Patient(Twice):
    retry = Retry(attempts=2, first=3600)


def taken(desk: Desk, count: int) -> list[Any]:
    return sorted(desk.take()[0] for _ in range(count))


def leave_waiting(desk: Desk, count: int) -> None:
    """So many messages wait for an hour, and nobody runs."""
    desk.link.declare_queue(waiting_queue(Queue(desk.queue), 3_600_000))
    desk.run(Patient)
    for number in range(count):
        desk.tell("go", number, headers={"mine": number})
    desk.until(lambda: desk.waiting(f"{desk.queue}.retry.3600000") == count)
    desk.stop()
    desk.processors.clear()


def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever waits is due."""
    monkeypatch.setattr(Patience, "left_ms", lambda *_: 0)


def test_many_messages_wait_and_come_back_once(desk: Desk) -> None:
    desk.run(Twice)
    for number in range(350):
        desk.tell("go", number)
    assert taken(desk, 350) == list(range(350))
    desk.settled()
    assert desk.got.empty()


def test_what_waits_stays_when_its_processor_ends(desk: Desk, broker: MemoryBroker) -> None:
    leave_waiting(desk, 3)
    broker.stop()
    broker.start()
    desk.link = desk.bus.open()
    assert desk.waiting(f"{desk.queue}.retry.3600000") == 3


def test_what_another_left_waiting_comes_back_whatever_its_delay_was(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_waiting(desk, 3)
    hurry(monkeypatch)
    desk.run(Twice)  # which itself lets nothing wait for an hour
    found = [desk.take() for _ in range(3)]
    assert [number for number, _ in found] == [0, 1, 2]
    assert [headers["mine"] for _, headers in found] == [0, 1, 2]
    assert all("x-pelagos-due" not in headers for _, headers in found)


def test_nobody_holds_a_message_that_waits(desk: Desk, broker: MemoryBroker) -> None:
    leave_waiting(desk, 2)
    desk.run(Patient)
    desk.run(Patient)
    desk.tell("go", 2)
    desk.until(lambda: desk.waiting(f"{desk.queue}.retry.3600000") == 3)
    assert broker.queues()[f"{desk.queue}.retry.3600000"].unsettled == 0


def test_a_delay_is_noted_once(desk: Desk) -> None:
    register = f"{desk.queue}.retry.delays"
    desk.link.declare_queue(Queue(register, arguments={"x-queue-type": "classic"}))
    for body in (b"60000", b"stranger", b"60000", b"50"):
        desk.put(Envelope("", register, body, Properties("")))
    desk.run(Twice)
    desk.until(lambda: desk.waiting(register) == 3)
    desk.tell("go", 1)
    assert taken(desk, 1) == [1]
    assert desk.waiting(register) == 3
    link = desk.bus.open()
    assert returner.read_notes(link, register) == {50, 60000}
    link.close()


def test_what_a_full_queue_refuses_waits_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(returner, "_REFUSED", 0.02)
    leave_waiting(desk, 2)
    hurry(monkeypatch)
    refused: list[Envelope] = []
    begin = returner.Mover.begin

    def refuse(mover: Any, envelope: Envelope) -> Any:
        if len(refused) >= 5:
            return begin(mover, envelope)
        refused.append(envelope)
        return begin(mover, Envelope("", "nowhere", b"", Properties(""), mandatory=True))

    monkeypatch.setattr(returner.Mover, "begin", refuse)
    with caplog.at_level(logging.ERROR, "pelagos.messaging"):
        desk.run(Twice)
        assert taken(desk, 2) == [0, 1]
    assert sum("trying on" in record.message for record in caplog.records) == 1


def test_a_waiting_queue_that_is_deleted_is_made_again(desk: Desk) -> None:
    desk.run(Twice)
    desk.tell("go", 1)
    assert taken(desk, 1) == [1]
    desk.link.delete_queue(f"{desk.queue}.retry.50")
    desk.tell("go", 2)
    assert taken(desk, 1) == [2]


def test_a_queue_that_was_made_to_expire_is_used_as_it_is(desk: Desk) -> None:
    old = {"x-message-ttl": 50, "x-dead-letter-exchange": "", "x-expires": 60_000}
    arguments = old | {"x-dead-letter-routing-key": desk.queue}
    desk.link.declare_queue(Queue(f"{desk.queue}.retry.50", arguments=arguments))
    desk.run(Twice)
    desk.tell("go", 1)
    assert taken(desk, 1) == [1]


def test_a_queue_that_is_bound_later_is_looked_after_too(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    hurry(monkeypatch)
    late = f"{desk.queue}.late"
    desk.queues.append(late)
    where = waiting_queue(Queue(late), 5000)
    for queue in (Queue(late), where, Queue(f"{late}.retry.delays", arguments=where.arguments)):
        desk.link.declare_queue(queue)
    desk.put(Envelope("", f"{late}.retry.delays", b"5000", Properties("")))
    processor = desk.run(Twice)
    processor.add_eqk([(desk.exchange, [(late, "late")])])
    desk.tell("go", 7)
    assert taken(desk, 1) == [7]
    desk.until(lambda: where.name in processor_places(processor))


def test_a_message_of_a_queue_that_is_read_no_more_waits_as_lasting(
    desk: Desk, broker: MemoryBroker
) -> None:
    class Leaving(Twice):
        def dispatch(self, message: Any) -> Any:
            self.consumer.queue_forget(message.delivery.queue)
            return super().dispatch(message)

    desk.run(Leaving)
    desk.tell("go", 1)
    desk.until(lambda: desk.waiting() == 1)  # it came back, and nobody reads
    desk.stop()
    desk.processors.clear()
    broker.stop()
    broker.start()
    desk.link = desk.bus.open()
    desk.run(Twice)
    assert taken(desk, 1) == [1]


def processor_places(processor: MessageProcessor) -> set[str]:
    settler: Any = processor.consumer.on_open.__self__  # type: ignore[union-attr]
    return set(settler._link.returner._places)


def test_it_ends_with_its_processor(desk: Desk) -> None:
    processor = desk.run(Twice)
    settler: Any = processor.consumer.on_open.__self__  # type: ignore[union-attr]
    thread = settler._link.returner._thread
    assert thread.is_alive()
    assert processor.stop(WAIT)
    assert not thread.is_alive()
