"""What can be done to a bus in memory: time, waiting, looking, and all ways to fail."""

from __future__ import annotations

import gc
import queue
import threading
import weakref
from typing import Any

import pytest

from pelagos.core.clock import ManualClock
from pelagos.messaging import (
    ConnectionLostError,
    MessagingError,
    PublishRefusedError,
    UnroutableError,
)
from pelagos.messaging.transports.base import (
    DIRECT_REPLY_TO,
    Connection,
    Delivery,
    Envelope,
    Properties,
    Queue,
)
from pelagos.messaging.transports.memory import MemoryBroker, MemoryTransport

WAIT = 60.0


class Rig:
    """A broker, a connection, a queue `q`, and what publishers have heard."""

    def __init__(self, **options: Any) -> None:
        self.broker = MemoryBroker("test", **options)
        self.faults = self.broker.faults
        self.transport = MemoryTransport("", broker=self.broker)
        self.link = self.transport.open()
        self.link.declare_queue(Queue("q"))
        self.heard: list[tuple[str, MessagingError | None]] = []

    def put(self, body: str, link: Connection | None = None, key: str = "q") -> None:
        envelope = Envelope("", key, body.encode(), Properties(body))
        (link or self.link).publish(envelope, lambda problem: self.heard.append((body, problem)))

    def answers(self) -> list[tuple[str, str]]:
        """Who has heard what, in order; then forgotten."""
        told = [
            (body, type(problem).__name__ if problem else "ok") for body, problem in self.heard
        ]
        self.heard.clear()
        return told

    def bodies(self, name: str = "q") -> list[bytes]:
        return [envelope.body for envelope in self.broker.waiting(name)]


# Confirmations.


def test_held_confirmations_come_in_order_when_they_are_released() -> None:
    rig = Rig()
    rig.faults.hold_confirms()
    rig.put("1")
    rig.put("2")
    assert rig.answers() == [] and rig.bodies() == [b"1", b"2"]
    rig.faults.release_confirms()
    rig.put("3")
    assert rig.answers() == [("1", "ok"), ("2", "ok"), ("3", "ok")]


def test_who_waits_for_a_held_confirmation_hears_of_the_end() -> None:
    rig = Rig()
    other = rig.transport.open()
    rig.faults.hold_confirms()
    rig.put("1")
    rig.put("2", other)
    other.close()
    assert rig.answers() == [("2", "ConnectionLostError")]
    rig.broker.cut()
    assert rig.answers() == [("1", "ConnectionLostError")]
    rig.faults.release_confirms()
    assert rig.answers() == []
    assert rig.bodies() == [b"1", b"2"]


def test_delayed_confirmations_come_when_their_time_is_there() -> None:
    rig = Rig(clock=ManualClock())
    rig.faults.delay_confirms(2.0)
    rig.put("1")
    rig.broker.advance(1.5)
    rig.put("2")
    assert rig.answers() == []
    rig.broker.advance(0.5)
    assert rig.answers() == [("1", "ok")]
    rig.faults.delay_confirms(0)
    rig.put("3")
    rig.broker.advance(1.5)
    assert rig.answers() == [("3", "ok"), ("2", "ok")]


def test_delayed_confirmations_come_by_themselves_with_a_real_clock() -> None:
    rig = Rig()
    rig.faults.delay_confirms(0.02)
    told: queue.SimpleQueue[MessagingError | None] = queue.SimpleQueue()
    rig.link.publish(Envelope("", "q", b"1", Properties("1")), told.put)
    assert told.get(timeout=WAIT) is None


def test_refused_messages_are_not_taken() -> None:
    rig = Rig()
    rig.faults.refuse(2)
    for body in "123":
        rig.put(body)
    assert rig.answers() == [
        ("1", "PublishRefusedError"),
        ("2", "PublishRefusedError"),
        ("3", "ok"),
    ]
    rig.faults.refuse()
    rig.put("4")
    rig.faults.refuse(0)
    rig.put("5")
    assert rig.bodies() == [b"3", b"5"]
    assert isinstance(rig.heard[0][1], PublishRefusedError)


