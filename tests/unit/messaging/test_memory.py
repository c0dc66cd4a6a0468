"""What only the bus in memory does: its limits and lifetimes, and what a test can do to it."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import pytest

from pelagos.core.clock import ManualClock
from pelagos.messaging import (
    BrokerUnreachableError,
    ConnectionLostError,
    Exchange,
    MessagingError,
    PublishRefusedError,
    TopologyError,
    UnroutableError,
    connect,
)
from pelagos.messaging.transports.base import Connection, Delivery, Envelope, Properties, Queue
from pelagos.messaging.transports.memory import MemoryBroker, MemoryTransport


class Rig:
    def __init__(self, **options: Any) -> None:
        self.clock = ManualClock()
        self.broker = MemoryBroker("test", clock=self.clock, **options)
        self.link = self.open()
        self.problems: list[MessagingError | None] = []

    def open(self) -> Connection:
        return MemoryTransport("", broker=self.broker).open()

    def put(self, queue: str, body: bytes = b"x", **properties: Any) -> MessagingError | None:
        sent = Properties("m", **properties)
        self.link.publish(Envelope("", queue, body, sent, mandatory=True), self.problems.append)
        return self.problems[-1]

    def drain(self, queue: str) -> list[bytes]:
        got: list[Delivery] = []
        reader = self.open()
        reader.consume(queue, got.append, lambda _problem: None, prefetch=1_000_000)
        for delivery in got:
            reader.ack(delivery)
        reader.close()
        return [delivery.body for delivery in got]


def test_a_queue_without_a_limit_has_one_all_the_same() -> None:
    rig = Rig(queue_limit=3)
    rig.link.declare_queue(Queue("q"))
    assert [rig.put("q") for _ in range(3)] == [None] * 3
    assert isinstance(rig.put("q"), PublishRefusedError)
    assert len(rig.drain("q")) == 3
    assert rig.put("q") is None


def test_a_restart_keeps_what_is_durable_and_nothing_else() -> None:
    rig = Rig()
    rig.link.declare_exchange(type("Kept", (Exchange,), {"name": "kept"}))
    rig.link.declare_exchange(type("Gone", (Exchange,), {"name": "gone", "durable": False}))
    rig.link.declare_queue(Queue("q"))
    rig.link.declare_queue(Queue("passing", durable=False))
    rig.put("q", b"kept")
    rig.put("q", b"gone", persistent=False)
    rig.broker.stop()
    assert not rig.link.is_open
    with pytest.raises(BrokerUnreachableError):
        rig.open()
    rig.broker.start()
    rig.link = rig.open()
    assert rig.drain("q") == [b"kept"]
    rig.link.declare_exchange(type("Kept", (Exchange,), {"name": "kept", "passive": True}))
    for attempt in (
        lambda: rig.link.declare_exchange(
            type("Gone", (Exchange,), {"name": "gone", "passive": True})
        ),
        lambda: rig.link.declare_queue(Queue("passing", passive=True)),
    ):
        with pytest.raises(TopologyError):
            attempt()


def test_a_cut_tells_the_consumers_and_returns_what_they_had() -> None:
    rig = Rig()
    rig.link.declare_queue(Queue("q"))
    rig.put("q", b"1")
    got: list[Delivery] = []
    ended: list[MessagingError] = []
    rig.link.consume("q", got.append, ended.append, prefetch=1)
    assert rig.broker.depth("q") == 0
    rig.broker.cut()
    assert isinstance(ended[0], ConnectionLostError) and len(ended) == 1
    assert rig.broker.depth("q") == 1
    with pytest.raises(ConnectionLostError):
        rig.link.ack(got[0])


def test_an_expired_message_goes_exactly_when_its_time_is_over() -> None:
    rig = Rig()
    rig.link.declare_queue(Queue("q", arguments={"x-message-ttl": 1000}))
    rig.put("q", b"a")
    rig.put("q", b"b", expiration=0.5)
    rig.clock.advance(0.75)
    rig.put("q", b"c")
    rig.clock.advance(0.2)
    assert rig.drain("q") == [b"a", b"c"]


def test_an_unused_queue_goes_exactly_when_its_time_is_over() -> None:
    rig = Rig()
    rig.link.declare_queue(Queue("q", arguments={"x-expires": 1000}))
    rig.clock.advance(0.9)
    assert rig.put("q") is None
    rig.clock.advance(0.2)
    assert isinstance(rig.put("q"), UnroutableError)


def test_a_queue_that_is_read_does_not_go() -> None:
    rig = Rig()
    rig.link.declare_queue(Queue("q", arguments={"x-expires": 1000}))
    rig.link.consume("q", lambda _delivery: None, lambda _problem: None, prefetch=1)
    rig.clock.advance(100)
    assert rig.put("q") is None


def test_a_queue_that_is_asked_for_a_message_does_not_go() -> None:
    rig = Rig()
    rig.link.declare_queue(Queue("q", arguments={"x-expires": 1000}))
    for _ in range(3):
        rig.clock.advance(0.9)
        assert rig.link.get("q") is None
    assert rig.put("q") is None


def test_the_time_of_a_queue_begins_anew_with_a_restart() -> None:
    rig = Rig()
    rig.link.declare_queue(Queue("q", durable=True, arguments={"x-expires": 1000}))
    rig.broker.advance(0.9)
    rig.broker.stop()
    rig.broker.start()
    rig.broker.advance(0.9)
    assert "q" in rig.broker.queues()
    rig.broker.advance(0.1)
    assert "q" not in rig.broker.queues()


def test_the_newest_rules_want_a_queue_that_lasts_or_is_ones_own() -> None:
    rig = Rig(version="4")
    with pytest.raises(TopologyError) as refused:
        rig.link.declare_queue(Queue("q", durable=False))
    assert refused.value.code == 541
    for options in ({"durable": True}, {"durable": False, "exclusive": True}):
        rig.link.declare_queue(Queue(f"q{len(options)}", **options))


def test_what_a_restart_leaves_expires_in_its_time() -> None:
    rig = Rig()
    rig.link.declare_queue(Queue("q", durable=True))
    rig.put("q", b"goes", expiration=100.0, persistent=False)
    rig.put("q", b"stays", expiration=1.0)
    rig.broker.stop()
    rig.broker.start()
    rig.broker.advance(1.0)
    assert rig.broker.depth("q") == 0


def test_dead_letters_do_not_go_round_for_ever() -> None:
    rig = Rig()
    circle = {"x-dead-letter-exchange": "amq.fanout", "x-max-length": 0}
    for name in ("a", "b"):
        rig.link.declare_queue(Queue(name, arguments=circle))
        rig.link.bind("amq.fanout", name, "")
    rig.put("a")
    assert rig.problems == [None]
    assert (rig.broker.depth("a"), rig.broker.depth("b")) == (0, 0)


@pytest.mark.parametrize(
    "attempt",
    [
        lambda link: link.declare_exchange(
            type("Odd", (Exchange,), {"name": "odd", "exchange_type": "x-random"})
        ),
        lambda link: link.declare_queue(Queue("q", arguments={"x-max-priority": 500})),
        lambda link: link.declare_queue(Queue("q", arguments={"x-max-lenght": 5})),
        lambda link: link.declare_queue(Queue("q", arguments={"x-overflow": "reject"})),
        lambda link: link.bind("", "q", "k"),
    ],
)
def test_what_it_cannot_do_is_refused_and_not_ignored(
    attempt: Callable[[Connection], object],
) -> None:
    rig = Rig()
    with pytest.raises(TopologyError) as refused:
        attempt(rig.link)
    assert rig.link.is_open and str(refused.value)


def test_a_delivery_is_settled_once() -> None:
    rig = Rig()
    rig.link.declare_queue(Queue("q"))
    got: list[Delivery] = []
    rig.link.consume("q", got.append, lambda _problem: None, prefetch=1)
    rig.put("q", b"1")
    rig.put("q", b"2")
    rig.link.ack(got[0])
    rig.link.ack(got[0])
    rig.link.reject(got[0], requeue=True)
    assert [delivery.body for delivery in got] == [b"1", b"2"]
    assert rig.broker.depth("q") == 0


def test_a_delivery_of_another_connection_is_not_settled_here() -> None:
    rig = Rig()
    rig.link.declare_queue(Queue("q"))
    got: list[Delivery] = []
    rig.link.consume("q", got.append, lambda _problem: None, prefetch=1)
    rig.put("q", b"1")
    rig.open().ack(got[0])
    rig.link.close()
    assert rig.broker.depth("q") == 1


def test_a_bus_is_forgotten_with_its_last_user() -> None:
    first = connect("memory:forgotten")
    link = first.open()
    link.declare_queue(Queue("q"))
    del first
    gc.collect()
    again = connect("memory:forgotten")
    assert again.open().declare_queue(Queue("q", passive=True)).name == "q"
    link.close()
    del link, again
    gc.collect()
    with pytest.raises(TopologyError):
        connect("memory:forgotten").open().declare_queue(Queue("q", passive=True))
