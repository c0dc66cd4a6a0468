"""Processors on a real RabbitMQ: waiting, dying, coming back, and what villains send."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from pelagos.messaging import (
    BrokerUnreachableError,
    Handler,
    MessageHandler,
    MessageProcessor,
    MessagingError,
    Retry,
    RpcHandler,
    connect,
)
from pelagos.messaging.transports.base import Envelope, Properties, Queue
from support.bus_desk import WAIT, Desk
from support.hostile_desk import survive
from support.rabbitmq import Broker

pytestmark = pytest.mark.interop


@pytest.fixture(params=["amqp", "amqp+pika"])
def desk(request: pytest.FixtureRequest, rabbitmq_url: str) -> Iterator[Desk]:
    made = Desk(connect(f"{request.param}{rabbitmq_url.removeprefix('amqp')}"))
    note_waiting(made, made.queue)
    yield made
    made.close()


class Failing(MessageProcessor):
    """Fails until the attempt that the parameters name."""

    desk: Desk
    retry = Retry(attempts=3, first=0.05, factor=2)

    @MessageHandler("command", "go")
    def msg_go(self, content: Any) -> None:
        message = self.current.message
        self.desk.got.put((message.attempt, message.key, message.delivery.exchange))
        if message.attempt <= content["parameters"]:
            raise OSError("disk full")

    @RpcHandler("command", "add")
    class Add(Handler):
        def call(self) -> Any:
            return sum(self.data["parameters"])


def note_waiting(desk: Desk, queue: str) -> None:
    """Delete the queues in which messages of this one waited, too."""
    endings = [*Failing.retry.delays_ms(), "delays"]
    desk.queues += [f"{queue}.retry.{ending}" for ending in endings]


@pytest.mark.parametrize("kind", ["classic", "quorum"])
def test_a_failed_message_waits_comes_again_and_dies_with_its_story(desk: Desk, kind: str) -> None:
    desk.run(Failing, flags={"arguments": {"x-queue-type": kind}})
    desk.tell("go", 2, headers={"CC": ["also"], "mine": 1}, user_id="guest", expiration=600.0)
    assert [desk.take() for _ in range(3)] == [
        (attempt, "k", desk.exchange.name) for attempt in (1, 2, 3)
    ]
    desk.tell("go", 99, message_id="m")
    (letter,) = desk.letters()
    assert (letter.queue, letter.key, letter.attempts) == (desk.queue, "k", 3)
    assert (letter.cause, letter.properties.message_id) == ("OSError: disk full", "m")
    while not desk.got.empty():
        desk.take()
    desk.dead.retry(letter.id)
    assert desk.take() == (1, "k", desk.exchange.name)
    desk.letters()
    desk.dead.drop()
    assert desk.dead.count() == 0


def test_headers_that_a_broker_acts_on_do_not_multiply_a_message(desk: Desk) -> None:
    desk.run(Failing)
    copies = desk.link.declare_queue(Queue(f"{desk.queue}.copies"))
    desk.queues.append(copies.name)
    desk.tell("go", 99, headers={"CC": [copies.name]}, user_id="guest")
    (letter,) = desk.letters()
    assert letter.properties.headers["x-pelagos-user-id"] == "guest"
    assert desk.waiting(copies.name) == 0  # CC counts for the exchange of the message alone


def test_a_queue_of_ones_own_is_tried_again_too(desk: Desk) -> None:
    own = type("Own", (Failing,), {"dead_letters": desk.graves})
    processor: Any = own({"name": "own"}, [(desk.exchange, [("", "k")])], bus=desk.bus)
    processor.desk = desk
    desk.processors.append(processor)
    processor.start()
    processor.wait_ready(WAIT)
    desk.tell("go", 1)
    assert [desk.take()[0] for _ in range(2)] == [1, 2]


def test_what_a_quorum_queue_gives_up_is_among_the_dead(desk: Desk) -> None:
    flags = {"arguments": {"x-queue-type": "quorum", "x-delivery-limit": 1}}
    processor = desk.run(Failing, flags=flags)
    processor.stop(WAIT)
    desk.tell("go", 0)
    for _ in range(2):  # as a worker does that dies over it
        link = desk.bus.open()
        desk.until(lambda link=link: link.get(desk.queue) is not None)  # type: ignore[misc]
        link.close()
    (letter,) = desk.letters()
    assert letter.queue == desk.queue
    assert letter.cause == "it was delivered too often without being settled"
    assert letter.attempts >= 1


def test_calls_are_answered_over_amqp(desk: Desk) -> None:
    desk.run(Failing)
    assert desk.ask("add", [1, 2])["value"] == 3
    assert [desk.ask("add", [n], message_id="same")["value"] for n in (5, 6)] == [5, 5]
    assert "no handler" in desk.ask("unknown")["message"]
    desk.raw(b"{", reply_to="amq.rabbitmq.reply-to.garbage", correlation_id="x")
    desk.letters()
    assert desk.ask("add", [3])["value"] == 3


def test_the_dead_are_kept_in_order(desk: Desk) -> None:
    desk.link.declare_queue(Queue(desk.graves))
    for number in range(10):
        desk.put(Envelope("", desk.graves, b"%d" % number, Properties(f"m{number}")))
    ids = [letter.id for letter in desk.letters(10)]
    desk.dead.drop(ids[4])
    assert [letter.body for letter in desk.dead.list(5)] == [b"0", b"1", b"2", b"3", b"5"]
    with pytest.raises(MessagingError, match="nobody knows"):
        desk.dead.retry(ids[0])


def test_villains_harm_no_processor_on_a_broker(
    desk: Desk, rabbitmq_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "pelagos.messaging")
    tally = survive(desk.bus, 1500, seed=9, sender=connect(rabbitmq_url))
    assert min(tally.values()) > 30, tally


def test_a_broker_that_is_killed_loses_nothing_on_its_way_to_the_dead(
    own_rabbitmq: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "pelagos.messaging")
    desk = Desk(connect(own_rabbitmq.url))
    sent: set[str] = set()
    desk.run(type("Once", (Failing,), {"retry": None}))
    for _ in range(3):
        for _ in range(100):
            message_id = uuid.uuid4().hex
            desk.tell("go", 99, message_id=message_id)
            sent.add(message_id)
        own_rabbitmq.kill()
        own_rabbitmq.start()
        desk.until(lambda: _reconnected(desk))
    desk.until(lambda: {one.properties.message_id for one in desk.dead.list(10_000)} >= sent)
    assert desk.dead.count() >= len(sent) == 300
    desk.stop()


def _reconnected(desk: Desk) -> bool:
    try:
        desk.link = desk.bus.open()
    except BrokerUnreachableError:
        return False
    return True
