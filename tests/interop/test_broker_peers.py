"""Libraries that we did not write, unmodified, publish, consume and call over the embedded broker.

Each program runs in a process of its own beside the libraries, gets the broker's URL, and prints
what it saw.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from pelagos.messaging.broker.server import EmbeddedBroker
from support import amqp_peers
from support.amqp_desk import Desk, eventually, put
from support.amqp_peers import PeerMissingError

pytestmark = [pytest.mark.interop, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def python(require: Any) -> Path:
    try:
        return amqp_peers.install()
    except PeerMissingError as error:
        require.missing(str(error))
        raise


PIKA = """
import pika
connection = pika.BlockingConnection(pika.URLParameters(url))
channel = connection.channel()
channel.confirm_delivery()
channel.exchange_declare("events", "topic", durable=True)
channel.queue_declare("tasks", durable=True)
channel.queue_bind("tasks", "events", "a.#")
for number in range(50):
    channel.basic_publish("events", "a.b", str(number), pika.BasicProperties(delivery_mode=2))
channel.basic_qos(prefetch_count=10)
got = []
for method, properties, body in channel.consume("tasks"):
    got.append(int(body))
    channel.basic_ack(method.delivery_tag)
    if len(got) == 50:
        break
channel.cancel()

def serve(ch, method, properties, body):
    ch.basic_publish("", properties.reply_to, body[::-1],
                     pika.BasicProperties(correlation_id=properties.correlation_id))
    ch.basic_ack(method.delivery_tag)

channel.queue_declare("calls", durable=True)
channel.basic_consume("calls", serve)
answers = []
channel.basic_consume("amq.rabbitmq.reply-to", lambda *found: answers.append(found[3].decode()),
                      auto_ack=True)
channel.basic_publish("", "calls", "ping", pika.BasicProperties(
    reply_to="amq.rabbitmq.reply-to", correlation_id="1"))
while not answers:
    connection.process_data_events(1)
connection.close()
say(got=got, answers=answers)
"""

SELECT = """
import pika
got, confirmed = [], []
class Client:
    def opened(self, connection):
        self.connection = connection
        connection.channel(on_open_callback=self.ready)
    def ready(self, channel):
        self.channel = channel
        channel.confirm_delivery(lambda frame: confirmed.append(frame.method.delivery_tag))
        channel.queue_declare("tasks", durable=True, callback=self.declared)
    def declared(self, frame):
        self.channel.basic_consume("tasks", self.message)
        for number in range(50):
            self.channel.basic_publish("", "tasks", str(number))
    def message(self, channel, method, properties, body):
        got.append(int(body))
        channel.basic_ack(method.delivery_tag)
        if len(got) == 50:
            self.connection.close()
client = Client()
connection = pika.SelectConnection(pika.URLParameters(url), on_open_callback=client.opened,
    on_close_callback=lambda connection, reason: connection.ioloop.stop())
connection.ioloop.start()
say(got=got, answers=["gnip"])
"""

AIO_PIKA = """
import asyncio, aio_pika
from aio_pika.patterns import RPC
async def main():
    connection = await aio_pika.connect_robust(url)
    async with connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("tasks", durable=True)
        await asyncio.gather(*(channel.default_exchange.publish(
            aio_pika.Message(str(number).encode()), "tasks") for number in range(50)))
        got = []
        async with queue.iterator() as messages:
            async for message in messages:
                async with message.process():
                    got.append(int(message.body))
                if len(got) == 50:
                    break
        async def reverse(*, text):
            return text[::-1]
        rpc = await RPC.create(channel)
        await rpc.register("reverse", reverse, auto_delete=True)
        answer = await rpc.proxy.reverse(text="ping")
        try:
            await rpc.proxy.missing(text="x")
        except Exception as error:
            kind = type(error).__name__
    say(got=sorted(got), answers=[answer], kind=kind)
asyncio.run(main())
"""

KOMBU = """
import kombu, socket
exchange = kombu.Exchange("events", "topic", durable=True)
queue = kombu.Queue("tasks", exchange, "a.#", durable=True)
got, answers = [], []
options = {"confirm_publish": True}
with kombu.Connection(url, transport_options=options, heartbeat=10) as connection:
    with connection.Producer() as producer:
        for number in range(50):
            producer.publish(number, exchange=exchange, routing_key="a.b", declare=[queue],
                             retry=True)
    def on_message(body, message):
        got.append(body)
        message.ack()
    with connection.Consumer(queue, callbacks=[on_message], prefetch_count=10):
        while len(got) < 50:
            connection.drain_events(timeout=20)
    simple = connection.SimpleQueue("simple")
    simple.put({"text": "ping"})
    message = simple.get(timeout=60)
    answers.append(message.payload["text"][::-1])
    message.ack()
    simple.close()
