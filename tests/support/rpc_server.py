"""A small server of calls on a bare transport, for tests of the caller's side.

It remembers call ids: a second copy of a request is answered from memory.
"""

from __future__ import annotations

import queue
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

from pelagos.messaging import (
    Exchange,
    Fingerprint,
    JsonEncoder,
    MessageResult,
    MessageResultError,
    MessageResultException,
    MessagingError,
    Transport,
)
from pelagos.messaging.transports.base import Connection, Delivery, Envelope, Properties, Queue

Handler = Callable[[str, Any], Any]


def echo(name: str, parameters: Any) -> Any:
    """Answers what it is asked; `fail`, `error` and `odd` answer otherwise."""
    if name == "fail":
        raise KeyError(parameters)
    if name == "error":
        return MessageResultError(str(parameters))
    if name == "odd":
        return b"not json"
    return parameters


class RpcServer:
    """Serves one queue, in a thread of its own, until it is closed; reconnects at once."""

    def __init__(
        self,
        bus: Transport,
        exchange: type[Exchange],
        key: str,
        handler: Handler = echo,
        *,
        name: str = "server",
        queue_name: str = "",
        repeat_correlation_id: bool = True,
        durable: bool = True,
    ) -> None:
        self.bus, self.exchange, self.key, self.handler = bus, exchange, key, handler
        self.queue_name = queue_name or f"test-rpc-{uuid.uuid4().hex[:12]}"
        self.executed: list[str] = []
        self.requests: list[Delivery] = []
        self.name = name
        self._durable = durable
        self._repeat = repeat_correlation_id
        self._answers: dict[str, bytes] = {}
        self._inbox: queue.SimpleQueue[Delivery | MessagingError | None] = queue.SimpleQueue()
        self._closed = threading.Event()
        self.ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._closed.is_set():
            try:
                connection = self.bus.open()
            except MessagingError:
                time.sleep(0.02)
                continue
            try:
                self._serve(connection)
            except MessagingError:
                self._inbox = queue.SimpleQueue()
            finally:
                self.ready.clear()
                connection.close()

    def _serve(self, connection: Connection) -> None:
        connection.declare_exchange(self.exchange)
        connection.declare_queue(
            Queue(self.queue_name, durable=self._durable, exclusive=not self._durable)
        )
        connection.bind(self.exchange.name, self.queue_name, self.key)
        connection.consume(self.queue_name, self._inbox.put, self._inbox.put, prefetch=50)
        self.ready.set()
        while (item := self._inbox.get()) is not None:
            if isinstance(item, MessagingError):
                raise item
            self.requests.append(item)
            self._answer(connection, item)
            connection.ack(item)

    def _answer(self, connection: Connection, delivery: Delivery) -> None:
        properties = delivery.properties
        answer = self._answers.get(properties.message_id)
        if answer is None:
            answer = self._execute(delivery)
            if properties.message_id:
                self._answers[properties.message_id] = answer
        if properties.reply_to:
            reply = Properties(
                message_id="",
                persistent=False,
                content_type="application/json",
                correlation_id=properties.correlation_id if self._repeat else None,
            )
            connection.publish(Envelope("", properties.reply_to, answer, reply), lambda _e: None)

    def _execute(self, delivery: Delivery) -> bytes:
        body = JsonEncoder.decode(delivery.body)
        self.executed.append(delivery.properties.message_id)
        try:
            value = self.handler(body["name"], body["content"]["parameters"])
        except Exception as error:  # noqa: BLE001 - whatever a handler raises is the answer
            value = MessageResultException(type(error).__name__, str(error))
        if isinstance(value, bytes):
            return value
        if not isinstance(value, MessageResultError | MessageResultException):
            value = MessageResult(value)
        value.fingerprint(**Fingerprint(self.name, "server").as_dict())
        return JsonEncoder.encode(value.body)

    def close(self) -> None:
        self._closed.set()
        self._inbox.put(None)
        self._thread.join(30)
