"""What the broker in memory keeps: exchanges, queues, messages, consumers."""

from __future__ import annotations

from bisect import insort
from collections import deque
from dataclasses import dataclass, field, replace
from typing import Any

from pelagos.messaging.transports.base import Envelope, OnDelivery, OnEnd, Queue
from pelagos.messaging.transports.memory.routing import matches

#: Routing keys whose queues an exchange remembers; then it starts anew.
_REMEMBERED_KEYS = 4096


@dataclass(slots=True)
class StoredMessage:
    """A message in a queue; `number` is its place, counted over the whole broker."""

    number: int
    envelope: Envelope
    redelivered: bool = False
    expires_at: float | None = None


@dataclass(slots=True)
class StoredExchange:
    """An exchange with its bindings: (queue, pattern) pairs in the order in which they came."""

    name: str
    kind: str
    durable: bool
    auto_delete: bool
    bindings: dict[tuple[str, str], None] = field(default_factory=dict)
    _routes: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def route(self, key: str) -> tuple[str, ...]:
        """The names of the queues that take this key, each once."""
        found = self._routes.get(key)
        if found is None:
            names = (queue for queue, pattern in self.bindings if matches(self.kind, pattern, key))
            found = tuple(dict.fromkeys(names))
            if len(self._routes) >= _REMEMBERED_KEYS:
                self._routes.clear()
            self._routes[key] = found
        return found

    def bind(self, queue: str, pattern: str) -> None:
        """Add a binding; again is harmless."""
        self.bindings[queue, pattern] = None
        self._routes.clear()

    def unbind(self, queue: str, pattern: str | None = None) -> bool:
        """Take one binding of a queue away, or all; whether there was one."""
        gone = [pair for pair in self.bindings if pair[0] == queue and pattern in (None, pair[1])]
        for pair in gone:
            del self.bindings[pair]
        self._routes.clear()
        return bool(gone)


@dataclass(slots=True, eq=False)
class StoredConsumer:
    """Someone who takes messages from a queue."""

    owner: object
    queue: StoredQueue
    on_delivery: OnDelivery
    on_end: OnEnd
    prefetch: int
    unsettled: int = 0


@dataclass(slots=True, eq=False)
class StoredQueue:
    """A queue: what waits, who takes."""

    spec: Queue
    owner: object | None
    ready: deque[StoredMessage] = field(default_factory=deque)
    consumers: deque[StoredConsumer] = field(default_factory=deque)
    unused_since: float = 0.0

    @property
    def name(self) -> str:
        """The name under which it was declared."""
        return self.spec.name

    def argument(self, key: str) -> Any:
        """One of its x-arguments, or None."""
        return self.spec.arguments.get(key)

    def next_consumer(self) -> StoredConsumer | None:
        """Whose turn it is among those with room, or None."""
        for _ in range(len(self.consumers)):
            consumer = self.consumers[0]
            self.consumers.rotate(-1)
            if consumer.unsettled < consumer.prefetch:
                return consumer
        return None

    def put_back(self, message: StoredMessage) -> None:
        """Return a message to its old place."""
        message.redelivered = True
        if not self.ready or message.number < self.ready[0].number:
            self.ready.appendleft(message)
        else:
            ordered = list(self.ready)
            insort(ordered, message, key=lambda other: other.number)
            self.ready = deque(ordered)


def dead_letter(message: StoredMessage, queue: StoredQueue, reason: str) -> Envelope | None:
    """The message as it goes to the dead letters of its queue; None when there are none.

    A message that comes round to the same queue for the same reason without having been rejected
    is dropped, as it would go round for ever.
    """
    exchange = queue.argument("x-dead-letter-exchange")
    if exchange is None:
        return None
    old = message.envelope
    deaths = [dict(death) for death in old.properties.headers.get("x-death", [])]
    same = [d for d in deaths if d["queue"] == queue.name and d["reason"] == reason]
    if same and reason != "rejected":
        return None
    if same:
        deaths.remove(same[0])
    entry = {
        "count": (same[0]["count"] if same else 0) + 1,
        "reason": reason,
        "queue": queue.name,
        "exchange": old.exchange,
        "routing-keys": [old.key],
    }
    headers = {**old.properties.headers, "x-death": [entry, *deaths]}
    return Envelope(
        exchange=exchange,
        key=queue.argument("x-dead-letter-routing-key") or old.key,
        body=old.body,
        properties=replace(old.properties, headers=headers, expiration=None),
    )
