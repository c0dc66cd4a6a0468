"""plane.directory_bus: what the directory announces and hears, as telephone exchanges write it."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from pelagos.core import wire
from pelagos.directory.services.cleanup import USER_DELETED
from pelagos.messaging import Exchange, Message, connect
from pelagos.messaging.transports.base import Envelope, Properties, Queue
from pelagos.plane import directory_bus
from pelagos.plane.directory_bus import DirectoryBus
from pelagos.plane.events import PlaneEvents, letter_of
from pelagos.slap.model import Cause, Event

PATIENCE = 60


class Xivo(Exchange):
    name = "xivo"
    exchange_type = "topic"
    durable = True


@pytest.fixture
def url() -> str:
    return f"memory:{uuid.uuid4().hex}"


@pytest.fixture
def bus(url: str) -> Iterator[DirectoryBus]:
    bus = DirectoryBus(url, "xivo", "test")
    yield bus
    bus.stop()


class Heard:
    def __init__(self) -> None:
        self.messages: list[Mapping[str, Any]] = []
        self.fails = 0
        self._more = threading.Condition()

    def __call__(self, message: Mapping[str, Any]) -> None:
        with self._more:
            if self.fails:
                self.fails -= 1
                raise RuntimeError("the database is away")
            self.messages.append(message)
            self._more.notify_all()

    def wait(self, count: int) -> list[Mapping[str, Any]]:
        with self._more:
            assert self._more.wait_for(lambda: len(self.messages) >= count, PATIENCE)
            return self.messages


def post(url: str, exchange: type[Exchange], key: str, body: bytes) -> None:
    connection = connect(url).open()
    connection.declare_exchange(exchange)
    gone = threading.Event()
    letter = Envelope(exchange.name, key, body, Properties(uuid.uuid4().hex))
    connection.publish(letter, lambda *_: gone.set())
    assert gone.wait(PATIENCE)
    connection.close()


def ready(bus: DirectoryBus) -> None:
    for consumer in bus._consumers:
        consumer.wait_ready(PATIENCE)


def test_a_deleted_user_is_heard_of_and_rubbish_before_is_no_matter(
    bus: DirectoryBus, url: str
) -> None:
    heard = Heard()
    bus.subscribe(USER_DELETED, heard)
    ready(bus)
    for body in (b"\xff{", b"[1]", b"7", b'"x"', b"null"):
        post(url, Xivo, USER_DELETED, body)
    said = {"name": "user_deleted", "data": {"id": 5, "uuid": "u-1"}}
    post(url, Xivo, "config.user.created", wire.encode(said))
    post(url, Xivo, USER_DELETED, wire.encode(said))
    assert heard.wait(1) == [said]
    assert bus.alive()


def test_a_person_who_leaves_the_plane_is_a_deleted_user(bus: DirectoryBus, url: str) -> None:
    heard = Heard()
    bus.subscribe(USER_DELETED, heard)
    ready(bus)
    event = Event(1, 0.0, "person.removed", "ann", "ann", None, "person:admin", Cause("", ""))
    letter = letter_of(event, "db").envelope
    post(url, PlaneEvents, letter.key, letter.body)
    assert heard.wait(1)[0]["data"] == {"uuid": "ann"}


def test_a_message_of_pelagos_is_read_by_its_content(bus: DirectoryBus, url: str) -> None:
    heard = Heard()
    bus.subscribe("a.b", heard)
    ready(bus)
    message = Message(uuid="u-1")
    message.fingerprint(name="other")
    post(url, Xivo, "a.b", wire.encode(message.body))
    assert "u-1" in str(heard.wait(1)[0])


def test_what_could_not_be_handled_comes_again(
    bus: DirectoryBus, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory_bus, "_PAUSE", 0.01)
    heard = Heard()
    heard.fails = 3
    bus.subscribe(USER_DELETED, heard)
    ready(bus)
    post(url, Xivo, USER_DELETED, b'{"data": {"uuid": "u-1"}}')
    assert heard.wait(1) == [{"data": {"uuid": "u-1"}}]


def test_what_is_announced_has_name_and_data(bus: DirectoryBus, url: str) -> None:
    connection = connect(url).open()
    connection.declare_exchange(Xivo)
    connection.declare_queue(Queue("ledger"))
    connection.bind("xivo", "ledger", "favorites.#")
    bus.publish("favorite_added", "favorites.added", {"source": "crm", "id": "7"})
    bus.publish("favorite_added", "other", {})
    bus._producer.flush(PATIENCE)  # type: ignore[union-attr]  # there is one now
    delivery = connection.get("ledger")
    assert delivery is not None
    assert wire.decode(delivery.body) == {
        "name": "favorite_added", "data": {"source": "crm", "id": "7"},
    }  # fmt: skip
    assert connection.get("ledger") is None
    connection.close()
