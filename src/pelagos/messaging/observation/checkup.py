"""Is a bus in order? Each step says how it went, and what to do about it."""

from __future__ import annotations

import re
import statistics
import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final, Literal

from pelagos.core.clock import Clock, SystemClock
from pelagos.messaging.dead.again import DEAD_QUEUE
from pelagos.messaging.dead.mover import Mover
from pelagos.messaging.errors import (
    BrokerUnreachableError,
    LoginError,
    MessagingError,
    TopologyError,
)
from pelagos.messaging.transports.base import (
    Connection,
    Envelope,
    Properties,
    Queue,
    Transport,
)

Grade = Literal["ok", "warn", "fail"]

_ROUNDS: Final = 20
_SLOW: Final = 0.25  # seconds of one confirmed publish, above which something is wrong
_QUEUE: Final = Queue(durable=False, exclusive=True)
_FORBIDDEN: Final = 403

#: Since which version RabbitMQ does without something, and what it is.
_GONE: Final = (
    ((4, 0), "classic mirrored queues are gone"),
    ((4, 3), "queues that are neither durable nor exclusive are refused"),
)
#: Since which, and before which, it warns of something.
_WARNED: Final = (
    ((4, 0), (4, 3), "queues that are neither durable nor exclusive are deprecated"),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """How one step went.

    Attributes:
        name: what was looked at.
        message: what was seen.
        mend: what to do; empty when nothing needs to be done.
    """

    name: str
    grade: Grade
    message: str
    mend: str = ""


def examine(
    bus: Transport,
    *,
    timeout: float = 5.0,
    dead_letters: str = DEAD_QUEUE,
    clock: Clock | None = None,
) -> list[Finding]:
    """Look at a bus; what cannot be looked at after a failure is left out.

    Args:
        timeout: seconds for each step that waits for the broker.
        dead_letters: the queue in which dead letters are counted.
    """
    try:
        connection = bus.open(timeout)
    except BrokerUnreachableError as error:
        mend = error.hint or "see that the broker runs, and that host, port and network are right"
        return [Finding("reachable", "fail", error.message, mend)]
    except LoginError as error:
        mend = error.hint or "see that user, password and virtual host are those of the broker"
        return [
            Finding("reachable", "ok", f"a broker answers at {bus.url}"),
            Finding("login", "fail", error.message, mend),
        ]
    except MessagingError as error:
        return [Finding("reachable", "fail", error.message, error.hint or "")]
    with closing(connection):
        return [
            Finding("reachable", "ok", f"a broker answers at {bus.url}"),
            Finding("login", "ok", "user, password and virtual host are accepted"),
            *_broker(getattr(connection, "server", {})),
            *_heartbeat(connection, bus),
            *_round_trip(connection, timeout, clock or SystemClock()),
            *_dead(connection, dead_letters),
        ]


def _broker(server: Mapping[str, Any]) -> Iterator[Finding]:
    product, version = str(server.get("product", "")), str(server.get("version", ""))
    if not product:
        return
    yield Finding("broker", "ok", f"{product} {version}".rstrip())
    found = re.match(r"(\d{1,9})\.(\d{1,9})", version)
    if product == "RabbitMQ" and found:
        number = int(found[1]), int(found[2])
        gone = [text for since, text in _GONE if number >= since]
        warned = [text for since, before, text in _WARNED if since <= number < before]
        later = [f"from {since[0]}.{since[1]}: {text}" for since, text in _GONE if number < since]
        said = "; ".join([*gone, *warned, *later])
        yield Finding("features", "ok", f"{said}; nothing here needs them")


def _heartbeat(connection: Connection, bus: Transport) -> Iterator[Finding]:
    agreed = getattr(connection, "heartbeat", None)
    if agreed is None:
        agreed = getattr(getattr(bus, "address", None), "heartbeat", None)
    if agreed is None:
        return
    if agreed:
        said = f"every {agreed:g} s; a frozen broker is noticed within about {2 * agreed:g} s"
        yield Finding("heartbeat", "ok", said)
    else:
        mend = "set ?heartbeat=10 in the URL, and no 0 on the broker"
        yield Finding("heartbeat", "warn", "off: a frozen broker is never noticed", mend)


def _round_trip(connection: Connection, timeout: float, clock: Clock) -> Iterator[Finding]:
    if connection.blocked:
        mend = "free memory or disk where the broker runs"
        yield Finding("blocked", "fail", f"it takes no messages: {connection.blocked}", mend)
        return
    yield Finding("blocked", "ok", "it takes messages")
    try:
        name = connection.declare_queue(_QUEUE).name
        times = [_confirmed(connection, name, timeout, clock) for _ in range(_ROUNDS)]
        came = _taken(connection, name)
        connection.delete_queue(name)
    except TopologyError as error:
        mend = "give the user the right to configure, write and read on the virtual host"
        yield Finding("publish", "fail", error.message, mend if error.code == _FORBIDDEN else "")
        return
    except MessagingError as error:
        yield Finding("publish", "fail", error.message, error.hint or "")
        return
    middle, most = statistics.median(times), max(times)
    said = f"confirmed in {middle * 1000:.1f} ms (median of {_ROUNDS}; {most * 1000:.1f} at most)"
    slow = middle > _SLOW
    mend = "see how busy the broker, its disk and the network are" if slow else ""
    yield Finding("publish", "warn" if slow else "ok", said, mend)
    if came == _ROUNDS:
        yield Finding("consume", "ok", f"all {came} came back")
    else:
        yield Finding("consume", "fail", f"{came} of {_ROUNDS} came back", "see the broker's log")


def _confirmed(connection: Connection, queue: str, timeout: float, clock: Clock) -> float:
    """Seconds until the broker confirmed one message."""
    properties = Properties(message_id=uuid.uuid4().hex, content_type="text/plain")
    began = clock.monotonic()
    mover = Mover(connection, patience=timeout)
    mover.publish(Envelope("", queue, b"checkup", properties, mandatory=True))
    return clock.monotonic() - began


def _taken(connection: Connection, queue: str) -> int:
    count = 0
    while count < _ROUNDS:
        delivery = connection.get(queue)
        if delivery is None:
            break
        connection.ack(delivery)
        count += 1
    return count


def _dead(connection: Connection, queue: str) -> Iterator[Finding]:
    try:
        waiting = connection.declare_queue(Queue(queue, passive=True)).messages
    except TopologyError as error:
        if not error.is_missing:
            mend = "give the user the right to read it"
            yield Finding("dead letters", "warn", error.message, mend)
            return
        waiting = 0
    except MessagingError as error:
        yield Finding("dead letters", "fail", error.message, error.hint or "")
        return
    if waiting:
        mend = "look at them: pelagos bus dead list"
        yield Finding("dead letters", "warn", f"{waiting} wait in {queue}", mend)
    else:
        yield Finding("dead letters", "ok", "there are none")
