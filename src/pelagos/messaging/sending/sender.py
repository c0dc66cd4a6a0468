"""Brings messages to the broker and does not let go before the broker has them.

One connection, opened when it is first needed. While all is well, whoever publishes hands his
message straight to it. When it is lost, a thread that lives no longer than the trouble opens
another, declares the exchanges again and sends again, in the old order, everything that was not
confirmed. So a message may arrive twice, with the same message id; never not at all without an
error.
"""

from __future__ import annotations

import functools
import logging
import os
import threading
import weakref
from collections.abc import Iterable
from typing import Final

from pelagos.core.backoff import Backoff
from pelagos.core.clock import Clock
from pelagos.core.errors import PelagosError
from pelagos.messaging.errors import (
    ConnectionLostError,
    MessagingError,
    PublishTimeoutError,
    TopologyError,
    as_ours,
)
from pelagos.messaging.exchange import Exchange
from pelagos.messaging.sending.guest import Guest
from pelagos.messaging.sending.pending import Entry, Pending, Settled
from pelagos.messaging.transports.base import REQUEST_TIMEOUT, Connection, Envelope, Transport

log = logging.getLogger(__name__)

#: Messages, and bytes, that may wait for their confirmation, unless told.
BUFFER_LIMIT: Final = 10_000
BUFFER_BYTES: Final = 64 * 1024 * 1024

_senders: Final[weakref.WeakSet[Sender]] = weakref.WeakSet()
#: Connections of the parent process: they must neither be used nor closed in a forked child.
_inherited: Final[list[Connection]] = []


