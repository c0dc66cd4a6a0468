"""Calls as their caller sees them: answers, time-outs, re-sending, collecting, closing."""

from __future__ import annotations

import asyncio
import gc
import math
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent import futures
from typing import Any

import pytest

from pelagos.core.backoff import Backoff
from pelagos.messaging import (
    BufferFullError,
    Exchange,
    GenericProducer,
    JsonEncoder,
    Message,
    MessageResult,
    MessageResultError,
    MessageResultException,
    MessagingError,
    RpcCommand,
    connect,
)
from pelagos.messaging.broker.core.rules import LONGEST_TIME
from pelagos.messaging.broker.server import EmbeddedBroker
from pelagos.messaging.rpc import Replies
from pelagos.messaging.sending.sender import BUFFER_BYTES
from pelagos.messaging.transports.base import REQUEST_TIMEOUT, Connection, Queue
from pelagos.messaging.transports.memory import MemoryBroker, MemoryTransport
from support.rpc_server import RpcServer, echo

WAIT = 60.0
QUICK = Backoff(first=0.001, limit=0.01)


class Calls(Exchange):
    name = "calls"


class Producer(GenericProducer):
    eks = ((Calls, "work"),)

    def build_rpc_sum(self, *numbers: int) -> Message:
        return RpcCommand("sum", list(numbers))


@pytest.fixture
def broker() -> MemoryBroker:
    return MemoryBroker("rpc")


@pytest.fixture
def bus(broker: MemoryBroker) -> MemoryTransport:
    return MemoryTransport("", broker=broker)


@pytest.fixture
def serve(bus: MemoryTransport) -> Iterator[Callable[..., RpcServer]]:
    servers: list[RpcServer] = []

    def start(handler: Callable[[str, Any], Any] = echo, **options: Any) -> RpcServer:
        servers.append(RpcServer(bus, Calls, options.pop("key", "work"), handler, **options))
        assert servers[-1].ready.wait(WAIT)
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def producer(bus: MemoryTransport) -> Iterator[Producer]:
    with Producer({"name": "caller"}, bus=bus, backoff=QUICK) as made:
        yield made


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


@pytest.mark.parametrize("replies", ["shared", "direct", "private"])
def test_a_call_is_answered(
    producer: Producer, serve: Callable[..., RpcServer], replies: Replies
) -> None:
    producer.rpc_replies = replies
    server = serve()
    answer = producer.rpc_echo({"a": [1]})
    assert answer and isinstance(answer, MessageResult)
    assert answer.body["content"] == {"type": "success", "value": {"a": [1]}, "message": ""}
    assert answer.body["fingerprint"]["name"] == "server"
    assert producer.rpc_sum(1, 2).body["content"]["value"] == [1, 2]
    assert len(server.executed) == 2
    first = server.requests[0].properties
    assert first.message_id == first.correlation_id and first.reply_to
    assert not first.persistent and first.content_type == "application/json"


def test_results_errors_and_exceptions_are_told_apart(
    producer: Producer, serve: Callable[..., RpcServer]
) -> None:
    serve()
    error, failure, odd = producer.rpc_error("no"), producer.rpc_fail("x"), producer.rpc_odd()
    assert isinstance(error, MessageResultError) and not error
    assert error.body["content"]["message"] == "no"
    assert isinstance(failure, MessageResultException) and not failure
    assert failure.body["content"]["value"] == "KeyError"
    assert isinstance(odd, MessageResultError) and "JSON" in odd.body["content"]["message"]


def test_all_calls_of_a_process_share_one_reply_queue(
    bus: MemoryTransport, producer: Producer, serve: Callable[..., RpcServer]
) -> None:
    server = serve()
    with Producer(bus=bus) as other:
        for number in range(3):
            assert producer.rpc_echo(number) and other.rpc_echo(number)
    queues = {request.properties.reply_to or "" for request in server.requests}
    (name,) = queues
    assert f".{os.getpid()}." in name
    assert producer.rpc_echo(9)  # the other has given back only its own part


def test_many_threads_call_at_once_and_get_their_own_answers(
    producer: Producer, serve: Callable[..., RpcServer]
) -> None:
    serve()
    wrong: list[object] = []

    def work(worker: int) -> None:
        for number in range(100):
            answer = producer.rpc_echo([worker, number], _timeout=WAIT)
            if answer.body["content"]["value"] != [worker, number]:
                wrong.append(answer.body)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
    assert wrong == []


