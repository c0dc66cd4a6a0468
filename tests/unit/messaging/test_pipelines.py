"""Publishing without waiting for each message: many at once, pipelined, by futures; the buffer."""

from __future__ import annotations

import asyncio
import math
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pelagos.core.backoff import Backoff
from pelagos.messaging import (
    BufferFullError,
    ConnectionLostError,
    EncodingError,
    Exchange,
    JsonEncoder,
    LoginError,
    Message,
    MessageCommand,
    MessagingError,
    PublishManyError,
    PublishTimeoutError,
    UnroutableError,
)
from pelagos.messaging.middleware import Middleware, Outgoing
from pelagos.messaging.transports.base import Connection, Delivery, Envelope, Queue
from pelagos.messaging.transports.memory import CAPABILITIES, MemoryBroker, MemoryTransport
from support.job_bus import Producer, job_bus

WAIT = 60.0
QUICK = Backoff(first=0.001, limit=0.01)


@pytest.fixture
def broker() -> MemoryBroker:
    return MemoryBroker("pipelines")


@pytest.fixture
def bus(broker: MemoryBroker) -> MemoryTransport:
    return job_bus(broker)


@pytest.fixture
def producer(bus: MemoryTransport) -> Iterator[Producer]:
    with Producer(bus=bus, backoff=QUICK) as made:
        yield made


def values(bus: MemoryTransport) -> list[Any]:
    got: list[Delivery] = []
    link = bus.open()
    while (delivery := link.get("all")) is not None:
        link.ack(delivery)
        got.append(delivery)
    return [JsonEncoder.decode(delivery.body)["content"]["parameters"] for delivery in got]


def test_many_messages_are_confirmed_together(producer: Producer, bus: MemoryTransport) -> None:
    assert producer.publish_many(MessageCommand("go", number) for number in range(500)) == 500
    assert values(bus) == list(range(500))
    assert producer.publish_many([]) == 0


def test_those_of_many_that_fail_are_told_by_their_place(
    producer: Producer, bus: MemoryTransport
) -> None:
    bus.open().declare_queue(
        Queue("small", arguments={"x-max-length": 2, "x-overflow": "reject-publish"})
    )
    bus.open().bind("jobs", "small", "small")
    with pytest.raises(PublishManyError) as failed:
        producer.publish_many([Message(number) for number in range(5)], _key="small")
    assert list(failed.value.failed) == [2, 3, 4]
    assert failed.value.message_id and "3 of the messages" in str(failed.value)
    with pytest.raises(PublishManyError) as unroutable:
        producer.publish_many([Message()], _key="nobody", _mandatory=True)
    assert isinstance(unroutable.value.failed[0], UnroutableError)


def test_what_is_piped_is_there_after_a_flush(producer: Producer, bus: MemoryTransport) -> None:
    producer.pipelined = True
    for number in range(100):
        producer.message_go(number)
    producer.flush()
    producer.flush()
    assert values(bus) == list(range(100))


def test_a_flush_tells_what_was_not_accepted(producer: Producer) -> None:
    producer.message_go(0, _wait=False)
    producer.message_go(1, _wait=False, _mandatory=True, _key="nobody")
    with pytest.raises(PublishManyError) as failed:
        producer.flush()
    assert list(failed.value.failed) == [1]
    producer.flush()


def test_a_confirmation_can_be_awaited(producer: Producer, bus: MemoryTransport) -> None:
    async def send() -> None:
        await asyncio.gather(*(awaited(number) for number in range(20)))
        with pytest.raises(UnroutableError):
            await producer.message_go(_key="nobody", _mandatory=True, _future=True)

    async def awaited(number: int) -> None:
        await producer.message_go(number, _future=True)

    asyncio.run(send())
    assert sorted(values(bus)) == list(range(20))


def test_an_awaited_confirmation_has_a_time_out(broker: MemoryBroker, producer: Producer) -> None:
    broker.stop()
    with pytest.raises(PublishTimeoutError, match="was not sent"):
        producer.message_go(_future=True, _timeout=0.02).result(WAIT)


