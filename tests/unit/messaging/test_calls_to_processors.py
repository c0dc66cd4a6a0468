"""Our callers and our servers together: whatever a handler does, its caller hears of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pelagos.core.backoff import Backoff
from pelagos.messaging import Exchange, Fingerprint, GenericProducer, MessageResult
from pelagos.messaging.processor import MessageProcessor, RpcHandler
from pelagos.messaging.rpc import Replies
from pelagos.messaging.runner.team import Team
from pelagos.messaging.transports.memory import MemoryBroker, MemoryTransport

WAIT = 60.0
QUICK = Backoff(first=0.001, limit=0.01)


class Calls(Exchange):
    name = "calls"


class Server(MessageProcessor):
    executed: list[Any]

    @RpcHandler("command", "echo")
    def echo(self, content: dict[str, Any], reply: Callable[[Any], None]) -> None:
        self.executed.append(content["parameters"])
        reply(MessageResult(content["parameters"]))

    @RpcHandler("command", "fail")
    def fail(self, _content: dict[str, Any], _reply: Callable[[Any], None]) -> None:
        raise KeyError("x")

    @RpcHandler("command", "mute")
    def mute(self, content: dict[str, Any], reply: Callable[[Any], None]) -> None:
        """Forgets to answer."""


class Producer(GenericProducer):
    eks = ((Calls, "work"),)


@pytest.fixture
def broker() -> MemoryBroker:
    return MemoryBroker("processors")


@pytest.fixture
def server(broker: MemoryBroker) -> Iterator[Server]:
    bus = MemoryTransport("", broker=broker)
    eqk = [(Calls, [("work", "work")])]
    made = Server(Fingerprint("server", "test"), eqk, bus=bus, backoff=QUICK)
    made.executed = []
    thread = threading.Thread(target=made.start_consuming, daemon=True)
    thread.start()
    made.consumer.wait_ready(WAIT)
    yield made
    made.stop_consuming()
    thread.join(WAIT)


@pytest.fixture
def producer(broker: MemoryBroker) -> Iterator[Producer]:
    with Producer(bus=MemoryTransport("", broker=broker), backoff=QUICK) as made:
        yield made


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("replies", ["shared", "direct", "private"])
def test_whatever_a_handler_does_its_caller_hears_of_it(
    producer: Producer, replies: Replies
) -> None:
    producer.rpc_replies = replies
    answers = {
        name: getattr(producer, f"rpc_{name}")(5, _timeout=WAIT).body["content"]
        for name in ("echo", "fail", "mute", "unknown")
    }
    assert answers["echo"]["value"] == 5
    assert (answers["fail"]["type"], answers["fail"]["value"]) == ("exception", "KeyError")
    assert answers["mute"]["type"] == "error" and "mute" in answers["mute"]["message"]
    assert answers["unknown"]["type"] == "error" and "unknown" in answers["unknown"]["message"]


def test_calls_through_cuts_are_executed_once(
    broker: MemoryBroker, server: Server, producer: Producer
) -> None:
    wrong: list[Any] = []

    def work(worker: int) -> None:
        for number in range(30):
            answer = producer.rpc_echo([worker, number], _timeout=2, _max_retry=15)
            if not answer or answer.body["content"]["value"] != [worker, number]:
                wrong.append(answer.body)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for progress in range(0, 100, 20):  # not oftener: a consumer comes back ever more slowly
        while len(server.executed) < progress and any(thread.is_alive() for thread in threads):
            threads[0].join(0.001)
        broker.cut()
    for thread in threads:
        thread.join(3 * WAIT)
    assert wrong == []
    assert sorted(server.executed) == [[w, n] for w in range(4) for n in range(30)]


def test_a_call_that_is_sent_again_is_not_executed_by_another_worker(broker: MemoryBroker) -> None:
    """One worker still has it when its copies come to the others, which go on meanwhile."""
    bus = MemoryTransport("", broker=broker)
    entered, release = threading.Event(), threading.Event()
    executed: list[Any] = []

    class Slow(Server):
        prefetch = 1  # nothing lies behind what is slow

        @RpcHandler("command", "slow")
        def slow(self, content: dict[str, Any]) -> Any:
            executed.append(content["parameters"])
            entered.set()
            release.wait(WAIT)
            return content["parameters"]

    def make() -> Slow:
        made = Slow({"name": "slow"}, [(Calls, [("work", "work")])], bus=bus, backoff=QUICK)
        made.executed = []
        return made

    team = Team(make, threads=3, concurrency=0)
    team.start(lambda: None)
    for consumer in team.consumers:
        consumer.wait_ready(WAIT)
    with Producer(bus=bus, backoff=QUICK) as producer:
        slow = producer.rpc_slow(7, _future=True, _timeout=0.05, _max_retry=2000)
        assert entered.wait(WAIT)
        began = time.monotonic()
        for number in range(5):
            assert producer.rpc_echo(number, _timeout=WAIT).body["content"]["value"] == number
        assert time.monotonic() - began < WAIT / 2, "only what was slow has ended"
        release.set()
        assert slow.result(WAIT).body["content"]["value"] == 7
    team.stop()
    team.join(WAIT)
    assert executed == [7]


def test_all_who_are_asked_answer_although_they_live_in_one_process(broker: MemoryBroker) -> None:
    """Each has a queue of its own, and so a copy that is not another's."""
    bus = MemoryTransport("", broker=broker)
    servers = [
        Server({"name": name}, [(Calls, [(name, "work")])], bus=bus, backoff=QUICK)
        for name in ("a", "b")
    ]
    for server in servers:
        server.executed = []
        server.start()
        server.consumer.wait_ready(WAIT)
    with Producer(bus=bus, backoff=QUICK) as producer:
        answers = producer.consume_rpc(producer.rpc_queue_echo(1), 2, timeout=WAIT)
    assert {answer.body["fingerprint"]["name"] for answer in answers} == {"a", "b"}
    for server in servers:
        server.stop()
