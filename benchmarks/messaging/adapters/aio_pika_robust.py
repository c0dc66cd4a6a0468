"""aio-pika with its robust connection."""

import asyncio
import json
import uuid

import aio_pika
from measure import call_in_tasks, content, dumps, ready, run, with_window


def publish(url, queue, count, how, clock):
    async def work():
        connection = await aio_pika.connect_robust(url)
        channel = await connection.channel(publisher_confirms=how != "none")
        await channel.declare_queue(queue, durable=True)

        def send(number):
            message = aio_pika.Message(
                dumps(content(number)),
                content_type="application/json",
                delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            )
            return channel.default_exchange.publish(message, queue)

        clock.start()
        if how == "many":
            await with_window(send, count)
        else:
            for number in range(count):
                await send(number)
        await channel.declare_queue(queue, passive=True)
        clock.stop()

    asyncio.run(work())


def consume(url, queue, count, prefetch, clock):
    async def work():
        connection = await aio_pika.connect_robust(url)
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=prefetch)
        source = await channel.get_queue(queue)
        done, seen = asyncio.Event(), 0

        async def handle(message):
            nonlocal seen
            json.loads(message.body)
            await message.ack()
            seen += 1
            if seen == count:
                done.set()

        clock.start()
        await source.consume(handle)
        await done.wait()
        clock.stop()

    asyncio.run(work())


def serve(url, queue):
    async def work():
        connection = await aio_pika.connect_robust(url)
        channel = await connection.channel(publisher_confirms=False)
        await channel.set_qos(prefetch_count=50)
        source = await channel.declare_queue(queue, durable=True)

        async def answer(message):
            reply = aio_pika.Message(
                dumps(json.loads(message.body)),
                content_type="application/json",
                correlation_id=message.correlation_id,
            )
            # A direct reply counts as returned when it is mandatory.
            await channel.default_exchange.publish(reply, message.reply_to, mandatory=False)
            await message.ack()

        await source.consume(answer)
        ready()
        await asyncio.Event().wait()

    asyncio.run(work())


def call(url, queue, count, callers, clock):
    async def work():
        connection = await aio_pika.connect_robust(url)
        channel = await connection.channel(publisher_confirms=False)
        replies = await channel.get_queue("amq.rabbitmq.reply-to", ensure=False)
        waiting = {}

        async def take(message):
            waiting.pop(message.correlation_id).set_result(json.loads(message.body))

        await replies.consume(take, no_ack=True)

        async def one(number):
            name = uuid.uuid4().hex
            answer = waiting[name] = asyncio.get_running_loop().create_future()
            message = aio_pika.Message(
                dumps(content(number)),
                content_type="application/json",
                correlation_id=name,
                reply_to="amq.rabbitmq.reply-to",
            )
            await channel.default_exchange.publish(message, queue)
            return await answer

        return await call_in_tasks(one, count, callers, clock)

    return asyncio.run(work())


run(globals())