def test_a_call_that_no_queue_takes_is_an_error_at_once(producer: Producer) -> None:
    began = time.monotonic()
    answer = producer.rpc_nothing(_timeout=WAIT)
    assert isinstance(answer, MessageResultError)
    assert "'work'" in answer.body["content"]["message"]
    assert time.monotonic() - began < WAIT / 2


@pytest.mark.parametrize("options", [{"_timeout": math.inf}, {"_max_retry": 10**12}], ids=str)
def test_a_call_may_be_waited_for_as_long_as_one_likes(
    producer: Producer, serve: Callable[..., RpcServer], options: dict[str, Any]
) -> None:
    server = serve()
    assert producer.rpc_echo(1, **options).body["content"]["value"] == 1
    (request,) = server.requests
    assert request.properties.expiration is not None
    assert round(request.properties.expiration * 1000) < LONGEST_TIME


@pytest.mark.parametrize(("retries", "sent"), [(0, 1), (2, 3)])
def test_time_out_and_retries_mean_what_they_say(
    producer: Producer, serve: Callable[..., RpcServer], retries: int, sent: int
) -> None:
    release = threading.Event()

    def slow(_name: str, parameters: Any) -> Any:
        release.wait(WAIT)
        return parameters

    server = serve(slow)
    began = time.monotonic()
    answer = producer.rpc_slow(_timeout=0.1, _max_retry=retries)
    assert time.monotonic() - began >= 0.1 * sent
    assert isinstance(answer, MessageResultException) and not answer
    assert answer.body["content"] == {"type": "exception", "value": "TimeoutError", "message": ""}
    release.set()
    fast = producer.rpc_echo("after", _timeout=WAIT)
    assert fast.body["content"]["value"] == "after"  # not one of the late answers
    ids = [request.properties.message_id for request in server.requests[:-1]]
    assert len(set(ids)) == 1 and len(ids) <= sent  # what expired may not have been delivered
    assert len(server.executed) == 2


def test_a_late_answer_to_an_earlier_attempt_is_the_answer(
    producer: Producer, serve: Callable[..., RpcServer]
) -> None:
    def slow(_name: str, parameters: Any) -> Any:
        time.sleep(0.3)
        return parameters

    server = serve(slow)
    answer = producer.rpc_slow(5, _timeout=0.1, _max_retry=100)
    assert answer.body["content"]["value"] == 5
    assert len(server.executed) == 1


def test_a_server_that_repeats_no_correlation_id_is_called_privately(
    broker: MemoryBroker, producer: Producer, serve: Callable[..., RpcServer]
) -> None:
    serve(repeat_correlation_id=False)
    assert not producer.rpc_echo(1, _timeout=0.1, _max_retry=0)
    producer.rpc_replies = "private"
    before = len(broker.queues())
    assert producer.rpc_echo(2, _timeout=WAIT).body["content"]["value"] == 2
    future = producer.rpc_echo(3, _timeout=WAIT, _future=True)
    assert future.result(WAIT).body["content"]["value"] == 3
    wait_until(lambda: len(broker.queues()) == before)
    producer.close()
    wait_until(lambda: len(broker.queues()) == before - 1)


def test_a_cut_connection_is_opened_and_the_call_sent_again(
    broker: MemoryBroker, producer: Producer, serve: Callable[..., RpcServer]
) -> None:
    entered, release = threading.Event(), threading.Event()

    def slow(_name: str, parameters: Any) -> Any:
        entered.set()
        release.wait(WAIT)
        return parameters

    server = serve(slow)
    future = producer.rpc_slow(7, _future=True, _timeout=WAIT)
    assert entered.wait(WAIT)
    broker.cut()
    release.set()
    assert future.result(WAIT).body["content"]["value"] == 7
    assert len(server.executed) == 1


def test_calls_survive_many_cuts_and_are_executed_once(
    broker: MemoryBroker, producer: Producer, serve: Callable[..., RpcServer]
) -> None:
    server = serve()
    wrong: list[object] = []

    def work(worker: int) -> None:
        for number in range(40):
            answer = producer.rpc_echo([worker, number], _timeout=2, _max_retry=10)
            if not answer or answer.body["content"]["value"] != [worker, number]:
                wrong.append(answer.body)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        broker.cut()
        threads[0].join(0.01)
    assert wrong == []
    assert len(server.executed) == len(set(server.executed)) == 160


def test_an_answered_future_needs_no_garbage_collector(
    producer: Producer, serve: Callable[..., RpcServer]
) -> None:
    serve()
    gc.disable()
    try:
        future = producer.rpc_echo(1, _timeout=WAIT, _future=True)
        assert future.result(WAIT)
        watched = weakref.ref(future)
        del future
        wait_until(lambda: watched() is None)
    finally:
        gc.enable()