@pytest.mark.parametrize("seconds", [0.01, math.inf, 1e12])
def test_who_exits_or_waits_for_ever_keeps_nobody_from_a_time_out(
    broker: MemoryBroker, producer: Producer, seconds: float
) -> None:
    broker.stop()
    first = producer.message_go(_future=True, _timeout=seconds)
    first.add_done_callback(lambda _: sys.exit(1))
    while producer._publisher._alarm._set and seconds < 1:
        pass
    with pytest.raises(PublishTimeoutError, match="was not sent"):
        producer.message_go(_future=True, _timeout=0.02).result(WAIT)


def test_a_callback_may_send_and_is_told_when_it_would_wait_for_itself(
    broker: MemoryBroker, bus: MemoryTransport
) -> None:
    class Small(Producer):
        buffer_limit = 2

    told: list[MessagingError | None] = []
    done = threading.Event()
    producer = Small(bus=bus, backoff=QUICK)

    def attempt(send: Callable[[], object]) -> None:
        try:
            told.append(send())  # type: ignore[arg-type]
        except MessagingError as error:
            told.append(error)

    def go_on(_future: object) -> None:
        attempt(lambda: producer.message_go(1, _wait=False))
        attempt(lambda: producer.message_go(2))
        attempt(lambda: producer.publish_many([Message()]))
        attempt(producer.flush)
        attempt(lambda: producer.message_go(3, _wait=False))
        attempt(lambda: producer.message_go(4, _future=True))
        done.set()

    broker.stop()
    producer.message_go(-1, _wait=False)
    producer.message_go(0, _future=True, _timeout=0.02).add_done_callback(go_on)
    assert done.wait(WAIT)
    assert told[0] is None
    assert all("callback" in str(problem) for problem in told[1:4])
    assert all(isinstance(problem, BufferFullError) for problem in told[4:])
    broker.start()
    producer.flush()
    producer.message_go(5)
    producer.close()
    assert values(bus) == [-1, 1, 5]


def test_what_waits_for_the_broker_is_sent_in_order(
    broker: MemoryBroker, producer: Producer, bus: MemoryTransport
) -> None:
    producer.message_go(-1)
    broker.stop()
    for number in range(200):
        producer.message_go(number, _wait=False)
    with pytest.raises(PublishTimeoutError, match="handed over"):
        producer.flush(0.01)
    broker.start()
    producer.flush(WAIT)
    assert values(bus) == list(range(-1, 200))


def test_a_full_buffer_is_an_error_at_once_while_the_broker_is_away(
    broker: MemoryBroker, bus: MemoryTransport
) -> None:
    class Small(Producer):
        buffer_limit = 10

    broker.stop()
    with Small(bus=bus, backoff=QUICK) as producer:
        for number in range(10):
            producer.message_go(number, _wait=False)
        for call in (lambda: producer.message_go(10, _wait=False), producer.message_go):
            with pytest.raises(BufferFullError) as full:
                call()  # type: ignore[no-untyped-call]
            assert "10 messages" in str(full.value) and full.value.retry_after
        broker.start()
        producer.flush(WAIT)
        producer.message_go(11)
    assert values(bus) == [*range(10), 11]


@pytest.mark.parametrize("seconds", [WAIT, math.inf])
def test_many_wait_for_room_and_for_the_broker(
    broker: MemoryBroker, bus: MemoryTransport, seconds: float
) -> None:
    class Small(Producer):
        buffer_limit = 10

    broker.stop()
    threading.Timer(0.05, broker.start).start()
    with Small(bus=bus, backoff=QUICK) as producer:
        many = (MessageCommand("go", number) for number in range(95))
        sent = producer.publish_many(many, _timeout=seconds)
    assert sent == 95
    assert values(bus) == list(range(95))


def test_the_buffer_is_bounded_in_bytes_too(broker: MemoryBroker, bus: MemoryTransport) -> None:
    class Small(Producer):
        buffer_bytes = 100_000

    broker.stop()
    producer = Small(bus=bus, backoff=QUICK)
    producer.message_go("x" * 200_000, _wait=False)  # one is always taken
    with pytest.raises(BufferFullError):
        producer.message_go("y", _wait=False)
    broker.start()
    producer.close()
    assert len(values(bus)) == 1


