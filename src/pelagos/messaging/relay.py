"""Carries letters from a durable place to a bus: each at least once, and in order.

What is to be sent stands in a database; a relay reads it from there, publishes it and marks it as
sent when the broker has confirmed it. So nothing gets lost, whatever ends whenever: what was not
marked is sent again, with the same message id. Of several relays for one place one works, the
others wait to take over.
"""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, Self

from pelagos.core.backoff import Backoff
from pelagos.core.errors import PelagosError
from pelagos.messaging.errors import MessagingError, PublishTimeoutError, as_ours
from pelagos.messaging.exchange import Exchange
from pelagos.messaging.transports.base import (
    REQUEST_TIMEOUT,
    Connection,
    Envelope,
    Transport,
)

log = logging.getLogger(__name__)

#: Letters that are on their way at once.
BATCH = 256


@dataclass(frozen=True, slots=True)
class Letter:
    """One message that is to be sent.

    Attributes:
        position: where it stands; larger ones are later.
        exchange: declared before it is sent.
    """

    position: int
    exchange: type[Exchange]
    envelope: Envelope


class Letters(Protocol):
    """The durable place; used by the relay's one thread only, but for `close` after its end.

    Every method raises PelagosError when the place cannot be used now.
    """

    def lead(self) -> bool:
        """Whether this relay is the one that sends now; asked before each batch."""

    def read(self, limit: int) -> Sequence[Letter]:
        """The first letters that are not marked as sent, in order."""

    def done(self, letters: Sequence[Letter]) -> None:
        """Mark the first letters, which `read` gave, as sent."""

    def close(self) -> None:
        """Let another relay lead, and give everything back."""


