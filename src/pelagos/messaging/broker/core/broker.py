"""The broker: everything that a connection may ask of it, one thing at a time."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from pelagos.messaging.broker.core.arrival import TAKEN, Routed, Verdict, full, prepared, unrouted
from pelagos.messaging.broker.core.queues import Link, StoredConsumer
from pelagos.messaging.broker.core.rules import (
    check_access,
    check_asking,
    check_company,
    missing,
    refused,
)
from pelagos.messaging.broker.core.topology import Topology
from pelagos.messaging.errors import ConnectionLostError, PublishRefusedError, TopologyError
from pelagos.messaging.transports.base import (
    DIRECT_REPLY_TO,
    Delivery,
    Envelope,
    OnDelivery,
    OnEnd,
)

_NO_ARGUMENTS: Final[Mapping[str, Any]] = {}


class Broker(Topology):
    """A broker with the rules and answers of RabbitMQ, without a network and without a disk.

    A `link` is whoever has consumers and receipts: a channel of AMQP, or a connection that has
    only one. Each has an owner, to whom exclusive queues belong: the connection of AMQP.
    Callbacks run while the broker is locked: they hand over and return, and never call it.

    Args:
        name: how it is called in errors.
        queue_limit: messages that a queue without x-max-length holds; None is no limit.
        strict: refuse x-arguments that mean nothing here; RabbitMQ ignores them.
        version: whose rules hold where RabbitMQ has changed them. In 4 (4.3) a quorum queue
            gives up after 20 returns unless told and does not count what is given back by a nack,
            queues neither durable nor exclusive are refused, an answer that goes straight to its
            asker counts as routed, and a dead letter tells its last death too.
        on_deadline: called with the time, in seconds of the clock's `monotonic`, when something
            will be due earlier than known before; `expire` has to be called then. What is due is
            also done whenever somebody comes.
    """

    # Messages in.

    def publish(self, link: object, envelope: Envelope) -> Verdict:
        """Put a message into every queue that takes it."""
        with self._lock:
            try:
                envelope, keys, names, answers = self._routed(link, envelope)
            except (TopologyError, PublishRefusedError, ConnectionLostError) as error:
                return Verdict(0, error)
            return self._deliver(envelope, keys, names, answers)

    def route(self, link: object, envelope: Envelope) -> Routed:
        """Find the queues of a message that is put there later, by `deliver`.

        Raises:
            TopologyError: 404 no such exchange, 403 it is internal, 406 an unusable header.
            PublishRefusedError: it cannot live so long.
            ConnectionLostError: the link is gone.
        """
        with self._lock:
            return Routed(*self._routed(link, envelope))

    def deliver(self, routed: Routed) -> Verdict:
        """Put a message into those of its queues that are still there."""
        with self._locked():
            envelope, keys, names, answers = routed
            return self._deliver(envelope, keys, names, answers)

    def _routed(
        self, link: object, envelope: Envelope
    ) -> tuple[Envelope, tuple[str, ...], tuple[str, ...], int]:
        publisher = self._links.get(link)
        if publisher is None:
            raise self._lost()
        floor = self._floor
        if floor.deadlines.nearest is not None:
            self._expire()
        keys: tuple[str, ...] = (envelope.key,)
        given = envelope.properties
        if given.headers or given.reply_to or given.expiration is not None:
            self._check_target(envelope.exchange)
            envelope, keys = prepared(envelope, publisher)
        exchanges = floor.exchanges
        names = exchanges.route(envelope.exchange, keys, envelope.properties.headers)
        if names is None or envelope.exchange in exchanges.internal:
            self._check_target(envelope.exchange)
            names = ()
        answers = 0
        if self._replies and not envelope.exchange:
            answers = self._answer(envelope, keys)
        return envelope, keys, names, answers

    def check_target(self, exchange: str) -> None:
        """See whether a client may publish there.

        Raises:
            TopologyError: 404 no such exchange, 403 it takes messages from exchanges only.
        """
        with self._lock:
            self._check_target(exchange)

    def _check_target(self, exchange: str) -> None:
        exchanges = self._floor.exchanges
        if exchange and exchanges.get(exchange) is None:
            raise missing("exchange", exchange)
        if exchange in exchanges.internal:
            raise TopologyError(
                f"the exchange {exchange!r} takes messages from other exchanges only",
                code=403,
                name=exchange,
            )

    def _deliver(
        self, envelope: Envelope, keys: tuple[str, ...], names: tuple[str, ...], answers: int
    ) -> Verdict:
        queues = self._floor.queues
        if len(names) != 1 or names[0] not in queues:
            names = tuple(name for name in names if name in queues)
        count = len(names) + (answers if self._newest else 0)
        if not count:
            return unrouted(envelope)
        if not self._floor.spread(envelope, keys, names):
            return Verdict(count, full(envelope))
        return TAKEN if count == 1 else Verdict(count, None)

    def _answer(self, envelope: Envelope, keys: tuple[str, ...]) -> int:
        """Hand answers straight to those who asked; how many."""
        count = 0
        for name in keys:
            link = self._replies.get(name)
            if link is None or link.reply_consumer is None:
                continue
            receipt, link.next_receipt = link.next_receipt, link.next_receipt + 1
            answer = Delivery(
                DIRECT_REPLY_TO,
                "",
                name,
                envelope.body,
                envelope.properties,
                redelivered=False,
                receipt=receipt,
            )
            link.reply_consumer.on_delivery(answer)
            count += 1
        return count

    # Messages out.

    def consume(  # noqa: PLR0913 - what AMQP lets a consumer say
        self,
        link: object,
        tag: str,
        queue: str,
        on_delivery: OnDelivery,
        on_end: OnEnd,
        *,
        prefetch: int = 0,
        no_ack: bool = False,
        exclusive: bool = False,
        arguments: Mapping[str, Any] | None = None,
        on_start: Callable[[str], None] | None = None,
    ) -> str:
        """Let deliveries come.

        Args:
            tag: its name within the link; empty for one that is made here.
            queue: an existing queue, or DIRECT_REPLY_TO.
            on_delivery: called with each delivery, in order.
            on_end: called once when the broker ends it.
            prefetch: deliveries that it may hold; 0 is no limit.
            no_ack: what is delivered counts as settled.
            exclusive: refuse if there is another consumer, and keep others away.
            arguments: x-priority, a whole number: higher ones are served first.
            on_start: called with the tag before the first delivery.

        Returns:
            the tag.

        Raises:
            TopologyError: 404 no such queue, 405 another connection's, 403 used exclusively, 406
                unusable arguments, 530 the tag is in use, 540 a quorum queue under a limit for
                the whole link.
        """
        with self._locked() as floor:
            owner = self._link(link)
            priority = (arguments or _NO_ARGUMENTS).get("x-priority", 0)
            name = tag or f"amq.ctag-{uuid.uuid4().hex}"
            if name in owner.consumers or (
                owner.reply_consumer is not None and owner.reply_consumer.tag == name
            ):
                raise TopologyError(f"the consumer tag {name!r} is in use", code=530, name=queue)
            made = StoredConsumer(
                name, owner, None, on_delivery, on_end, prefetch, no_ack, exclusive, priority
            )
            if queue == DIRECT_REPLY_TO:
                self._start_replies(owner, made, on_start)
                return name
            found = self._queue(owner, queue)
            if type(priority) is not int:
                raise refused("x-priority of a consumer is not a whole number", queue)
            check_company(found, made)
            made.queue = found
            owner.consumers[name] = made
            found.add_consumer(made)
            if on_start is not None:
                on_start(name)
            floor.pump(found)
            return name

    def _start_replies(
        self, owner: Link, made: StoredConsumer, on_start: Callable[[str], None] | None
    ) -> None:
        if not made.no_ack:
            raise refused("direct answers cannot be acknowledged: use no_ack", DIRECT_REPLY_TO)
        if owner.reply_consumer is not None:
            raise refused("there is a consumer of direct answers already", DIRECT_REPLY_TO)
        owner.reply_consumer = made
        owner.reply_name = f"{DIRECT_REPLY_TO}.{uuid.uuid4().hex}"
        self._replies[owner.reply_name] = owner
        if on_start is not None:
            on_start(made.tag)

    def cancel(self, link: object, tag: str) -> bool:
        """Let no more deliveries come; whether there was such a consumer."""
        with self._locked() as floor:
            owner = self._link(link)
            if owner.reply_consumer is not None and owner.reply_consumer.tag == tag:
                self._replies.pop(owner.reply_name or "", None)
                owner.reply_consumer = owner.reply_name = None
                return True
            consumer = owner.consumers.pop(tag, None)
            if consumer is None or consumer.queue is None:
                return False
            floor.part(consumer.queue, consumer)
            floor.pump(consumer.queue)
            return True

    def get(
        self, link: object, queue: str, *, no_ack: bool = False
    ) -> tuple[Delivery, int] | None:
        """The first message of a queue and how many are left; None: it is empty."""
        with self._locked() as floor:
            owner = self._link(link)
            found = floor.queues.get(queue)
            if found is None:
                raise missing("queue", queue)
            check_access(found, owner.owner)
            check_asking(found)
            floor.idle(found)
            if not found.line.count:
                return None
            delivery = floor.take(found, owner, no_ack=no_ack)
            floor.pump(found)
            return delivery, found.line.count

    def settle(
        self,
        link: object,
        receipt: int,
        *,
        accept: bool,
        requeue: bool = False,
        multiple: bool = False,
        counts: bool = True,
    ) -> bool:
        """Take a delivery off the list, back into the queue, or to the dead letters.

        Args:
            receipt: that of the delivery.
            accept: it is done.
            requeue: otherwise, give it back instead of refusing it.
            multiple: this one and all before; with receipt 0 all there are.
            counts: giving back counts against the delivery limit of a quorum queue; in version
                3.10 it always does.

        Returns:
            whether the receipt was known. None left to settle with receipt 0 is no error.
        """
        if multiple:
            return self._settle_to(link, receipt, accept, requeue, counts)
        floor = self._floor
        with self._lock:
            owner = self._link(link)
            if floor.deadlines.nearest is not None:
                self._expire()
            held = owner.unsettled.pop(receipt, None)
            if held is None:
                return False
            consumer, queue, message = held
            if consumer is not None:
                consumer.unsettled -= 1
                owner.held -= 1
            if not accept:
                floor.refuse(queue, message, requeue=requeue, counts=counts)
            if queue.line.count:
                floor.pump(queue)
            if owner.limit or floor.graves or self._waiters:
                self._finish(owner)
            return True

    def _finish(self, owner: Link) -> None:
        """What follows from settling, in the rarer cases."""
        if owner.limit:
            self._floor.serve(owner)
        self._floor.bury()
        if self._waiters:
            self._tell_waiters()

    def _settle_to(
        self,
        link: object,
        last: int,
        accept: bool,
        requeue: bool,
        counts: bool,
    ) -> bool:
        with self._locked() as floor:
            owner = self._link(link)
            if last and last not in owner.unsettled:
                return False
            receipts = owner.up_to(last)
            floor.settle_all(owner, receipts, accept=accept, requeue=requeue, counts=counts)
            return True

    def claim(self, link: object, receipt: int, *, multiple: bool) -> list[int] | None:
        """Take deliveries off the list that are settled later, as a transaction does.

        Returns:
            their receipts for `settle_claimed`; None: the receipt was not known.
        """
        with self._locked():
            owner = self._link(link)
            receipts = owner.up_to(receipt) if multiple else [receipt]
            if (receipt or not multiple) and receipt not in owner.unsettled:
                return None
            for known in receipts:
                owner.claimed[known] = owner.unsettled.pop(known)
            return receipts

    def settle_claimed(
        self,
        link: object,
        receipts: Iterable[int],
        *,
        accept: bool,
        requeue: bool = False,
        counts: bool = True,
    ) -> None:
        """Settle what was claimed."""
        with self._locked() as floor:
            owner = self._link(link)
            for known in receipts:
                owner.unsettled[known] = owner.claimed.pop(known)
            floor.settle_all(owner, receipts, accept=accept, requeue=requeue, counts=counts)

    def unclaim(self, link: object) -> None:
        """Put all that was claimed back on the list."""
        with self._lock:
            owner = self._link(link)
            owner.unsettled = dict(sorted((owner.unsettled | owner.claimed).items()))
            owner.claimed.clear()

    def recover(self, link: object) -> int:
        """Give back all that the link has not settled; how many that were."""
        with self._locked() as floor:
            owner = self._link(link)
            receipts = list(owner.unsettled)
            floor.settle_all(owner, receipts, accept=False, requeue=True, counts=True)
            return len(receipts)

    def limit(
        self, link: object, *, prefetch: int | None = None, active: bool | None = None
    ) -> None:
        """Set how many deliveries all consumers of a link may hold together, and whether they go.

        Args:
            prefetch: 0 is no limit; None leaves it.
            active: whether its consumers take messages just now; None leaves it.
        """
        with self._locked() as floor:
            owner = self._link(link)
            owner.limit = owner.limit if prefetch is None else prefetch
            owner.active = owner.active if active is None else active
            floor.serve(owner)