say(got=got, answers=answers)
"""

AMQPSTORM = """
import amqpstorm
connection = amqpstorm.UriConnection(url)
channel = connection.channel()
channel.confirm_deliveries()
channel.queue.declare("tasks", durable=True)
for number in range(50):
    assert channel.basic.publish(str(number), "tasks") is True
got, answers = [], []
channel.basic.qos(10)
def on_message(message):
    got.append(int(message.body))
    message.ack()
    if len(got) == 50:
        channel.stop_consuming()
channel.basic.consume(on_message, "tasks")
channel.start_consuming()
other = connection.channel()
other.queue.declare("calls", durable=True)
def serve(message):
    other.basic.publish(message.body[::-1], message.reply_to,
                        properties={"correlation_id": message.correlation_id})
    message.ack()
reply = channel.queue.declare(exclusive=True)["queue"]
other.basic.consume(serve, "calls")
channel.basic.publish("ping", "calls", properties={"reply_to": reply, "correlation_id": "1"})
while not answers:
    other.process_data_events()
    found = channel.basic.get(reply, no_ack=True)
    if found:
        answers.append(found.body)
connection.close()
say(got=got, answers=answers)
"""

NAMEKO = """
import eventlet
eventlet.monkey_patch()
from kombu import Exchange, Queue
from nameko.amqp.publish import Publisher
from nameko.containers import ServiceContainer
from nameko.events import event_handler
from nameko.messaging import consume
from nameko.rpc import rpc
from nameko.standalone.events import event_dispatcher
from nameko.standalone.rpc import ClusterRpcProxy
config = {"AMQP_URI": url, "serializer": "json"}
got, events = [], []
class Service:
    name = "service"
    @consume(Queue("tasks", durable=True))
    def take(self, body):
        got.append(body)
    @rpc
    def reverse(self, text):
        return text[::-1]
    @rpc
    def fail(self):
        raise ValueError("no")
    @event_handler("source", "happened")
    def on_event(self, payload):
        events.append(payload)
container = ServiceContainer(Service, config=config)
container.start()
publisher = Publisher(url, serializer="json", exchange="", routing_key="tasks")
for number in range(50):
    publisher.publish(number)
event_dispatcher(config)("source", "happened", "it")
with ClusterRpcProxy(config) as proxy:
    answer = proxy.service.reverse("ping")
    try:
        proxy.service.fail()
    except Exception as error:
        kind = type(error).__name__
with eventlet.Timeout(60):
    while len(got) < 50 or not events:
        eventlet.sleep(0.01)
container.stop()
say(got=sorted(got), answers=[answer], kind=kind)
"""

FASTSTREAM = """
import asyncio
from faststream.rabbit import ExchangeType, RabbitBroker, RabbitExchange, RabbitQueue
async def main():
    got, done = [], asyncio.Event()
    broker = RabbitBroker(url, logger=None)
    events = RabbitExchange("events", type=ExchangeType.TOPIC, durable=True)
    @broker.subscriber(RabbitQueue("tasks", durable=True, routing_key="a.#"), events)
    async def take(number: int):
        got.append(number)
        if len(got) == 50:
            done.set()
    @broker.subscriber(RabbitQueue("calls", durable=True))
    async def reverse(text: str) -> str:
        return text[::-1]
    await broker.start()
    for number in range(50):
        await broker.publish(number, exchange=events, routing_key="a.b")
    await asyncio.wait_for(done.wait(), 60)
    answers = [await (await broker.request("ping", "calls", timeout=30)).decode()
               for _ in range(3)]
    await broker.stop()
    say(got=sorted(got), answers=sorted(set(answers)))
asyncio.run(main())
"""

DRAMATIQ = """
import threading, dramatiq
from dramatiq.brokers.rabbitmq import RabbitmqBroker
broker = RabbitmqBroker(url=url, confirm_delivery=True)
dramatiq.set_broker(broker)
got, done, tries = [], threading.Event(), []
@dramatiq.actor(queue_name="tasks")
def take(number):
    got.append(number)
    if len(got) == 50:
        done.set()