def test_lost_messages_are_heard_of_when_the_connection_ends() -> None:
    rig = Rig()
    rig.faults.lose(1)
    rig.put("1")
    rig.put("2")
    assert rig.answers() == [("2", "ok")] and rig.bodies() == [b"2"]
    rig.faults.release_confirms()
    assert rig.answers() == []
    rig.link.close()
    assert rig.answers() == [("1", "ConnectionLostError")]


@pytest.mark.parametrize("taken", [True, False])
def test_a_connection_is_cut_at_a_message(taken: bool) -> None:
    rig = Rig()
    rig.faults.cut_at(2, taken=taken)
    rig.put("1")
    rig.put("2")
    assert rig.answers() == [("1", "ok"), ("2", "ConnectionLostError")]
    assert not rig.link.is_open
    assert rig.bodies() == ([b"1", b"2"] if taken else [b"1"])
    rig.put("3")
    assert rig.answers() == [("3", "ConnectionLostError")]


# Blocked, frozen, cut.


def test_a_blocked_bus_takes_messages_later_and_in_order() -> None:
    rig = Rig()
    rig.faults.block("the disk is full")
    rig.put("1")
    rig.put("2")
    assert rig.link.blocked == "the disk is full"
    assert rig.answers() == [] and rig.bodies() == []
    assert rig.link.declare_queue(Queue("q", passive=True)).messages == 0
    rig.faults.unblock()
    rig.put("3")
    assert rig.link.blocked is None
    assert rig.answers() == [("1", "ok"), ("2", "ok"), ("3", "ok")]
    assert rig.bodies() == [b"1", b"2", b"3"]


def test_a_lost_connection_takes_what_was_blocked_with_it() -> None:
    rig = Rig()
    rig.faults.block()
    rig.put("1")
    rig.link.close()
    rig.faults.unblock()
    assert rig.answers() == [("1", "ConnectionLostError")] and rig.bodies() == []


def test_a_frozen_bus_does_nothing_until_it_is_thawed() -> None:
    rig = Rig()
    got: list[Delivery] = []
    rig.link.consume("q", got.append, lambda _problem: None, prefetch=1)
    rig.put("1")
    rig.answers()
    rig.faults.freeze()
    rig.put("2")
    rig.link.ack(got[0])
    assert rig.answers() == [] and [d.body for d in got] == [b"1"]
    assert rig.link.is_open and rig.link.blocked is None
    rig.faults.thaw()
    assert rig.answers() == [("2", "ok")] and [d.body for d in got] == [b"1", b"2"]


def test_who_asks_a_frozen_bus_gives_the_connection_up() -> None:
    rig = Rig()
    link = rig.transport.open(timeout=0.01)
    ended: list[MessagingError] = []
    link.consume("q", lambda _delivery: None, ended.append, prefetch=1)
    rig.faults.freeze()
    with pytest.raises(ConnectionLostError, match="no answer"):
        link.declare_queue(Queue("q", passive=True))
    assert not link.is_open and len(ended) == 1
    assert rig.link.is_open
    rig.link.close()
    rig.faults.thaw()


def test_a_request_waits_until_the_bus_is_thawed() -> None:
    rig = Rig()
    rig.faults.freeze()
    counts: list[int] = []
    asking = threading.Thread(
        target=lambda: counts.append(rig.link.declare_queue(Queue("q", passive=True)).messages)
    )
    asking.start()
    rig.faults.thaw()
    asking.join(WAIT)
    assert counts == [0]


def test_one_connection_can_be_cut_alone() -> None:
    rig = Rig()
    other = rig.transport.open()
    rig.broker.cut(other)
    assert rig.link.is_open and not other.is_open


def test_a_broker_can_cancel_consumers() -> None:
    rig = Rig()
    ended: list[MessagingError] = []
    got: list[Delivery] = []
    for _ in range(2):
        rig.link.consume("q", got.append, ended.append, prefetch=1)
    rig.put("1")
    assert rig.broker.cancel_consumers("q") == 2
    assert rig.broker.cancel_consumers("no such queue") == 0
    assert [type(problem) for problem in ended] == [ConnectionLostError] * 2
    rig.link.ack(got[0])
    rig.put("2")
    assert rig.link.is_open and rig.bodies() == [b"2"]


