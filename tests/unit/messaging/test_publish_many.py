"""Many messages of a maker who fails, or that an encoder cannot write: what is safe is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from pelagos.messaging import (
    JsonEncoder,
    MessageCommand,
    PublishManyError,
)
from pelagos.messaging.transports.memory import MemoryBroker, MemoryTransport
from support.job_bus import Producer, job_bus


@pytest.fixture
def bus() -> MemoryTransport:
    return job_bus(MemoryBroker("many"))


@pytest.fixture
def producer(bus: MemoryTransport) -> Iterator[Producer]:
    with Producer(bus=bus) as made:
        yield made


def values(bus: MemoryTransport) -> list[Any]:
    link, got = bus.open(), []
    while (delivery := link.get("all")) is not None:
        link.ack(delivery)
        got.append(JsonEncoder.decode(delivery.body)["content"]["parameters"])
    return got


def many(last: object) -> Iterator[Any]:
    yield MessageCommand("go", 1)
    yield MessageCommand("go", 2)
    if isinstance(last, Exception):
        raise last
    yield last
    yield MessageCommand("go", 3)


def test_what_came_before_the_maker_of_many_failed_is_safe(
    producer: Producer, bus: MemoryTransport
) -> None:
    bus.broker.faults.delay_confirms(0.02)
    for last in (KeyError("gone"), 5):
        with pytest.raises((KeyError, TypeError), match=r"gone|not 5"):
            producer.publish_many(many(last))
        assert producer._publisher._sender._pending.all() == []
        assert values(bus) == [1, 2]


def test_what_came_before_the_maker_of_many_failed_and_is_not_safe_is_told(
    producer: Producer, bus: MemoryTransport
) -> None:
    bus.broker.faults.refuse(1)
    gone = KeyError("gone")
    with pytest.raises(PublishManyError) as failed:
        producer.publish_many(many(gone))
    assert list(failed.value.failed) == [0] and failed.value.__cause__ is gone
    assert values(bus) == [2]


class Plain(JsonEncoder):
    """Fails as the standard library's does."""

    @classmethod
    def encode(cls, data: Any) -> Any:
        return json.dumps(data)


def test_one_of_many_that_an_encoder_of_others_cannot_write_is_told_by_its_place(
    producer: Producer, bus: MemoryTransport
) -> None:
    producer.encoder_class = Plain
    with pytest.raises(PublishManyError, match=r"TypeError: .* JSON serializable") as failed:
        producer.publish_many(MessageCommand("go", one) for one in (1, object(), 3))
    assert list(failed.value.failed) == [1] and values(bus) == [1, 3]


def test_what_is_sent_later_has_the_headers_that_it_was_given(
    producer: Producer, bus: MemoryTransport
) -> None:
    bus.broker.stop()
    headers = {"number": 0}
    for number in range(3):
        headers["number"] = number
        producer.message_go(number, _headers=headers, _wait=False)
    bus.broker.start()
    producer.flush()
    assert [one.properties.headers["number"] for one in bus.broker.waiting("all")] == [0, 1, 2]
