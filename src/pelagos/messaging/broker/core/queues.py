"""What a broker keeps: queues, the messages that wait in them, and who takes them. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import chain, takewhile
from typing import Any, NamedTuple

from pelagos.messaging.transports.base import Envelope, OnDelivery, OnEnd, Queue

_DEFAULT_DELIVERY_LIMIT = 20  # of quorum queues, since RabbitMQ 4


@dataclass(slots=True, eq=False)
class StoredMessage:
    """A message in a queue.

    Attributes:
        number: its place, counted over the whole broker.
        keys: its own routing key and those of CC and BCC.
        expires_at: seconds of the broker's clock, or None.
        returns: how often it came back; counted in quorum queues only.
    """

    number: int
    envelope: Envelope
    keys: tuple[str, ...]
    expires_at: float | None = None
    redelivered: bool = False
    returns: int = 0

    def __lt__(self, other: StoredMessage) -> bool:
        return self.number < other.number


class Line:
    """Messages in the order of their numbers; those that come back find their old place."""

    __slots__ = ("_back", "_fresh", "count", "size")

    def __init__(self) -> None:
        self.count = 0
        self.size = 0  # bytes of all bodies
        self._fresh: deque[StoredMessage] = deque()
        self._back: list[StoredMessage] = []  # a heap

    def put(self, message: StoredMessage) -> None:
        """Add a new one at the end."""
        self._fresh.append(message)
        self.count += 1
        self.size += len(message.envelope.body)

    def put_back(self, message: StoredMessage) -> None:
        """Return one to its place."""
        heappush(self._back, message)
        self.count += 1
        self.size += len(message.envelope.body)

    def head(self) -> StoredMessage:
        """The next one; there must be one."""
        if self._back and (not self._fresh or self._back[0] < self._fresh[0]):
            return self._back[0]
        return self._fresh[0]

    def pop(self) -> StoredMessage:
        """Take the next one; there must be one."""
        self.count -= 1
        first_is_back = self._back and (not self._fresh or self._back[0] < self._fresh[0])
        message = heappop(self._back) if first_is_back else self._fresh.popleft()
        self.size -= len(message.envelope.body)
        return message

    def __iter__(self) -> Iterator[StoredMessage]:
        return iter(sorted([*self._back, *self._fresh]))


class PriorityLine(Line):
    """Messages of higher priority first; within one priority as in a line."""

    __slots__ = ("_levels",)

    def __init__(self, highest: int) -> None:
        super().__init__()
        self._levels = [Line() for _ in range(highest + 1)]

    def _level(self, message: StoredMessage) -> Line:
        return self._levels[min(message.envelope.properties.priority or 0, len(self._levels) - 1)]

    def put(self, message: StoredMessage) -> None:
        """Add a new one behind those of its priority."""
        self._level(message).put(message)
        self.count += 1
        self.size += len(message.envelope.body)

    def put_back(self, message: StoredMessage) -> None:
        """Return one to its place."""
        self._level(message).put_back(message)
        self.count += 1
        self.size += len(message.envelope.body)

    def _first(self) -> Line:
        return next(level for level in reversed(self._levels) if level.count)

    def head(self) -> StoredMessage:
        """The next one; there must be one."""
        return self._first().head()

    def pop(self) -> StoredMessage:
        """Take the next one; there must be one."""
        message = self._first().pop()
        self.count -= 1
        self.size -= len(message.envelope.body)
        return message

    def __iter__(self) -> Iterator[StoredMessage]:
        return (message for level in reversed(self._levels) for message in level)


class Unsettled(NamedTuple):
    """A delivery that is neither acknowledged nor rejected; no consumer: it was asked for."""

    consumer: StoredConsumer | None
    queue: StoredQueue
    message: StoredMessage


@dataclass(slots=True, eq=False)
class Link:
    """Someone who is connected: AMQP's channel, or a connection that has only one.

    Attributes:
        owner: to whom its exclusive queues belong: AMQP's connection.
        next_receipt: receipts are counted per link.
        claimed: what a transaction will settle.
        limit: deliveries that all its consumers together may hold; 0 is no limit.
        held: deliveries that they hold.
        active: whether its consumers take messages just now.
        reply_name: where answers to what it publishes come straight to it, or None.
    """

    identity: object
    owner: object
    next_receipt: int = 1
    unsettled: dict[int, Unsettled] = field(default_factory=dict)
    claimed: dict[int, Unsettled] = field(default_factory=dict)
    consumers: dict[str, StoredConsumer] = field(default_factory=dict)
    limit: int = 0
    held: int = 0
    active: bool = True
    reply_name: str | None = None
    reply_consumer: StoredConsumer | None = None

    def holding(self) -> Iterator[Unsettled]:
        """All that was delivered and is not settled yet."""
        return chain(self.unsettled.values(), self.claimed.values())

    def up_to(self, last: int) -> list[int]:
        """The receipts up to this one that are not settled; with 0 all there are."""
        return list(takewhile(lambda known: not last or known <= last, self.unsettled))


@dataclass(slots=True, eq=False)
class StoredConsumer:
    """Someone who takes messages from a queue; `prefetch` 0 is no limit."""

    tag: str
    link: Link
    queue: StoredQueue | None
    on_delivery: OnDelivery
    on_end: OnEnd
    prefetch: int
    no_ack: bool = False
    exclusive: bool = False
    priority: int = 0
    unsettled: int = 0

    def has_room(self) -> bool:
        """Whether it takes one more."""
        link = self.link
        if not link.active:
            return False
        if self.no_ack:
            return True
        if self.prefetch and self.unsettled >= self.prefetch:
            return False
        return not link.limit or link.held < link.limit


class StoredQueue:
    """A queue: what waits, who takes, and its rules read from the arguments.

    Attributes:
        owner: the connection to which it belongs, or None.
        ttl, expires: seconds, or None.
        unused_since: seconds of the broker's clock.
        alarm: when it is looked at for what is over, or None.
        gone: it was deleted.
        groups: its consumers, those of the highest priority first, each group in turns.
    """

    def __init__(self, spec: Queue, owner: object | None, *, newest: bool = False) -> None:
        arguments = spec.arguments
        self.spec = spec
        self.name = spec.name
        self.owner = owner
        self.ttl = _seconds(arguments.get("x-message-ttl"))
        self.expires = _seconds(arguments.get("x-expires"))
        self.max_length: int | None = arguments.get("x-max-length")
        self.max_bytes: int | None = arguments.get("x-max-length-bytes")
        self.overflow: str = arguments.get("x-overflow", "drop-head")
        self.bounded = self.max_length is not None or self.max_bytes is not None
        self.dead_exchange: str | None = arguments.get("x-dead-letter-exchange")
        self.dead_key: str | None = arguments.get("x-dead-letter-routing-key")
        self.single_active: bool = arguments.get("x-single-active-consumer", False)
        self.quorum = arguments.get("x-queue-type") == "quorum"
        default = _DEFAULT_DELIVERY_LIMIT if self.quorum and newest else None
        limit: int | None = arguments.get("x-delivery-limit", default)
        self.delivery_limit = None if newest and limit == -1 else limit
        highest = arguments.get("x-max-priority")
        self.line: Line = Line() if highest is None else PriorityLine(highest)
        self.groups: list[deque[StoredConsumer]] = []
        self.active: StoredConsumer | None = None
        self.unused_since = 0.0
        self.alarm: float | None = None
        self.gone = False

    def consumers(self) -> list[StoredConsumer]:
        """All that take from it, the most important first."""
        return [consumer for group in self.groups for consumer in group]

    def add_consumer(self, consumer: StoredConsumer) -> None:
        """Let one more take from it."""
        for at, group in enumerate(self.groups):
            if group[0].priority == consumer.priority:
                group.append(consumer)
                break
            if group[0].priority < consumer.priority:
                self.groups.insert(at, deque([consumer]))
                break
        else:
            self.groups.append(deque([consumer]))
        if self.single_active and self.active is None:
            self.active = consumer

    def remove_consumer(self, consumer: StoredConsumer) -> None:
        """It takes no more; with a single active consumer the next one does."""
        for group in self.groups:
            if consumer in group:
                group.remove(consumer)
        self.groups = [group for group in self.groups if group]
        if self.active is consumer:
            self.active = self.groups[0][0] if self.groups else None

    def next_consumer(self) -> StoredConsumer | None:
        """Whose turn it is among those with room, or None."""
        if self.single_active:
            return self.active if self.active and self.active.has_room() else None
        for group in self.groups:
            for _ in range(len(group)):
                consumer = group[0]
                if len(group) > 1:
                    group.rotate(-1)
                if consumer.has_room():
                    return consumer
        return None

    def is_over(self, more_messages: int = 0, more_bytes: int = 0) -> bool:
        """Whether it holds more than it may, with so much more."""
        line = self.line
        if self.max_length is not None and line.count + more_messages > self.max_length:
            return True
        return self.max_bytes is not None and line.size + more_bytes > self.max_bytes


def _seconds(milliseconds: Any) -> float | None:
    return None if milliseconds is None else milliseconds / 1000