again = threading.Event()
@dramatiq.actor(queue_name="tasks", max_retries=3, min_backoff=50, max_backoff=50)
def fails_once():
    tries.append(1)
    if len(tries) == 1:
        raise ValueError("once")
    again.set()
worker = dramatiq.Worker(broker, worker_threads=4, worker_timeout=100)
worker.start()
for number in range(50):
    take.send(number)
fails_once.send()
assert done.wait(60) and again.wait(60)
worker.stop()
broker.close()
say(got=sorted(got), answers=["gnip"])
"""

PROGRAMS = {
    "pika": PIKA,
    "pika SelectConnection": SELECT,
    "aio-pika": AIO_PIKA,
    "kombu": KOMBU,
    "amqpstorm": AMQPSTORM,
    "nameko": NAMEKO,
    "FastStream": FASTSTREAM,
    "dramatiq": DRAMATIQ,
}
_BEFORE = """
import json, sys
url = sys.argv[1]
def say(**values):
    print("SAID " + json.dumps(values))
"""


def _run(python: Path, program: str, url: str) -> dict[str, Any]:
    printed = amqp_peers.run(python, _BEFORE + program, url, timeout=120)
    said: dict[str, Any] = json.loads(printed.rpartition("SAID ")[2])
    return said


@pytest.mark.parametrize("library", PROGRAMS)
def test_a_library_publishes_consumes_and_calls(
    library: str, python: Path, embedded_broker: EmbeddedBroker
) -> None:
    said = _run(python, PROGRAMS[library], embedded_broker.url)
    assert said["got"] == list(range(50))
    assert said["answers"] == ["gnip"]
    core = embedded_broker.core()
    assert core.depth("tasks") == 0 and core.depth("calls") == 0


def test_libraries_talk_to_each_other(python: Path, embedded_broker: EmbeddedBroker) -> None:
    sender = """
import pika
connection = pika.BlockingConnection(pika.URLParameters(url))
channel = connection.channel()
channel.queue_declare("shared", durable=True, arguments={"x-queue-type": "classic"})
channel.confirm_delivery()
properties = pika.BasicProperties(headers={"n": 2**40, "ok": True})
channel.basic_publish("", "shared", "hello", properties)
connection.close()
say()
"""
    receiver = """
import asyncio, aio_pika
async def main():
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("shared", durable=True)
        message = await queue.get(timeout=60)
        await message.ack()
        say(body=message.body.decode(), headers=dict(message.headers))
asyncio.run(main())
"""
    _run(python, sender, embedded_broker.url)
    said = _run(python, receiver, embedded_broker.url)
    assert said == {"body": "hello", "headers": {"n": 2**40, "ok": True}}


RECOVERING = """
import asyncio, aio_pika
async def main():
    connection = await aio_pika.connect_robust(url, reconnect_interval=0.05)
    channel = await connection.channel()
    queue = await channel.declare_queue("tasks", durable=True)
    got, first, second = [], asyncio.Event(), asyncio.Event()
    async def take(message):
        await message.ack()
        got.append(message.body.decode())
        (first if len(got) == 1 else second).set()
    await queue.consume(take)
    await first.wait()
    print("FIRST", flush=True)
    await asyncio.wait_for(second.wait(), 60)
    await connection.close()
    say(got=got)
asyncio.run(main())
"""


def test_a_library_comes_back_after_a_cut(python: Path, embedded_broker: EmbeddedBroker) -> None:
    core = embedded_broker.core()
    with (
        amqp_peers.running(python, _BEFORE + RECOVERING, embedded_broker.url) as process,
        ExitStack() as stack,
    ):
        desk = Desk(embedded_broker.url, stack)
        eventually(lambda: "tasks" in core.queues() and core.queues()["tasks"].consumers)
        put(desk.confirming(), "tasks", "before")
        assert process.stdout is not None and process.stdout.readline().strip() == "FIRST"
        embedded_broker.cut()
        eventually(lambda: core.queues()["tasks"].consumers)
        put(desk.confirming(), "tasks", "after")
        printed, _ = process.communicate(timeout=90)
    assert json.loads(printed.rpartition("SAID ")[2]) == {"got": ["before", "after"]}
