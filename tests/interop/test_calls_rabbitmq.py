"""Calls and pipelines with a real RabbitMQ, and through what can happen to it."""

from __future__ import annotations

import logging
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from pelagos.core.backoff import Backoff
from pelagos.messaging import (
    BufferFullError,
    Exchange,
    GenericProducer,
    JsonEncoder,
    MessageCommand,
    MessageResultException,
    MessagingError,
    PublishTimeoutError,
    Transport,
    connect,
)
from pelagos.messaging.rpc import Replies
from pelagos.messaging.transports.base import Queue
from support.rabbitmq import Broker
from support.rpc_server import RpcServer
from support.tcp_proxy import TcpProxy

pytestmark = pytest.mark.interop

WAIT = 90.0
QUICK = Backoff(first=0.05, limit=0.2)
SCHEMES = ["amqp", "amqp+pika"]


def exchange() -> type[Exchange]:
    return type("Made", (Exchange,), {"name": f"test-{uuid.uuid4().hex[:12]}"})


def producer_for(bus: Transport, where: type[Exchange], **settings: Any) -> GenericProducer:
    made = type("Producer", (GenericProducer,), {"eks": ((where, "work"),), **settings})
    producer: GenericProducer = made({"name": "tester"}, bus=bus, backoff=QUICK)
    return producer


@pytest.fixture(params=SCHEMES)
def url(request: pytest.FixtureRequest, rabbitmq_url: str) -> str:
    return str(request.param) + rabbitmq_url.removeprefix("amqp")


@pytest.fixture
def serve() -> Iterator[Callable[..., RpcServer]]:
    servers: list[RpcServer] = []

    def start(bus: Transport, where: type[Exchange], *handler: Any, **options: Any) -> RpcServer:
        servers.append(RpcServer(bus, where, "work", *handler, **options))
        assert servers[-1].ready.wait(WAIT)
        return servers[-1]

    yield start
    for server in servers:
        server.close()
        link = server.bus.open()
        link.delete_queue(server.queue_name)
        link.delete_exchange(server.exchange.name)
        link.close()


def in_threads(count: int, work: Callable[[int], None]) -> list[threading.Thread]:
    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(count)]
    for thread in threads:
        thread.start()
    return threads


@pytest.mark.parametrize("replies", ["shared", "direct", "private"])
def test_calls_from_many_threads_get_their_own_answers(
    url: str, serve: Callable[..., RpcServer], replies: Replies
) -> None:
    where, bus = exchange(), connect(url)
    server = serve(bus, where)
    wrong: list[Any] = []
    with producer_for(bus, where, rpc_replies=replies) as producer:

        def work(worker: int) -> None:
            for number in range(15):
                answer = producer.rpc_echo([worker, number], _timeout=WAIT)
                if answer.body["content"]["value"] != [worker, number]:
                    wrong.append(answer.body)

        for thread in in_threads(8, work):
            thread.join(WAIT)
    assert wrong == []
    assert len(server.executed) == len(set(server.executed)) == 120


def test_a_call_that_no_queue_takes_is_an_error_at_once(url: str) -> None:
    where = exchange()
    with producer_for(connect(url), where) as producer:
        answer = producer.rpc_nothing(_timeout=WAIT)
        assert not answer and where.name in answer.body["content"]["message"]


def test_a_call_that_no_queue_takes_any_more_is_an_error_at_once(
    url: str, serve: Callable[..., RpcServer]
) -> None:
    where, bus = exchange(), connect(url)
    server = serve(bus, where)
    with producer_for(bus, where) as producer:
        assert all(producer.rpc_echo(number, _timeout=WAIT) for number in range(3))
        link = bus.open()
        link.unbind(where.name, server.queue_name, "work")
        link.close()
        answer = producer.rpc_echo(3, _timeout=WAIT)
        assert not answer and where.name in answer.body["content"]["message"]


def test_answers_are_collected_from_several_servers(
    url: str, serve: Callable[..., RpcServer]
) -> None:
    where, bus = exchange(), connect(url)
    for name in ("a", "b"):
        serve(bus, where, name=name)
    with producer_for(bus, where) as producer:
        queue = producer.rpc_queue_echo(1, _timeout=WAIT)
        answers = producer.consume_rpc(queue, 2, timeout=WAIT)
        assert sorted(answer.body["fingerprint"]["name"] for answer in answers) == ["a", "b"]


