"""What becomes of a message that could not be handled: it waits, or goes to the dead letters.

It is put there first, and acknowledged when the broker has confirmed that: a message is never in
no queue at all; when a connection is lost in between it may be in both.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pelagos.messaging.binding import as_pair, make_queue
from pelagos.messaging.consumer.received import ReceivedMessage
from pelagos.messaging.dead.again import names_in, to_the_dead, to_wait
from pelagos.messaging.dead.mover import Losses, Mover
from pelagos.messaging.errors import (
    ConnectionLostError,
    InboxAwayError,
    MessagingError,
    RejectMessage,
)
from pelagos.messaging.observation.tracing import continued
from pelagos.messaging.processor.dispatch import describe
from pelagos.messaging.processor.messages import Result
from pelagos.messaging.processor.payload import PayloadError
from pelagos.messaging.processor.returner import Returner
from pelagos.messaging.transports.base import Connection, Envelope, Queue

log = logging.getLogger(__name__)

_DONE = ("ack", "filtered")

#: How long it waits, in milliseconds; the number of its next attempt; for which handlers it is.
_Delayed = tuple[int, int, list[str]]


@dataclass(frozen=True, slots=True)
class _Link:
    """A connection, and what works over it."""

    connection: Connection
    mover: Mover
    returner: Returner


class Settler:
    """Settles messages.

    Args:
        dead_letters: the queue of dead messages; None rejects them.
        stopping: set when the processor ends.
        queues: tells which queues are read now, as they are declared.
    """

    def __init__(
        self,
        dead_letters: str | None,
        stopping: threading.Event,
        queues: Callable[[], Iterable[Queue]],
    ) -> None:
        self._dead_letters = dead_letters
        self._queues = queues
        self._stopping = stopping
        self._losses = Losses()
        self._lock = threading.Lock()
        self._link: _Link | None = None

    def open(self, connection: Connection) -> None:
        """A new connection; the dead letters must be there before anything dies."""
        self.close()
        mover = Mover(connection, stopping=self._stopping, losses=self._losses)
        if self._dead_letters:
            mover.declare(Queue(self._dead_letters))
        returner = Returner(connection, self._queues)
        self._link = _Link(connection, mover, returner)
        returner.start()

    def close(self) -> None:
        """Bring no more back; what is on its way has arrived."""
        if self._link is not None:
            self._link.returner.close()

    def settle_done(self, message: ReceivedMessage, results: Sequence[Result]) -> bool:
        """Settle what all its handlers have done; whether they have. Waits for nothing."""
        for result in results:
            if result.outcome not in _DONE:
                return False
        message.ack()
        return True

    def settle(self, message: ReceivedMessage, results: Sequence[Result]) -> None:
        """Settle what some handlers have failed on."""
        with continued(message):  # so that the log names the trace
            self._settle_failed(message, results)

    def _settle_failed(self, message: ReceivedMessage, results: Sequence[Result]) -> None:
        delayed: list[_Delayed] = []
        already_chosen = bool(names_in(message.headers))
        again = [result for result in results if result.outcome == "retry"]
        for delay_ms, tried in sorted({(r.delay_ms, r.tried) for r in again}):
            failed = [r for r in again if (r.delay_ms, r.tried) == (delay_ms, tried)]
            for result in failed:
                _log_failure(message, result)
            some = already_chosen or len(failed) < len(results)
            names = _names(failed) if some else []
            delayed.append((delay_ms, message.attempt + tried, names))
        dead = [result for result in results if result.outcome == "dead"]
        for result in dead:
            _log_death(message, result)
        moves: list[tuple[Queue, Envelope]] = []
        if dead and self._dead_letters:
            causes = [f"{type(r.error).__name__}: {describe(r.error)}" for r in dead if r.error]
            cause = "; ".join(causes)
            moves.append(self._dead(message, cause, message.attempt, _names(dead)))
        self._carry_out(message, moves, delayed, refuse=bool(dead) and not self._dead_letters)

    def quarantine(self, message: ReceivedMessage, cause: str) -> None:
        """Put away what is no message."""
        log.warning("quarantined a message of %s: %s", message.delivery.origin, cause)
        moves = [self._dead(message, cause, 0, [])] if self._dead_letters else []
        self._carry_out(message, moves, refuse=not self._dead_letters)

    def put_off(self, message: ReceivedMessage, delay_ms: int) -> None:
        """Let it come again in a while; this does not count as an attempt."""
        self._carry_out(message, delayed=[(delay_ms, message.attempt, [])])

    def _dead(
        self, message: ReceivedMessage, cause: str, attempts: int, names: list[str]
    ) -> tuple[Queue, Envelope]:
        where = self._dead_letters or ""
        letter = to_the_dead(
            message.delivery,
            where,
            cause=cause,
            attempts=attempts,
            died=int(time.time()),
            letter=uuid.uuid4().hex[:12],
            handlers=names,
        )
        return Queue(where), letter

    def _carry_out(
        self,
        message: ReceivedMessage,
        moves: Sequence[tuple[Queue, Envelope]] = (),
        delayed: Sequence[_Delayed] = (),
        *,
        refuse: bool = False,
    ) -> None:
        try:
            if moves or delayed:
                with self._lock:
                    link = self._link_of(message)
                    for one in delayed:
                        self._let_wait(link, message, *one)
                    for queue, envelope in moves:
                        link.mover.move(queue, envelope)
        except MessagingError as error:
            log.warning("%s could not be put aside and comes again: %s", message, error)
            message.reject(requeue=True)
            return
        if refuse:
            message.reject()
        else:
            message.ack()

    def _let_wait(
        self, link: _Link, message: ReceivedMessage, delay_ms: int, attempt: int, names: list[str]
    ) -> None:
        delivery = message.delivery
        place = link.returner.place(link.mover, delivery.queue, delay_ms)
        due = int(time.time() * 1000) + delay_ms
        envelope = to_wait(delivery, place.waiting.name, attempt, names, due=due)
        link.mover.move(place.waiting, envelope)
        link.returner.expect(place)

    def _link_of(self, message: ReceivedMessage) -> _Link:
        link = self._link
        if link is None or link.connection is not message.connection:
            raise ConnectionLostError("the connection over which it came is lost")
        if not link.connection.holds(message.delivery):
            raise ConnectionLostError("the broker has taken it back meanwhile")
        return link


def with_dead_letters(pair: Any, dead_letters: str | None) -> tuple[Any, ...]:
    """A pair of an `eqk`; its queue gets dead letters if it is a quorum queue that has none.

    It gives up after some deliveries (20 by default on newer brokers), and would drop the message.
    """
    queue, *more = as_pair(pair)
    made = make_queue(queue)
    arguments = dict(made.arguments)
    wants = arguments.get("x-queue-type") == "quorum" and dead_letters is not None
    if not wants or "x-dead-letter-exchange" in arguments or isinstance(queue, str):
        return (queue, *more)
    arguments |= {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead_letters}
    if "x-overflow" not in arguments:
        arguments["x-overflow"] = "reject-publish"
        arguments.setdefault("x-dead-letter-strategy", "at-least-once")
    return (replace(made, arguments=arguments), *more)


def _names(results: Sequence[Result]) -> list[str]:
    return [result.info.handler for result in results]


def _log_failure(message: ReceivedMessage, result: Result) -> None:
    seconds = result.delay_ms / 1000
    if not result.tried:
        away = isinstance(result.error, InboxAwayError)  # the inbox has told so, once for all
        level = logging.DEBUG if away else logging.INFO
        log.log(level, "%s comes again in %g s: %s", message, seconds, result.error)
        return
    log.warning(
        "%s failed on %s (attempt %d), which comes again in %g s",
        result.info.handler,
        message,
        message.attempt,
        seconds,
        exc_info=result.error,
    )


def _log_death(message: ReceivedMessage, result: Result) -> None:
    if isinstance(result.error, RejectMessage | PayloadError):
        log.warning("%s refuses %s: %s", result.info.handler, message, describe(result.error))
        return
    log.error(
        "%s failed on %s for good (attempt %d)",
        result.info.handler,
        message,
        message.attempt,
        exc_info=result.error,
    )