class Sender:
    """Publishes for many threads over one connection."""

    def __init__(
        self,
        bus: Transport,
        *,
        clock: Clock,
        backoff: Backoff,
        guest: Guest | None = None,
        limit: int = BUFFER_LIMIT,
        limit_bytes: int = BUFFER_BYTES,
    ) -> None:
        self._bus = bus
        self._clock = clock
        self._backoff = backoff
        self._guest = guest or Guest()
        self._limits = (limit, limit_bytes)
        self._reset()
        _senders.add(self)

    def _reset(self) -> None:
        """As new: at the beginning, and in a forked child, where all of it is the parent's."""
        self._pending = Pending(self._clock, *self._limits)
        self._closed = threading.Event()
        self._order = threading.RLock()  # held while something is added and handed over
        self._state = threading.Lock()  # guards what follows; taken inside the other
        self._connection: Connection | None = None
        self._generation = 0
        self._broken = 0  # the last generation that is known to be lost
        self._flowing = False  # everything unconfirmed is on its way over the connection
        self._keeper: threading.Thread | None = None
        self._failures = 0  # connections without a confirmation, in a row
        self._trouble: MessagingError | None = None
        self._ended = False
        self._declared = {""}  # the default exchange is always there

    # Sending.

    def put(
        self,
        exchange: type[Exchange],
        envelope: Envelope,
        settled: Settled,
        deadline: float,
        *,
        patient: bool = False,
    ) -> Entry:
        """Take a message; it stays here until the broker has it. Waits only for room.

        Args:
            exchange: declared before the first message for it.
            envelope: the message.
            settled: called once, on any thread, perhaps before this returns.
            deadline: until when (monotonic) to wait for room.
            patient: wait for room even while the broker is away.

        Raises:
            BufferFullError: there is no room; the message was not taken.
        """
        entry = Entry(exchange, envelope, settled)
        while True:
            with self._order:
                if self._ended:
                    raise MessagingError("the producer is closed")
                if not self._pending.is_full(entry.size):
                    self._pending.add(entry)
                    connection, generation = self._connection, self._generation
                    # Asked last: while it is true, these two belong together.
                    if self._flowing and connection and envelope.exchange in self._declared:
                        self._hand_over(entry, connection, generation)
                    else:
                        self._call_keeper()
                    return entry
            self._pending.wait_for_room(
                entry.size, deadline, patient=patient, given_up=self.absence
            )

    def withdraw(self, entry: Entry) -> bool:
        """Do not send it again; whether its fate was still open."""
        return self._pending.take(entry)

    def unsettled(self, entries: Iterable[Entry]) -> list[Entry]:
        """Those of them whose fate is still open."""
        return [entry for entry in entries if self._pending.has(entry)]

    def absence(self) -> str:
        """Why nothing can be sent just now; empty while something can."""
        if self._closed.is_set():
            return "the producer is closed"
        if self._connection is not None and self._broken != self._generation:
            return ""
        return str(self._trouble or f"{self._bus.url} is not connected")

    def hindrance(self) -> str:
        """What may be why something takes so long; empty when nothing is known."""
        connection = self._connection
        blocked = None if connection is None else connection.blocked
        return f"it takes no messages now, {blocked}" if blocked else str(self._trouble or "")

    def too_late(self, entry: Entry, timeout: float) -> PublishTimeoutError:
        """The error for a message that was withdrawn after so many seconds."""
        cause = self.hindrance()
        fate = "it may still arrive" if entry.generation else "it was not sent"
        message_id = entry.envelope.properties.message_id
        return PublishTimeoutError(
            f"{self._bus.url} did not confirm message {message_id} within {timeout:g} s, {fate}"
            + (f": {cause}" if cause else ""),
            message_id=message_id,
            hint="see whether the broker runs, is reachable and has free memory and disk",
            retry_after=1.0,
        )

    def close(self) -> None:
        """End the connection; what is not confirmed gets an error."""
        with self._order, self._state:
            again, self._ended = self._ended, True
            self._closed.set()
            connection, self._connection = self._connection, None
            self._flowing = False
        if connection is not None:
            connection.close()
        if not again:
            self._guest.disconnected(None)
        self._pending.wake()
        self._settle_all(
            MessagingError("the producer was closed before the message was confirmed")
        )

    def _settle_all(self, problem: MessagingError) -> None:
        for entry in self._pending.all():
            if self._pending.take(entry):
                entry.settled(entry, problem)

    # Inside self._order.

    def _hand_over(self, entry: Entry, connection: Connection, generation: int) -> None:
        entry.generation = generation
        try:
            connection.publish(
                entry.envelope, functools.partial(self._answered, entry, generation)
            )
        except ConnectionLostError as error:
            self._lose(generation, error)
        except MessagingError as error:  # it concerns this message only
            self._answered(entry, generation, error)
        except Exception as error:  # so does this; kept, it would end the keeper each time
            log.exception("a message cannot be sent")
            self._answered(entry, generation, as_ours(error))

    # On any thread.

    def _answered(self, entry: Entry, generation: int, problem: MessagingError | None) -> None:
        """The transport tells what became of a message."""
        if problem is None:
            if self._failures:
                self._failures = 0
                self._trouble = None
        elif isinstance(problem, ConnectionLostError):
            self._lose(generation, problem)
            return
        if self._pending.take(entry):
            entry.settled(entry, problem)

    def lose(self, connection: Connection, error: MessagingError) -> None:
        """Something on a connection has ended: if it is the present one, open another."""
        with self._state:
            generation = self._generation if connection is self._connection else 0
        self._lose(generation, error)

    def _lose(self, generation: int, error: MessagingError) -> None:
        with self._state:
            if generation != self._generation or self._broken == generation:
                return
            self._broken = generation
            self._flowing = False
            self._trouble = error
        if not self._closed.is_set():
            log.info("the connection to %s is lost: %s", self._bus.url, error)
            self._guest.disconnected(error)
            self._pending.wake()
            self._call_keeper()

    # The keeper: a thread while there is something to mend.

    def connect(self) -> None:
        """See that there is a connection, soon; does not wait."""
        if not self._flowing:
            self._call_keeper()

    def _call_keeper(self) -> None:
        with self._state:
            self._flowing = False
            if self._keeper is None and not self._closed.is_set():
                keeper = threading.Thread(target=self._keep, name="bus-keeper", daemon=True)
                try:
                    keeper.start()
                except RuntimeError as error:  # the system has no more threads just now
                    log.error("nobody connects to %s: %s", self._bus.url, error)  # noqa: TRY400
                    self._trouble = as_ours(error)
                else:
                    self._keeper = keeper

    def _keep(self) -> None:
        try:
            self._mend()
        except BaseException:  # of who was told, also of one that exits: another keeper can come
            log.exception("the thread that connects to %s failed", self._bus.url)
        finally:
            with self._state:
                if self._keeper is threading.current_thread():
                    self._keeper = None

    def _mend(self) -> None:
        while not self._closed.is_set():
            try:
                connection = self._usable()
                if connection is None:
                    if self._dismissed(flowing=False):
                        return
                    continue
                self._declare(connection)
                if self._send_rest(connection):
                    return
            except Exception as caught:  # also one of a transport that others wrote
                error = as_ours(caught)
                if not isinstance(caught, PelagosError):  # a defect; without us nothing is sent
                    log.exception("connecting to %s failed", self._bus.url)
                self._trouble = error
                if error.retry_after is None:
                    self._settle_all(error)
                    self._guest.give_up(error)
                    self._abandon()
                else:
                    self._lose(self._generation, error)
                self._pending.wake()

    def _usable(self) -> Connection | None:
        """The connection, opened if it must be; None when nobody needs it any more."""
        connection = self._connection
        if connection is not None and connection.is_open and self._broken != self._generation:
            return connection
        self._abandon()
        if not (len(self._pending) or self._guest.needs_connection()):
            return None
        if self._failures:
            self._closed.wait(self._backoff.delay(self._failures))
            if self._closed.is_set() or not (len(self._pending) or self._guest.needs_connection()):
                return None
        self._failures += 1
        return self._open()

    def _abandon(self) -> None:
        with self._state:
            old, self._connection = self._connection, None
            noticed = self._broken == self._generation
            self._broken = self._generation
            self._flowing = False
        if old is not None:
            if not noticed:
                self._guest.disconnected(self._trouble)
                self._pending.wake()
            old.close()

    def _open(self) -> Connection | None:
        connection = self._bus.open(REQUEST_TIMEOUT)
        with self._state:
            self._generation += 1
            self._declared = {""}
            closed = self._closed.is_set()
            if not closed:
                self._connection = connection
        if closed:
            connection.close()
            return None
        self._guest.prepare(connection)
        if self._generation > 1 or self._failures > 1:
            log.info("connected to %s again", self._bus.url)
        self._guest.connected()
        return connection

    def _declare(self, connection: Connection) -> None:
        waiting = self._pending.unsent(self._generation)
        for exchange in dict.fromkeys(entry.exchange for entry in waiting):
            if exchange.name in self._declared:
                continue
            try:
                connection.declare_exchange(exchange)
                self._declared.add(exchange.name)
            except TopologyError as error:
                for entry in waiting:
                    if entry.exchange is exchange and self._pending.take(entry):
                        entry.settled(entry, error)

    def _send_rest(self, connection: Connection) -> bool:
        """Send what waits; whether everything is on its way and the keeper may go."""
        generation = self._generation
        with self._order:
            for entry in self._pending.unsent(generation):
                if entry.envelope.exchange not in self._declared:
                    return False  # it came a moment ago
                self._hand_over(entry, connection, generation)
                if self._broken == generation:
                    return False
            if not (connection.is_open and self._dismissed(flowing=True)):
                return False
        return True

    def _dismissed(self, *, flowing: bool) -> bool:
        """Let the keeper go, unless something came up meanwhile."""
        with self._order, self._state:
            if flowing and self._broken == self._generation:
                return False
            if not flowing and (len(self._pending) or self._guest.needs_connection()):
                return False
            self._flowing = flowing
            self._keeper = None
            return True


def _forget_the_parent() -> None:
    for sender in list(_senders):
        connection = sender._connection  # noqa: SLF001 - of this module
        if connection is not None:
            _inherited.append(connection)
        sender._reset()  # noqa: SLF001 - of this module


os.register_at_fork(after_in_child=_forget_the_parent)