@pytest.fixture
def silence() -> Iterator[None]:
    """No thread logs: a child that is forked meanwhile would wait for the log's lock for ever."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.usefixtures("silence")
def test_a_forked_child_makes_calls_of_its_own(url: str, serve: Callable[..., RpcServer]) -> None:
    where, bus = exchange(), connect(url)
    server = serve(bus, where)
    with producer_for(bus, where) as producer:
        assert producer.rpc_echo("parent", _timeout=WAIT)
        children = []
        for number in range(3):
            child = os.fork()
            if child == 0:
                code = 1
                try:
                    answer = producer.rpc_echo(number, _timeout=WAIT)
                    code = 0 if answer.body["content"]["value"] == number else 2
                finally:
                    os._exit(code)
            children.append(child)
        assert producer.rpc_echo("parent again", _timeout=WAIT)
        codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        assert codes == [0, 0, 0]
        assert producer.rpc_echo("still there", _timeout=WAIT)
    assert len({request.properties.reply_to for request in server.requests}) == 4


class Drain:
    """A durable queue of one exchange, and what is in it."""

    def __init__(self, url: str, where: type[Exchange]) -> None:
        self.url, self.where, self.name = url, where, f"test-{uuid.uuid4().hex[:12]}"
        link = connect(url).open()
        link.declare_exchange(where)
        link.declare_queue(Queue(self.name))
        link.bind(where.name, self.name, "work")
        link.close()

    def values(self) -> list[Any]:
        link = connect(self.url).open()
        found = []
        while (delivery := link.get(self.name)) is not None:
            link.ack(delivery)
            found.append(JsonEncoder.decode(delivery.body)["content"]["parameters"])
        link.delete_queue(self.name)
        link.delete_exchange(self.where.name)
        link.close()
        return found


def test_a_pipeline_through_a_connection_that_is_cut_at_any_moment(url: str) -> None:
    where, total = exchange(), 3000
    drain = Drain(url, where)
    parts = urlsplit(url)
    proxy = TcpProxy("127.0.0.1", parts.port or 0)
    sent, stop = threading.Event(), threading.Event()
    cuts = 0
    try:
        through = connect(f"{parts.scheme}://guest:guest@127.0.0.1:{proxy.port}/")
        producer = producer_for(through, where)

        def publish() -> None:
            for number in range(total):
                producer.message_go(number, _wait=False)
                if number % 10 == 0:
                    time.sleep(0.005)
            sent.set()

        thread = threading.Thread(target=publish)
        thread.start()
        while not sent.wait(0.1) and not stop.is_set():
            proxy.cut()
            cuts += 1
        thread.join(WAIT)
        producer.flush(WAIT)
        producer.close()
    finally:
        proxy.close()
    assert cuts > 3
    assert list(dict.fromkeys(drain.values())) == list(range(total))


class Load:
    """One thread that pipes numbered messages, and three that call, until they are stopped."""

    def __init__(self, bus: Transport, where: type[Exchange], calls: type[Exchange]) -> None:
        self.piping, self.calling = producer_for(bus, where), producer_for(bus, calls)
        self.piped = 0
        self.problems: list[Any] = []
        self._done = threading.Event()
        self._threads = [*in_threads(1, self._pipe), *in_threads(3, self._call)]

    def _pipe(self, _worker: int) -> None:
        while not self._done.is_set():
            try:
                self.piping.message_go(self.piped, _wait=False, _timeout=WAIT)
                self.piped += 1
            except BufferFullError:
                time.sleep(0.01)
            time.sleep(0.002)

    def _call(self, worker: int) -> None:
        number = 0
        while not self._done.is_set():
            answer = self.calling.rpc_echo([worker, number], _timeout=5, _max_retry=20)
            if not answer or answer.body["content"]["value"] != [worker, number]:
                self.problems.append(answer.body)
            number += 1

    def stop(self) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join(WAIT)
        self.piping.flush(WAIT)
        self.piping.close()
        self.calling.close()


def wait_for_more_calls(server: RpcServer, count: int) -> None:
    target, deadline = len(server.executed) + count, time.monotonic() + WAIT
    while len(server.executed) < target:
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_killed_broker_loses_neither_messages_nor_calls(
    own_rabbitmq: Broker, serve: Callable[..., RpcServer], scheme: str
) -> None:
    url = scheme + own_rabbitmq.url.removeprefix("amqp")
    where, calls = exchange(), exchange()
    drain, bus = Drain(url, where), connect(url)
    server = serve(bus, calls)
    load = Load(bus, where, calls)
    for _ in range(2):
        wait_for_more_calls(server, 50)
        own_rabbitmq.kill()
        own_rabbitmq.start()
    wait_for_more_calls(server, 50)
    load.stop()
    assert load.problems == []
    assert len(server.executed) == len(set(server.executed))
    assert list(dict.fromkeys(drain.values())) == list(range(load.piped))


def fill(producer: GenericProducer, count: int) -> None:
    for number in range(count):
        producer.message_go(number, _wait=False, _timeout=0.5)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_frozen_broker_keeps_nobody_longer_than_he_wants(
    own_rabbitmq: Broker, serve: Callable[..., RpcServer], scheme: str
) -> None:
    url = scheme + own_rabbitmq.url.removeprefix("amqp") + "?heartbeat=1"
    where, bus = exchange(), connect(url)
    serve(bus, where)
    producer = producer_for(bus, where, buffer_limit=50)
    assert producer.rpc_echo(1, _timeout=WAIT)
    producer.message_go(1)
    own_rabbitmq.freeze()
    try:
        began = time.monotonic()
        late = producer.rpc_echo(2, _timeout=0.5, _max_retry=1)
        assert isinstance(late, MessageResultException)
        with pytest.raises(PublishTimeoutError):
            producer.message_go(2, _timeout=0.5)
        with pytest.raises(PublishTimeoutError):
            producer.message_go(2, _timeout=0.5, _future=True).result(WAIT)
        with pytest.raises(BufferFullError):
            fill(producer, 60)
        with pytest.raises(PublishTimeoutError):
            producer.flush(0.5)
        with pytest.raises(MessagingError):
            producer.publish_many([MessageCommand("go")] * 3, _timeout=0.5)
        assert time.monotonic() - began < 30
    finally:
        own_rabbitmq.thaw()
    producer.flush(WAIT)
    assert producer.rpc_echo(3, _timeout=WAIT)
    producer.close()


def test_closing_while_a_broker_is_frozen_does_not_hang(own_rabbitmq: Broker) -> None:
    producer = producer_for(connect(own_rabbitmq.url), exchange())
    producer.message_go(1)
    errors: list[MessagingError] = []

    def work(_worker: int) -> None:
        try:
            producer.message_go(2, _timeout=WAIT)
        except MessagingError as error:
            errors.append(error)

    own_rabbitmq.freeze()
    try:
        threads = in_threads(3, work)
        time.sleep(0.2)
        began = time.monotonic()
        producer.close()
        assert time.monotonic() - began < 20
        for thread in threads:
            thread.join(WAIT)
        assert len(errors) == 3
    finally:
        own_rabbitmq.thaw()
