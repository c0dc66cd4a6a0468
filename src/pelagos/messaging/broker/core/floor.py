"""Where messages move: into queues, to consumers, back, and to the dead letters.

No lock and no thread: the broker around it sees to that one thing happens at a time.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from pelagos.core.clock import Clock
from pelagos.messaging.broker.core.dead import Death, dead_letter, deaths_of, goes_round
from pelagos.messaging.broker.core.deadlines import Deadlines
from pelagos.messaging.broker.core.exchanges import Exchanges
from pelagos.messaging.broker.core.queues import (
    Line,
    Link,
    StoredConsumer,
    StoredMessage,
    StoredQueue,
    Unsettled,
)
from pelagos.messaging.errors import MessagingError
from pelagos.messaging.transports.base import Delivery, Envelope


class Floor:
    """Queues and exchanges, and how messages move between them.

    Attributes:
        paused: nothing is delivered just now.
        graves: messages that have died and are not dead letters yet.
        notices: what is to be said to consumers once the broker may be called again.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        queue_limit: int | None,
        newest: bool,
        on_nearer: Callable[[float], None] | None,
    ) -> None:
        self.clock = clock
        self.queues: dict[str, StoredQueue] = {}
        self._exclusive: dict[object, dict[StoredQueue, None]] = {}  # by owner
        self.exchanges = Exchanges()
        self.deadlines = Deadlines(on_nearer)
        self.paused = False
        self.notices: list[tuple[StoredConsumer, MessagingError]] = []
        self._queue_limit = queue_limit
        self._newest = newest
        self._numbers = itertools.count(1)
        self.graves: deque[tuple[StoredQueue, StoredMessage, str]] = deque()

    # Messages.

    def spread(self, envelope: Envelope, keys: tuple[str, ...], names: Iterable[str]) -> bool:
        """Put a message into these queues; whether all took it."""
        taken = True
        for name in names:
            taken = self._enqueue(self.queues[name], envelope, keys) and taken
        if self.graves:
            self.bury()
        return taken

    def _enqueue(self, queue: StoredQueue, envelope: Envelope, keys: tuple[str, ...]) -> bool:
        message = StoredMessage(next(self._numbers), envelope, keys)
        line = queue.line
        if not self._has_place(queue, message):
            return False
        if queue.ttl is not None or envelope.properties.expiration is not None:
            message.expires_at = self._expiry(queue, envelope)
        if not line.count and queue.groups and not self.paused:
            consumer = queue.next_consumer()
            if consumer is not None:
                self.deliver(queue, message, consumer)
                return True
        line.put(message)
        if queue.bounded or message.expires_at is not None:
            self._limit(queue)
        return True

    def _expiry(self, queue: StoredQueue, envelope: Envelope) -> float:
        lives = [queue.ttl, envelope.properties.expiration]
        return self.clock.monotonic() + min(seconds for seconds in lives if seconds is not None)

    def _limit(self, queue: StoredQueue) -> None:
        """A message was added or came back: others may have to go; the head may have its time."""
        line = queue.line
        if queue.overflow == "drop-head":
            while line.count and queue.is_over():
                self.graves.append((queue, line.pop(), "maxlen"))
        expires_at = line.head().expires_at if line.count else None
        if expires_at is not None:
            self.deadlines.note(queue, expires_at)

    def _has_place(self, queue: StoredQueue, message: StoredMessage) -> bool:
        if not queue.bounded:
            return self._queue_limit is None or queue.line.count < self._queue_limit
        if queue.overflow == "drop-head" or not queue.is_over(1, len(message.envelope.body)):
            return True
        if queue.overflow == "reject-publish-dlx":
            self.graves.append((queue, message, "maxlen"))
        return False

    def pump(self, queue: StoredQueue) -> None:
        """Deliver what can be delivered, and take away what is over at the head."""
        line = queue.line
        if queue.bounded:
            self._limit(queue)
        while line.count and not queue.gone:
            expires_at = line.head().expires_at
            if expires_at is not None and self.clock.monotonic() >= expires_at:
                self.graves.append((queue, line.pop(), "expired"))
                continue
            consumer = None if self.paused else queue.next_consumer()
            if consumer is None:
                if expires_at is not None:
                    self.deadlines.note(queue, expires_at)
                break
            self.deliver(queue, line.pop(), consumer)

    def deliver(self, queue: StoredQueue, message: StoredMessage, to: StoredConsumer) -> None:
        """Hand a message to a consumer."""
        link = to.link
        receipt = link.next_receipt
        link.next_receipt = receipt + 1
        if not to.no_ack:
            link.unsettled[receipt] = Unsettled(to, queue, message)
            link.held += 1
            to.unsettled += 1
        to.on_delivery(self.delivery(queue.name, message, receipt, counted=message.returns > 0))

    @staticmethod
    def delivery(queue: str, message: StoredMessage, receipt: int, *, counted: bool) -> Delivery:
        """A message as its receiver sees it; `counted`: with the number of its returns."""
        envelope = message.envelope
        properties = envelope.properties
        if counted:
            headers = {**properties.headers, "x-delivery-count": message.returns}
            properties = replace(properties, headers=headers)
        return Delivery(
            queue,
            envelope.exchange,
            envelope.key,
            envelope.body,
            properties,
            message.redelivered,
            receipt,
        )

    def refuse(
        self, queue: StoredQueue, message: StoredMessage, *, requeue: bool, counts: bool
    ) -> None:
        """Return a message to its place, or let it die.

        A quorum queue that has never enough takes it as the last one: else it would never end.
        """
        if requeue:
            if queue.quorum and queue.delivery_limit is None:
                message.number = next(self._numbers)
            self.give_back(queue, message, counts=counts)
        elif not queue.gone:
            self.graves.append((queue, message, "rejected"))

    def give_back(self, queue: StoredQueue, message: StoredMessage, *, counts: bool) -> None:
        """Return a message to its place; a quorum queue counts that, and has enough some time."""
        if queue.gone:
            return
        message.redelivered = True
        if queue.quorum and (counts or not self._newest):
            message.returns += 1
            if queue.delivery_limit is not None and message.returns > queue.delivery_limit:
                self.graves.append((queue, message, "delivery_limit"))
                return
        queue.line.put_back(message)

    def bury(self) -> None:
        """Send what has died to the dead letters of its queues, and what dies from that too."""
        while self.graves:
            queue, message, reason = self.graves.popleft()
            if queue.dead_exchange is None:
                continue
            died = datetime.fromtimestamp(int(self.clock.time()), UTC)
            death = Death(
                reason, queue.name, died, queue.dead_exchange, queue.dead_key, self._newest
            )
            letter, keys = dead_letter(message.envelope, message.keys, death)
            headers = letter.properties.headers
            for name in self.exchanges.route(letter.exchange, keys, headers) or ():
                target = self.queues.get(name)
                automatic = reason != "rejected"
                if target and not (automatic and goes_round(deaths_of(headers), name)):
                    self._enqueue(target, letter, keys)

    # Queues.

    def idle(self, queue: StoredQueue) -> None:
        """Nobody takes from the queue any more, or somebody asked for it: its time begins anew."""
        queue.unused_since = self.clock.monotonic()
        if queue.expires is not None and not queue.groups:
            self.deadlines.note(queue, queue.unused_since + queue.expires)

    def look(self, now: float) -> None:
        """Do what is due at this time."""
        for queue in self.deadlines.due(now):
            if queue.gone:
                continue
            if queue.expires is not None and not queue.groups:
                over = queue.unused_since + queue.expires
                if now >= over:
                    self.remove_queue(queue)
                    continue
                self.deadlines.note(queue, over)
            self.pump(queue)
        self.bury()

    def add_queue(self, queue: StoredQueue) -> None:
        """A new queue."""
        self.queues[queue.name] = queue
        if queue.owner is not None:
            self._exclusive.setdefault(queue.owner, {})[queue] = None

    def remove_queue(self, queue: StoredQueue, ended: MessagingError | None = None) -> None:
        """Delete a queue with all that is in it; its consumers will be told if there is a word."""
        queue.gone = True
        self.queues.pop(queue.name, None)
        if queue.owner is not None:
            owned = self._exclusive.get(queue.owner, {})
            owned.pop(queue, None)
            if not owned:
                self._exclusive.pop(queue.owner, None)
        for consumer in queue.consumers():
            consumer.link.consumers.pop(consumer.tag, None)
            if ended is not None:
                self.notices.append((consumer, ended))
        queue.groups, queue.active = [], None
        queue.line = Line()  # a deadline may still know the queue; its messages go now
        self.exchanges.forget_destination(queue.name, to_exchange=False)

    def part(self, queue: StoredQueue, consumer: StoredConsumer) -> None:
        """A consumer leaves its queue, which may go with its last one."""
        queue.remove_consumer(consumer)
        if not queue.groups and not queue.gone:
            if queue.spec.auto_delete:
                self.remove_queue(queue)
            else:
                self.idle(queue)

    # Links.

    def take(self, queue: StoredQueue, link: Link, *, no_ack: bool) -> Delivery:
        """The first message of a queue, for one who asks; there must be one."""
        message = queue.line.pop()
        receipt, link.next_receipt = link.next_receipt, link.next_receipt + 1
        if not no_ack:
            link.unsettled[receipt] = Unsettled(None, queue, message)
        counted = message.returns > 0 or (queue.quorum and not self._newest)
        return self.delivery(queue.name, message, receipt, counted=counted)

    def settle_all(
        self, link: Link, receipts: Iterable[int], *, accept: bool, requeue: bool, counts: bool
    ) -> None:
        """Settle these deliveries of a link, and go on with the queues from which they came."""
        touched: dict[StoredQueue, None] = {}
        for receipt in receipts:
            consumer, queue, message = link.unsettled.pop(receipt)
            touched[queue] = None
            if consumer is not None:
                consumer.unsettled -= 1
                link.held -= 1
            if not accept:
                self.refuse(queue, message, requeue=requeue, counts=counts)
        for queue in touched:
            self.pump(queue)
        self.serve(link)

    def serve(self, link: Link) -> None:
        """Let all consumers of a link have what they now have room for."""
        for consumer in list(link.consumers.values()):
            if consumer.queue is not None:
                self.pump(consumer.queue)

    def clear(self, leaving: Iterable[Link], owners: Mapping[object, None]) -> None:
        """These links are gone, and with them the exclusive queues of these owners."""
        touched: dict[StoredQueue, None] = {}
        parted: list[tuple[StoredQueue, StoredConsumer]] = []
        for link in leaving:
            link.active = False
            for held in link.holding():
                self.give_back(held.queue, held.message, counts=True)
                touched[held.queue] = None
            link.unsettled.clear()
            link.claimed.clear()
            parted += [(c.queue, c) for c in link.consumers.values() if c.queue is not None]
        for owner in owners:
            for queue in list(self._exclusive.get(owner, ())):
                self.remove_queue(queue)
        for queue, consumer in parted:
            if not queue.gone:
                self.part(queue, consumer)
                touched[queue] = None
        for queue in touched:
            self.pump(queue)

    def forget_transient(self) -> None:
        """A restart: only durable queues stay, and in them only persistent messages."""
        for queue in list(self.queues.values()):
            if not queue.spec.durable or queue.spec.exclusive:
                self.remove_queue(queue)
                continue
            kept = [m for m in queue.line if m.envelope.properties.persistent or queue.quorum]
            while queue.line.count:
                queue.line.pop()
            for message in kept:
                queue.line.put(message)
            self.pump(queue)
            self.idle(queue)
        for exchange in self.exchanges:
            if not exchange.spec.durable:
                self.exchanges.remove(exchange.spec.name)

    def busy(self, links: Iterable[Link], only: str | None) -> set[str]:
        """The queues with messages that will be settled, or have to be; or that one."""
        held = {unsettled.queue.name for link in links for unsettled in link.holding()}
        waiting = {
            queue.name
            for queue in self.queues.values()
            if queue.line.count and (only or queue.groups or self._goes_on(queue))
        }
        found = held | waiting
        return found if only is None else found & {only}

    @staticmethod
    def _goes_on(queue: StoredQueue) -> bool:
        return queue.dead_exchange is not None and queue.line.head().expires_at is not None