def test_direct_answers_end_with_their_connection() -> None:
    rig = Rig()
    ended: list[MessagingError] = []
    rig.link.consume(DIRECT_REPLY_TO, lambda _d: None, ended.append, prefetch=1, no_ack=True)
    rig.broker.cut()
    assert len(ended) == 1


def test_the_newer_rules_count_a_direct_answer_as_routed() -> None:
    for version, problem in (("3.10", UnroutableError), ("4", type(None))):
        rig = Rig(version=version)
        answers: list[Delivery] = []
        rig.link.consume(
            DIRECT_REPLY_TO, answers.append, lambda _problem: None, prefetch=1, no_ack=True
        )
        rig.link.publish(
            Envelope("", "q", b"?", Properties("1", reply_to=DIRECT_REPLY_TO)), lambda _done: None
        )
        back = rig.broker.waiting("q")[0].properties.reply_to
        assert back is not None
        heard: list[MessagingError | None] = []
        rig.link.publish(Envelope("", back, b"!", Properties("2"), mandatory=True), heard.append)
        assert [answer.body for answer in answers] == [b"!"]
        assert isinstance(heard[0], problem)


def test_the_newer_rules_limit_returns_and_tell_the_last_death() -> None:
    rig = Rig(version="4", clock=ManualClock())
    dead = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "q"}
    rig.link.declare_queue(Queue("limited", arguments={"x-queue-type": "quorum", **dead}))
    rig.put("1", key="limited")
    for _ in range(30):
        delivery = rig.link.get("limited")
        assert delivery is not None
        assert delivery.properties.headers.get("x-delivery-count") is None
        rig.link.reject(delivery, requeue=True)  # a nack, which does not count
    for times in range(21):  # lost connections do
        link = MemoryTransport("", broker=rig.broker).open()
        delivery = link.get("limited")
        assert delivery is not None
        assert delivery.properties.headers.get("x-delivery-count", 0) == times
        link.close()
    assert rig.link.get("limited") is None
    headers = rig.broker.waiting("q")[0].properties.headers
    assert (headers["x-last-death-reason"], headers["x-last-death-queue"]) == (
        "delivery_limit",
        "limited",
    )


# Time.


def test_a_delay_queue_gives_back_by_itself() -> None:
    rig = Rig()
    delay = {
        "x-message-ttl": 20,
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": "q",
        "x-expires": 60_000,
    }
    rig.link.declare_queue(Queue("later", arguments=delay))
    got: queue.SimpleQueue[Delivery] = queue.SimpleQueue()
    rig.link.consume("q", got.put, lambda _problem: None, prefetch=1)
    rig.put("1", key="later")
    assert got.get(timeout=WAIT).body == b"1"


def test_time_of_a_test_passes_when_it_says_so() -> None:
    rig = Rig(clock=ManualClock())
    delay = {
        "x-message-ttl": 20_000,
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": "q",
        "x-expires": 60_000,
    }
    rig.link.declare_queue(Queue("later", arguments=delay))
    rig.put("1", key="later")
    rig.broker.advance(19.9)
    assert rig.broker.next_deadline() == 20.0 and rig.bodies() == []
    rig.broker.advance(0.1)
    assert rig.bodies() == [b"1"] and "later" in rig.broker.queues()
    rig.broker.advance(40)
    assert "later" not in rig.broker.queues()
    with pytest.raises(TypeError):
        Rig().broker.advance(1)


def test_a_broker_is_not_kept_by_what_is_due_in_it() -> None:
    rig = Rig()
    rig.link.declare_queue(Queue("later", arguments={"x-expires": 3_600_000}))
    broker = weakref.ref(rig.broker)
    timers = {t for t in threading.enumerate() if t.name == "pelagos-bus-timer"}
    del rig
    gc.collect()
    assert broker() is None
    assert timers


# Waiting and looking.


