"""Handlers that are coroutines: one at a time in a thread, many at once in a loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from pelagos.messaging import (
    Exchange,
    GenericConsumer,
    GenericProducer,
    MessagingError,
    ReceivedMessage,
    RejectMessage,
)
from pelagos.messaging.errors import AckAndRestart, ExitScheduler
from pelagos.messaging.middleware import Middleware
from pelagos.messaging.runner import serve
from pelagos.messaging.transports.memory import MemoryBroker, MemoryTransport

WAIT = 60.0


class Town(Exchange):
    name = "town"


class Place:
    def __init__(self) -> None:
        self.broker = MemoryBroker("loop")
        self.bus = MemoryTransport("", broker=self.broker)
        self.producer = GenericProducer(bus=self.bus)

    def consumer(self, **options: Any) -> GenericConsumer:
        return GenericConsumer([(Town, [("inbox", "k")])], bus=self.bus, **options)

    def send(self, *numbers: Any) -> None:
        for number in numbers:
            self.producer.message_go(number, _eks=[(Town, "k")])

    def prepare(self) -> None:
        """The queue is there before anybody consumes."""
        with self.consumer() as first:
            first.start(lambda _message: None)
            first.wait_ready(WAIT)


@pytest.fixture
def place() -> Iterator[Place]:
    made = Place()
    made.prepare()
    yield made
    made.producer.close()


def test_so_many_are_handled_at_once_and_no_more(place: Place) -> None:
    consumer = place.consumer(prefetch=1)
    now, most, done = 0, 0, 0

    async def handler(_message: ReceivedMessage) -> None:
        nonlocal now, most, done
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.002)
        now -= 1
        done += 1
        if done == 40:
            consumer.stop_consuming()

    place.send(*range(40))
    asyncio.run(asyncio.wait_for(serve(consumer, handler, concurrency=8), WAIT))
    assert (most, done) == (8, 40)
    assert place.broker.depth("inbox") == 0


def test_messages_in_hand_are_finished_at_the_end(place: Place) -> None:
    consumer = place.consumer()
    ended: list[int] = []

    async def handler(message: ReceivedMessage) -> None:
        number = message.content["parameters"]
        if number == 2:
            consumer.stop_consuming()
        await asyncio.sleep(0.05)
        ended.append(number)

    place.send(0, 1, 2)
    asyncio.run(asyncio.wait_for(serve(consumer, handler), WAIT))
    assert sorted(ended) == [0, 1, 2]
    assert place.broker.depth("inbox") == 0


def test_what_a_cancelled_service_had_in_hand_comes_again(place: Place) -> None:
    consumer = place.consumer()

    async def main() -> None:
        entered = asyncio.Event()

        async def handler(_message: ReceivedMessage) -> None:
            entered.set()
            await asyncio.sleep(WAIT * 2)

        task = asyncio.create_task(serve(consumer, handler))
        await entered.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    place.send(1)
    asyncio.run(asyncio.wait_for(main(), WAIT))
    assert place.broker.depth("inbox") == 1


@pytest.mark.parametrize("ending", [ExitScheduler, AckAndRestart])
def test_an_ending_is_raised_when_the_others_are_done(
    place: Place, ending: type[Exception]
) -> None:
    ended: list[str] = []

    async def handler(message: ReceivedMessage) -> None:
        if message.content["parameters"] == "end":
            await asyncio.sleep(0.01)
            raise ending
        await asyncio.sleep(0.05)
        ended.append("slow")

    place.send("slow", "end")
    with pytest.raises(ending):
        asyncio.run(asyncio.wait_for(serve(place.consumer(), handler), WAIT))
    assert ended == ["slow"] and place.broker.depth("inbox") == 0


def test_a_failure_concerns_its_message_only(place: Place) -> None:
    consumer = place.consumer()
    failures: list[str] = []
    consumer.on_failure = lambda message, error: (
        failures.append(str(error)),
        message.reject(),
    )

    async def handler(message: ReceivedMessage) -> None:
        await asyncio.sleep(0)
        match message.content["parameters"]:
            case "bad":
                raise ZeroDivisionError("bad")
            case "refused":
                raise RejectMessage("no")
            case "last":
                consumer.stop_consuming()

    place.send("bad", "refused", "last")
    asyncio.run(asyncio.wait_for(serve(consumer, handler), WAIT))
    assert failures == ["bad"]


def test_a_cut_connection_does_not_end_the_service(place: Place) -> None:
    consumer = place.consumer()
    heard: list[object] = []

    async def handler(message: ReceivedMessage) -> None:
        heard.append(message.content["parameters"])
        await asyncio.sleep(0)
        if heard[-1] == "last":
            consumer.stop_consuming()
        elif len(heard) == 1:
            place.broker.cut()
            place.send("last")

    place.send("first")
    asyncio.run(asyncio.wait_for(serve(consumer, handler), WAIT))
    assert heard[0] == "first" and heard[-1] == "last"


def test_a_coroutine_is_completed_in_a_thread_too(place: Place) -> None:
    seen: list[tuple[str, str]] = []
    done = threading.Event()

    class Watch(Middleware):
        def before_handle(self, received: Any, _handler: str) -> None:
            seen.append(("before", received.name))

        def after_handle(self, _received: Any, _handler: str, outcome: str, _s: float) -> None:
            seen.append(("after", outcome))
            done.set()

        def on_connected(self, bus: str) -> None:
            seen.append(("connected", bus))

        def on_disconnected(self, _bus: str, error: object) -> None:
            seen.append(("disconnected", str(error)))

    async def handler(_message: ReceivedMessage) -> None:
        await asyncio.sleep(0.001)
        seen.append(("handled", ""))

    consumer = place.consumer(middlewares=[Watch()])
    consumer.start(handler)
    place.send(1)
    assert done.wait(WAIT)
    assert consumer.stop(WAIT)
    assert seen == [
        ("connected", "memory:loop"),
        ("before", "go"),
        ("handled", ""),
        ("after", "ack"),
        ("disconnected", "None"),
    ]
    assert place.broker.depth("inbox") == 0


def test_the_handlers_of_a_cancelled_service_end_with_it(place: Place) -> None:
    async def work() -> bool:
        begun, ended = asyncio.Event(), asyncio.Event()

        async def handler(_message: ReceivedMessage) -> None:
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

        service = asyncio.create_task(serve(place.consumer(), handler))
        await begun.wait()
        service.cancel()
        with pytest.raises(asyncio.CancelledError):
            await service
        await ended.wait()
        return True

    place.send(1)
    assert asyncio.run(asyncio.wait_for(work(), WAIT))


def test_one_at_a_time_is_enough(place: Place) -> None:
    consumer = place.consumer()
    place.send(1)
    asyncio.run(
        asyncio.wait_for(
            serve(consumer, lambda _message: consumer.stop_consuming(), concurrency=1), WAIT
        )
    )
    assert place.broker.depth("inbox") == 0


def test_a_concurrency_of_nothing_is_refused(place: Place) -> None:
    with pytest.raises(MessagingError, match="concurrency"):
        asyncio.run(serve(place.consumer(), lambda _message: None, concurrency=0))
