"""A desk from which tests ask a broker for things with pika, and see what it refuses."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pika
import pika.exceptions
import pytest

from support.amqp_raw import RawLink

WAIT = 60.0


def eventually(what: Callable[[], Any], seconds: float = WAIT) -> Any:
    """The first true answer; the test fails when none comes in time."""
    deadline = time.monotonic() + seconds
    while not (answer := what()):
        assert time.monotonic() < deadline, "it has not happened in time"
        time.sleep(0.01)
    return answer


def refusal(action: Callable[[], Any]) -> tuple[str, int]:
    """What the broker closes because of this: ("channel" or "connection", AMQP's code)."""
    with pytest.raises(pika.exceptions.AMQPError) as caught:
        action()
    error = caught.value
    if isinstance(error, pika.exceptions.ChannelClosedByBroker):
        return "channel", error.reply_code
    assert isinstance(error, pika.exceptions.ConnectionClosedByBroker), repr(error)
    return "connection", error.reply_code


class Desk:
    """Connections to one broker that are closed with the test."""

    def __init__(self, url: str, stack: contextlib.ExitStack) -> None:
        self.url = url
        self._stack = stack

    def connect(self) -> Any:
        """A connection of pika's."""
        parameters = pika.URLParameters(self.url)
        parameters.socket_timeout = parameters.blocked_connection_timeout = WAIT
        connection = pika.BlockingConnection(parameters)
        self._stack.callback(_close, connection)
        return connection

    def channel(self) -> Any:
        """A channel on a connection of its own."""
        return self.connect().channel()

    def confirming(self) -> Any:
        """A channel whose publishes wait for the broker's word."""
        channel = self.channel()
        channel.confirm_delivery()
        return channel

    def raw(self, **options: Any) -> RawLink:
        """An open impolite connection with channel 1."""
        return self.stranger().open(**options).channel()

    def stranger(self) -> RawLink:
        """A socket that has said nothing."""
        return self._stack.enter_context(RawLink(self.url))

    def name(self, word: str = "q") -> str:
        """A name that nobody else uses."""
        return f"conf-{word}-{uuid.uuid4().hex[:12]}"

    def queue(self, channel: Any, **options: Any) -> str:
        """A new queue; exclusive unless told."""
        name = self.name()
        channel.queue_declare(name, **{"exclusive": True, **options})
        return name

    def exchange(self, channel: Any, kind: str, **options: Any) -> str:
        """A new exchange that goes when its bindings have gone, unless told."""
        name = self.name("x")
        channel.exchange_declare(name, kind, **{"auto_delete": True, **options})
        return name


def _close(connection: Any) -> None:
    with contextlib.suppress(pika.exceptions.AMQPError):
        if connection.is_open:
            connection.close()


def put(channel: Any, queue: str, *bodies: str, **properties: Any) -> None:
    """Publish texts to a queue."""
    for body in bodies:
        channel.basic_publish("", queue, body, pika.BasicProperties(**properties))


def bodies(channel: Any, queue: str, count: int) -> list[str]:
    """Take as many messages from a queue as are expected, in order."""
    return [take(channel, queue)[2].decode() for _ in range(count)]


def take(channel: Any, queue: str) -> tuple[Any, Any, bytes]:
    """The next message of a queue, taken for good; waits for it."""
    found: list[Any] = []

    def there() -> bool:
        found[:] = channel.basic_get(queue, auto_ack=True)
        return found[0] is not None

    eventually(there)
    return found[0], found[1], found[2]


def depth(channel: Any, queue: str) -> int:
    """Messages that wait in a queue."""
    return int(channel.queue_declare(queue, passive=True).method.message_count)


class Basket:
    """What a consumer got, in order."""

    def __init__(self, channel: Any, queue: str, **options: Any) -> None:
        self.channel = channel
        self.tags: list[int] = []
        self.bodies: list[str] = []
        self.messages: list[tuple[Any, Any]] = []
        self.tag = channel.basic_consume(queue, self._on_message, **options)

    def _on_message(self, _channel: Any, method: Any, properties: Any, body: bytes) -> None:
        self.tags.append(method.delivery_tag)
        self.messages.append((method, properties))
        self.bodies.append(body.decode())

    def wait(self, count: int) -> list[str]:
        """The bodies, once there are so many."""

        def enough() -> bool:
            self.channel.connection.process_data_events(0.02)
            return len(self.bodies) >= count

        eventually(enough)
        return self.bodies


def messages(channel: Any, queue: str) -> Iterator[tuple[Any, Any, bytes]]:
    """All messages that wait in a queue now, taken for good."""
    while (found := channel.basic_get(queue, auto_ack=True))[0] is not None:
        yield found
