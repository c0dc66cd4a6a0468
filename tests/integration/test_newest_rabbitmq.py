"""What RabbitMQ 4.3 changed, as the embedded broker has it, and that all of ours works with it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from pelagos.core.backoff import Backoff
from pelagos.messaging import (
    DeadLetters,
    Exchange,
    GenericApplication,
    GenericApplicationProducer,
    GenericProducer,
    MessageHandler,
    MessageProcessor,
    Retry,
    RpcHandler,
    connect,
)
from pelagos.messaging.broker.server import EmbeddedBroker
from pelagos.messaging.observation.tap import Tap
from pelagos.messaging.transports.base import Queue
from support.amqp_desk import Desk, eventually, put, refusal

WAIT = 60.0


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker(version="4") as broker:
        yield broker


@pytest.fixture
def desk(broker: EmbeddedBroker) -> Iterator[Desk]:
    with ExitStack() as stack:
        yield Desk(broker.url, stack)


def test_a_queue_neither_durable_nor_exclusive_is_refused(desk: Desk) -> None:
    made = lambda **flags: desk.channel().queue_declare(desk.name(), **flags)  # noqa: E731
    assert refusal(made) == ("connection", 541)
    assert refusal(lambda: made(auto_delete=True)) == ("connection", 541)
    made(exclusive=True, auto_delete=True)
    made(durable=True, auto_delete=True)


def test_a_quorum_queue_counts_a_reject_and_no_nack(desk: Desk) -> None:
    channel = desk.channel()
    arguments = {"x-queue-type": "quorum", "x-delivery-limit": 1}
    queue = desk.queue(channel, exclusive=False, durable=True, arguments=arguments)
    put(channel, queue, "a")

    def tag() -> int:
        return int(channel.basic_get(queue)[0].delivery_tag)

    for _ in range(5):
        channel.basic_nack(tag(), requeue=True)
    channel.basic_reject(tag(), requeue=True)
    channel.basic_nack(tag(), multiple=True, requeue=True)
    channel.basic_reject(tag(), requeue=True)
    assert channel.basic_get(queue)[0] is None


def test_a_delivery_limit_of_less_than_nothing_is_none(desk: Desk) -> None:
    channel = desk.channel()
    arguments = {"x-queue-type": "quorum", "x-delivery-limit": -1}
    queue = desk.queue(channel, exclusive=False, durable=True, arguments=arguments)
    put(channel, queue, "a")
    for _ in range(30):
        channel.basic_reject(channel.basic_get(queue)[0].delivery_tag, requeue=True)
    assert channel.basic_get(queue)[2] == b"a"


class Works(Exchange):
    name = "works"


class Producer(GenericProducer):
    eks = ((Works, "work"),)


class Worker(MessageProcessor):
    eqk = ((Works, [(Queue("work", arguments={"x-queue-type": "quorum"}), "work"), ("", "mine")]),)
    retry = Retry(attempts=2, first=0.01, limit=0.01)

    def __init__(self, **options: Any) -> None:
        super().__init__({"name": "worker"}, **options)
        self.seen: list[tuple[str, int]] = []

    @MessageHandler("command", "work")
    def msg_work(self, content: Any) -> None:
        self.seen.append((content["parameters"], self.current.message.attempt))
        if content["parameters"] == "bad":
            raise ValueError("no")

    @RpcHandler("command", "echo")
    def rpc_echo(self, content: Any) -> Any:
        return content["parameters"]


@pytest.mark.parametrize("scheme", ["amqp", "amqp+pika"])
def test_everything_that_ours_declares_is_taken(broker: EmbeddedBroker, scheme: str) -> None:
    bus = connect(broker.url.replace("amqp", scheme, 1))
    quick = Backoff(first=0.01, limit=0.1)
    with contextlib.ExitStack() as stack:
        worker = stack.enter_context(Worker(bus=bus, backoff=quick))
        worker.start()
        worker.wait_ready(WAIT)
        producer = stack.enter_context(Producer(bus=bus))
        tap = stack.enter_context(contextlib.closing(Tap(bus, [Works], ["work"])))
        tap.open()
        producer.message_work("good", _mandatory=True, _timeout=WAIT)
        producer.message_work("good", _key="mine", _mandatory=True, _timeout=WAIT)
        producer.message_work("bad", _mandatory=True, _timeout=WAIT)
        assert eventually(lambda: DeadLetters(bus).count() == 1)
        assert sorted(worker.seen) == [("bad", 1), ("bad", 2), ("good", 1), ("good", 1)]
        assert tap.next(WAIT) is not None
        DeadLetters(bus).retry()
        assert eventually(lambda: DeadLetters(bus).count() == 1)
        for replies in ("shared", "direct", "private"):
            producer.rpc_replies = replies
            assert producer.rpc_echo(replies, _timeout=WAIT).body["content"]["value"] == replies
        answers = producer.consume_rpc(producer.rpc_queue_echo(3), timeout=WAIT)
        assert [answer.body["content"]["value"] for answer in answers] == [3]

        lights = GenericApplication({"name": "lights"}, groups=["red"], bus=bus)
        stack.enter_context(lights)
        lights.start()
        lights.wait_ready(WAIT)
        with GenericApplicationProducer(bus=bus) as asker:
            assert asker.rpc_ping(_key="lights#red/rr", _timeout=WAIT)
    assert "pelagos.dead" in broker.core().queues()
