"""Keeps what a consumer reads coming: connected, declared, bound, subscribed; a thread of its own.

When the connection is lost there is a new lane, and what was left in the old one comes again from
the broker.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import queue
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pelagos.core.backoff import Backoff
from pelagos.core.clock import Clock
from pelagos.core.errors import PelagosError
from pelagos.messaging.binding import Binding, check_queues
from pelagos.messaging.consumer.lane import Lane
from pelagos.messaging.errors import (
    ConnectionLostError,
    MessagingError,
    TopologyError,
    as_ours,
)
from pelagos.messaging.middleware import Chain
from pelagos.messaging.transports.base import Connection, Delivery, Queue, Transport

log = logging.getLogger(__name__)

#: A connection (or a subscription) that lived shorter than this many seconds counts as a failure,
#: so that a broker that accepts and drops us at once is not besieged.
_STABLE_AFTER = 5.0


@dataclass(frozen=True, slots=True)
class _Ended:
    """No more comes from a queue."""

    lane: Lane
    queue: str
    problem: MessagingError


@dataclass(frozen=True, slots=True)
class _Later:
    """What is to be taken again, and when."""

    lane: Lane
    due: float
    delivery: Delivery


class Intake:
    """One connection after the other, each with the whole topology and every subscription.

    Attributes:
        lane: where deliveries lie now.
        problem: why nothing comes just now; None while it does.
        prefetch: how many of each queue may lie here unsettled; read when a connection is made.
        ready: set while everything is declared and messages come.
    """

    def __init__(
        self,
        bus: Transport,
        bindings: Iterable[Binding],
        prefetch: int,
        *,
        clock: Clock,
        backoff: Backoff,
        watchers: Chain,
        on_open: Callable[[Connection], object],
        traffic: logging.Logger | None = None,
    ) -> None:
        self.lane = Lane()
        self.problem: MessagingError | None = None
        self.ready = threading.Event()
        self._bus = bus
        self._bindings = list(bindings)
        self.prefetch = prefetch
        self._clock = clock
        self._backoff = backoff
        self._watchers = watchers
        self._on_open = on_open
        self._traffic = traffic
        self._ring: Callable[[], None] | None = None
        self._topology = threading.Lock()  # held while anything is declared or bound
        self._ceasing = threading.Event()
        self._events: queue.SimpleQueue[_Ended | _Later | None] = queue.SimpleQueue()
        self._released = threading.Event()
        self._thread: threading.Thread | None = None

    # Topology.

    @property
    def bindings(self) -> tuple[Binding, ...]:
        """What is bound now."""
        return tuple(self._bindings)

    def bind(self, binding: Binding) -> None:
        """Read one more binding, at once when connected and after each reconnection.

        Raises:
            MessagingError: the broker refuses; nothing is kept then.
        """
        with self._topology:
            check_queues([*self._bindings, binding])
            if binding in self._bindings:
                return
            lane = self.lane
            if lane.connection is not None:
                with contextlib.suppress(ConnectionLostError):  # then the next one declares it
                    self._declare(lane, binding)
                    self._subscribe(lane, binding.queue.name)
            self._bindings = [*self._bindings, binding]

    def unbind(self, binding: Binding, *, forget: bool) -> None:
        """Take a binding away; with `forget`, stop reading a queue that has no other."""
        with self._topology:
            gone = (binding.exchange, binding.queue.name, binding.key, binding.arguments)
            self._bindings = [
                kept
                for kept in self._bindings
                if (kept.exchange, kept.queue.name, kept.key, kept.arguments) != gone
            ]
            lane = self.lane
            if lane.connection is None:
                return
            with contextlib.suppress(ConnectionLostError):
                name = binding.queue.name
                actual = lane.names.get(name, name)
                if binding.exchange.name:
                    lane.connection.unbind(
                        binding.exchange.name, actual, binding.key, dict(binding.arguments)
                    )
                if forget and all(kept.queue.name != name for kept in self._bindings):
                    self._unsubscribe(lane, name)

    def forget(self, queue: str) -> None:
        """Read a queue no more; the broker keeps it and what is bound to it."""
        with self._topology:
            self._bindings = [kept for kept in self._bindings if kept.queue.name != queue]
            if self.lane.connection is not None:
                with contextlib.suppress(ConnectionLostError):
                    self._unsubscribe(self.lane, queue)

    def _declare(self, lane: Lane, binding: Binding) -> None:
        connection = _connection(lane)
        if self._traffic is not None:
            self._traffic.debug(
                "declare exchange %s and queue %s, bind with key %s",
                binding.exchange.name,
                binding.queue.name,
                binding.key,
            )
        connection.declare_exchange(binding.exchange)
        name = lane.names.get(binding.queue.name)
        if name is None:
            name = connection.declare_queue(binding.queue).name
            lane.names[binding.queue.name] = name
        if binding.exchange.name:  # the default exchange knows every queue by its name
            connection.bind(binding.exchange.name, name, binding.key, dict(binding.arguments))

    def _subscribe(self, lane: Lane, name: str) -> None:
        if name in lane.consumers:
            return
        ended = functools.partial(self._on_end, lane, name)
        lane.consumers[name] = _connection(lane).consume(
            lane.names[name], self._put_into(lane), ended, prefetch=self.prefetch
        )

    def _unsubscribe(self, lane: Lane, name: str) -> None:
        consumer = lane.consumers.pop(name, None)
        lane.names.pop(name, None)
        if consumer is not None:
            _connection(lane).cancel(consumer)

    def _on_end(self, lane: Lane, name: str, problem: MessagingError) -> None:
        self._events.put(_Ended(lane, name, problem))

    def _put_into(self, lane: Lane) -> Callable[[Delivery], None]:
        put, ring = lane.inbox.put, self._ring
        if ring is None:
            return put

        def put_and_ring(delivery: Delivery) -> None:
            put(delivery)
            ring()

        return put_and_ring

    # Running.

    @property
    def is_running(self) -> bool:
        """Whether its thread runs, connected or not."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def has_run(self) -> bool:
        """Whether it has been started ever; it is not started twice."""
        return self._thread is not None

    def start(self, ring: Callable[[], None] | None = None) -> None:
        """Begin; `ring` is called (on any thread) after something was put into a lane."""
        self._ring = ring
        self._thread = threading.Thread(target=self._run, name="intake", daemon=True)
        self._thread.start()

    def cease(self) -> None:
        """Let nothing more come, and give back what was not taken; returns at once."""
        self._ceasing.set()
        self._events.put(None)
        self._wake(self.lane)

    def put_off(self, lane: Lane, delivery: Delivery, seconds: float) -> None:
        """Let it lie for so long, unsettled, before it can be taken again."""
        self._events.put(_Later(lane, self._clock.monotonic() + seconds, delivery))

    def close(self, timeout: float) -> None:
        """End the connection in order; what is still unsettled comes again elsewhere."""
        self.cease()
        self._released.set()
        if self._thread is not None:
            self._thread.join(timeout)

    def _wake(self, lane: Lane) -> None:
        lane.inbox.put(None)
        if self._ring is not None:
            self._ring()

    def _run(self) -> None:
        failures = 0
        while not self._ceasing.is_set():
            began = self._clock.monotonic()
            problem = self._live()
            if problem is None:
                break
            failures = 0 if self._clock.monotonic() - began >= _STABLE_AFTER else failures + 1
            self._report(problem)
            self._ceasing.wait(self._backoff.delay(failures) if failures else 0.0)
        self._wake(self.lane)

    def _live(self) -> MessagingError | None:
        """Connect and stay; why it ended, or None when it was told to."""
        lane = Lane()
        problem: MessagingError | None = None
        try:
            lane.connection = self._bus.open()
            self._set_up(lane)
            problem = self._stay(lane)
        except Exception as error:  # also of hooks and transports of others: it ends no thread
            problem = as_ours(error)
            if not isinstance(error, PelagosError):
                log.exception("consuming from %s failed", self._bus.url)
        finally:
            self._tear_down(lane, problem)
        return problem

    def _set_up(self, lane: Lane) -> None:
        self._on_open(_connection(lane))
        with self._topology:
            before, self.lane = self.lane, lane
            self._wake(before)  # whoever waits there looks here now
            for binding in self._bindings:
                self._declare(lane, binding)
            for name in lane.names:
                self._subscribe(lane, name)
        if self.problem is not None:
            log.warning("consuming from %s again", self._bus.url)  # for who saw that it ended
        self.problem = None
        self.ready.set()
        if self._watchers:
            self._watchers.on_connected(self._bus.url)

    def _tear_down(self, lane: Lane, problem: MessagingError | None) -> None:
        was_ready = self.ready.is_set()
        self.ready.clear()
        with self._topology:
            if self.lane is lane:
                self.lane = Lane()
        if lane.connection is not None:
            lane.connection.close()
        self._wake(lane)
        if was_ready and self._watchers:
            self._watchers.on_disconnected(self._bus.url, problem)

    def _stay(self, lane: Lane) -> MessagingError | None:
        failures, began = 0, self._clock.monotonic()
        while True:
            event = self._next_event(lane)
            if self._ceasing.is_set():
                self._give_back(lane)
                self._released.wait()
                return None
            if event is None or not self._concerns(event, lane):
                continue
            if not _connection(lane).is_open:
                return event.problem
            now = self._clock.monotonic()
            failures, began = (0 if now - began >= _STABLE_AFTER else failures + 1), now
            self._report(event.problem)
            self._hand_back(lane, event.queue)
            self._ceasing.wait(self._backoff.delay(failures) if failures else 0.0)
            self._resume(lane, event.queue)

    def _next_event(self, lane: Lane) -> _Ended | None:
        while True:
            due, pause = lane.come_due(self._clock.monotonic())
            if due and self._ring is not None:
                self._ring()
            try:
                event = self._events.get(timeout=pause)
            except queue.Empty:
                continue
            if not isinstance(event, _Later):
                return event
            if event.lane is lane:  # else it comes again
                lane.later.append((event.due, event.delivery))

    def _concerns(self, event: _Ended, lane: Lane) -> bool:
        with self._topology:  # a subscription may end before its name has been noted
            return event.lane is lane and event.queue in lane.consumers

    def _resume(self, lane: Lane, name: str) -> None:
        """One subscription ended under an open connection: the queue was deleted, or moved."""
        with self._topology:
            lane.consumers.pop(name, None)
            lane.names.pop(name, None)
            bindings = [binding for binding in self._bindings if binding.queue.name == name]
            for binding in bindings:
                self._declare(lane, binding)
            if bindings:
                self._subscribe(lane, name)
        log.info("consuming queue %s of %s again", name, self._bus.url)
        self.problem = None

    def _hand_back(self, lane: Lane, name: str) -> None:
        """Do not handle what waits of a queue that still exists: the broker may have it again.

        RabbitMQ 4.3 takes back what is not settled in time, and cancels the consumer. What waits
        of a queue that is gone is nowhere else.
        """
        connection, actual = _connection(lane), lane.names.get(name, name)
        with self._topology:
            try:
                connection.declare_queue(Queue(actual, passive=True))
            except TopologyError:
                return
            for delivery in lane.emptied():
                if delivery.queue == actual:
                    connection.reject(delivery, requeue=True)
                else:
                    lane.inbox.put(delivery)

    def _give_back(self, lane: Lane) -> None:
        """Cancel, and hand to others what was fetched and not taken."""
        connection = _connection(lane)
        with self._topology, contextlib.suppress(MessagingError):
            for name in list(lane.consumers):
                self._unsubscribe(lane, name)
            for delivery in lane.emptied():
                connection.reject(delivery, requeue=True)
        self._wake(lane)

    def _report(self, problem: MessagingError) -> None:
        before, self.problem = self.problem, problem
        if before is None or str(before) != str(problem):
            hint = f"; {problem.hint}" if problem.hint else ""
            log.warning("not consuming from %s: %s%s", self._bus.url, problem, hint)


def _connection(lane: Lane) -> Connection:
    if lane.connection is None:
        raise ConnectionLostError("there is no connection")
    return lane.connection
