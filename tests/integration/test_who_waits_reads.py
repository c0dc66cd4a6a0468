"""A thread that waits again and again reads for itself, and nothing else is any different."""

from __future__ import annotations

import queue
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from pelagos.messaging import ConnectionLostError, Exchange, MessageProcessor, RpcHandler, connect
from pelagos.messaging.broker.server import EmbeddedBroker
from pelagos.messaging.producer import GenericProducer
from pelagos.messaging.transports.amqp import AmqpConnection, loop
from pelagos.messaging.transports.base import Delivery, Envelope, Properties, Queue

pytestmark = pytest.mark.integration

WAIT = 60.0


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two waits within a minute are often, so that a slow machine comes that far."""
    monkeypatch.setattr(loop, "_OFTEN", 2)
    monkeypatch.setattr(loop, "_WHILE", WAIT)


@pytest.fixture
def link(embedded_broker: EmbeddedBroker) -> Iterator[AmqpConnection]:
    made = connect(f"{embedded_broker.url}?heartbeat=1").open()
    assert isinstance(made, AmqpConnection)
    made.declare_queue(Queue("work"))
    yield made
    made.close()


class Confirmation:
    """Waits for that of one message, reading where it may."""

    def __init__(self, link: AmqpConnection) -> None:
        self._link = link
        self._thread: threading.Thread | None = None
        self._told = threading.Event()
        self.problem: BaseException | None = None
        link.publish(Envelope("", "work", b"1", Properties("a")), self._done)

    def _done(self, problem: BaseException | None) -> None:
        self.problem, self._thread = problem, threading.current_thread()
        self._told.set()

    def read(self) -> bool:
        """Whether this thread has read it for itself."""
        self._link.read_for(self._told.is_set, WAIT)
        read = self.wait()
        if isinstance(self.problem, ConnectionLostError):
            raise self.problem
        return read

    def wait(self) -> bool:
        """The same without reading."""
        assert self._told.wait(WAIT)
        return self._thread is threading.current_thread()


def lend(link: AmqpConnection) -> None:
    """Wait until the connection's own thread has stepped aside for this one."""
    deadline = time.monotonic() + WAIT
    while not Confirmation(link).read():  # without a pause, in which it would be back
        assert time.monotonic() < deadline


def test_who_waits_once_is_woken_and_who_waits_often_reads(
    link: AmqpConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "_OFTEN", 5)
    assert not any(Confirmation(link).read() for _ in range(4))
    lend(link)


def test_the_connections_own_thread_goes_on_where_nobody_reads(link: AmqpConnection) -> None:
    lend(link)
    assert not Confirmation(link).wait()
    time.sleep(2.5)  # the broker ends what is silent for two heartbeats
    assert not Confirmation(link).wait()
    assert link.is_open


def test_who_asks_for_something_meanwhile_is_answered(link: AmqpConnection) -> None:
    lend(link)
    assert link.declare_queue(Queue("work", passive=True)).messages >= 1
    lend(link)
    over = threading.Event()
    reader = threading.Thread(target=_read_until, args=(link, over))
    reader.start()
    for _ in range(20):
        assert link.declare_queue(Queue("work", passive=True)).messages >= 1
    over.set()
    reader.join(WAIT)
    assert not reader.is_alive()


def _read_until(link: AmqpConnection, over: threading.Event) -> None:
    while not over.is_set():
        link.read_for(over.is_set, WAIT)


def test_who_reads_learns_that_the_broker_is_gone(
    link: AmqpConnection, embedded_broker: EmbeddedBroker
) -> None:
    ended: queue.SimpleQueue[BaseException] = queue.SimpleQueue()
    link.consume("work", lambda _delivery: None, ended.put, prefetch=1)
    lend(link)
    embedded_broker.stop()
    link.read_for(lambda: False, WAIT)
    assert isinstance(ended.get(timeout=WAIT), ConnectionLostError)
    assert not link.is_open


@pytest.mark.parametrize("kind", [KeyboardInterrupt, TimeoutError])
def test_a_signal_that_comes_while_nothing_does_costs_no_connection(
    link: AmqpConnection, kind: type[BaseException]
) -> None:
    assert threading.current_thread() is threading.main_thread()

    def interrupt(*_: object) -> None:
        if link._loop._polling:
            raise kind
        signal.setitimer(signal.ITIMER_REAL, 0.01)

    lend(link)
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        with pytest.raises(kind):
            _read_until(link, threading.Event())
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    confirmation = Confirmation(link)
    confirmation.wait()
    assert confirmation.problem is None


def test_what_was_half_read_ends_the_connection(link: AmqpConnection) -> None:
    def interrupted(_delivery: Delivery) -> None:
        if threading.current_thread() is threading.main_thread():
            raise KeyboardInterrupt

    ended: queue.SimpleQueue[BaseException] = queue.SimpleQueue()
    link.consume("work", interrupted, ended.put, prefetch=100, no_ack=True)
    with pytest.raises(KeyboardInterrupt):
        _lend_for_ever(link)
    assert "could not be given out" in str(ended.get(timeout=WAIT))
    assert not link.is_open


def _lend_for_ever(link: AmqpConnection) -> None:
    while True:
        lend(link)


def test_a_defect_of_who_is_told_ends_the_connection_and_not_who_reads(
    link: AmqpConnection, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_delivery: Delivery) -> None:
        raise ValueError("a defect")

    ended: queue.SimpleQueue[BaseException] = queue.SimpleQueue()
    link.consume("work", fail, ended.put, prefetch=100, no_ack=True)
    link.publish(Envelope("", "work", b"1", Properties("a")), lambda _problem: None)
    assert "could not be given out" in str(ended.get(timeout=WAIT))
    assert "a defect" in caplog.text


def test_who_reads_may_close(link: AmqpConnection) -> None:
    closed: queue.SimpleQueue[tuple[threading.Thread, float]] = queue.SimpleQueue()

    def close(_delivery: Delivery) -> None:
        if threading.current_thread() is threading.main_thread():
            begun = time.monotonic()
            link.close()
            closed.put((threading.current_thread(), time.monotonic() - begun))

    link.consume("work", close, lambda _problem: None, prefetch=100, no_ack=True)
    with pytest.raises(ConnectionLostError):
        _lend_for_ever(link)
    assert closed.get(timeout=WAIT)[1] < 1.5  # without the time that it gives the broker


class Work(Exchange):
    name = ""


class Server(MessageProcessor):
    eqk = ((Work, (("calls", "calls"),)),)

    @RpcHandler("command", "double")
    def double(self, content: dict[str, int]) -> int:
        return 2 * content["parameters"]


class Client(GenericProducer):
    eks = ((Work, "calls"),)


def test_calls_go_on_whoever_reads(embedded_broker: EmbeddedBroker) -> None:
    bus = connect(embedded_broker.url)
    with Server(bus=bus) as server, Client(bus=bus) as client:
        server.start()
        server.wait_ready(WAIT)
        alone = [client.rpc_double(number).body["content"]["value"] for number in range(200)]
        answers: dict[int, int] = {}

        def call(first: int) -> None:
            for number in range(first, first + 50):
                answers[number] = client.rpc_double(number).body["content"]["value"]

        threads = [threading.Thread(target=call, args=(50 * place,)) for place in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(WAIT)
        futures = [client.rpc_double(number, _future=True) for number in range(50)]
        later = [future.result(WAIT).body["content"]["value"] for future in futures]
    assert alone == [2 * number for number in range(200)]
    assert answers == {number: 2 * number for number in range(200)}
    assert later == [2 * number for number in range(50)]