def a_queue_that_nobody_reads(bus: MemoryTransport) -> Connection:
    link = bus.open()
    link.declare_exchange(Calls)
    link.declare_queue(Queue("deaf"))
    link.bind("calls", "deaf", "work")
    return link


def test_futures_of_different_patience_end_each_in_its_time(
    producer: Producer, bus: MemoryTransport
) -> None:
    link = a_queue_that_nobody_reads(bus)
    began = time.monotonic()
    ended: dict[float, float] = {}
    for seconds in (WAIT, 0.6, 0.05, 0.3):
        future = producer.rpc_deaf(_timeout=seconds, _max_retry=0, _future=True)
        future.add_done_callback(
            lambda _future, seconds=seconds: ended.setdefault(seconds, time.monotonic() - began)
        )
    wait_until(lambda: len(ended) == 3)
    assert list(ended) == [0.05, 0.3, 0.6]
    assert all(later >= seconds for seconds, later in ended.items())
    link.close()


def test_who_waits_for_several_futures_sees_one_that_was_cancelled(
    producer: Producer, bus: MemoryTransport
) -> None:
    link = a_queue_that_nobody_reads(bus)
    future = producer.rpc_deaf(_timeout=WAIT, _future=True)
    assert future.cancel()
    assert futures.wait([future], WAIT).done == {future}
    assert future.cancel() and future.cancelled()
    link.close()


def test_a_call_waits_for_its_broker(
    broker: MemoryBroker, producer: Producer, serve: Callable[..., RpcServer]
) -> None:
    server = serve()
    broker.stop()
    future = producer.rpc_echo(1, _timeout=WAIT, _future=True)
    broker.start()
    assert future.result(WAIT)
    assert len(server.executed) == 1


def test_answers_of_several_servers_are_collected(
    producer: Producer, serve: Callable[..., RpcServer]
) -> None:
    for name in ("a", "b", "c"):
        serve(name=name)
    queue = producer.rpc_queue_echo(1)
    seen: list[Any] = []
    answers = producer.consume_rpc(queue, 3, seen.append, WAIT)
    assert sorted(answer.body["fingerprint"]["name"] for answer in answers) == ["a", "b", "c"]
    assert [body["content"]["value"] for body in seen] == [1, 1, 1]
    with pytest.raises(MessagingError, match="no answers are collected"):
        producer.consume_rpc(queue)


def test_fewer_answers_than_wanted_come_when_the_time_is_up(
    producer: Producer, serve: Callable[..., RpcServer]
) -> None:
    serve(key="other")
    queue = producer.rpc_echo(2, _queue_only=True, _eks=[(Calls, "work"), (Calls, "other")])
    assert len(producer.consume_rpc(queue, 5, timeout=0.2)) == 1


def test_collecting_goes_on_after_a_cut_without_counting_twice(
    broker: MemoryBroker, producer: Producer, serve: Callable[..., RpcServer]
) -> None:
    release = threading.Event()

    def slow(_name: str, parameters: Any) -> Any:
        release.wait(WAIT)
        return parameters

    quick, late = serve(name="quick"), serve(slow, name="late")
    queue = producer.rpc_queue_echo(1, _timeout=WAIT)
    wait_until(lambda: quick.executed and late.requests)
    broker.cut()
    release.set()
    answers = producer.consume_rpc(queue, 2, timeout=WAIT)
    names = [answer.body["fingerprint"]["name"] for answer in answers]
    assert sorted(names) == ["late", "quick"]


def test_calls_can_be_awaited(producer: Producer, serve: Callable[..., RpcServer]) -> None:
    serve()

    async def ask() -> list[Any]:
        calls = [producer.rpc_echo(number, _future=True) for number in range(50)]
        return [(await call).body["content"]["value"] for call in calls]

    assert asyncio.run(ask()) == list(range(50))


def test_an_awaited_call_times_out_and_is_forgotten_when_cancelled(
    producer: Producer, serve: Callable[..., RpcServer]
) -> None:
    serve(lambda _name, _parameters: time.sleep(0.5))

    async def ask() -> Message:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(producer.rpc_slow(_future=True), 0.01)
        late: Message = await producer.rpc_slow(_future=True, _timeout=0.05, _max_retry=1)
        return late

    answer = asyncio.run(ask())
    assert answer.body["content"]["value"] == "TimeoutError"


