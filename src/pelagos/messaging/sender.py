"""Brings messages to the broker and does not let go before the broker has them.

One connection, opened when it is first needed. When it is lost, the thread that waits for its
message opens another, declares the exchanges again and sends again, in the old order, everything
that was not confirmed. So a message may arrive twice, with the same message id; never not at all
without an error.
"""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from pelagos.core.backoff import Backoff
from pelagos.core.clock import Clock
from pelagos.messaging.errors import (
    ConnectionLostError,
    MessagingError,
    PublishTimeoutError,
    TopologyError,
)
from pelagos.messaging.exchange import Exchange
from pelagos.messaging.transports.base import REQUEST_TIMEOUT, Connection, Envelope, Transport

log = logging.getLogger(__name__)

#: The shortest time, in seconds, that an attempt to connect is given.
_SHORTEST_ATTEMPT = 0.05


@dataclass(slots=True, eq=False)
class _Entry:
    """A message that somebody waits for."""

    exchange: type[Exchange]
    envelope: Envelope
    attempts: int = 0
    in_flight: bool = False
    settled: bool = False
    problem: MessagingError | None = None
    changed: threading.Event = field(default_factory=threading.Event)

    def pending(self) -> bool:
        """Whether its fate is still open; another thread may settle it at any time."""
        return not self.settled


