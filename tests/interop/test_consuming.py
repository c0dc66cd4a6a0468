"""What a consumer keeps through faults, on a real broker."""

from __future__ import annotations

import queue
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from pelagos.core.backoff import Backoff
from pelagos.messaging import (
    Exchange,
    GenericConsumer,
    MessagingError,
    ReceivedMessage,
    TopologyError,
    connect,
)
from pelagos.messaging.encoder import JsonEncoder
from pelagos.messaging.message import MessageCommand
from pelagos.messaging.transports.base import Envelope, Properties, Queue
from support.tcp_proxy import TcpProxy

pytestmark = pytest.mark.interop

WAIT = 60.0
QUICK = Backoff(first=0.02, limit=0.2)


class Place:
    """An exchange and queues of one's own, and a proxy that can cut the consumer off."""

    def __init__(self, url: str, scheme: str) -> None:
        self.proxy = TcpProxy("127.0.0.1", urlsplit(url).port or 0)
        self.proxy.__enter__()
        self.bus = connect(f"{scheme}://127.0.0.1:{self.proxy.port}/")
        self.link = connect(url).open()
        self.name = uuid.uuid4().hex[:8]
        self.town = type("Town", (Exchange,), {"name": f"town-{self.name}"})
        self.got: queue.Queue[ReceivedMessage] = queue.Queue()
        self.consumers: list[GenericConsumer] = []

    def queue(self, name: str) -> str:
        return f"{name}-{self.name}"

    def consumer(self, *names: str, callback: Any = None, **options: Any) -> GenericConsumer:
        pairs = [(self.queue(name), name) for name in names]
        made = GenericConsumer([(self.town, pairs)], bus=self.bus, backoff=QUICK, **options)
        self.consumers.append(made)
        made.start(callback or self.got.put)
        made.wait_ready(WAIT)
        return made

    def send(self, given: Any, key: str) -> None:
        body = JsonEncoder.encode(MessageCommand("go", given).body)
        done: queue.Queue[object] = queue.Queue()
        self.link.publish(Envelope(self.town.name, key, body, Properties("m")), done.put)
        assert done.get(timeout=WAIT) is None

    def take(self) -> Any:
        return self.got.get(timeout=WAIT).content["parameters"]

    def info(self, name: str) -> tuple[int, int]:
        found = self.link.declare_queue(Queue(self.queue(name), passive=True))
        return found.messages, found.consumers

    def until(self, true: Callable[[], object]) -> None:
        deadline = time.monotonic() + WAIT
        while True:
            try:
                if true():
                    return
            except MessagingError:
                pass
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def close(self) -> None:
        for consumer in self.consumers:
            assert consumer.stop(WAIT)
            for binding in consumer.bindings:
                self.link.delete_queue(binding.queue.name)
        self.link.delete_exchange(self.town.name)
        self.link.close()
        self.proxy.__exit__(None, None, None)


@pytest.fixture(params=["amqp", "amqp+pika"])
def place(request: pytest.FixtureRequest, rabbitmq_url: str) -> Iterator[Place]:
    made = Place(rabbitmq_url, request.param)
    yield made
    made.close()


def test_bindings_made_at_run_time_come_back_with_the_connection(place: Place) -> None:
    consumer = place.consumer("first")
    consumer.queue_bind(place.town, place.queue("late"), "late")
    consumer.queue_bind(place.town, place.queue("first"), "more")
    place.proxy.cut()
    place.until(lambda: place.info("late")[1] == place.info("first")[1] == 1)
    for key in ("late", "first", "more"):
        place.send(key, key)
    assert sorted(place.take() for _ in range(3)) == ["first", "late", "more"]


def test_the_loss_of_one_queue_does_not_disturb_the_others(place: Place) -> None:
    entered, leave = threading.Event(), threading.Event()

    def slow(message: ReceivedMessage) -> None:
        place.got.put(message)
        if message.content["parameters"] == "long":
            entered.set()
            assert leave.wait(WAIT)

    place.consumer("first", "second", callback=slow)
    accepted = place.proxy.accepted
    place.send("long", "first")
    assert entered.wait(WAIT)
    place.link.delete_queue(place.queue("second"))
    place.until(lambda: place.info("second")[1] == 1)
    place.send("second", "second")
    leave.set()
    assert [place.take(), place.take()] == ["long", "second"]
    place.until(lambda: place.info("first") == (0, 1))
    assert place.got.empty() and place.proxy.accepted == accepted


def test_what_was_in_hand_during_a_cut_comes_again_once(place: Place) -> None:
    entered, leave = threading.Event(), threading.Event()

    def slow(message: ReceivedMessage) -> None:
        place.got.put(message)
        entered.set()
        assert leave.wait(WAIT)

    place.consumer("first", callback=slow)
    place.send("x", "first")
    assert entered.wait(WAIT)
    accepted = place.proxy.accepted
    place.proxy.cut()
    place.until(lambda: place.proxy.accepted > accepted and place.info("first")[1] == 1)
    leave.set()
    assert [place.take(), place.take()] == ["x", "x"]
    place.until(lambda: place.info("first") == (0, 1))
    assert place.got.empty()


def test_what_was_fetched_goes_to_others_at_once_when_it_stops(place: Place) -> None:
    entered, leave = threading.Event(), threading.Event()

    def slow(_message: ReceivedMessage) -> None:
        entered.set()
        assert leave.wait(WAIT)

    consumer = place.consumer("first", callback=slow)
    for number in range(20):
        place.send(number, "first")
    assert entered.wait(WAIT)
    consumer.stop_consuming()
    place.consumer("first")
    assert sorted(place.take() for _ in range(19)) == list(range(1, 20))
    leave.set()
    assert consumer.stop(WAIT)
    place.until(lambda: place.info("first") == (0, 1))


def test_a_binding_that_the_broker_refuses_harms_nothing(place: Place) -> None:
    consumer = place.consumer("first")
    different = type("Different", (Exchange,), {"name": place.town.name, "exchange_type": "topic"})
    with pytest.raises(TopologyError):
        consumer.queue_bind(different, place.queue("first"), "#")
    place.link.declare_queue(Queue(place.queue("odd"), arguments={"x-max-length": 1}))
    with pytest.raises(TopologyError):
        consumer.queue_bind(place.town, place.queue("odd"), "x")
    place.link.delete_queue(place.queue("odd"))
    assert len(consumer.bindings) == 1
    place.send("still", "first")
    assert place.take() == "still"


def test_a_named_queue_of_ones_own_comes_back(place: Place) -> None:
    consumer = place.consumer()
    consumer.queue_bind(place.town, place.queue("own"), "own", exclusive=True)
    place.proxy.cut()

    def is_heard() -> bool:
        place.send("x", "own")
        return not place.got.empty()

    place.until(is_heard)
    assert place.take() == "x"
