"""A look at a bus that is not in order: what it still tells, and what it leaves behind."""

from __future__ import annotations

from typing import Any

import pytest

from pelagos.messaging import (
    ConnectionLostError,
    Exchange,
    GenericProducer,
    JsonEncoder,
    MessagingError,
    TopologyError,
)
from pelagos.messaging.observation.checkup import examine
from pelagos.messaging.observation.tap import Tap
from pelagos.messaging.transports.base import Connection
from pelagos.messaging.transports.memory import MemoryBroker, MemoryTransport


class Events(Exchange):
    name = "events"
    exchange_type = "topic"


class Another(Exchange):
    name = "events"
    exchange_type = "fanout"


class Producer(GenericProducer):
    eks = ((Events, "event"),)


class Bus(MemoryTransport):
    """Remembers its connections, and says what server is there."""

    def __init__(self) -> None:
        super().__init__("", broker=MemoryBroker("observed"))
        self.opened: list[Any] = []
        self.server: dict[str, Any] = {}

    def open(self, timeout: float = 10.0) -> Connection:
        connection: Any = super().open(timeout)
        connection.server = self.server
        self.opened.append(connection)
        made: Connection = connection
        return made


@pytest.fixture
def bus() -> Bus:
    return Bus()


@pytest.mark.parametrize("count", [1, 21])
def test_a_connection_that_is_lost_while_it_is_examined_is_a_finding(bus: Bus, count: int) -> None:
    bus.broker.faults.cut_at(count)
    findings = {finding.name: finding for finding in examine(bus)}
    assert findings["reachable"].grade == findings["blocked"].grade == "ok"
    last = findings["publish" if count == 1 else "consume"]
    assert last.grade == ("fail" if count == 1 else "ok")


def test_dead_letters_that_cannot_be_counted_are_a_finding(bus: Bus) -> None:
    bus.broker.faults.cut_at(1)
    (*_, publish, dead) = examine(bus)
    assert (publish.name, publish.grade) == ("publish", "fail")
    assert (dead.name, dead.grade) == ("dead letters", "fail")
    assert "lost" in dead.message


@pytest.mark.parametrize("version", ["9" * 5000 + ".1", "", "four", "4"])
def test_a_server_of_an_odd_version_is_examined(bus: Bus, version: str) -> None:
    bus.server = {"product": "RabbitMQ", "version": version}
    findings = examine(bus)
    assert all(finding.grade == "ok" for finding in findings)
    assert "broker" in [finding.name for finding in findings]
    assert all(not connection.is_open for connection in bus.opened)


def test_a_tap_that_cannot_be_opened_leaves_no_connection(bus: Bus) -> None:
    bus.open().declare_exchange(Events)
    with pytest.raises(TopologyError), Tap(bus, [Another], ["#"]):
        pass
    assert not bus.opened[-1].is_open


def test_a_tap_on_one_key_and_no_list_is_named(bus: Bus) -> None:
    with pytest.raises(TypeError, match="keys is 'event', and no list"):
        Tap(bus, [Events], "event")


def test_a_tap_that_has_ended_says_so_again(bus: Bus) -> None:
    with Tap(bus, [Events], ["#"]) as tap:
        bus.broker.cut()
        for _ in range(2):
            with pytest.raises(ConnectionLostError):
                tap.next(0.0)
        tap.open()
        assert tap.next(0.0) is None
        with Producer(bus=bus) as producer:
            producer.message_go()
        seen = tap.next(10.0)
        assert seen is not None and seen.body is not None
    with pytest.raises(MessagingError, match="not open"):
        tap.next(0.0)


class Odd(JsonEncoder):
    """Cannot read what it writes, and does not say so as it should."""

    @classmethod
    def decode(cls, data: Any) -> Any:
        raise KeyError(data)


def test_what_an_encoder_fails_on_is_seen_with_the_reason(bus: Bus) -> None:
    with Tap(bus, [Events], ["#"], encoder=Odd) as tap, Producer(bus=bus) as producer:
        producer.message_go()
        seen = tap.next(10.0)
    assert seen is not None and seen.body is None
    assert seen.problem == "the encoder failed with KeyError"
