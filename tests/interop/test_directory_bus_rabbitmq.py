"""The directory on a real RabbitMQ, as it would stand beside a telephone exchange."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Mapping
from typing import Any

import pytest

from pelagos.directory.services.cleanup import USER_DELETED
from pelagos.messaging import connect
from pelagos.messaging.transports.base import Queue
from pelagos.plane.directory_bus import DirectoryBus

pika = pytest.importorskip("pika")
pytestmark = pytest.mark.integration
PATIENCE = 60


def announce(url: str, exchange: str, body: bytes) -> None:
    """As an exchange does: with a library that knows nothing of ours."""
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        channel = connection.channel()
        channel.exchange_declare(exchange, "topic", durable=True)
        channel.basic_publish(exchange, USER_DELETED, body)


def test_a_user_deleted_while_the_directory_was_away_is_heard_of_when_it_is_back(
    rabbitmq_url: str,
) -> None:
    name = f"xivo-{uuid.uuid4().hex}"
    heard: list[Mapping[str, Any]] = []
    more = threading.Condition()

    def hear(message: Mapping[str, Any]) -> None:
        with more:
            heard.append(message)
            more.notify_all()

    def wait(count: int) -> None:
        with more:
            assert more.wait_for(lambda: len(heard) >= count, PATIENCE)

    def start() -> DirectoryBus:
        bus = DirectoryBus(rabbitmq_url, name, name)
        bus.subscribe(USER_DELETED, hear)
        for consumer in bus._consumers:
            consumer.wait_ready(PATIENCE)
        return bus

    bus = start()
    announce(rabbitmq_url, name, b'{"data": {"uuid": "u-1"}}')
    wait(1)
    bus.stop()
    announce(rabbitmq_url, name, b"no JSON")
    announce(rabbitmq_url, name, b'{"data": {"uuid": "u-2"}}')
    bus = start()
    try:
        wait(2)
        assert [message["data"]["uuid"] for message in heard] == ["u-1", "u-2"]
        connection = connect(rabbitmq_url).open()
        connection.declare_queue(Queue(f"{name}.ledger"))
        connection.bind(name, f"{name}.ledger", "#")
        bus.publish("favorite_added", "favorites.added", {"source": "crm"})
        assert bus._producer is not None
        bus._producer.flush(PATIENCE)
        delivery = connection.get(f"{name}.ledger")
        assert delivery is not None
        assert json.loads(delivery.body) == {"name": "favorite_added", "data": {"source": "crm"}}
        connection.delete_queue(f"{name}.ledger")
        connection.close()
    finally:
        bus.stop()
        _forget(rabbitmq_url, name)


def _forget(url: str, name: str) -> None:
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        channel = connection.channel()
        for exchange in (name, "pelagos_events"):
            for key in (USER_DELETED, "plane.person.removed"):
                channel.queue_delete(f"{name}.{exchange}.{key}")
        channel.exchange_delete(name)


def test_a_broker_that_is_away_holds_up_nothing() -> None:
    bus = DirectoryBus("amqp://guest:guest@127.0.0.1:9/", "xivo", "x")
    bus.subscribe(USER_DELETED, lambda _: None)
    bus.publish("favorite_added", "favorites.added", {"source": "crm"})
    assert bus.alive()
    bus.stop()
