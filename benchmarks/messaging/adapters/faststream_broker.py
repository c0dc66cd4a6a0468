"""FastStream's RabbitBroker."""

import asyncio

from faststream.rabbit import Channel, RabbitBroker, RabbitQueue
from measure import call_in_tasks, content, ready, run, with_window


def _broker(url, **channel):
    return RabbitBroker(url, logger=None, default_channel=Channel(**channel))


def publish(url, queue, count, how, clock):
    async def work():
        broker = _broker(url, publisher_confirms=how != "none")
        await broker.connect()
        await broker.declare_queue(RabbitQueue(queue, durable=True))

        def send(number):
            return broker.publish(content(number), queue, persist=True)

        clock.start()
        if how == "many":
            await with_window(send, count)
        else:
            for number in range(count):
                await send(number)
        await broker.declare_queue(RabbitQueue(queue, durable=True))
        clock.stop()

    asyncio.run(work())


def consume(url, queue, count, prefetch, clock):
    async def work():
        broker = _broker(url, prefetch_count=prefetch)
        done, seen = asyncio.Event(), 0

        @broker.subscriber(RabbitQueue(queue, durable=True))
        async def handle(_content: dict):
            nonlocal seen
            clock.start()  # its own beginning is not counted
            seen += 1
            if seen == count:
                done.set()

        await broker.start()
        await done.wait()
        clock.stop()

    asyncio.run(work())


def serve(url, queue):
    async def work():
        broker = _broker(url, prefetch_count=50)

        @broker.subscriber(RabbitQueue(queue, durable=True))
        async def answer(given: dict) -> dict:
            return given

        await broker.start()
        ready()
        await asyncio.Event().wait()

    asyncio.run(work())


def call(url, queue, count, callers, clock):
    async def work():
        broker = RabbitBroker(url, logger=None)
        await broker.connect()

        async def one(number):
            answer = await broker.request(content(number), queue, timeout=30)
            return await answer.decode()

        return await call_in_tasks(one, count, callers, clock)

    return asyncio.run(work())


run(globals())
