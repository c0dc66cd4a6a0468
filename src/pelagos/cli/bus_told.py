"""A bus that tells on the log what goes over it, for -v: names and sizes, never what is said."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:  # not for a cycle: only -v pays for it
    from pelagos.messaging.exchange import Exchange
    from pelagos.messaging.transports.base import (
        Connection,
        Delivery,
        Done,
        Envelope,
        Queue,
        QueueInfo,
        Transport,
    )

log = logging.getLogger(__name__)


class ToldTransport:
    """The transport, with connections that are told of."""

    def __init__(self, transport: Transport) -> None:
        self._inner = transport

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def open(self, *args: Any, **more: Any) -> Connection:
        """Connect, and say so."""
        made = self._inner.open(*args, **more)
        log.debug("AMQP connected to %s", self._inner.url)
        return cast("Connection", _ToldConnection(made))


class _ToldConnection:
    def __init__(self, connection: Connection) -> None:
        self._inner = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def publish(self, envelope: Envelope, done: Done) -> None:
        _sent(envelope)
        self._inner.publish(envelope, done)

    def post(self, envelope: Envelope, *, at_once: bool = True) -> bool:
        taken = self._inner.post(envelope, at_once=at_once)
        if taken:
            _sent(envelope)
        return taken

    def get(self, queue: str) -> Delivery | None:
        found = self._inner.get(queue)
        if found is not None:
            log.debug("AMQP got %s", found.origin)
        return found

    def consume(
        self, queue: str, on_delivery: Callable[[Delivery], None], *args: Any, **more: Any
    ) -> str:
        def told(delivery: Delivery) -> None:
            log.debug("AMQP got %s", delivery.origin)
            on_delivery(delivery)

        name = self._inner.consume(queue, told, *args, **more)
        log.debug("AMQP consuming %s", queue)
        return name

    def declare_exchange(self, exchange: type[Exchange]) -> None:
        self._inner.declare_exchange(exchange)
        log.debug("AMQP exchange %s is there", exchange.name)

    def declare_queue(self, queue: Queue) -> QueueInfo:
        found = self._inner.declare_queue(queue)
        log.debug("AMQP queue %s is there: %d messages wait", found.name, found.messages)
        return found

    def bind(self, exchange: str, queue: str, key: str, *args: Any, **more: Any) -> None:
        self._inner.bind(exchange, queue, key, *args, **more)
        log.debug("AMQP bound queue %s to %s with key %s", queue, exchange, key)


def _sent(envelope: Envelope) -> None:
    log.debug(
        "AMQP sent %d bytes to exchange %s, key %s, id %s",
        len(envelope.body),
        envelope.exchange,
        envelope.key,
        envelope.properties.message_id,
    )
