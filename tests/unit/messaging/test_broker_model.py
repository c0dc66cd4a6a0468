"""The broker core against a model so simple that it can be seen to be right.

The model keeps each queue as a sorted list and moves a message before the broker is asked to. When
the broker delivers, the message has to be the first of the model's list, and its receiver one
who may have it. So nothing is lost, doubled or overtaken, whatever happens in whatever order.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pelagos.core.clock import ManualClock
from pelagos.messaging.broker.core import Broker, ExchangeSpec
from pelagos.messaging.errors import PublishRefusedError
from pelagos.messaging.transports.base import Delivery, Envelope, Properties, Queue

KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "ranked": {"x-max-priority": 3},
    "short": {"x-max-length": 2},
    "strict": {"x-max-length": 2, "x-overflow": "reject-publish"},
    "brief": {"x-message-ttl": 3000},
    "quorum": {"x-queue-type": "quorum", "x-delivery-limit": 2},
    "single": {"x-single-active-consumer": True},
}


@dataclass(eq=False)
class Copy:
    """One message in one queue."""

    body: bytes
    rank: int
    number: int
    expires_at: float | None = None
    redelivered: bool = False
    returns: int = 0


@dataclass(eq=False)
class Reader:
    link: str
    queue: ModelQueue
    tag: str
    prefetch: int
    no_ack: bool
    priority: int
    held: int = 0

    def has_room(self) -> bool:
        return self.no_ack or not self.prefetch or self.held < self.prefetch


@dataclass(eq=False)
class ModelQueue:
    name: str
    arguments: dict[str, Any]
    grave: ModelQueue | None = None
    ready: list[Copy] = field(default_factory=list)
    readers: list[Reader] = field(default_factory=list)
    active: Reader | None = None

    def insert(self, copy: Copy) -> None:
        self.ready.append(copy)
        self.ready.sort(key=lambda c: (-c.rank, c.number))

    def takers(self) -> list[Reader]:
        """Those who may have the next message."""
        if self.arguments.get("x-single-active-consumer"):
            return [self.active] if self.active and self.active.has_room() else []
        free = [reader for reader in self.readers if reader.has_room()]
        best = max((reader.priority for reader in free), default=0)
        return [reader for reader in free if reader.priority == best]


class BrokerAgainstModel(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock()
        self.broker = Broker("model", clock=self.clock)
        self.numbers = itertools.count()
        self.tags = itertools.count()
        self.links: dict[str, dict[int, tuple[Reader | None, ModelQueue, Copy]]] = {}
        self.queues: dict[str, ModelQueue] = {}
        self.broker.attach("desk")
        for kind, arguments in KINDS.items():
            grave = ModelQueue(f"{kind}.dead", {})
            dead = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": grave.name}
            queue = ModelQueue(kind, arguments | dead, grave)
            for made in (grave, queue):
                self.queues[made.name] = made
                self.broker.declare_queue("desk", Queue(made.name, arguments=made.arguments))
        self.broker.declare_exchange("desk", ExchangeSpec("all", "fanout"))
        for kind in KINDS:
            self.broker.bind("desk", "all", kind, "")
        self.sent = 0
        self.settled = 0
        self.dropped = 0
        for name in ("a", "b"):
            self.open(name)

    def open(self, name: str) -> None:
        self.links[name] = {}
        self.broker.attach(name)

    # What happens to the model.

    def bury(self, queue: ModelQueue, copy: Copy) -> None:
        if queue.grave is None:
            self.dropped += 1
        else:
            queue.grave.insert(Copy(copy.body, 0, next(self.numbers)))

    def drop(self, queue: ModelQueue) -> None:
        """What came back may be too much, or too late."""
        limit = queue.arguments.get("x-max-length")
        if limit is not None and "x-overflow" not in queue.arguments:
            while len(queue.ready) > limit:
                self.bury(queue, queue.ready.pop(0))
        self.drop_expired(queue)

    def drop_expired(self, queue: ModelQueue) -> None:
        now = self.clock.monotonic()
        while queue.ready:
            expires_at = queue.ready[0].expires_at
            if expires_at is None or expires_at > now:
                return
            self.bury(queue, queue.ready.pop(0))

    def give_back(self, queue: ModelQueue, copy: Copy) -> None:
        copy.redelivered = True
        limit = queue.arguments.get("x-delivery-limit")
        if limit is not None:
            copy.returns += 1
            if copy.returns > limit:
                self.bury(queue, copy)
                return
        queue.insert(copy)

    def enter(self, queue: ModelQueue, copy: Copy) -> bool:
        limit = queue.arguments.get("x-max-length")
        if queue.arguments.get("x-overflow") == "reject-publish" and len(queue.ready) >= limit:
            return False
        free = bool(queue.takers())
        self.sent += 1
        queue.insert(copy)
        if not free and limit is not None and len(queue.ready) > limit:
            self.bury(queue, queue.ready.pop(0))
        return True

    def take(self, queue: ModelQueue) -> Copy:
        copy = queue.ready.pop(0)
        self.drop_expired(queue)
        return copy

    @staticmethod
    def compare(queue: ModelQueue, copy: Copy, delivery: Delivery) -> None:
        seen = (delivery.queue, delivery.body, delivery.redelivered)
        assert seen == (queue.name, copy.body, copy.redelivered)
        count = delivery.properties.headers.get("x-delivery-count", 0)
        assert count == (copy.returns if "x-delivery-limit" in queue.arguments else 0)

    def forget(self, reader: Reader) -> None:
        queue = reader.queue
        queue.readers.remove(reader)
        if queue.active is reader:
            best = max((other.priority for other in queue.readers), default=0)
            heirs = [other for other in queue.readers if other.priority == best]
            queue.active = heirs[0] if heirs else None

    # What is done.

    @rule(
        kind=st.sampled_from(list(KINDS)),
        everywhere=st.booleans(),
        rank=st.integers(0, 5),
        life=st.sampled_from([None, None, 1.0, 5.0]),
    )
    def publish(self, kind: str, everywhere: bool, rank: int, life: float | None) -> None:
        number = next(self.numbers)
        body = b"%d" % number
        now = self.clock.monotonic()
        refused = False
        for queue in [self.queues[name] for name in (KINDS if everywhere else [kind])]:
            highest = queue.arguments.get("x-max-priority", 0)
            ttl = queue.arguments.get("x-message-ttl")
            lives = [value for value in (life, ttl and ttl / 1000) if value is not None]
            copy = Copy(
                body,
                min(rank, highest),
                next(self.numbers),
                now + min(lives) if lives else None,
            )
            refused = not self.enter(queue, copy) or refused
            self.drop_expired(queue)
        properties = Properties("m", priority=rank, expiration=life)
        where, key = ("all", "") if everywhere else ("", kind)
        verdict = self.broker.publish("a", Envelope(where, key, body, properties))
        assert verdict.routed == (len(KINDS) if everywhere else 1)
        assert isinstance(verdict.refused, PublishRefusedError) is refused

    @rule(
        link=st.sampled_from("ab"),
        name=st.sampled_from([*KINDS, *(f"{kind}.dead" for kind in KINDS)]),
        prefetch=st.integers(0, 3),
        no_ack=st.booleans(),
        priority=st.integers(0, 1),
    )
    def consume(self, link: str, name: str, prefetch: int, no_ack: bool, priority: int) -> None:
        queue = self.queues[name]
        reader = Reader(link, queue, f"t{next(self.tags)}", prefetch, no_ack, priority)

        def on_delivery(delivery: Delivery) -> None:
            assert reader in queue.takers()
            receipt = delivery.receipt
            assert isinstance(receipt, int) and receipt not in self.links[link]
            copy = self.take(queue)
            self.compare(queue, copy, delivery)
            if no_ack:
                self.settled += 1
                return
            reader.held += 1
            self.links[link][receipt] = (reader, queue, copy)

        def on_end(_problem: object) -> None:
            raise AssertionError("nothing ends it")

        queue.readers.append(reader)
        queue.active = queue.active or reader
        self.broker.consume(
            link,
            reader.tag,
            name,
            on_delivery,
            on_end,
            prefetch=prefetch,
            no_ack=no_ack,
            arguments={"x-priority": priority},
        )

    @precondition(lambda self: any(queue.readers for queue in self.queues.values()))
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        readers = [reader for queue in self.queues.values() for reader in queue.readers]
        reader = data.draw(st.sampled_from(readers))
        self.forget(reader)
        assert self.broker.cancel(reader.link, reader.tag)

    @rule(link=st.sampled_from("ab"), name=st.sampled_from(list(KINDS)), no_ack=st.booleans())
    def get(self, link: str, name: str, no_ack: bool) -> None:
        queue = self.queues[name]
        if not queue.ready:
            assert self.broker.get(link, name, no_ack=no_ack) is None
            return
        copy = self.take(queue)  # before the broker: what expires behind it is delivered at once
        found = self.broker.get(link, name, no_ack=no_ack)
        assert found is not None and isinstance(found[0].receipt, int)
        delivery, left = found
        assert left == len(queue.ready)
        self.compare(queue, copy, delivery)
        if no_ack:
            self.settled += 1
        else:
            self.links[link][found[0].receipt] = (None, queue, copy)

    @precondition(lambda self: any(self.links.values()))
    @rule(
        data=st.data(), how=st.sampled_from(["ack", "reject", "requeue"]), multiple=st.booleans()
    )
    def settle(self, data: st.DataObject, how: str, multiple: bool) -> None:
        held = [(link, receipt) for link, all_ in self.links.items() for receipt in all_]
        link, last = data.draw(st.sampled_from(held))
        unsettled = self.links[link]
        touched = []
        for receipt in [r for r in unsettled if r == last or (multiple and r < last)]:
            reader, queue, copy = unsettled.pop(receipt)
            touched.append(queue)
            if reader is not None:
                reader.held -= 1
            if how == "requeue":
                self.give_back(queue, copy)
            elif how == "reject":
                self.bury(queue, copy)
            else:
                self.settled += 1
        for queue in touched:
            self.drop(queue)
        assert self.broker.settle(
            link, last, accept=how == "ack", requeue=how == "requeue", multiple=multiple
        )
        assert not self.broker.settle(link, last, accept=True)

    @rule(link=st.sampled_from("ab"), close=st.booleans())
    def return_all(self, link: str, close: bool) -> None:
        entries = list(self.links[link].values())
        self.links[link].clear()
        for reader, queue, copy in entries:
            if reader is not None:
                reader.held -= 1
            self.give_back(queue, copy)
        for _reader, queue, _copy in entries:
            self.drop(queue)
        if not close:
            assert self.broker.recover(link) == len(entries)
            return
        for queue in self.queues.values():
            for other in [reader for reader in queue.readers if reader.link == link]:
                self.forget(other)
        self.broker.detach(link)
        self.open(link)

    @rule(name=st.sampled_from(list(KINDS)))
    def purge(self, name: str) -> None:
        queue = self.queues[name]
        assert self.broker.purge_queue("a", name) == len(queue.ready)
        self.dropped += len(queue.ready)
        queue.ready.clear()

    @rule(seconds=st.sampled_from([0.5, 1.0, 4.0]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)
        for queue in self.queues.values():
            self.drop_expired(queue)
        self.broker.expire()

    # What holds.

    @invariant()
    def each_message_is_where_it_should_be(self) -> None:
        for queue in self.queues.values():
            waiting = [envelope.body for envelope in self.broker.waiting(queue.name)]
            assert waiting == [copy.body for copy in queue.ready], queue.name
            assert not waiting or not queue.takers(), "somebody could have the next one"

    @invariant()
    def nothing_is_lost_or_doubled(self) -> None:
        states = self.broker.queues().values()
        there = sum(state.ready + state.unsettled for state in states)
        assert there + self.settled + self.dropped == self.sent


TestBrokerAgainstModel = BrokerAgainstModel.TestCase
TestBrokerAgainstModel.settings = settings(max_examples=120, stateful_step_count=60, deadline=None)
