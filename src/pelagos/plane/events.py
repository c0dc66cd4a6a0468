"""The master's events on the bus: announced after each commit, and what wakes the agents.

    exchange      pelagos.events, topic, durable
    routing key   computer.COMPUTER.KIND for what an agent should look at, else plane.KIND
    message       none, content {"kwds": the event}, with an id that stays when it comes again

They leave through a relay from the master's own log, which notes how far it has come: each at
least once and in order, whoever is killed or away meanwhile.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from pelagos.core import wire
from pelagos.core.errors import PelagosError
from pelagos.messaging import (
    Exchange,
    Fingerprint,
    GenericConsumer,
    JsonEncoder,
    Message,
    ReceivedMessage,
    connect,
)
from pelagos.messaging.relay import Letter, Relay
from pelagos.messaging.transports.base import Envelope, Properties
from pelagos.plane.words import word
from pelagos.slap.master import Announcements
from pelagos.slap.model import Event

log = logging.getLogger(__name__)

#: Seconds between two looks into the log when nothing tells of news.
_POLL = 1.0


class PlaneEvents(Exchange):
    """Where the master's events go."""

    name = "pelagos.events"
    exchange_type = "topic"
    durable = True


class EventLetters:
    """The master's log as a relay reads it; see `pelagos.messaging.relay.Letters`."""

    def __init__(self, events: Announcements) -> None:
        self._events = events

    def lead(self) -> bool:
        """Whether no other master of the database announces."""
        return self._events.lead()

    def read(self, limit: int) -> Sequence[Letter]:
        """The next events."""
        found = self._events.read(limit)
        return [letter_of(event, self._events.database) for event in found]

    def done(self, letters: Sequence[Letter]) -> None:
        """The bus has them."""
        self._events.done(letters[-1].position)

    def close(self) -> None:
        """Keep how far it came."""
        try:
            self._events.close()
        except PelagosError as error:
            log.warning("some events will be announced again: %s", error)


def letter_of(event: Event, database: str) -> Letter:
    """An event as a message; `database` makes its id good beyond one plane."""
    message = Message(**wire.to_builtins(event))
    message.fingerprint(**Fingerprint(name="master", type="plane").as_dict())
    properties = Properties(
        message_id=f"event-{database}-{event.id}",
        content_type=JsonEncoder.content_type,
        timestamp=int(event.at),
    )
    body = JsonEncoder.encode(message.body)
    envelope = Envelope(PlaneEvents.name, routing_key(event), body, properties)
    return Letter(event.id, PlaneEvents, envelope)


class Announcer:
    """Announces the events of a master, once it is begun, so that no request waits for the bus."""

    def __init__(self, bus_url: str) -> None:
        self._bus = connect(bus_url)
        self._relay: Relay | None = None

    def begin(self, events: Announcements) -> None:
        """Announce them from a thread of its own; before the master is asked for anything."""
        self._relay = Relay(self._bus, EventLetters(events), poll=_POLL, name="announcer").start()

    def wake(self, _events: tuple[Event, ...] = ()) -> None:
        """Say that there are events; returns at once."""
        if self._relay is not None:
            self._relay.wake()

    @property
    def problem(self) -> PelagosError | None:
        """Why events wait just now, or None."""
        return None if self._relay is None else self._relay.problem

    def alive(self) -> bool:
        """Whether its thread still runs."""
        return self._relay is not None and self._relay.is_running

    def flush(self, timeout: float = 30.0) -> bool:
        """Wait until the bus has all events of now; False when it took longer."""
        return self._relay is not None and self._relay.flush(timeout)

    def stop(self) -> None:
        """Announce what waits, for a few seconds at the most; before the master is closed."""
        if self._relay is not None:
            self._relay.stop()


class Listener:
    """Calls `heard` for each event with one of these keys, from a thread of its own."""

    def __init__(self, bus_url: str, keys: Sequence[str], heard: Callable[[], None]) -> None:
        self._heard = heard
        own_queue = {"name": "", "flags": {"exclusive": True}}
        self._consumer = GenericConsumer(
            [(PlaneEvents, [(own_queue, key) for key in keys])], bus=connect(bus_url)
        )
        self._consumer.start(self._on_event)

    def wait_ready(self, timeout: float = 10.0) -> None:
        """Wait until events come; raises `MessagingError` when they do not in time."""
        self._consumer.wait_ready(timeout)

    def _on_event(self, _message: ReceivedMessage) -> None:
        self._heard()

    def alive(self) -> bool:
        """Whether its thread still runs, connected or not."""
        return self._consumer.is_running

    def stop(self) -> None:
        """Stop listening."""
        self._consumer.stop(timeout=5)


class Waker(Listener):
    """Calls `wake` for each event that concerns a computer."""

    def __init__(self, bus_url: str, computer_id: str, wake: Callable[[], None]) -> None:
        super().__init__(bus_url, (f"computer.{word(computer_id)}.#",), wake)


def routing_key(event: Event) -> str:
    """Where an event goes.

    >>> from pelagos.slap.model import Cause
    >>> event = Event(1, 0.0, "instance.requested", "G1", "w", "host.example", "a", Cause("", ""))
    >>> routing_key(event)
    'computer.host_example.instance.requested'
    """
    if event.computer_id is None:
        return f"plane.{event.kind}"
    return f"computer.{word(event.computer_id)}.{event.kind}"