class Relay:
    """A thread that sends what stands in a durable place; `start` it, `stop` it.

    Args:
        bus: where to.
        letters: where from; closed at the end.
        poll: seconds between two looks when nobody calls `wake`.
        confirm_timeout: seconds that the broker may take to confirm a batch.
        backoff: how long to wait after failures.
        name: of the thread, and in the log.
    """

    def __init__(
        self,
        bus: Transport,
        letters: Letters,
        *,
        poll: float = 1.0,
        confirm_timeout: float = 30.0,
        backoff: Backoff | None = None,
        name: str = "relay",
    ) -> None:
        self._bus = bus
        self._letters = letters
        self._poll = poll
        self._confirm_timeout = confirm_timeout
        self._backoff = backoff or Backoff(first=0.1, limit=5.0)
        self._name = name
        self._news = threading.Event()
        self._stopping = threading.Event()
        self._abandoned = threading.Event()
        self._idle = threading.Condition()
        self._rounds = 0  # looks that found nothing left to send
        self._flushing = 0
        self._leads = False
        self._runs = False  # also in a thread of others
        self._connection: Connection | None = None
        self._declared: set[type[Exchange]] = set()
        self._problem: PelagosError | None = None
        self._thread: threading.Thread | None = None

    # For others.

    @property
    def problem(self) -> PelagosError | None:
        """Why nothing is sent just now; None when all is well."""
        return self._problem

    @property
    def is_running(self) -> bool:
        """Whether its thread runs, connected or not."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> Self:
        """Send from a thread of its own until `stop`."""
        if self._thread is not None:
            raise MessagingError("the relay has been started already")
        self._thread = threading.Thread(target=self.run, name=self._name, daemon=True)
        self._thread.start()
        return self

    def wake(self) -> None:
        """Say that there may be something to send. Safe from any thread, and cheap."""
        self._news.set()

    def flush(self, timeout: float = 30.0) -> bool:
        """Wait until this relay has sent all that stands there now.

        False when it has not: the log says why, and so does `problem` when there is one.
        """
        with self._idle:
            target = self._rounds + 2  # the look in work may have been before; the next is not
            self._flushing += 1
            self._news.set()
            try:
                if self._idle.wait_for(lambda: self._rounds >= target, timeout):
                    return True
            finally:
                self._flushing -= 1
        log.warning("%s: not all is sent after %g s: %s", self._name, timeout, self._obstacle())
        return False

    def _obstacle(self) -> str:
        if not self._runs:
            return "it was stopped" if self._stopping.is_set() else "it does not run: start() it"
        if self._problem is not None:
            return str(self._problem)
        return "the broker is slow, or much waits" if self._leads else "another relay works on it"

    def stop(self, timeout: float = 5.0) -> None:
        """Send what stands there, for so many seconds at the most, then end."""
        self._stopping.set()
        self._news.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)
            self._abandoned.set()
            connection = self._connection
            if thread.is_alive() and connection is not None:
                connection.close()  # what it waits for ends
                thread.join(timeout)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    # The thread.

    def run(self) -> None:
        """Send in this thread until `stop` is called from another."""
        failures = 0
        self._runs = True
        try:
            while True:
                self._news.clear()
                ending = self._stopping.is_set()
                try:
                    has_more = self._round()
                except Exception as error:  # noqa: BLE001 - a relay that ends sends nothing more
                    failures += 1
                    self._report(error)
                    self._disconnect()
                    if ending or self._abandoned.is_set():
                        return
                    self._stopping.wait(self._backoff.delay(failures))
                    continue
                failures = 0
                self._recovered()
                if has_more and not self._abandoned.is_set():
                    continue
                flushing = self._looked()
                if ending:
                    return
                if not flushing:
                    self._news.wait(self._poll)
        finally:
            self._runs = False
            self._disconnect()
            self._letters.close()

    def _round(self) -> bool:
        """Send one batch; whether there may be more."""
        self._leads = self._letters.lead()
        if not self._leads:
            return False
        connection = self._open()
        # In trouble one at a time: what stands behind a refused letter must not go each time.
        letters = self._letters.read(BATCH if self._problem is None else 1)
        if not letters:
            return False
        batch = _Batch(len(letters))
        try:
            for number, letter in enumerate(letters):
                self._declare(connection, letter.exchange)
                connection.publish(letter.envelope, functools.partial(batch.answered, number))
            batch.wait(self._confirm_timeout)
        finally:
            sent = batch.sent()
            if sent:
                self._letters.done(letters[:sent])
        self._check(batch, letters)
        return True

    def _check(self, batch: _Batch, letters: Sequence[Letter]) -> None:
        """Pass, when all of them were confirmed."""
        problem = batch.first_problem()
        if problem is not None:
            raise problem
        sent = batch.sent()
        if sent < len(letters):
            raise PublishTimeoutError(
                f"{self._bus.url} did not confirm a message within {self._confirm_timeout:g} s",
                message_id=letters[sent].envelope.properties.message_id,
                hint="see whether the broker runs and has free memory and disk",
                retry_after=1.0,
            )

    def _open(self) -> Connection:
        connection = self._connection
        if connection is None or not connection.is_open:
            self._disconnect()
            connection = self._connection = self._bus.open(REQUEST_TIMEOUT)
        return connection

    def _declare(self, connection: Connection, exchange: type[Exchange]) -> None:
        if exchange not in self._declared:
            if exchange.name:
                connection.declare_exchange(exchange)
            self._declared.add(exchange)

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        self._declared = set()
        if connection is not None:
            connection.close()

    # What others see.

    def _looked(self) -> bool:
        """Take note that nothing was left; whether somebody waits for another look."""
        with self._idle:
            if self._leads:
                self._rounds += 1
                self._idle.notify_all()
            return self._leads and self._flushing > 0

    def _report(self, error: Exception) -> None:
        defect = None if isinstance(error, PelagosError) else error
        problem = error if isinstance(error, PelagosError) else as_ours(error)
        before, self._problem = self._problem, problem
        if before is None or str(before) != str(problem):
            log.warning(
                "%s: messages wait, nothing is lost: %s", self._name, problem, exc_info=defect
            )

    def _recovered(self) -> None:
        if self._problem is not None:
            log.info("%s: messages are sent again", self._name)
        self._problem = None


@dataclass(slots=True)
class _Batch:
    """What the broker has answered about the letters that are on their way."""

    size: int
    problems: dict[int, MessagingError | None] = field(default_factory=dict)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def answered(self, number: int, problem: MessagingError | None) -> None:
        """One of them; called by the transport, on any thread."""
        with self.changed:
            self.problems[number] = problem
            if len(self.problems) == self.size:
                self.changed.notify_all()

    def wait(self, seconds: float) -> None:
        """Until all are answered, or time is over."""
        with self.changed:
            self.changed.wait_for(lambda: len(self.problems) == self.size, seconds)

    def sent(self) -> int:
        """How many of the first are confirmed, without a gap."""
        with self.changed:
            count = 0
            while self.problems.get(count, _OPEN) is None:
                count += 1
            return count

    def first_problem(self) -> MessagingError | None:
        """Of the first letter that was not taken."""
        with self.changed:
            return next(
                (self.problems[n] for n in sorted(self.problems) if self.problems[n]), None
            )


_OPEN = MessagingError("not answered yet")
