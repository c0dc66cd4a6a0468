"""Looks at what passes through an exchange without taking anything from anybody.

A tap has a queue of its own, bound beside the others, that goes with its connection. What comes
faster than it is looked at is dropped, oldest first, after some thousands: whoever watches must
not fill the broker.
"""

from __future__ import annotations

import queue
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from pelagos.messaging.encoder import Encoder, JsonEncoder
from pelagos.messaging.environment import open_bus
from pelagos.messaging.errors import EncodingError, MessagingError, PoisonError
from pelagos.messaging.exchange import Exchange
from pelagos.messaging.message import check_body
from pelagos.messaging.transports.base import (
    REQUEST_TIMEOUT,
    Connection,
    Delivery,
    Properties,
    Queue,
    Transport,
)

_PREFETCH = 200
_KEPT = 10_000
_QUEUE = Queue(exclusive=True, durable=False, arguments={"x-max-length": _KEPT})


@dataclass(frozen=True, slots=True)
class Seen:
    """One message that passed.

    Attributes:
        body: its mapping; None when it is no message of ours.
        problem: why it is none; empty when it is.
        size: bytes of the body.
    """

    exchange: str
    key: str
    body: Mapping[str, Any] | None
    problem: str
    size: int
    properties: Properties


class Tap:
    """Open it, and ask for the next one again and again.

    Args:
        exchanges: which to look at; they must exist.
        keys: routing keys, with the wildcards of topic exchanges.
        encoder: how bodies are read.
    """

    def __init__(
        self,
        bus: Transport | str,
        exchanges: Iterable[type[Exchange]],
        keys: Iterable[str],
        *,
        encoder: type[Encoder] = JsonEncoder,
    ) -> None:
        if isinstance(keys, str):
            raise TypeError(f"keys is {keys!r}, and no list of them")
        self._bus = open_bus(bus)
        self._pairs = [(exchange, key) for exchange in exchanges for key in keys]
        self._encoder = encoder
        self._connection: Connection | None = None
        # No SimpleQueue: in Python 3.11 a signal just then lets its time-out be missed.
        self._inbox: queue.Queue[Delivery | MessagingError] = queue.Queue()

    def open(self, timeout: float = REQUEST_TIMEOUT) -> None:
        """Connect, or connect again; from now on everything that passes is seen.

        Raises:
            MessagingError: the broker cannot be reached, or refuses.
        """
        self.close()
        self._inbox = queue.Queue()
        connection = self._bus.open(timeout)
        self._connection = connection
        try:
            name = connection.declare_queue(_QUEUE).name
            for exchange, key in self._pairs:
                connection.declare_exchange(exchange)
                connection.bind(exchange.name, name, key)
            connection.consume(name, self._inbox.put, self._inbox.put, prefetch=_PREFETCH)
        except BaseException:
            self.close()
            raise

    def next(self, timeout: float | None = None) -> Seen | None:
        """The next message; None when none came within `timeout` seconds.

        Raises:
            MessagingError: no more will come; `open` it again.
        """
        connection = self._connection
        if connection is None:
            raise MessagingError("the tap is not open")
        try:
            item = self._inbox.get(timeout=timeout)
        except queue.Empty:
            return None
        if isinstance(item, MessagingError):
            self._inbox.put(item)  # for who asks again
            raise item
        connection.ack(item)
        body, problem = self._read(item)
        return Seen(item.exchange, item.key, body, problem, len(item.body), item.properties)

    def _read(self, delivery: Delivery) -> tuple[Mapping[str, Any] | None, str]:
        if delivery.damage is not None:
            return None, delivery.damage
        try:
            return check_body(self._encoder.decode(delivery.body)), ""
        except PoisonError as error:
            return None, error.cause
        except EncodingError as error:
            return None, error.message
        except Exception as error:  # noqa: BLE001 - an encoder of others may raise anything
            return None, f"the encoder failed with {type(error).__name__}"

    def close(self) -> None:
        """Take it away; again is harmless."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