def test_closing_brings_what_was_piped(bus: MemoryTransport) -> None:
    with Producer(bus=bus) as producer:
        for number in range(50):
            producer.message_go(number, _wait=False)
    assert values(bus) == list(range(50))


def test_closing_while_the_broker_is_away_says_what_was_not_sent(
    broker: MemoryBroker, bus: MemoryTransport
) -> None:
    producer = Producer(bus=bus, backoff=QUICK)
    producer.publish_timeout = 0.05
    broker.stop()
    producer.message_go(_wait=False)
    with pytest.raises(PublishTimeoutError):
        producer.close()
    producer.close()


def test_piped_messages_survive_cuts_at_any_moment(
    broker: MemoryBroker, producer: Producer, bus: MemoryTransport
) -> None:
    stop = threading.Event()

    def cut() -> None:
        while not stop.wait(0.002):
            broker.cut()

    cutter = threading.Thread(target=cut)
    cutter.start()
    for number in range(3000):
        producer.message_go(number, _wait=False)
    stop.set()
    cutter.join(WAIT)
    producer.flush(WAIT)
    assert list(dict.fromkeys(values(bus))) == list(range(3000))


class Flaky:
    """A connection that accepts, and dies at the n-th publish without telling of any."""

    blocked: str | None = None

    def __init__(self, inner: Connection, lives: int) -> None:
        self.inner, self.lives, self.is_open = inner, lives, True
        self.waiting: list[Callable[[MessagingError | None], None]] = []

    def declare_exchange(self, exchange: type[Exchange]) -> None:
        self.inner.declare_exchange(exchange)

    def publish(self, envelope: Envelope, done: Callable[[MessagingError | None], None]) -> None:
        if not self.is_open:
            raise ConnectionLostError("gone before")
        self.lives -= 1
        if self.lives < 0:
            self.is_open = False
            for waiting in [*self.waiting, done]:
                waiting(ConnectionLostError("gone"))
            return
        self.inner.publish(envelope, lambda _problem: None)
        self.waiting.append(done)

    def confirm(self) -> None:
        waiting, self.waiting = self.waiting, []
        for done in waiting:
            done(None)

    def close(self) -> None:
        self.is_open = False
        self.inner.close()


class FlakyTransport:
    url = "flaky:"

    capabilities = CAPABILITIES

    def __init__(self, inner: MemoryTransport, lives: list[int]) -> None:
        self.inner, self.lives = inner, lives
        self.links: list[Flaky] = []

    def open(self, timeout: float = 10.0) -> Any:
        self.links.append(
            Flaky(self.inner.open(timeout), self.lives.pop(0) if self.lives else 999)
        )
        return self.links[-1]


def test_what_was_not_confirmed_is_sent_again_with_its_id_and_in_order(
    bus: MemoryTransport,
) -> None:
    flaky: Any = FlakyTransport(bus, [3, 5])
    producer = Producer(bus=flaky, backoff=QUICK)
    for number in range(8):
        producer.message_go(number, _wait=False)
    while len(flaky.links) < 3 or len(flaky.links[2].waiting) < 8:
        threading.Event().wait(0.002)
    flaky.links[2].confirm()
    producer.flush(WAIT)
    producer.close()
    assert values(bus) == [0, 1, 2, 0, 1, 2, 3, 4, *range(8)]


def test_a_refused_login_ends_all_that_wait() -> None:
    class Refusing:
        url = "refusing:"
        capabilities = CAPABILITIES

        def open(self, timeout: float = 10.0) -> Any:
            raise LoginError(f"refused within {timeout:g}")

    refusing: Any = Refusing()
    producer = Producer(bus=refusing, backoff=QUICK)
    with pytest.raises(LoginError):
        producer.message_go()
    with pytest.raises(LoginError):
        producer.rpc_go()
    with pytest.raises(LoginError):
        producer.rpc_queue_go()
    producer.message_go(_wait=False)
    with pytest.raises(PublishManyError) as failed:
        producer.close()
    assert isinstance(failed.value.failed[0], LoginError)


