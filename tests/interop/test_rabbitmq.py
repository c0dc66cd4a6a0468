"""Producers and consumers with a real RabbitMQ, and through what can happen to it."""

from __future__ import annotations

import functools
import itertools
import logging
import queue
import random
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pika
import pytest

from pelagos.core.backoff import Backoff
from pelagos.messaging import (
    BrokerUnreachableError,
    Exchange,
    GenericConsumer,
    GenericProducer,
    JsonEncoder,
    LoginError,
    MessageCommand,
    MessagingError,
    PublishRefusedError,
    PublishTimeoutError,
    ReceivedMessage,
    UnroutableError,
    connect,
)
from pelagos.messaging.broker.core.routing import topic_matches
from pelagos.messaging.transports.base import Envelope, Properties, Queue
from support.rabbitmq import Broker
from support.tcp_proxy import TcpProxy

pytestmark = pytest.mark.interop

WAIT = 60.0
QUICK = Backoff(first=0.05, limit=0.2)


def exchange_of(kind: str = "topic") -> type[Exchange]:
    name = f"test-{uuid.uuid4().hex[:12]}"
    return type("Made", (Exchange,), {"name": name, "exchange_type": kind})


class Rig:
    """A producer and a consumer on one queue, and what arrived."""

    def __init__(self, url: str, callback: Callable[[ReceivedMessage], object] | None = None):
        self.exchange = exchange_of()
        self.queue = f"test-{uuid.uuid4().hex[:12]}"
        self.bus = connect(url)
        self.got: queue.SimpleQueue[ReceivedMessage] = queue.SimpleQueue()
        self.producer = GenericProducer(bus=self.bus, backoff=QUICK)
        self.producer.eks = [(self.exchange, "k")]
        self.consumer = GenericConsumer(
            [(self.exchange, [(self.queue, "#")])], bus=self.bus, backoff=QUICK
        )
        self.consumer.start(callback or self.got.put)
        self.consumer.wait_ready(WAIT)

    def take(self) -> Any:
        return self.got.get(timeout=WAIT).content["parameters"]

    def send_until_heard(self, value: object) -> None:
        """The way is open again."""
        deadline = time.monotonic() + WAIT
        while True:
            try:
                self.producer.message_go(value, _mandatory=True)
                break
            except UnroutableError:
                assert time.monotonic() < deadline
                time.sleep(0.02)
        while self.take() != value:
            assert time.monotonic() < deadline

    def close(self) -> None:
        self.consumer.stop(WAIT)
        self.producer.close()
        try:
            link = self.bus.open(5)
        except BrokerUnreachableError:
            return
        link.delete_queue(self.queue)
        link.close()


@pytest.fixture(params=["amqp", "amqp+pika"])
def scheme(request: pytest.FixtureRequest) -> str:
    """Everything here holds for both implementations."""
    return str(request.param)


@pytest.fixture
def rabbitmq_url(rabbitmq_url: str, scheme: str) -> str:
    return rabbitmq_url.replace("amqp:", f"{scheme}:", 1)


@pytest.fixture
def rig_at(scheme: str) -> Iterator[Callable[..., Rig]]:
    rigs: list[Rig] = []

    def make(url: str, *args: Any) -> Rig:
        rigs.append(Rig(url.replace("amqp:", f"{scheme}:", 1), *args))
        return rigs[-1]

    yield make
    for rig in rigs:
        rig.close()


def pika_channel(url: str) -> tuple[pika.BlockingConnection, Any]:
    connection = pika.BlockingConnection(pika.URLParameters(url.replace("+pika", "") + "%2F"))
    return connection, connection.channel()


# Others and we.


def test_a_program_of_others_reads_what_we_send(rabbitmq_url: str) -> None:
    connection, channel = pika_channel(rabbitmq_url)
    where = exchange_of("direct")
    channel.exchange_declare(where.name, "direct", durable=True)
    name = channel.queue_declare("", exclusive=True).method.queue
    channel.queue_bind(name, where.name, "k")
    with GenericProducer({"name": "us"}, bus=connect(rabbitmq_url)) as producer:
        producer.message_resize({"size": 1}, _eks=[(where, "k")], _mandatory=True)
    _, properties, body = channel.basic_get(name, auto_ack=True)
    connection.close()
    assert JsonEncoder.decode(body)["content"] == {"parameters": {"size": 1}}
    assert (properties.content_type, properties.delivery_mode) == ("application/json", 2)


