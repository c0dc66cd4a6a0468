"""What a broker has: how it is declared, bound, deleted and looked at."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pelagos.messaging.broker.core.exchanges import Binding, ExchangeSpec, StoredExchange
from pelagos.messaging.broker.core.links import Links
from pelagos.messaging.broker.core.queues import Link, StoredQueue
from pelagos.messaging.broker.core.rules import (
    check_access,
    check_binding,
    check_deleting,
    check_exchange,
    check_exclusive,
    check_kind,
    check_lasting,
    check_queue,
    declared_differently,
    exchange_traits,
    missing,
    queue_traits,
    refused,
    reserved,
)
from pelagos.messaging.errors import ConnectionLostError, TopologyError
from pelagos.messaging.transports.base import DIRECT_REPLY_TO, Envelope, Queue, QueueInfo


@dataclass(frozen=True, slots=True)
class QueueState:
    """What there is to see of a queue.

    Attributes:
        spec: how it was declared.
        ready: messages that wait.
        unsettled: messages that are delivered and neither acknowledged nor rejected.
        size: bytes of the bodies that wait.
        consumers: how many take from it.
    """

    spec: Queue
    ready: int
    unsettled: int
    size: int
    consumers: int


class Topology(Links):
    """The half of the broker through which no message goes."""

    # Exchanges.

    def declare_exchange(
        self, link: object, wanted: ExchangeSpec, *, passive: bool = False
    ) -> None:
        """Make an exchange, or compare with what is there.

        Raises:
            TopologyError: 404 passive and missing, 403 a name of the broker, 406 declared
                differently or unusable arguments, 503 no such kind.
        """
        with self._locked() as floor:
            self._link(link)
            found = floor.exchanges.get(wanted.name)
            if not passive:
                check_kind(wanted)
            if not wanted.name or (
                not passive and found is None and wanted.name.startswith("amq.")
            ):
                raise reserved("exchange", wanted.name)
            if passive:
                if found is None:
                    raise missing("exchange", wanted.name)
                return
            check_exchange(wanted, strict=self._strict)
            if found is None:
                floor.exchanges.add(replace(wanted, arguments=dict(wanted.arguments)))
            elif exchange_traits(found.spec) != exchange_traits(wanted):
                raise declared_differently("exchange", wanted.name)

    def delete_exchange(self, link: object, name: str, *, if_unused: bool = False) -> None:
        """Delete an exchange; one that is not there is no error.

        Raises:
            TopologyError: 403 a name of the broker, 406 it is used and must not be.
        """
        with self._locked() as floor:
            self._link(link)
            if not name or name.startswith("amq."):
                raise reserved("exchange", name)
            found = floor.exchanges.get(name)
            if found is not None and if_unused and found.bindings:
                raise refused(f"the exchange {name!r} is in use", name)
            floor.exchanges.remove(name)

    def exchanges(self) -> dict[str, tuple[ExchangeSpec, list[Binding]]]:
        """All exchanges with what is bound to them."""
        with self._locked() as floor:
            return {e.spec.name: (e.spec, list(e.bindings.values())) for e in floor.exchanges}

    # Bindings.

    def bind(
        self,
        link: object,
        exchange: str,
        queue: str,
        key: str,
        arguments: Mapping[str, Any] | None = None,
    ) -> None:
        """Let an exchange put what matches into a queue; again is harmless.

        Raises:
            TopologyError: 404 one is missing, 403 the default exchange, 405 another connection's
                queue, 406 unusable arguments.
        """
        binding = Binding(queue, to_exchange=False, key=key, arguments=dict(arguments or {}))
        self._bind(link, exchange, binding)

    def unbind(
        self,
        link: object,
        exchange: str,
        queue: str,
        key: str,
        arguments: Mapping[str, Any] | None = None,
    ) -> None:
        """Take a binding away; one that is not there is no error."""
        binding = Binding(queue, to_exchange=False, key=key, arguments=dict(arguments or {}))
        self._unbind(link, exchange, binding)

    def bind_exchange(
        self,
        link: object,
        source: str,
        destination: str,
        key: str,
        arguments: Mapping[str, Any] | None = None,
    ) -> None:
        """Let one exchange pass what matches on to another; again is harmless.

        Raises:
            TopologyError: 404 one is missing, 403 the default exchange, 406 unusable arguments.
        """
        binding = Binding(destination, to_exchange=True, key=key, arguments=dict(arguments or {}))
        self._bind(link, source, binding)

    def unbind_exchange(
        self,
        link: object,
        source: str,
        destination: str,
        key: str,
        arguments: Mapping[str, Any] | None = None,
    ) -> None:
        """Take a binding between exchanges away; one that is not there is no error."""
        binding = Binding(destination, to_exchange=True, key=key, arguments=dict(arguments or {}))
        self._unbind(link, source, binding)

    def _bind(self, link: object, source: str, binding: Binding) -> None:
        with self._locked() as floor:
            owner = self._link(link)
            if not source or (binding.to_exchange and not binding.destination):
                raise TopologyError("the default exchange takes no bindings", code=403, name="")
            found = self._exchange(source)
            if binding.to_exchange:
                self._exchange(binding.destination)
            else:
                self._queue(owner, binding.destination)
            check_binding(found.spec.kind, source, binding.arguments)
            floor.exchanges.bind(found, binding)

    def _unbind(self, link: object, source: str, binding: Binding) -> None:
        with self._locked() as floor:
            owner = self._link(link)
            if not source or (binding.to_exchange and not binding.destination):
                raise reserved("exchange", "")
            found = floor.exchanges.get(source)
            if found is None or not found.has(binding):
                return
            if not binding.to_exchange and binding.destination in floor.queues:
                check_access(floor.queues[binding.destination], owner.owner)
            floor.exchanges.unbind(found, binding)

    def _exchange(self, name: str) -> StoredExchange:
        found = self._floor.exchanges.get(name)
        if found is None:
            raise missing("exchange", name)
        return found

    # Queues.

    def declare_queue(self, link: object, wanted: Queue) -> QueueInfo:
        """Make a queue, or compare with what is there.

        Raises:
            TopologyError: 404 passive and missing, 403 a name of the broker, 405 another
                connection's or exclusive on one side only, 406 declared differently or unusable
                arguments, 541 neither durable nor exclusive (version 4).
        """
        with self._locked() as floor:
            owner = self._link(link)
            if wanted.name.startswith(DIRECT_REPLY_TO):
                return self._reply_info(wanted.name)
            if wanted.name.startswith("amq.") and not wanted.passive:
                raise reserved("queue", wanted.name)
            found = floor.queues.get(wanted.name)
            if found is not None:
                check_access(found, owner.owner)
            if not wanted.passive:
                if found is not None:
                    check_exclusive(found, wanted)
                check_queue(wanted, strict=self._strict)
                found = found or self._make_queue(owner, wanted)
                if queue_traits(found.spec) != queue_traits(wanted):
                    raise declared_differently("queue", wanted.name)
            if found is None:
                raise missing("queue", wanted.name)
            floor.idle(found)
            return QueueInfo(found.name, found.line.count, len(found.consumers()))

    def _make_queue(self, link: Link, wanted: Queue) -> StoredQueue:
        if self._newest:
            check_lasting(wanted)
        name = wanted.name or f"amq.gen-{uuid.uuid4().hex}"
        spec = replace(wanted, name=name, arguments=dict(wanted.arguments))
        made = StoredQueue(spec, link.owner if wanted.exclusive else None, newest=self._newest)
        self._floor.add_queue(made)
        return made

    def _reply_info(self, name: str) -> QueueInfo:
        if name != DIRECT_REPLY_TO and name not in self._replies:
            raise missing("queue", name)
        return QueueInfo(name, 0, 1)

    def delete_queue(
        self, link: object, name: str, *, if_unused: bool = False, if_empty: bool = False
    ) -> int:
        """Delete a queue; its consumers are told. One that is not there is no error.

        Returns:
            how many messages went with it.

        Raises:
            TopologyError: 405 another connection's, 406 it is used or not empty and must not be,
                540 a quorum queue with such a condition.
        """
        with self._locked() as floor:
            owner = self._link(link)
            found = floor.queues.get(name)
            if found is None:
                return 0
            check_access(found, owner.owner)
            check_deleting(found, if_unused=if_unused, if_empty=if_empty)
            count = found.line.count
            floor.remove_queue(
                found, ConnectionLostError(f"the queue {name!r} was deleted under its consumer")
            )
            return count

    def purge_queue(self, link: object, name: str) -> int:
        """Drop what waits in a queue; how many messages that were."""
        with self._locked() as floor:
            found = self._queue(self._link(link), name)
            count = found.line.count
            while found.line.count:
                found.line.pop()
            floor.pump(found)
            return count

    def _queue(self, link: Link, name: str) -> StoredQueue:
        found = self._floor.queues.get(name)
        if found is None:
            raise missing("queue", name)
        check_access(found, link.owner)
        return found

    # To look at, and to break.

    def queues(self) -> dict[str, QueueState]:
        """All queues by name."""
        with self._locked() as floor:
            held: dict[StoredQueue, int] = {}
            for link in self._links.values():
                for unsettled in link.holding():
                    held[unsettled.queue] = held.get(unsettled.queue, 0) + 1
            return {
                name: QueueState(
                    queue.spec,
                    queue.line.count,
                    held.get(queue, 0),
                    queue.line.size,
                    len(queue.consumers()),
                )
                for name, queue in floor.queues.items()
            }

    def size(self) -> int:
        """How many queues, exchanges, bindings and consumers there are, all together."""
        with self._locked() as floor:
            exchanges = list(floor.exchanges)
            return (
                len(floor.queues)
                + len(exchanges)
                + sum(len(exchange.bindings) for exchange in exchanges)
                + sum(len(link.consumers) for link in self._links.values())
            )

    def depth(self, queue: str) -> int:
        """Messages that wait in a queue; 0 when there is no such queue."""
        with self._locked() as floor:
            found = floor.queues.get(queue)
            return found.line.count if found else 0

    def waiting(self, queue: str) -> list[Envelope]:
        """The messages that wait in a queue, the next one first; they stay."""
        with self._locked() as floor:
            found = floor.queues.get(queue)
            return [message.envelope for message in found.line] if found else []

    def cancel_consumers(self, queue: str) -> int:
        """End all consumers of a queue, as a broker does that moves it; how many those were."""
        with self._locked() as floor:
            found = floor.queues.get(queue)
            consumers = found.consumers() if found else []
            problem = ConnectionLostError(f"the broker cancelled the consumer of queue {queue!r}")
            for consumer in consumers:
                consumer.link.consumers.pop(consumer.tag, None)
                floor.notices.append((consumer, problem))
                if found is not None and not found.gone:
                    floor.part(found, consumer)
            return len(consumers)
