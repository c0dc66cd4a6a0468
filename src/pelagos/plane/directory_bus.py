"""The bus of the plane as the directory's services see it.

    exchange      that of `[directory] exchange`, topic, durable; `pelagos.directory`, or `xivo` of
                  a telephone exchange
    message       {"name": …, "data": {…}} as telephone exchanges write them, both ways

A person who leaves the plane is heard of as a user who is deleted.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from typing import Any

from pelagos.core.errors import PelagosError
from pelagos.directory.bus import Handler
from pelagos.directory.services.cleanup import USER_DELETED
from pelagos.messaging import (
    EncodingError,
    Exchange,
    GenericConsumer,
    GenericProducer,
    JsonEncoder,
    Message,
    ReceivedMessage,
    connect,
)
from pelagos.plane.events import PlaneEvents
from pelagos.plane.words import word

log = logging.getLogger(__name__)

_REMOVED = "plane.person.removed"
#: Seconds until a message is given back that could not be handled: whatever is away may return.
_PAUSE = 5.0
#: Seconds that the end waits for a bus to take what was announced last.
_FAREWELL = 2.0


class _AnyJson(JsonEncoder):
    """Any JSON object as the content of a message; those of Pelagos as they are."""

    @classmethod
    def decode(cls, data: Any) -> Any:
        found = super().decode(data)
        if not isinstance(found, Mapping):
            raise EncodingError(f"a table is needed, not {type(found).__name__}")
        if "category" in found and "content" in found:
            return found
        message = Message()
        message.body["content"] = found
        return message.body


class DirectoryBus:
    """Publishes and hears until `stop`; see `pelagos.directory.bus.Bus`.

    Args:
        url: of the bus.
        exchange: name of the topic exchange.
        name: of this directory; its queues keep what is announced while it does not run.
    """

    def __init__(self, url: str, exchange: str, name: str) -> None:
        self._url = url
        self._name = name
        self._exchange = type(
            "DirectoryEvents",
            (Exchange,),
            {"name": exchange, "exchange_type": "topic", "durable": True},
        )
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._producer: GenericProducer | None = None
        self._consumers: list[GenericConsumer] = []

    def publish(self, name: str, routing_key: str, body: Mapping[str, Any]) -> None:
        """Send an event; it is on its way when this returns.

        Raises:
            PelagosError: too much waits already for a bus that is away.
        """
        with self._lock:
            if self._producer is None:
                self._producer = GenericProducer(bus=connect(self._url))
            producer = self._producer
        where = [(self._exchange, routing_key)]
        producer.forward({"name": name, "data": dict(body)}, _eks=where, _wait=False)

    def subscribe(self, routing_key: str, handler: Handler) -> None:
        """Call the handler for each message with that key, from a thread of its own.

        What the handler raises has the message delivered again after some seconds.
        """
        self._consume(self._exchange, routing_key, handler, _content)
        if routing_key == USER_DELETED:
            self._consume(PlaneEvents, _REMOVED, handler, _who_left)

    def alive(self) -> bool:
        """Whether all its threads still run, connected or not."""
        return all(consumer.is_running for consumer in self._consumers)

    def stop(self) -> None:
        """End; what waits in the queues waits for the next start."""
        self._stopping.set()
        for consumer in self._consumers:
            consumer.stop(timeout=5)
        if self._producer is not None:
            self._producer.publish_timeout = _FAREWELL
            try:
                self._producer.close()
            except PelagosError as error:
                log.warning("some events of the directory were not announced: %s", error)

    def _consume(self, exchange: type[Exchange], key: str, handler: Handler, read: Any) -> None:
        queue = {"name": f"{self._name}.{word(exchange.name)}.{key}", "flags": {"durable": True}}
        consumer = GenericConsumer([(exchange, [(queue, key)])], bus=connect(self._url))
        consumer.encoder_class = _AnyJson
        consumer.on_failure = self._again
        consumer.start(lambda message: handler(read(message)))
        self._consumers.append(consumer)

    def _again(self, message: ReceivedMessage, error: BaseException) -> None:
        log.warning("a message of %s could not be handled yet: %s", message.delivery.queue, error)
        self._stopping.wait(_PAUSE)
        message.reject(requeue=True)


def _content(message: ReceivedMessage) -> Mapping[str, Any]:
    content = message.content
    return content if isinstance(content, Mapping) else {}


def _who_left(message: ReceivedMessage) -> Mapping[str, Any]:
    """A person's departure, as an exchange tells of a user's; in a plane the name is the id."""
    event = _content(message).get("kwds")
    name = event.get("subject") if isinstance(event, Mapping) else None
    return {"name": "user_deleted", "data": {"uuid": name}}