def test_hostile_messages_of_others_do_not_end_a_consumer(
    rabbitmq_url: str, rig_at: Callable[..., Rig], caplog: pytest.LogCaptureFixture
) -> None:
    rig = rig_at(rabbitmq_url)
    connection, channel = pika_channel(rabbitmq_url)
    generator = random.Random(4)
    good = JsonEncoder.encode(MessageCommand("go", "good").body)
    hostile_properties = [
        pika.BasicProperties(expiration="60000"),
        pika.BasicProperties(headers={"x-death": "soup", "deep": {"a": [{"b": None}]}}),
        pika.BasicProperties(content_type="text/plain", timestamp=2**62, message_id="é" * 80),
        pika.BasicProperties(headers={"x" * 200: 2**62, "f": b"\xff\xfe"}),
    ]
    for properties in hostile_properties:
        channel.basic_publish("", rig.queue, good, properties)
    bodies = [generator.randbytes(generator.randrange(200)) for _ in range(300)]
    bodies += [b"[]", b"{}", b"null", b"[" * 100_000, good[:-1], good.replace(b'"go"', b"5")]
    for body in bodies:
        channel.basic_publish("", rig.queue, body)
    connection.close()
    rig.producer.message_go("after")
    heard = [rig.take() for _ in range(len(hostile_properties) + 1)]
    assert heard == ["good"] * len(hostile_properties) + ["after"]
    assert rig.consumer.problem is None
    rejected = [r for r in caplog.records if "rejected a message" in r.getMessage()]
    assert len(rejected) == len(bodies)


class Raw:
    """Bytes that stand in a table of headers as they are."""

    def __init__(self, data: bytes) -> None:
        self.data = data


