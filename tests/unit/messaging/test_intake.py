"""What a consumer says and waits for while nothing comes."""

from __future__ import annotations

import logging
import queue
import time
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest

from pelagos.core.backoff import Backoff
from pelagos.core.clock import ManualClock
from pelagos.messaging import Exchange, GenericConsumer, Middleware, TopologyError
from pelagos.messaging.transports.base import Connection
from pelagos.messaging.transports.memory import MemoryBroker, MemoryTransport

WAIT = 60.0


class Town(Exchange):
    name = "town"


class Pauses:
    """Asked for as a Backoff is; tells of which failure."""

    def __init__(self) -> None:
        self.asked: queue.SimpleQueue[int] = queue.SimpleQueue()

    def delay(self, failures: int) -> float:
        self.asked.put(failures)
        return 0.0

    def take(self, count: int) -> list[int]:
        return [self.asked.get(timeout=WAIT) for _ in range(count)]


class Site:
    def __init__(self) -> None:
        self.broker = MemoryBroker("intake")
        self.bus = MemoryTransport("", broker=self.broker)
        self.clock, self.pauses = ManualClock(), Pauses()
        self.heard: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
        site = self

        class Watch(Middleware):
            def on_connected(self, url: str) -> None:
                site.heard.put(("connected", url))

            def on_disconnected(self, *told: Any) -> None:
                site.heard.put(("disconnected", str(told[1])))

        self.consumer = GenericConsumer(
            [(Town, [("inbox", "a")])],
            bus=self.bus,
            clock=self.clock,
            backoff=cast("Backoff", self.pauses),
            middlewares=[Watch()],
        )

    def start(self) -> None:
        self.consumer.start(lambda _message: None)
        self.consumer.wait_ready(WAIT)

    def cancel(self) -> None:
        self.until(lambda: self.broker.cancel_consumers("inbox") == 1)

    def until(self, true: Callable[[], object]) -> None:
        deadline = time.monotonic() + WAIT
        while not true():
            assert time.monotonic() < deadline
            time.sleep(0.002)


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    yield made
    assert made.consumer.stop(WAIT)


def test_a_broker_that_cancels_again_and_again_is_asked_ever_slower(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site.start()
    for _ in range(3):
        site.cancel()
    assert site.pauses.take(3) == [1, 2, 3]
    site.until(lambda: site.consumer.problem is None)
    assert caplog.text.count("not consuming from memory:intake: the broker cancelled") >= 1
    site.clock.advance(5.0)
    site.cancel()  # it held for long enough: tried again at once
    site.cancel()
    assert site.pauses.take(1) == [1]


def test_a_connection_that_held_for_long_enough_is_no_failure(site: Site) -> None:
    site.start()
    site.broker.cut()
    assert site.pauses.take(1) == [1]
    site.consumer.wait_ready(WAIT)
    site.clock.advance(5.0)
    site.broker.cut()
    site.until(lambda: site.heard.qsize() == 5)  # three times connected
    site.broker.cut()
    assert site.pauses.take(1) == [1]


def test_what_was_never_connected_is_not_told_to_be_disconnected(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    failures: list[Exception] = [TopologyError("refused", code=403, name="x"), ValueError("hook")]

    def fail(_connection: Connection) -> None:
        if failures:
            raise failures.pop(0)

    site.consumer.on_open = fail
    with caplog.at_level(logging.WARNING):
        site.start()
    assert site.pauses.take(2) == [1, 2]
    assert site.heard.get(timeout=WAIT)[0] == "connected"
    traces = [record.exc_info[0] for record in caplog.records if record.exc_info]
    assert traces == [ValueError]  # a refusal needs none
    assert "not consuming from memory:intake: refused" in caplog.text
    site.broker.cut()
    assert site.heard.get(timeout=WAIT)[0] == "disconnected"
