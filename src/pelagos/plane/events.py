"""The master's events on the bus: announced after each commit, and what wakes the agents.

    exchange      pelagos.events, topic, durable
    routing key   computer.COMPUTER.KIND for what an agent should look at, else plane.KIND
    message       status KIND, content {"kwds": the event}

The bus only saves waiting: whatever gets lost here, the agent's next poll finds in the master.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
from collections.abc import Callable

from pelagos.core import wire
from pelagos.core.errors import PelagosError
from pelagos.messaging import (
    Exchange,
    GenericConsumer,
    GenericProducer,
    Message,
    ReceivedMessage,
    connect,
)
from pelagos.slap.model import Event

log = logging.getLogger(__name__)

#: Events that wait for a slow broker; more are dropped, since the agents poll anyway.
_WAITING = 1000


class PlaneEvents(Exchange):
    """Where the master's events go."""

    name = "pelagos.events"
    exchange_type = "topic"
    durable = True


class EventProducer(GenericProducer):
    """Sends events."""

    eks = ((PlaneEvents, "plane"),)
    publish_timeout = 10.0

    def build_message_event(self, event: Event) -> Message:
        """The event as a plain message."""
        return Message(**wire.to_builtins(event))


class Announcer:
    """Sends events from a thread of its own, so that no request ever waits for the bus."""

    def __init__(self, bus_url: str) -> None:
        self._producer = EventProducer({"name": "master", "type": "plane"}, bus=connect(bus_url))
        self._waiting: queue.Queue[Event | None] = queue.Queue(_WAITING)
        self._failing = False
        self._thread = threading.Thread(target=self._run, name="announcer", daemon=True)
        self._thread.start()

    def announce(self, events: tuple[Event, ...]) -> None:
        """Hand events over; returns at once."""
        for event in events:
            try:
                self._waiting.put_nowait(event)
            except queue.Full:
                log.debug("the bus is slow: %s of %s is not announced", event.kind, event.subject)

    def _run(self) -> None:
        while (event := self._waiting.get()) is not None:
            try:
                self._producer.message_event(event, _key=routing_key(event))
            except PelagosError as error:  # one event is not worth the thread
                if not self._failing:
                    log.warning("events are not announced, agents find them by polling: %s", error)
                self._failing = True
            else:
                self._failing = False

    def alive(self) -> bool:
        """Whether its thread still runs."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Send what waits (for a few seconds at the most), then give the connection back."""
        with contextlib.suppress(queue.Full):
            self._waiting.put(None, timeout=5)
        self._thread.join(timeout=5)
        self._producer.close()


class Waker:
    """Calls `wake` for each event that concerns a computer, from a thread of its own."""

    def __init__(self, bus_url: str, computer_id: str, wake: Callable[[], None]) -> None:
        self._wake = wake
        mine = f"computer.{_word(computer_id)}.#"
        own_queue = {"name": "", "flags": {"exclusive": True}}
        self._consumer = GenericConsumer(
            [(PlaneEvents, [(own_queue, mine)])], bus=connect(bus_url)
        )
        self._consumer.start(self._on_event)

    def wait_ready(self, timeout: float = 10.0) -> None:
        """Wait until events come; raises `MessagingError` when they do not in time."""
        self._consumer.wait_ready(timeout)

    def _on_event(self, _message: ReceivedMessage) -> None:
        self._wake()

    def alive(self) -> bool:
        """Whether its thread still runs, connected or not."""
        return self._consumer.is_running

    def stop(self) -> None:
        """Stop listening."""
        self._consumer.stop(timeout=5)


def routing_key(event: Event) -> str:
    """Where an event goes.

    >>> from pelagos.slap.model import Cause
    >>> event = Event(1, 0.0, "instance.requested", "G1", "w", "host.example", "a", Cause("", ""))
    >>> routing_key(event)
    'computer.host_example.instance.requested'
    """
    if event.computer_id is None:
        return f"plane.{event.kind}"
    return f"computer.{_word(event.computer_id)}.{event.kind}"


def _word(name: str) -> str:
    """One word of a routing key; a computer whose name maps to another's wakes both, no more."""
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in name)[:100]