def test_closing_ends_the_calls_that_wait(
    producer: Producer, bus: MemoryTransport, serve: Callable[..., RpcServer]
) -> None:
    release = threading.Event()
    server = serve(lambda _name, value: (release.wait(WAIT), value)[1])
    errors: list[BaseException] = []

    def work() -> None:
        try:
            producer.rpc_slow(1, _timeout=WAIT)
        except MessagingError as error:
            errors.append(error)

    with Producer(bus=bus) as other:
        kept = other.rpc_slow(2, _timeout=WAIT, _future=True)
        wait_until(lambda: server.requests)
        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        wait_until(lambda: broker_depth(bus, server) >= 0)
        time.sleep(0.05)
        producer.close()
        for thread in threads:
            thread.join(WAIT)
        assert len(errors) == 3 and all("closed" in str(error) for error in errors)
        release.set()
        assert kept.result(WAIT).body["content"]["value"] == 2
    with pytest.raises(MessagingError, match="closed"):
        producer.rpc_echo(1)


def broker_depth(bus: MemoryTransport, server: RpcServer) -> int:
    return bus.broker.depth(server.queue_name)


# What must not hold up the others.


def test_a_private_call_that_is_not_waited_for_holds_up_nobody() -> None:
    """Its queue goes when its answer is there, which the connection's own thread brings."""
    with EmbeddedBroker() as embedded:
        bus = connect(embedded.url)
        server = RpcServer(bus, Calls, "work", echo)
        assert server.ready.wait(WAIT)
        with Producer(bus=bus) as producer:
            producer.rpc_replies = "private"
            futures = [producer.rpc_echo(number, _future=True) for number in range(5)]
            assert [len(future.result(WAIT).body) for future in futures] == [7] * 5
            began = time.monotonic()
            producer.rpc_replies = "shared"
            assert producer.rpc_echo(6, _timeout=WAIT)
            assert time.monotonic() - began < REQUEST_TIMEOUT / 2
        server.close()


class Odd(JsonEncoder):
    """Cannot read what it writes, and does not say so as it should."""

    @classmethod
    def decode(cls, data: Any) -> Any:
        raise ValueError(data)


def test_an_answer_that_the_encoder_fails_on_is_an_error_of_its_own_call(
    producer: Producer, serve: Callable[..., RpcServer]
) -> None:
    server = serve()
    producer.encoder_class = Odd
    for answer in (producer.rpc_echo(1), producer.rpc_echo(2, _future=True).result(WAIT)):
        assert isinstance(answer, MessageResultError)
        assert "ValueError" in answer.body["content"]["message"]
    producer.encoder_class = JsonEncoder
    assert producer.rpc_echo(3) and len(server.executed) == 3


class Unprintable:
    def __str__(self) -> str:
        raise LookupError("no text")


class Odder(JsonEncoder):
    """Reads what cannot be understood."""

    @classmethod
    def decode(cls, _data: Any) -> Any:
        return {"content": {"type": "exception", "value": Unprintable()}}


def test_an_answer_that_cannot_be_understood_is_an_error_of_its_own_call(
    producer: Producer, serve: Callable[..., RpcServer]
) -> None:
    serve()
    producer.encoder_class = Odder
    queue_name = producer.rpc_queue_echo(1)
    for answer in (
        producer.rpc_echo(1),
        producer.rpc_echo(2, _future=True).result(WAIT),
        *producer.consume_rpc(queue_name),
    ):
        assert isinstance(answer, MessageResultError)
        assert "cannot be read: LookupError" in answer.body["content"]["message"]


def test_calls_that_wait_for_their_broker_are_bounded_and_all_sent_when_it_is_back(
    broker: MemoryBroker, producer: Producer, serve: Callable[..., RpcServer]
) -> None:
    serve()
    broker.stop()
    large = "x" * 2_000_000
    waiting: list[Any] = []
    with pytest.raises(BufferFullError, match="wait for their answers"):
        waiting.extend(producer.rpc_echo(large, _future=True, _timeout=WAIT) for _ in range(100))
    assert len(waiting) == BUFFER_BYTES // (len(large) + 1000)
    broker.start()
    assert all(future.result(WAIT) for future in waiting)
    assert producer.rpc_echo(large)


def test_what_is_asked_of_all_is_not_done_long_after(
    producer: Producer, bus: MemoryTransport
) -> None:
    link = bus.open()
    link.declare_exchange(Calls)
    link.declare_queue(Queue("later"))
    link.bind("calls", "later", "work")
    producer.rpc_queue_echo(1)
    request = None
    while request is None:
        request = link.get("later")
    assert request.properties.expiration is not None
    assert request.properties.reply_to
