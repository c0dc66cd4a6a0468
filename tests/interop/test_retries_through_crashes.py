"""What waits to be tried again outlives brokers and processors that are killed (SIGKILL)."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pelagos.messaging import MessageHandler, MessageProcessor, Retry, connect
from pelagos.messaging.errors import MessagingError
from pelagos.messaging.transports.base import Queue
from support import mortal_returner
from support.bus_desk import Desk
from support.rabbitmq import Broker

pytestmark = [pytest.mark.interop, pytest.mark.timeout(900)]

MESSAGES, KILLS = 300, 5
PATIENCE = 240.0  # seconds


class Failing(MessageProcessor):
    """Fails three times, and then does it."""

    desk: Desk
    retry = Retry(attempts=5, first=0.5, factor=2)

    @MessageHandler("command", "go")
    def msg_go(self, _content: Any) -> None:
        message = self.current.message
        if message.attempt < 4:
            raise OSError("disk full")
        self.desk.got.put(message.message_id)


def test_a_broker_that_is_killed_loses_nothing_that_waits(
    own_rabbitmq: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "pelagos.messaging")
    desk = Desk(connect(own_rabbitmq.url))
    for _ in range(2):
        desk.run(Failing)
    # A RabbitMQ that is killed within moments forgets queues, and with them what it has confirmed:
    # the waiting queues are older than that when the first message has been through all of them.
    desk.tell("go", message_id="first")
    assert desk.take() == "first"
    sent = {uuid.uuid4().hex for _ in range(MESSAGES)}
    for message_id in sent:
        desk.tell("go", message_id=message_id)
    waiting = [f"{desk.queue}.retry.{delay}" for delay in Failing.retry.delays_ms()[:3]]
    done: Counter[str] = Counter()
    for kill in range(KILLS):
        until(functools.partial(some_wait, desk, waiting[min(kill // 2, 2)]))
        own_rabbitmq.kill()
        own_rabbitmq.start()
        until(functools.partial(reconnected, desk))

    def all_done() -> bool:
        while not desk.got.empty():
            done[desk.got.get()] += 1
        return set(done) >= sent

    until(all_done)
    assert set(done) == sent
    desk.stop()
    assert desk.dead.count() == 0


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def some_wait(desk: Desk, queue: str) -> bool:
    """Whether something waits there, or all is done."""
    with contextlib.suppress(MessagingError):
        return desk.waiting(queue) > 0 or desk.got.qsize() >= MESSAGES
    return False


def reconnected(desk: Desk) -> bool:
    with contextlib.suppress(MessagingError):
        desk.link = desk.bus.open()
        return True
    return False


@pytest.fixture
def desk(rabbitmq_url: str) -> Iterator[Desk]:
    made = Desk(connect(rabbitmq_url))
    endings = [*mortal_returner.Failing.retry.delays_ms(), "delays"]
    made.queues += [f"{made.queue}.retry.{ending}" for ending in endings]
    yield made
    made.close()


def test_a_processor_that_dies_with_a_message_in_hand_loses_nothing(
    desk: Desk, rabbitmq_url: str, tmp_path: Path
) -> None:
    desk.link.declare_exchange(desk.exchange)
    desk.link.declare_queue(Queue(desk.queue))
    desk.link.declare_queue(Queue(desk.graves))
    desk.link.bind(desk.exchange.name, desk.queue, "k")
    sent = {uuid.uuid4().hex for _ in range(100)}
    for message_id in sent:
        desk.tell("go", message_id=message_id)
    with (tmp_path / "log").open("ab") as log:

        def worker(last: int) -> subprocess.Popen[bytes]:
            return subprocess.Popen(
                [sys.executable, mortal_returner.__file__, rabbitmq_url, desk.queue, str(last)],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
                stderr=log,
            )

        died = 0
        for last in range(5, 65, 3):
            process = worker(last)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:  # nothing is left to be brought back
                process.kill()
            died += process.wait() == -signal.SIGKILL
        last_one = worker(0)
        try:
            desk.until(lambda: {one.properties.message_id for one in desk.dead.list()} >= sent)
        finally:
            last_one.kill()
            last_one.wait()
    assert died >= 10
