"""A bus that writes down what is published, and fails as it is told."""

from __future__ import annotations

import threading
from collections.abc import Callable

from pelagos.messaging.errors import BrokerUnreachableError, ConnectionLostError, MessagingError
from pelagos.messaging.exchange import Exchange
from pelagos.messaging.transports.base import Done, Envelope


class RecordingBus:
    """`plan` decides about each publish, by its number from 0: None, or the problem."""

    url = "recording:"

    def __init__(self) -> None:
        self.published: list[str] = []
        self.envelopes: list[Envelope] = []
        self.declared: list[type[Exchange]] = []
        self.away = False
        self.opened = 0
        self.plan: Callable[[int], MessagingError | None] = lambda _number: None
        self.changed = threading.Condition()

    def open(self, timeout: float = 10.0) -> _Connection:  # noqa: ARG002
        if self.away:
            raise BrokerUnreachableError("the broker is away")
        self.opened += 1
        return _Connection(self)

    def wait_for(self, count: int, timeout: float = 30.0) -> list[str]:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.published) >= count, timeout)
            return list(self.published)


class _Connection:
    blocked = None

    def __init__(self, bus: RecordingBus) -> None:
        self._bus = bus
        self.is_open = True

    def declare_exchange(self, exchange: type[Exchange]) -> None:
        self._bus.declared.append(exchange)

    def publish(self, envelope: Envelope, done: Done) -> None:
        bus = self._bus
        with bus.changed:
            problem = bus.plan(len(bus.published))
            if isinstance(problem, ConnectionLostError):
                self.is_open = False
            if not self.is_open:
                done(ConnectionLostError("lost"))
                return
            bus.published.append(envelope.properties.message_id)
            bus.envelopes.append(envelope)
            bus.changed.notify_all()
        done(problem)

    def close(self) -> None:
        self.is_open = False