class Sender:
    """Publishes for many threads over one connection."""

    def __init__(self, bus: Transport, *, clock: Clock, backoff: Backoff) -> None:
        self._bus = bus
        self._clock = clock
        self._backoff = backoff
        self._closed = threading.Event()
        self._recovery = threading.Lock()  # held by the one thread that opens and declares
        self._lock = threading.Lock()  # guards what follows
        self._unconfirmed: dict[_Entry, None] = {}
        self._connection: Connection | None = None
        self._declared: set[str] = set()
        self._marks = threading.Lock()  # guards the entries' state; taken inside the others

    def send(self, letters: Sequence[tuple[type[Exchange], Envelope]], timeout: float) -> None:
        """Publish all of them and wait until the broker has them.

        Raises:
            PublishError: the first one that was not accepted, or not confirmed in time.
            TopologyError: an exchange cannot be declared as described.
            LoginError: the broker refuses the credentials.
        """
        deadline = self._clock.monotonic() + timeout
        entries = [_Entry(exchange, envelope) for exchange, envelope in letters]
        with self._lock:
            if self._closed.is_set():
                raise MessagingError("the producer is closed")
            for entry in entries:
                self._unconfirmed[entry] = None
                self._publish_if_possible(entry)
        try:
            for entry in entries:
                self._await(entry, deadline, timeout)
        finally:
            with self._lock:
                for entry in entries:
                    self._unconfirmed.pop(entry, None)

    def close(self) -> None:
        """End the connection; threads that still wait get an error."""
        with self._lock:
            self._closed.set()
            connection, self._connection = self._connection, None
            waiting = list(self._unconfirmed)
        if connection is not None:
            connection.close()
        for entry in waiting:
            entry.changed.set()

    def _await(self, entry: _Entry, deadline: float, timeout: float) -> None:
        trouble: MessagingError | None = None
        rounds = 0
        while entry.pending():
            if self._closed.is_set():
                raise MessagingError("the producer was closed before the message was confirmed")
            if not entry.in_flight:
                if rounds:  # it was lost right after the last recovery
                    self._pause(rounds, deadline)
                rounds += 1
                trouble = self._recover(deadline) or trouble
            remaining = deadline - self._clock.monotonic()
            if entry.in_flight and remaining > 0:
                entry.changed.wait(remaining)
                entry.changed.clear()
            elif entry.pending() and remaining <= 0:
                raise self._too_late(entry, timeout, trouble)
        if entry.problem is not None:
            raise entry.problem

    def _pause(self, failures: int, deadline: float) -> None:
        remaining = max(0.0, deadline - self._clock.monotonic())
        self._closed.wait(min(self._backoff.delay(failures), remaining))

    def _too_late(
        self, entry: _Entry, timeout: float, trouble: MessagingError | None
    ) -> PublishTimeoutError:
        message_id = entry.envelope.properties.message_id
        connection = self._connection
        blocked = None if connection is None else connection.blocked
        cause = f"it takes no messages now, {blocked}" if blocked else trouble or entry.problem
        fate = "it may still arrive" if entry.attempts else "it was not sent"
        return PublishTimeoutError(
            f"{self._bus.url} did not confirm message {message_id} within {timeout:g} s, {fate}"
            + (f": {cause}" if cause else ""),
            message_id=message_id,
            hint="see whether the broker runs, is reachable and has free memory and disk",
            retry_after=1.0,
        )

    # Inside self._lock.

    def _publish_if_possible(self, entry: _Entry) -> None:
        connection = self._connection
        name = entry.exchange.name
        if connection is None or not connection.is_open or (name and name not in self._declared):
            return
        with self._marks:
            entry.attempts += 1
            entry.in_flight = True
        connection.publish(
            entry.envelope, functools.partial(self._answered, entry, entry.attempts)
        )

    def _answered(self, entry: _Entry, attempt: int, problem: MessagingError | None) -> None:
        """The transport tells what became of one attempt, on any thread."""
        with self._marks:
            if isinstance(problem, ConnectionLostError):
                if attempt == entry.attempts:  # else it has been sent again already
                    entry.in_flight = False
                    entry.problem = problem
            elif not entry.settled:
                entry.settled = True
                entry.problem = problem
        entry.changed.set()

    # Recovery.

    def _recover(self, deadline: float) -> MessagingError | None:
        """Get everything unconfirmed on its way, if time allows; the trouble met, if any."""
        remaining = deadline - self._clock.monotonic()
        if not self._recovery.acquire(timeout=max(remaining, 0.0)):
            return None
        try:
            connection, trouble = self._open(deadline)
            if connection is not None:
                self._resend(connection)
        except ConnectionLostError as error:
            return error
        else:
            return trouble
        finally:
            self._recovery.release()

    def _open(self, deadline: float) -> tuple[Connection | None, MessagingError | None]:
        old = self._connection
        if old is not None and old.is_open:
            return old, None
        if old is not None:
            old.close()
        failures = 0
        trouble: MessagingError | None = None
        while not self._closed.is_set():
            remaining = deadline - self._clock.monotonic()
            if failures and remaining <= 0:
                break
            try:
                limit = min(max(remaining, _SHORTEST_ATTEMPT), REQUEST_TIMEOUT)
                connection = self._bus.open(limit)
            except MessagingError as error:
                if error.retry_after is None:
                    raise
                trouble = error
                failures += 1
                self._pause(failures, deadline)
            else:
                self._adopt(connection, failures)
                return connection, trouble
        return None, trouble

    def _adopt(self, connection: Connection, failures: int) -> None:
        with self._lock:
            first, self._connection = self._connection is None, connection
            self._declared = set()
            closed = self._closed.is_set()
        if closed:
            connection.close()
        elif not first or failures:
            log.info("publishing over %s again", self._bus.url)

    def _resend(self, connection: Connection) -> None:
        with self._lock:
            waiting = [entry for entry in self._unconfirmed if not entry.in_flight]
        refused: dict[str, TopologyError] = {}
        for exchange in dict.fromkeys(entry.exchange for entry in waiting):
            try:
                if exchange.name and exchange.name not in self._declared:
                    connection.declare_exchange(exchange)
                    self._declared.add(exchange.name)
            except TopologyError as error:
                refused[exchange.name] = error
        with self._lock:
            for entry in self._unconfirmed:
                if entry.in_flight or entry.settled:
                    continue
                if entry.exchange.name in refused:
                    self._answered(entry, entry.attempts, refused[entry.exchange.name])
                else:
                    self._publish_if_possible(entry)