def test_middlewares_see_each_message_and_each_connection(
    broker: MemoryBroker, bus: MemoryTransport
) -> None:
    seen: list[tuple[Any, ...]] = []

    class Seeing(Middleware):
        def before_publish(self, outgoing: Outgoing) -> None:
            outgoing.headers["x-seen"] = outgoing.name
            seen.append(("before", outgoing.key))

        def after_publish(
            self, outgoing: Outgoing, error: MessagingError | None, seconds: float
        ) -> None:
            seen.append(("after", outgoing.key, type(error).__name__, seconds >= 0))

        def on_connected(self, bus: str) -> None:
            seen.append(("connected", bus))

        def on_disconnected(self, bus: str, error: MessagingError | None) -> None:
            seen.append(("disconnected", bus, type(error).__name__))

    with Producer(bus=bus, backoff=QUICK, middlewares=[Seeing()]) as producer:
        producer.message_go(1)
        broker.cut()
        with pytest.raises(UnroutableError):
            producer.message_go(2, _key="nobody", _mandatory=True)
        assert not producer.rpc_go(_key="nobody")
    url = bus.url
    assert seen == [
        ("before", "work"),
        ("connected", url),
        ("after", "work", "NoneType", True),
        ("before", "nobody"),
        ("disconnected", url, "ConnectionLostError"),
        ("connected", url),
        ("after", "nobody", "UnroutableError", True),
        ("before", "nobody"),
        ("after", "nobody", "UnroutableError", True),
        ("disconnected", url, "NoneType"),
    ]
    delivery = bus.open().get("all")
    assert delivery is not None and delivery.properties.headers == {"x-seen": "go"}


def test_options_become_properties(producer: Producer, bus: MemoryTransport) -> None:
    producer.message_go(
        _headers={"a": 1}, _priority=5, _expiration=60.0, _persistent=False, _mandatory=True
    )
    delivery = bus.open().get("all")
    assert delivery is not None
    properties = delivery.properties
    assert (dict(properties.headers), properties.priority) == ({"a": 1}, 5)
    assert (properties.expiration, properties.persistent) == (60.0, False)


FORK = """
import os
from pelagos.messaging import Exchange, GenericProducer, connect
class Jobs(Exchange):
    name = "jobs"
class Producer(GenericProducer):
    eks = ((Jobs, "work"),)
producer = Producer({"name": "forker"}, bus=connect("memory:fork"))
producer.message_go(1)
producer.rpc_go(_timeout=0.01)
child = os.fork()
if child == 0:
    try:
        ids = producer._ids.next()
        producer.message_go(2)
        assert not producer.rpc_go(_timeout=0.01)
        assert producer.fingerprint["pid"] == str(os.getpid())
        producer.close()
    except BaseException as error:
        print(repr(error), flush=True)
        os._exit(1)
    os._exit(0)
producer.message_go(3)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_producer_works_on_in_a_forked_child() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", FORK],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


# Many at once.


def test_many_messages_do_not_stay_in_memory_once_they_are_confirmed(producer: Producer) -> None:
    messages = (Message("x" * 1000) for _ in range(10_000))
    producer.publish_many([Message()])
    tracemalloc.start()
    try:
        assert producer.publish_many(messages, _key="nobody", _timeout=WAIT) == 10_000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5_000_000


def test_all_that_were_not_sent_for_want_of_time_are_told(
    broker: MemoryBroker, bus: MemoryTransport
) -> None:
    class Small(Producer):
        buffer_limit = 10

    broker.stop()
    with Small(bus=bus, backoff=QUICK) as producer:
        with pytest.raises(PublishManyError) as failed:
            producer.publish_many([Message(number) for number in range(30)], _timeout=0.05)
        assert list(failed.value.failed) == list(range(30))
        broker.start()
        producer.publish_many([MessageCommand("go", 1)], _timeout=WAIT)
    assert values(bus)[-1] == 1


def test_one_of_many_that_cannot_be_written_holds_up_none_of_the_others(
    producer: Producer, bus: MemoryTransport
) -> None:
    given: list[Any] = [1, object(), 4]
    with pytest.raises(PublishManyError) as failed:
        producer.publish_many(MessageCommand("go", one) for one in given)
    assert list(failed.value.failed) == [1]
    assert isinstance(failed.value.failed[1], EncodingError)
    assert values(bus) == [1, 4]