def test_headers_that_cannot_be_read_do_not_block_a_queue(
    rabbitmq_url: str, rig_at: Callable[..., Rig], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pika cannot read a date beyond the calendar; neither stops at one."""
    encode = pika.data.encode_value

    def encode_raw(pieces: list[bytes], value: object) -> int:
        if isinstance(value, Raw):
            pieces.append(value.data)
            return len(value.data)
        return int(encode(pieces, value))

    monkeypatch.setattr(pika.data, "encode_value", encode_raw)
    rig = rig_at(rabbitmq_url)
    connection, channel = pika_channel(rabbitmq_url)
    good = JsonEncoder.encode(MessageCommand("go", "good").body)
    for data in (b"T\x40" + bytes(7), b"T" + b"\xff" * 8, b"T" + b"\x7f" * 8):
        properties = pika.BasicProperties(headers={"hostile": Raw(data)})
        channel.basic_publish("", rig.queue, good, properties)
    channel.basic_publish(
        rig.exchange.name, b"\xff\xfe", good, pika.BasicProperties(message_id=b"\xff")
    )
    connection.close()
    rig.producer.message_go("after")
    readable = 0 if "pika" in rabbitmq_url else 3
    assert [rig.take() for _ in range(readable + 2)] == ["good"] * (readable + 1) + ["after"]
    assert rig.consumer.problem is None


def test_topic_patterns_mean_in_memory_what_they_mean_to_rabbitmq(rabbitmq_url: str) -> None:
    generator = random.Random(5)
    patterns = {"", "#", "*", "#.#", "*.#", "#.*", "a.#.b", "#.a.#", ".", "a.", ".a", "*.", "a.b"}
    while len(patterns) < 50:
        patterns.add(
            ".".join(generator.choices(["a", "b", "*", "#", ""], k=generator.choice(range(6))))
        )
    keys = {"", ".", "a.", ".a", "a", "b", "a.b", "a..b"}
    while len(keys) < 60:
        keys.add(".".join(generator.choices(["a", "b", "c", ""], k=generator.choice(range(7)))))
    where = exchange_of()
    link = connect(rabbitmq_url).open()
    link.declare_exchange(where)
    heard: dict[str, set[str]] = {pattern: set() for pattern in patterns}
    for pattern in patterns:
        name = link.declare_queue(Queue(durable=False, exclusive=True)).name
        link.bind(where.name, name, pattern)
        hear = heard[pattern].add
        link.consume(
            name,
            lambda delivery, hear=hear: hear(delivery.key),
            lambda _problem: None,
            prefetch=1000,
        )
    producer = GenericProducer(bus=connect(rabbitmq_url))
    for key in keys:
        producer.message_go(_eks=[(where, key)])
    producer.message_go(_eks=[(where, "a.b.c.end")])
    expected = {p: {k for k in keys if topic_matches(p, k)} for p in patterns}
    deadline = time.monotonic() + WAIT
    while any(expected[p] - heard[p] for p in patterns) and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.1)
    link.close()
    producer.close()
    assert {p: heard[p] - {"a.b.c.end"} for p in patterns} == expected


# Clear errors.


def test_a_refused_login_is_said_at_once_and_without_the_password(
    rabbitmq_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "pika")
    port = urlsplit(rabbitmq_url).port
    bus = connect(f"amqp://guest:topsecret@127.0.0.1:{port}/")
    began = time.monotonic()
    with GenericProducer(bus=bus) as producer, pytest.raises(LoginError) as refused:
        producer.message_go(_eks=[(exchange_of(), "k")], _timeout=2 * WAIT)
    assert time.monotonic() - began < WAIT
    with pytest.raises(LoginError, match="absent"):
        connect(f"{rabbitmq_url}absent").open()
    assert "topsecret" not in caplog.text + str(refused.value) + repr(bus)


def test_the_password_is_in_no_log_at_any_level(
    rabbitmq_url: str, rig_at: Callable[..., Rig], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "pika")
    rig = rig_at(rabbitmq_url)
    rig.send_until_heard("x")
    assert caplog.records
    assert "guest:guest" not in caplog.text and "\\x00guest\\x00guest" not in caplog.text


def test_nobody_there_is_an_error_in_time() -> None:
    with TcpProxy("127.0.0.1", 9) as proxy:  # accepts, and drops at once
        proxy.refusing = True
        bus = connect(f"amqp://127.0.0.1:{proxy.port}/")
        with (
            GenericProducer(bus=bus, backoff=QUICK) as producer,
            pytest.raises(PublishTimeoutError) as late,
        ):
            producer.message_go(_eks=[(exchange_of(), "k")], _timeout=1)
    assert "was not sent" in str(late.value) and "127.0.0.1" in str(late.value)


def test_somebody_who_says_nothing_is_an_error_in_time(rabbitmq_url: str) -> None:
    with TcpProxy("127.0.0.1", urlsplit(rabbitmq_url).port or 0) as proxy:
        proxy.hold()
        began = time.monotonic()
        with pytest.raises(BrokerUnreachableError):
            connect(f"amqp://127.0.0.1:{proxy.port}/").open(0.5)
        assert time.monotonic() - began < WAIT


def test_a_message_larger_than_the_broker_takes_is_refused(
    own_rabbitmq: Broker, rig_at: Callable[..., Rig]
) -> None:
    rig = rig_at(own_rabbitmq.url)
    with pytest.raises(PublishRefusedError) as refused:
        rig.producer.message_go("x" * 5_000_000, _timeout=20)
    assert "larger" in str(refused.value)
    rig.send_until_heard("small")


def test_headers_that_cannot_be_written_concern_their_message_only(rabbitmq_url: str) -> None:
    link = connect(rabbitmq_url).open()
    name = link.declare_queue(Queue(durable=False, exclusive=True)).name
    answers: dict[str, MessagingError | None] = {}
    for number, headers in enumerate([{}, {"a": {1, 2}}, {"a": 2**80}, {"k" * 300: 1}, {}]):
        envelope = Envelope("", name, b"x", Properties(f"m-{number}", headers=headers))
        link.publish(envelope, functools.partial(answers.__setitem__, f"m-{number}"))
    deadline = time.monotonic() + WAIT
    while len(answers) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [type(answers[f"m-{number}"]) for number in range(5)] == [
        type(None),
        PublishRefusedError,
        PublishRefusedError,
        PublishRefusedError,
        type(None),
    ]
    link.close()


def test_a_broker_without_memory_is_named_in_the_error(
    own_rabbitmq: Broker, rig_at: Callable[..., Rig]
) -> None:
    rig = rig_at(own_rabbitmq.url)
    rig.send_until_heard("before")
    own_rabbitmq.control("set_vm_memory_high_watermark", "0.00001")
    try:
        deadline = time.monotonic() + WAIT  # the alarm comes a little later
        said = ""
        while not said and time.monotonic() < deadline:
            try:
                rig.producer.message_go("during", _timeout=2)
                time.sleep(0.1)
            except PublishTimeoutError as late:
                said = str(late)
        assert "takes no messages now, low on memory" in said
    finally:
        own_rabbitmq.control("set_vm_memory_high_watermark", "0.8")
    rig.send_until_heard("after")


# Faults.


def test_a_cut_connection_loses_nothing(rabbitmq_url: str, rig_at: Callable[..., Rig]) -> None:
    with TcpProxy("127.0.0.1", urlsplit(rabbitmq_url).port or 0) as proxy:
        rig = rig_at(f"amqp://127.0.0.1:{proxy.port}/")
        stop = threading.Event()

        def cutter() -> None:
            for _ in range(12):
                if stop.wait(0.25):
                    return
                proxy.cut()

        thread = threading.Thread(target=cutter)
        thread.start()
        for number in range(200):
            rig.producer.message_go(number, _timeout=WAIT)
            time.sleep(0.005)
        stop.set()
        thread.join()
        seen: dict[int, None] = {}
        while len(seen) < 200:
            seen[rig.take()] = None
        assert list(seen) == list(range(200))
        assert proxy.accepted > 4
        rig.close()


def test_a_queue_deleted_under_its_consumer_is_there_again(
    rabbitmq_url: str, rig_at: Callable[..., Rig]
) -> None:
    rig = rig_at(rabbitmq_url)
    rig.send_until_heard("before")
    link = rig.bus.open()
    link.delete_queue(rig.queue)
    link.close()
    rig.send_until_heard("after")
    assert rig.consumer.problem is None


def test_an_exchange_deleted_under_its_producer_is_there_again(
    rabbitmq_url: str, rig_at: Callable[..., Rig]
) -> None:
    rig = rig_at(rabbitmq_url)
    rig.send_until_heard("before")
    connection, channel = pika_channel(rabbitmq_url)
    channel.exchange_delete(rig.exchange.name)
    connection.close()
    rig.producer.message_go("nobody hears this, as the binding went with the exchange")
    assert rig.consumer.stop(WAIT)
    second = GenericConsumer([(rig.exchange, [(rig.queue, "#")])], bus=rig.bus)
    second.start(rig.got.put)
    second.wait_ready(WAIT)
    rig.send_until_heard("after")
    second.stop(WAIT)


def test_heartbeats_are_served_while_a_handler_works(
    own_rabbitmq: Broker, rig_at: Callable[..., Rig]
) -> None:
    entered = threading.Event()
    calls = itertools.count()

    def slow(_message: ReceivedMessage) -> None:
        next(calls)
        entered.set()
        time.sleep(5)

    with TcpProxy("127.0.0.1", own_rabbitmq.port) as proxy:
        rig = rig_at(f"amqp://127.0.0.1:{proxy.port}/?heartbeat=1", slow)
        rig.producer.message_go("long")
        assert entered.wait(WAIT)
        rig.consumer.stop(WAIT)
        assert next(calls) == 1
        assert proxy.accepted == 2  # one for each side, and none again
        assert own_rabbitmq_depth(rig) == 0
        rig.close()


def own_rabbitmq_depth(rig: Rig) -> int:
    link = rig.bus.open()
    messages = link.declare_queue(Queue(rig.queue, passive=True)).messages
    link.close()
    return messages


def test_a_frozen_broker_is_an_error_in_time_and_recovered_from(
    own_rabbitmq: Broker, rig_at: Callable[..., Rig]
) -> None:
    rig = rig_at(own_rabbitmq.url + "?heartbeat=1")
    rig.send_until_heard("before")
    own_rabbitmq.freeze()
    try:
        began = time.monotonic()
        with pytest.raises(PublishTimeoutError):
            rig.producer.message_go("into the void", _timeout=1)
        assert time.monotonic() - began < WAIT
        deadline = time.monotonic() + WAIT
        while rig.consumer.problem is None and time.monotonic() < deadline:
            time.sleep(0.05)
        assert rig.consumer.problem is not None
    finally:
        own_rabbitmq.thaw()
    rig.send_until_heard("after")


@pytest.mark.parametrize("how", ["kill", "stop"])
def test_what_was_confirmed_survives_the_end_of_the_broker(
    own_rabbitmq: Broker, rig_at: Callable[..., Rig], how: str
) -> None:
    rig = rig_at(own_rabbitmq.url)
    total, failures = 600, []
    times: list[float] = []

    def publish() -> None:
        for number in range(total):
            try:
                rig.producer.message_go(number, _timeout=WAIT)
            except MessagingError as error:
                failures.append(error)
            times.append(time.monotonic())
            time.sleep(0.002)

    publisher = threading.Thread(target=publish)
    publisher.start()
    while len(times) < total // 4:
        time.sleep(0.005)
    getattr(own_rabbitmq, how)()
    own_rabbitmq.start()
    back = time.monotonic()
    publisher.join(WAIT)
    seen: dict[int, None] = {}
    while len(seen) < total:
        seen[rig.take()] = None
    assert failures == []
    assert list(seen) == list(range(total))
    assert next(at for at in times if at > back) - back < 5


# Cost.


def switches() -> dict[str, int]:
    """How often each thread of this process has waited and been woken."""
    found = {}
    for task in Path("/proc/self/task").iterdir():
        status = (task / "status").read_text()
        line = next(entry for entry in status.splitlines() if entry.startswith("voluntary"))
        found[task.name] = int(line.split()[1])
    return found


@pytest.mark.parametrize("scheme", ["memory", "amqp", "amqp+pika"])
def test_an_idle_consumer_hardly_wakes_up(
    request: pytest.FixtureRequest, rig_at: Callable[..., Rig], scheme: str
) -> None:
    url = "memory:idle" if scheme == "memory" else request.getfixturevalue("rabbitmq_url")
    before = set(switches())
    rig = rig_at(url)
    rig.send_until_heard("x")
    time.sleep(0.5)
    first = switches()
    time.sleep(5)
    second = switches()
    woken = sum(second[task] - first[task] for task in second if task not in before)
    assert woken <= 6 * 2  # a producer's and a consumer's connection, five seconds
