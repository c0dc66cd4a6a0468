"""Handlers that await what somebody else cancels: they have failed, and nothing stays in hand."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pelagos.messaging import (
    DeadLetters,
    Exchange,
    GenericConsumer,
    GenericProducer,
    MessageHandler,
    MessageProcessor,
    RpcHandler,
)
from pelagos.messaging.runner import serve
from pelagos.messaging.transports.memory import MemoryBroker, MemoryTransport

WAIT = 30.0


class Town(Exchange):
    name = "town"


class Producer(GenericProducer):
    eks = ((Town, "k"),)


async def _cancelled(*_: Any) -> None:
    gone = asyncio.get_running_loop().create_future()
    gone.cancel()
    await gone


class Reader(MessageProcessor):
    eqk = ((Town, [("inbox", "k")]),)
    retry = None


class Worker(Reader):
    @RpcHandler("command", "ask")
    async def ask(self, _content: Any) -> None:
        await _cancelled()

    @MessageHandler("command", "tell")
    async def tell(self, _content: Any) -> None:
        await _cancelled()


class Plain(Reader):
    """Of the kind that has a loop of its own for a while."""

    @RpcHandler("command", "ask")
    def ask(self, _content: Any) -> None:
        raise asyncio.CancelledError

    @MessageHandler("command", "tell")
    def tell(self, _content: Any) -> None:
        raise asyncio.CancelledError


@pytest.fixture
def bus() -> MemoryTransport:
    return MemoryTransport("", broker=MemoryBroker("cancelled"))


def _cancellations_are_told(bus: MemoryTransport) -> bool:
    """To the caller, and in the dead letters."""
    with Producer(bus=bus) as producer:
        answer = producer.rpc_ask(_timeout=WAIT)
        assert answer.body["content"]["message"].endswith("awaited something that was cancelled")
        producer.message_tell()
    bus.drain("inbox", timeout=WAIT)
    (letter,) = DeadLetters(bus).list()
    return ".tell awaited something that was cancelled" in letter.cause


@pytest.fixture(params=[Worker, Plain])
def kind(request: pytest.FixtureRequest) -> type[Reader]:
    found: type[Reader] = request.param
    return found


def test_in_a_thread(bus: MemoryTransport, kind: type[Reader]) -> None:
    with kind(bus=bus) as worker:
        worker.start()
        worker.wait_ready()
        assert _cancellations_are_told(bus)
        assert worker.is_running


def test_in_a_loop(bus: MemoryTransport, kind: type[Reader]) -> None:
    worker = kind(bus=bus)

    async def work() -> None:
        service = asyncio.create_task(serve(worker.consumer, worker.dispatch))
        await asyncio.to_thread(worker.wait_ready)
        assert await asyncio.to_thread(_cancellations_are_told, bus)
        worker.stop_consuming()
        await service

    asyncio.run(asyncio.wait_for(work(), WAIT))


def _raises(*_: Any) -> None:
    raise asyncio.CancelledError


@pytest.mark.parametrize("callback", [_cancelled, _raises])
def test_the_callback_of_a_consumer(bus: MemoryTransport, callback: Any) -> None:
    consumer = GenericConsumer([(Town, [("inbox", "k")])], bus=bus)
    consumer.start(callback)
    consumer.wait_ready()
    with Producer(bus=bus) as producer:
        producer.message_tell()
    bus.drain("inbox", timeout=WAIT)
    assert consumer.is_running
    assert consumer.stop()


@pytest.mark.parametrize("callback", [_cancelled, _raises])
def test_the_callback_of_a_consumer_in_a_loop(bus: MemoryTransport, callback: Any) -> None:
    consumer = GenericConsumer([(Town, [("inbox", "k")])], bus=bus)

    async def work() -> None:
        service = asyncio.create_task(serve(consumer, callback))
        await asyncio.to_thread(consumer.wait_ready)
        with Producer(bus=bus) as producer:
            await asyncio.to_thread(producer.message_tell)
        await asyncio.to_thread(bus.drain, "inbox", timeout=WAIT)
        service.cancel()
        with pytest.raises(asyncio.CancelledError):
            await service

    asyncio.run(asyncio.wait_for(work(), WAIT))
