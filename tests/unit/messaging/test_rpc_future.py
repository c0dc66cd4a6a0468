"""Who is called back with an answer may send, call on, close and fail, and is told not to wait."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any, cast

import pytest

from pelagos.core.backoff import Backoff
from pelagos.messaging import Exchange, GenericProducer, Message, MessagingError
from pelagos.messaging.rpc import CallFuture
from pelagos.messaging.transports.memory import MemoryBroker, MemoryTransport
from support.rpc_server import RpcServer, echo

WAIT = 60.0


class Calls(Exchange):
    name = "calls"


class Producer(GenericProducer):
    eks = ((Calls, "work"),)


@pytest.fixture
def bus() -> MemoryTransport:
    return MemoryTransport("", broker=MemoryBroker("futures"))


@pytest.fixture
def producer(bus: MemoryTransport) -> Iterator[Producer]:
    server = RpcServer(bus, Calls, "work", echo)
    assert server.ready.wait(WAIT)
    with Producer(bus=bus, backoff=Backoff(first=0.001, limit=0.01)) as made:
        yield made
    server.close()


def value(future: Future[Message]) -> Any:
    return future.result(WAIT).body["content"]["value"]


MAY: dict[str, Callable[[Producer], Any]] = {
    "calls on": lambda producer: producer.rpc_echo("again", _future=True),
    "sends": lambda producer: producer.message_note("again", _wait=False),
    "sends, to be told": lambda producer: producer.message_note("again", _future=True),
    "closes": lambda producer: producer.close(),
}

MAY_NOT: dict[str, Callable[[Producer], Any]] = {
    "calls and waits": lambda producer: producer.rpc_echo("again", _timeout=WAIT),
    "sends and waits": lambda producer: producer.message_note("again"),
    "waits for a call": lambda producer: value(producer.rpc_echo("again", _future=True)),
    "asks many": lambda producer: producer.rpc_queue_echo("again"),
    "gathers": lambda producer: producer.consume_rpc("queue"),
}


def called_back(producer: Producer, does: Callable[[Producer], Any]) -> Any:
    done: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def callback(_future: Future[Message]) -> None:
        try:
            done.put(does(producer))
        except MessagingError as error:
            done.put(error)

    assert value(producer.rpc_echo(0, _future=True)) == 0  # all is open
    faults = cast("MemoryTransport", producer.bus).broker.faults
    faults.freeze()
    producer.rpc_echo(1, _future=True).add_done_callback(callback)
    faults.thaw()
    return done.get(timeout=WAIT)


@pytest.mark.parametrize("does", MAY)
def test_who_is_called_back_may_begin_more(producer: Producer, does: str) -> None:
    begun = called_back(producer, MAY[does])
    assert not isinstance(begun, MessagingError)
    if isinstance(begun, CallFuture):
        assert value(begun) == "again"
    elif begun is not None:
        begun.result(WAIT)


@pytest.mark.parametrize("does", MAY_NOT)
def test_who_is_called_back_is_told_not_to_wait(producer: Producer, does: str) -> None:
    told = called_back(producer, MAY_NOT[does])
    assert isinstance(told, MessagingError) and "all others would wait" in str(told)
    assert value(producer.rpc_echo(2, _future=True)) == 2


def test_who_fails_when_called_back_harms_no_other(
    producer: Producer, caplog: pytest.LogCaptureFixture
) -> None:
    told: queue.SimpleQueue[str] = queue.SimpleQueue()
    later = producer._caller._client("shared").future()
    later.add_done_callback(lambda _: sys.exit("first"))
    later.add_done_callback(lambda _: next(iter(())))
    later.add_done_callback(lambda _: told.put("third"))
    later.set_result(Message())
    assert told.get(timeout=WAIT) == "third"
    failed = [str(one.exc_info[1]) for one in caplog.records if one.exc_info]
    assert failed == ["first", ""]
    assert value(producer.rpc_echo(2, _future=True)) == 2


def test_the_time_of_calls_goes_on_after_one_who_exits(producer: Producer) -> None:
    for number in range(2):
        future = producer.rpc_nobody(number, _key="silent", _future=True, _timeout=0.05)
        with contextlib.suppress(SystemExit):  # it may be over already
            future.add_done_callback(lambda _: sys.exit("no answer"))
        assert not future.result(WAIT)


def test_who_comes_when_it_is_done_is_called_back_at_once(producer: Producer) -> None:
    future = producer.rpc_echo(3, _future=True)
    assert value(future) == 3
    where: list[threading.Thread] = []
    future.add_done_callback(lambda _: where.append(threading.current_thread()))
    assert where == [threading.current_thread()]


def test_a_loop_is_woken_and_a_wait_that_is_cancelled_tells_who_is_called_back(
    producer: Producer, bus: MemoryTransport
) -> None:
    silent: Any = bus.open()
    told: queue.SimpleQueue[bool] = queue.SimpleQueue()

    async def ask() -> list[Message]:
        asked = [producer.rpc_echo(number, _future=True) for number in range(20)]
        return list(await asyncio.gather(*asked))

    answers = asyncio.run(ask())
    assert [answer.body["content"]["value"] for answer in answers] == list(range(20))
    bus.broker.faults.freeze()
    future = producer.rpc_echo(1, _future=True)
    future.add_done_callback(lambda done: told.put(done.cancelled()))
    assert future.cancel() and future.cancel()
    assert not producer._caller._client("shared").needs_connection()
    assert told.get(timeout=WAIT)
    bus.broker.faults.thaw()
    silent.close()


FORK = """
import os
from pelagos.messaging import Exchange, GenericProducer, connect
from pelagos.messaging.transports.base import Queue
class Calls(Exchange):
    name = "calls"
class Producer(GenericProducer):
    eks = ((Calls, "work"),)
producer = Producer(bus=connect("memory:fork"))
link = producer.bus.open()
link.declare_exchange(Calls)
link.declare_queue(Queue("all"))
link.bind("calls", "all", "work")
waiting = producer.rpc_go(_future=True, _timeout=60.0)
client = producer._caller._client("shared")
with producer._caller._lock:  # as another thread may hold it just then
    child = os.fork()
if child == 0:
    try:
        assert not client._calls, "the parent's calls are the parent's"
        assert not producer.rpc_go(_future=True, _timeout=0.01, _max_retry=0).result(10)
        producer.close()
    except BaseException as error:
        print(repr(error), flush=True)
        os._exit(1)
    os._exit(0)
ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
assert waiting.cancel() and not client._calls
producer.close()
raise SystemExit(ended)
"""


def test_a_fork_finds_no_calls_and_no_lock_of_its_parent() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", FORK], check=False, capture_output=True, text=True, timeout=60
    )
    assert (ran.returncode, ran.stdout) == (0, "")
