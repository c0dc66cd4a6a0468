"""Who hears what: the addresses of applications."""

from __future__ import annotations

import itertools
import queue
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pelagos.messaging import MessagingError
from pelagos.messaging.application import (
    GenericApplication,
    GenericApplicationExchange,
    GenericApplicationProducer,
    address,
)
from pelagos.messaging.processor import MessageHandler
from pelagos.messaging.transports.base import Queue
from pelagos.messaging.transports.memory import MemoryTransport

WAIT = 60.0


class Lamp(GenericApplication):
    """Tells who heard what."""

    heard: queue.SimpleQueue[tuple[str, Any]]

    @MessageHandler("command", "shine")
    def msg_shine(self, content: Any) -> None:
        self.heard.put((self.uid, content["parameters"]))


class Land:
    """Applications on several computers, played by one process."""

    def __init__(self, bus: Any) -> None:
        self.bus = bus
        self.heard: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self.producer = GenericApplicationProducer(bus=bus)
        self.lamps: dict[str, Lamp] = {}
        self.numbers = itertools.count()

    def lamp(self, name: str, pid: int, host: str, *groups: str) -> Lamp:
        made = Lamp({"name": name, "pid": pid, "host": host}, groups=groups, bus=self.bus)
        made.heard = self.heard
        made.start()
        made.wait_ready(WAIT)
        self.lamps[made.uid] = made
        return made

    def who(self, key: str, count: int) -> list[str]:
        """Who hears a message with this key; `count` are expected."""
        number = next(self.numbers)
        self.producer.message_shine(number, _key=key)
        got = [self.heard.get(timeout=WAIT) for _ in range(count)]
        assert self.heard.empty() and {told for _, told in got} == {number}
        return sorted(who for who, _ in got)

    def command(self, name: str, key: str, parameters: Any) -> None:
        getattr(self.producer, f"message_{name}")(parameters, _key=key)

    def readers(self, queue: str) -> int:
        link = self.bus.open()
        consumers = link.declare_queue(Queue(queue, passive=True)).consumers
        link.close()
        return consumers

    def until(self, true: Callable[[], object]) -> None:
        deadline = time.monotonic() + WAIT
        while not true():
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def close(self) -> None:
        for lamp in self.lamps.values():
            assert lamp.stop(WAIT)
        self.producer.close()


@pytest.fixture
def land(request: pytest.FixtureRequest) -> Iterator[Land]:
    made = Land(MemoryTransport(f"land-{request.node.name}"))
    yield made
    made.close()


def test_every_address_reaches_whom_it_names(land: Land) -> None:
    land.lamp("lamp", 1, "sea")
    land.lamp("lamp", 2, "sea")
    land.lamp("lamp", 3, "hill")
    land.lamp("bell", 4, "sea")
    assert land.who("lamp", 3) == ["1@sea", "2@sea", "3@hill"]
    assert land.who("@sea", 3) == ["1@sea", "2@sea", "4@sea"]
    assert land.who("lamp@sea", 2) == ["1@sea", "2@sea"]
    assert land.who("2@sea", 1) == ["2@sea"]
    assert {land.who("lamp/rr", 1)[0] for _ in range(6)} == {"1@sea", "2@sea", "3@hill"}
    assert {land.who("lamp@sea/rr", 1)[0] for _ in range(6)} == {"1@sea", "2@sea"}
    assert land.who("bell/rr", 1) == ["4@sea"]


def test_groups_are_joined_and_left_while_working(land: Land) -> None:
    first, second = land.lamp("lamp", 1, "sea", "red"), land.lamp("lamp", 2, "sea")
    assert land.who("lamp#red", 1) == ["1@sea"]
    land.command("join_group", "2@sea", {"group_name": "red"})
    land.until(lambda: second.groups == {"red"})
    assert land.who("lamp#red", 2) == ["1@sea", "2@sea"]
    assert {land.who("lamp#red/rr", 1)[0] for _ in range(4)} == {"1@sea", "2@sea"}
    land.bus.broker.cut()  # what was joined at run time is there again
    for lamp in (first, second):
        land.until(lambda lamp=lamp: lamp.consumer.problem is None)
        lamp.wait_ready(WAIT)
    land.until(
        lambda: land.bus.open().declare_queue(Queue("lamp#red", passive=True)).consumers > 1
    )
    assert land.who("lamp#red", 2) == ["1@sea", "2@sea"]
    land.command("leave_group", "1@sea", {"group_name": "red"})
    land.until(lambda: not first.groups)
    assert land.who("lamp#red", 1) == ["2@sea"]
    assert {land.who("lamp#red/rr", 1)[0] for _ in range(4)} == {"2@sea"}


@pytest.mark.parametrize(
    "parameters", [None, {}, {"group_name": ""}, {"group_name": "a#b"}, {"group_name": 5}]
)
def test_a_group_that_cannot_be_is_refused_and_the_application_lives(
    land: Land, parameters: Any
) -> None:
    lamp = land.lamp("lamp", 1, "sea")
    land.command("join_group", "1@sea", parameters)
    assert land.who("1@sea", 1) == ["1@sea"]
    assert not lamp.groups


def test_ping_tells_who_is_there(land: Land) -> None:
    land.lamp("lamp", 1, "sea")
    land.lamp("lamp", 2, "hill")
    answer = land.producer.rpc_ping(_key="2@hill", _timeout=WAIT)
    assert answer and answer.body["content"]["value"]["host"] == "hill"
    queue_name = land.producer.rpc_ping(_key="lamp", _queue_only=True)
    answers = land.producer.consume_rpc(queue_name, 2, timeout=WAIT)
    assert {one.body["content"]["value"]["pid"] for one in answers} == {"1", "2"}


def test_what_is_sent_to_nobody_reaches_nobody(land: Land) -> None:
    land.lamp("lamp", 1, "sea")
    land.producer.message_shine("all?")
    assert land.who("lamp", 1) == ["1@sea"]


@pytest.mark.parametrize("name", [None, "", "a@b", "a/rr", "a#b"])
def test_an_application_needs_a_name_that_can_be_part_of_an_address(name: Any) -> None:
    with pytest.raises(MessagingError) as refused:
        GenericApplication({} if name is None else {"name": name}, bus="memory:nameless")
    assert refused.value.hint


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"one": True},
        {"host": "sea", "one": True},
        {"pid": 1},
        {"pid": 1, "host": "sea", "name": "lamp"},
        {"group": "red"},
        {"name": "lamp", "host": "sea", "group": "red"},
    ],
)
def test_an_address_of_nobody_is_refused(parts: dict[str, Any]) -> None:
    with pytest.raises(MessagingError):
        address(**parts)


def test_the_exchange_and_queues_are_those_that_brokers_accept() -> None:
    assert GenericApplicationExchange.parameters["durable"] is True
    lamp = Lamp({"name": "lamp", "pid": 1, "host": "sea"}, bus="memory:accepted")
    queues = {binding.queue.name: binding.queue for binding in lamp.consumer.bindings}
    assert sorted(queues) == ["1@sea", "lamp", "lamp@sea"]
    assert all(queue.durable and queue.arguments["x-expires"] for queue in queues.values())
