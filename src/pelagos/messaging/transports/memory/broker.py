"""A broker in this process: queues and exchanges behind one lock."""

from __future__ import annotations

import itertools
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from pelagos.core.clock import Clock, SystemClock
from pelagos.messaging.errors import (
    BrokerUnreachableError,
    ConnectionLostError,
    MessagingError,
    PublishRefusedError,
    TopologyError,
    UnroutableError,
)
from pelagos.messaging.exchange import Exchange
from pelagos.messaging.transports.base import (
    Delivery,
    Envelope,
    OnDelivery,
    OnEnd,
    Queue,
    QueueInfo,
)
from pelagos.messaging.transports.memory.model import (
    StoredConsumer,
    StoredExchange,
    StoredMessage,
    StoredQueue,
    dead_letter,
)
from pelagos.messaging.transports.memory.rules import (
    CAPABILITIES,
    check_access,
    check_arguments,
    check_exchange_type,
    declared_differently,
    missing,
    reserved,
    traits,
)

#: Messages that one queue holds unless it says otherwise: a forgotten queue must not eat the
#: memory of the process. Beyond it a publisher is refused.
QUEUE_LIMIT: Final = 100_000

_Unsettled = dict[int, tuple[StoredConsumer, StoredMessage]]


class MemoryBroker:
    """The rules of a broker, in one process, with the answers of RabbitMQ.

    Message and queue lifetimes (`x-message-ttl`, `x-expires`) are looked at when something
    happens to the queue, not by a timer. Besides what connections use, it can be stopped,
    started and cut off, so that a test or a person sees what components do then.
    """

    def __init__(
        self, name: str, *, clock: Clock | None = None, queue_limit: int = QUEUE_LIMIT
    ) -> None:
        self.name = name
        self._clock = clock or SystemClock()
        self._queue_limit = queue_limit
        self._lock = threading.Lock()
        self._running = True
        self._numbers = itertools.count(1)
        self._queues: dict[str, StoredQueue] = {}
        self._exchanges = {
            f"amq.{kind}": StoredExchange(f"amq.{kind}", kind, durable=True, auto_delete=False)
            for kind in CAPABILITIES.exchange_types
        }
        self._links: dict[object, _Unsettled] = {}

    # What a person or a test does to it.

    def stop(self) -> None:
        """As if its process had died: connections are lost, only what is durable stays."""
        self._cut("the broker was stopped", stop=True)

    def start(self) -> None:
        """Serve again after `stop`."""
        with self._lock:
            self._running = True

    def cut(self) -> None:
        """As if the network had failed for a moment: every connection is lost."""
        self._cut("the connection was cut", stop=False)

    def depth(self, queue: str) -> int:
        """Messages that wait in a queue; 0 when there is no such queue."""
        with self._lock:
            found = self._queues.get(queue)
            return len(found.ready) if found else 0

    def _cut(self, reason: str, *, stop: bool) -> None:
        with self._lock:
            links = list(self._links)
            ended = [consumer for link in links for consumer in self._detach(link)]
            if stop:
                self._running = False
                self._forget_transient()
        for consumer in ended:
            consumer.on_end(ConnectionLostError(f"memory:{self.name}: {reason}"))

    def _forget_transient(self) -> None:
        for queue in list(self._queues.values()):
            if not queue.spec.durable:
                self._delete_queue(queue)
                continue
            kept = [entry for entry in queue.ready if entry.envelope.properties.persistent]
            queue.ready.clear()
            queue.ready.extend(kept)
        for exchange in list(self._exchanges.values()):
            if not exchange.durable:
                del self._exchanges[exchange.name]

    # What connections do. `link` is the connection's identity.

    def attach(self, link: object) -> None:
        """Let a connection in.

        Raises:
            BrokerUnreachableError: the broker is stopped.
        """
        with self._lock:
            if not self._running:
                raise BrokerUnreachableError(f"the broker memory:{self.name} is stopped")
            self._links[link] = {}

    def is_attached(self, link: object) -> bool:
        """Whether the connection is still let in."""
        return link in self._links

    def detach(self, link: object) -> None:
        """The connection closes; what it had not settled goes back."""
        with self._lock:
            self._detach(link)

    def _detach(self, link: object) -> list[StoredConsumer]:
        unsettled = self._links.pop(link, {})
        ended: list[StoredConsumer] = []
        for queue in list(self._queues.values()):
            mine = [consumer for consumer in queue.consumers if consumer.owner is link]
            ended += mine
            for consumer in mine:
                queue.consumers.remove(consumer)
            if queue.owner is link or (mine and queue.spec.auto_delete and not queue.consumers):
                self._delete_queue(queue)
            elif mine:
                queue.unused_since = self._clock.monotonic()
        for consumer, message in reversed(unsettled.values()):
            if self._queues.get(consumer.queue.name) is consumer.queue:
                consumer.queue.put_back(message)
        for consumer, _ in unsettled.values():
            self._pump(consumer.queue)
        return ended

    def declare_exchange(self, link: object, wanted: type[Exchange]) -> None:
        """Make, or compare with what is there."""
        with self._serving(link):
            found = self._exchanges.get(wanted.name)
            if wanted.passive or not wanted.name:
                if found is None and wanted.name:
                    raise missing("exchange", wanted.name)
                return
            check_exchange_type(wanted)
            made = (wanted.exchange_type, wanted.durable, wanted.auto_delete)
            if found is None:
                if wanted.name.startswith("amq."):
                    raise reserved("exchange", wanted.name)
                self._exchanges[wanted.name] = StoredExchange(wanted.name, *made)
            elif (found.kind, found.durable, found.auto_delete) != made:
                raise declared_differently("exchange", wanted.name)

    def declare_queue(self, link: object, wanted: Queue) -> QueueInfo:
        """Make, or compare with what is there."""
        check_arguments(wanted)
        with self._serving(link):
            name = wanted.name or f"amq.gen-{uuid.uuid4().hex}"
            found = self._find_queue(name)
            if found is None:
                if wanted.passive:
                    raise missing("queue", name)
                if wanted.name.startswith("amq."):
                    raise reserved("queue", name)
                spec = Queue(
                    name,
                    wanted.durable,
                    wanted.exclusive,
                    wanted.auto_delete,
                    arguments=dict(wanted.arguments),
                )
                owner = link if wanted.exclusive else None
                found = self._queues[name] = StoredQueue(spec, owner)
            else:
                check_access(found, link)
                if not wanted.passive and traits(found.spec) != traits(wanted):
                    raise declared_differently("queue", name)
            found.unused_since = self._clock.monotonic()
            return QueueInfo(name, len(found.ready), len(found.consumers))

    def bind(self, link: object, exchange: str, queue: str, key: str) -> None:
        """Add a binding."""
        with self._serving(link):
            self._bindable(exchange).bind(self._queue(link, queue).name, key)

    def unbind(self, link: object, exchange: str, queue: str, key: str) -> None:
        """Take a binding away."""
        with self._serving(link):
            found = self._exchanges.get(exchange)
            if found and found.unbind(queue, key):
                self._sweep(found)

    def delete_queue(self, link: object, queue: str) -> None:
        """Delete a queue; its consumers are told."""
        with self._serving(link):
            found = self._find_queue(queue)
            if found is None:
                return
            check_access(found, link)
            ended = list(found.consumers)
            self._delete_queue(found)
        for consumer in ended:
            consumer.on_end(
                ConnectionLostError(f"the queue {queue!r} was deleted under its consumer")
            )

    def consume(
        self, link: object, queue: str, on_delivery: OnDelivery, on_end: OnEnd, prefetch: int
    ) -> None:
        """Add a consumer."""
        with self._serving(link):
            found = self._queue(link, queue)
            found.consumers.append(StoredConsumer(link, found, on_delivery, on_end, prefetch))
            self._pump(found)

    def publish(self, link: object, envelope: Envelope) -> MessagingError | None:
        """Put a message into every queue that takes it; the error, or None when it is there."""
        with self._lock:
            if link not in self._links:
                return ConnectionLostError(f"the connection to memory:{self.name} is lost")
            names = self._route(envelope)
            if names is not None:
                return self._put(envelope, names)
            ended = self._detach(link)
        lost = ConnectionLostError(f"there is no exchange {envelope.exchange!r}")
        for consumer in ended:
            consumer.on_end(lost)
        return lost

    def settle(self, link: object, tag: int, *, accept: bool, requeue: bool = False) -> None:
        """Take a delivery off the list, back into the queue, or to the dead letters."""
        with self._serving(link):
            entry = self._links[link].pop(tag, None)
            if entry is None:
                return
            consumer, message = entry
            consumer.unsettled -= 1
            queue = consumer.queue
            if requeue:
                queue.put_back(message)
            elif not accept:
                self._bury(message, queue, "rejected")
            self._pump(queue)

    # Inside the lock.

    @contextmanager
    def _serving(self, link: object) -> Iterator[None]:
        with self._lock:
            if link not in self._links:
                raise ConnectionLostError(f"the connection to memory:{self.name} is lost")
            yield

    def _find_queue(self, name: str) -> StoredQueue | None:
        queue = self._queues.get(name)
        if queue is None or queue.consumers:
            return queue
        expires_ms = queue.argument("x-expires")
        if expires_ms is None:
            return queue
        if self._clock.monotonic() - queue.unused_since < expires_ms / 1000:
            return queue
        self._delete_queue(queue)
        return None

    def _queue(self, link: object, name: str) -> StoredQueue:
        queue = self._find_queue(name)
        if queue is None:
            raise missing("queue", name)
        check_access(queue, link)
        return queue

    def _bindable(self, name: str) -> StoredExchange:
        if not name:
            raise TopologyError("the default exchange takes no bindings", code=403, name=name)
        found = self._exchanges.get(name)
        if found is None:
            raise missing("exchange", name)
        return found

    def _route(self, envelope: Envelope) -> list[str] | None:
        if envelope.exchange:
            exchange = self._exchanges.get(envelope.exchange)
            if exchange is None:
                return None
            candidates = exchange.route(envelope.key)
        else:
            candidates = (envelope.key,)
        return [name for name in candidates if self._find_queue(name) is not None]

    def _put(self, envelope: Envelope, names: list[str]) -> MessagingError | None:
        message_id = envelope.properties.message_id
        if not names and envelope.mandatory:
            return UnroutableError(
                f"no queue takes the key {envelope.key!r} of exchange {envelope.exchange!r}",
                message_id=message_id,
                hint="start a consumer first, or compare its binding with this key",
            )
        accepted = [self._enqueue(self._queues[name], envelope) for name in names]
        if all(accepted):
            return None
        return PublishRefusedError(
            f"a queue behind exchange {envelope.exchange!r} is full",
            message_id=message_id,
            hint="its consumer is away or too slow",
            retry_after=1.0,
        )

    def _enqueue(self, queue: StoredQueue, envelope: Envelope) -> bool:
        limit = queue.argument("x-max-length")
        full = len(queue.ready) >= (self._queue_limit if limit is None else limit)
        if full and (limit is None or queue.argument("x-overflow") == "reject-publish"):
            return False
        message = StoredMessage(next(self._numbers), envelope)
        message.expires_at = self._expiry(queue, envelope)
        queue.ready.append(message)
        if queue.consumers:
            self._pump(queue)
        if full and limit is not None and len(queue.ready) > limit:
            self._bury(queue.ready.popleft(), queue, "maxlen")
        return True

    def _expiry(self, queue: StoredQueue, envelope: Envelope) -> float | None:
        ttl_ms = queue.argument("x-message-ttl")
        lives = [] if ttl_ms is None else [ttl_ms / 1000]
        if envelope.properties.expiration is not None:
            lives.append(envelope.properties.expiration)
        return self._clock.monotonic() + min(lives) if lives else None

    def _pump(self, queue: StoredQueue) -> None:
        while queue.ready:
            expires_at = queue.ready[0].expires_at
            if expires_at is not None and self._clock.monotonic() >= expires_at:
                self._bury(queue.ready.popleft(), queue, "expired")
                continue
            consumer = queue.next_consumer()
            if consumer is None:
                return
            self._deliver(consumer, queue.ready.popleft())

    def _deliver(self, consumer: StoredConsumer, message: StoredMessage) -> None:
        tag = next(self._numbers)
        self._links[consumer.owner][tag] = (consumer, message)
        consumer.unsettled += 1
        envelope = message.envelope
        consumer.on_delivery(
            Delivery(
                queue=consumer.queue.name,
                exchange=envelope.exchange,
                key=envelope.key,
                body=envelope.body,
                properties=envelope.properties,
                redelivered=message.redelivered,
                receipt=tag,
            )
        )

    def _bury(self, message: StoredMessage, queue: StoredQueue, reason: str) -> None:
        letter = dead_letter(message, queue, reason)
        if letter is not None:
            for name in self._route(letter) or ():
                self._enqueue(self._queues[name], letter)

    def _delete_queue(self, queue: StoredQueue) -> None:
        self._queues.pop(queue.name, None)
        for exchange in list(self._exchanges.values()):
            if exchange.unbind(queue.name):
                self._sweep(exchange)

    def _sweep(self, exchange: StoredExchange) -> None:
        if exchange.auto_delete and not exchange.bindings:
            self._exchanges.pop(exchange.name, None)