def test_draining_waits_until_all_is_settled() -> None:
    rig = Rig()
    rig.link.declare_queue(Queue("nobody takes from it"))
    rig.put("1", key="nobody takes from it")
    rig.transport.drain()
    got: queue.SimpleQueue[Delivery] = queue.SimpleQueue()
    rig.link.consume("q", got.put, lambda _problem: None, prefetch=1)
    for body in "123":
        rig.put(body)
    with pytest.raises(TimeoutError, match="q"):
        rig.transport.drain(timeout=0)

    def work() -> None:
        for _ in range(3):
            rig.link.ack(got.get(timeout=WAIT))

    worker = threading.Thread(target=work)
    worker.start()
    rig.transport.drain(timeout=WAIT)
    assert rig.broker.queues()["q"].unsettled == 0 and rig.bodies() == []
    worker.join(WAIT)
    with pytest.raises(TimeoutError, match="nobody takes"):
        rig.transport.drain("nobody takes from it", timeout=0)


def test_draining_one_queue_waits_for_no_other() -> None:
    rig = Rig()
    rig.link.declare_queue(Queue("other"))
    rig.link.consume("other", lambda _delivery: None, print, prefetch=1)
    rig.put("held", key="other")
    rig.transport.drain("q", timeout=0)
    with pytest.raises(TimeoutError, match=": other"):
        rig.transport.drain(timeout=0)


def test_draining_waits_for_what_comes_back_later() -> None:
    rig = Rig()
    delay = {
        "x-message-ttl": 20,
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": "q",
    }
    rig.link.declare_queue(Queue("later", arguments=delay))
    got: queue.SimpleQueue[Delivery] = queue.SimpleQueue()
    rig.link.consume("q", got.put, lambda _problem: None, prefetch=1, no_ack=True)
    rig.put("1", key="later")
    rig.transport.drain(timeout=WAIT)
    assert got.get_nowait().body == b"1"


def test_a_broker_shows_what_it_has() -> None:
    rig = Rig()
    got: list[Delivery] = []
    rig.link.consume("q", got.append, lambda _problem: None, prefetch=1)
    rig.link.bind("amq.topic", "q", "a.#")
    rig.put("one")
    rig.put("three")
    state = rig.broker.queues()["q"]
    assert (state.ready, state.unsettled, state.size, state.consumers) == (1, 1, 5, 1)
    assert state.spec.durable
    spec, bindings = rig.broker.exchanges()["amq.topic"]
    assert spec.kind == "topic"
    assert [(binding.destination, binding.key) for binding in bindings] == [("q", "a.#")]


Work = queue.SimpleQueue[tuple[Connection, Delivery] | None]


def work_off(work: Work, seen: queue.SimpleQueue[bytes]) -> None:
    """Settle deliveries until told to end; give every fifth back once."""
    while (item := work.get(timeout=WAIT)) is not None:
        link, delivery = item
        if int(delivery.body) % 5 == 0 and not delivery.redelivered:
            link.reject(delivery, requeue=True)
            continue
        seen.put(delivery.body)
        link.ack(delivery)


def publish_some(rig: Rig, number: int) -> None:
    link = rig.transport.open()
    for place in range(200):
        rig.put(str(number * 1000 + place), link)


def consume_into(work: Work, link: Connection) -> None:
    link.consume("q", lambda d: work.put((link, d)), lambda _problem: None, prefetch=7)


def test_many_threads_lose_and_double_nothing() -> None:
    rig = Rig()
    seen: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    work: Work = queue.SimpleQueue()
    for _ in range(3):
        consume_into(work, rig.transport.open())
    workers = [threading.Thread(target=work_off, args=(work, seen)) for _ in range(3)]
    publishers = [threading.Thread(target=publish_some, args=(rig, number)) for number in range(4)]
    for thread in (*workers, *publishers):
        thread.start()
    for thread in publishers:
        thread.join(WAIT)
    rig.transport.drain(timeout=WAIT)
    for _ in workers:
        work.put(None)
    for thread in workers:
        thread.join(WAIT)
    found = sorted(int(seen.get_nowait()) for _ in range(seen.qsize()))
    assert found == [number * 1000 + place for number in range(4) for place in range(200)]
