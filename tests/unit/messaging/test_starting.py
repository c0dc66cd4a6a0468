"""What several threads may do that start and stop the same consumer or processor."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from pelagos.core.backoff import Backoff
from pelagos.messaging import (
    Exchange,
    ExitScheduler,
    GenericConsumer,
    GenericProducer,
    MessageProcessor,
    MessagingError,
    ReceivedMessage,
)
from pelagos.messaging.transports.base import Queue
from pelagos.messaging.transports.memory import MemoryBroker, MemoryTransport

WAIT = 60.0
QUICK = Backoff(first=0.001, limit=0.01)
ROUNDS = 60


class Town(Exchange):
    name = "town"


class Porter(MessageProcessor):
    eqk = ((Town, [("inbox", "a")]),)


@pytest.fixture
def bus() -> MemoryTransport:
    return MemoryTransport("", broker=MemoryBroker("starting"))


def consumer(bus: MemoryTransport) -> tuple[GenericConsumer, Callable[[], None]]:
    made = GenericConsumer(Porter.eqk, bus=bus, backoff=QUICK)
    return made, lambda: made.start(lambda _message: None)


def processor(bus: MemoryTransport) -> tuple[MessageProcessor, Callable[[], None]]:
    made = Porter({"name": "porter"}, bus=bus, backoff=QUICK)
    return made, made.start


Kind = Callable[[MemoryTransport], tuple[GenericConsumer | MessageProcessor, Callable[[], None]]]


@pytest.fixture(params=[consumer, processor], ids=["consumer", "processor"])
def started(
    request: pytest.FixtureRequest, bus: MemoryTransport
) -> Iterator[tuple[GenericConsumer | MessageProcessor, Callable[[], None]]]:
    kind: Kind = request.param
    made, start = kind(bus)
    yield made, start
    assert made.stop(WAIT)


Started = tuple[GenericConsumer | MessageProcessor, Callable[[], None]]


def readers(bus: MemoryTransport) -> int:
    link = bus.open()
    try:
        return link.declare_queue(Queue("inbox", passive=True)).consumers
    finally:
        link.close()


def test_of_many_that_start_it_at_once_one_does(started: Started, bus: MemoryTransport) -> None:
    made, start = started
    gate = threading.Barrier(4)

    def one() -> MessagingError | None:
        gate.wait(WAIT)
        try:
            start()
        except MessagingError as error:
            return error
        return None

    for _ in range(ROUNDS):
        with ThreadPoolExecutor(4) as pool:
            errors = [future.result() for future in [pool.submit(one) for _ in range(4)]]
        refused = [error for error in errors if error is not None]
        assert len(refused) == 3
        assert all("has been started already" in str(error) for error in refused)
        assert all("stop() has returned True" in str(error.hint) for error in refused)
        made.wait_ready(WAIT)
        assert readers(bus) == 1
        assert made.stop(WAIT)


def test_starting_and_stopping_at_once_leaves_it_in_order(
    started: Started, bus: MemoryTransport
) -> None:
    made, start = started

    def start_it() -> None:
        for _ in range(ROUNDS):
            try:
                start()
            except MessagingError as error:
                assert "has been started already" in str(error)  # noqa: PT017 - if it comes

    def stop_it() -> None:
        for _ in range(ROUNDS):
            assert made.stop(WAIT)

    with ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(one) for one in (start_it, stop_it) * 2]:
            future.result()
    assert made.stop(WAIT)
    assert not made.is_running
    start()
    made.wait_ready(WAIT)
    assert readers(bus) == 1


def test_what_consumes_in_a_thread_of_somebody_is_not_started_besides(
    bus: MemoryTransport,
) -> None:
    made = Porter({"name": "porter"}, bus=bus, backoff=QUICK)
    thread = threading.Thread(target=made.start_consuming)
    thread.start()
    try:
        made.wait_ready(WAIT)
        with pytest.raises(MessagingError, match="started already"):
            made.start()
        with pytest.raises(MessagingError, match="started already"):
            made.start_consuming()
        assert not made.consumer.is_stopping
    finally:
        made.stop_consuming()
        thread.join(WAIT)
    assert not thread.is_alive()


class Sender(GenericProducer):
    eks = ((Town, "a"),)


def test_what_cannot_be_called_is_refused_before_it_is_given_messages(
    bus: MemoryTransport,
) -> None:
    made = GenericConsumer(Porter.eqk, bus=bus)
    with pytest.raises(TypeError, match="the callback is 3"):
        made.start_consuming(3)  # type: ignore[arg-type]
    assert not made._intake.has_run


def test_what_ended_it_once_does_not_count_when_it_is_started_again(bus: MemoryTransport) -> None:
    def end(_message: ReceivedMessage) -> None:
        raise ExitScheduler

    with GenericConsumer(Porter.eqk, bus=bus) as made, Sender(bus=bus) as sender:
        made.start(end)
        made.wait_ready(WAIT)
        sender.message_go(_mandatory=True)
        assert made._thread is not None
        made._thread.join(WAIT)
        assert isinstance(made.ending, ExitScheduler)
        made.start(end)
        assert made.ending is None


def test_what_was_taken_just_when_it_was_stopped_goes_back(bus: MemoryTransport) -> None:
    made = GenericConsumer(Porter.eqk, bus=bus)
    link = bus.open()
    made.begin()
    try:
        made.wait_ready(WAIT)
        with Sender(bus=bus) as sender:
            sender.message_go(_mandatory=True)
        lane = made._intake.lane
        delivery = lane.inbox.get(timeout=WAIT)
        lane.inbox.put(delivery)
        made._stopping = True
        bus.broker.pause(active=False)
        made._work(lane, lambda _message: pytest.fail("it was stopped"))
        assert bus.broker.depth("inbox") == 1
    finally:
        bus.broker.pause(active=True)
        made.finish()
        link.close()
