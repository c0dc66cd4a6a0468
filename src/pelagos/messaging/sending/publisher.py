"""Ways to wait for the broker: at once, for many together, later, or by a future."""

from __future__ import annotations

import functools
import logging
import os
import threading
import weakref
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from pelagos.core.backoff import Backoff
from pelagos.core.clock import Clock
from pelagos.messaging.errors import (
    BufferFullError,
    MessagingError,
    PublishManyError,
    PublishTimeoutError,
)
from pelagos.messaging.exchange import Exchange
from pelagos.messaging.middleware import Chain, Outgoing
from pelagos.messaging.sending.alarm import Alarm
from pelagos.messaging.sending.future import BusFuture, call_back, is_called_back, see_who_waits
from pelagos.messaging.sending.guest import Guest
from pelagos.messaging.sending.pending import Batch, Entry, Settled, Single
from pelagos.messaging.sending.sender import Sender
from pelagos.messaging.transports.base import Envelope, Transport

log = logging.getLogger(__name__)

#: Failures that are kept for the next flush; of more, only the first ones are told.
_FAILURES_KEPT: Final = 1000

#: Messages of many after which those that are settled are looked for.
_SWEEP: Final = 1000

T = TypeVar("T")


@dataclass(slots=True)
class Letter:
    """One message for one exchange."""

    exchange: type[Exchange]
    envelope: Envelope
    outgoing: Outgoing | None = None


class PublishFuture(BusFuture[None]):
    """Done when the broker has the message: `result()` waits for that, and so does `await`."""


class _Promise:
    """Letters for which a future stands."""

    __slots__ = ("_left", "_lock", "_told", "entries", "future", "timeout")

    def __init__(self, future: PublishFuture, count: int, timeout: float) -> None:
        self.future = future
        self.timeout = timeout
        self.entries: list[Entry] = []
        self._left = count
        self._told = False
        self._lock = threading.Lock()

    def settled(self, _entry: Entry, problem: MessagingError | None) -> None:
        """One of them was settled: the first problem counts, else the last success."""
        with self._lock:
            self._left -= 1
            if self._told or (problem is None and self._left):
                return
            self._told = True
        if not self.future.set_running_or_notify_cancel():
            return
        if problem is None:
            call_back(self.future.set_result, None)
        else:
            call_back(self.future.set_exception, problem)

    def is_over(self) -> bool:
        """Whether nobody waits any more."""
        return self.future.done()


class _Watcher(Guest):
    """Tells the middlewares of connections that come and go."""

    def __init__(self, url: str, chain: Chain) -> None:
        self._url = url
        self._chain = chain

    def connected(self) -> None:
        """A connection is there."""
        self._chain.on_connected(self._url)

    def disconnected(self, error: MessagingError | None) -> None:
        """It was closed, or lost."""
        self._chain.on_disconnected(self._url, error)


class Publisher:
    """Brings the letters of one producer to the broker; for many threads."""

    def __init__(
        self,
        bus: Transport,
        *,
        clock: Clock,
        backoff: Backoff,
        chain: Chain,
        limit: int,
        limit_bytes: int,
    ) -> None:
        self._clock = clock
        self._chain = chain
        self._in_transaction = bus.capabilities.in_transaction
        self._sender = Sender(
            bus,
            clock=clock,
            backoff=backoff,
            guest=_Watcher(bus.url, chain) if chain else None,
            limit=limit,
            limit_bytes=limit_bytes,
        )
        self._reset()
        _publishers.add(self)

    def _reset(self) -> None:
        self._lock = threading.Lock()  # guards what follows
        self._batch = Batch()  # handed over since the last flush
        self._handed = 0
        self._unflushed: list[Batch] = []
        self._alarm: Alarm[_Promise] = Alarm(self._clock, self._overdue, _Promise.is_over)

    def publish(self, letters: Sequence[Letter], timeout: float) -> None:
        """Return when the broker has all of them.

        Raises:
            PublishError: of the first one that was not accepted, or not confirmed in time.
            BufferFullError: no room was left; what had been taken before is still sent.
            MessagingError: what else ended the attempt.
        """
        see_who_waits()
        if len(letters) == 1:
            self._publish_one(letters[0], timeout)
            return
        deadline = self._clock.monotonic() + timeout
        batch = Batch()
        entries = [
            self._put(letter, batch.ticket(place), deadline)
            for place, letter in enumerate(letters)
        ]
        batch.seal()
        if not batch.wait(timeout):
            self._give_up(entries, timeout)
            batch.wait(timeout)
        if batch.problems:
            raise batch.problems[min(batch.problems)]

    def _publish_one(self, letter: Letter, timeout: float) -> None:
        single = Single()
        entry = self._put(letter, single.settled, self._clock.monotonic() + timeout)
        if not single.wait(timeout):
            self._give_up([entry], timeout)
            single.wait(timeout)
        if single.problem is not None:
            raise single.problem

    def _give_up(self, entries: Sequence[Entry], timeout: float) -> None:
        """Their time is over: each ends with an error, unless it was settled a moment ago."""
        for entry in entries:
            if self._sender.withdraw(entry):
                entry.settled(entry, self._sender.too_late(entry, timeout))

    def _put(
        self, letter: Letter, settled: Settled, deadline: float, *, patient: bool = False
    ) -> Entry:
        outgoing = letter.outgoing
        if outgoing is not None:
            began = self._clock.monotonic()
            settled = functools.partial(self._watched, outgoing, began, settled)
        try:
            return self._sender.put(
                letter.exchange, letter.envelope, settled, deadline, patient=patient
            )
        except MessagingError as error:
            if outgoing is not None:
                self._chain.after_publish(outgoing, error, 0.0)
            raise

    def _watched(
        self,
        outgoing: Outgoing,
        began: float,
        settled: Settled,
        entry: Entry,
        problem: MessagingError | None,
    ) -> None:
        self._chain.after_publish(outgoing, problem, self._clock.monotonic() - began)
        settled(entry, problem)

    def publish_many(
        self, items: Iterable[T], letters_of: Callable[[T], Sequence[Letter]], timeout: float
    ) -> int:
        """Return when the broker has the letters of all items; how many items those were.

        Raises:
            PublishManyError: some could not be written, or were not accepted, or not confirmed in
                time; where no room came in time, all that follow have failed, too.
        """
        see_who_waits()
        deadline = self._clock.monotonic() + timeout
        batch = Batch()
        entries: list[Entry] = []
        sweep_at, place = _SWEEP, -1
        full: BufferFullError | None = None
        for place, item in enumerate(items):
            if full is None:
                try:
                    self._put_item(_made(letters_of, item), place, batch, entries, deadline)
                except MessagingError as error:
                    batch.problems[place] = error
                    full = error if isinstance(error, BufferFullError) else None
            else:
                batch.problems[place] = full
            if len(entries) >= sweep_at:
                entries = self._sender.unsettled(entries)
                sweep_at = max(_SWEEP, 2 * len(entries))
        batch.seal()
        if not batch.wait(deadline - self._clock.monotonic()):
            self._give_up(entries, timeout)
            batch.wait(timeout)
        if batch.problems:
            raise PublishManyError(dict(sorted(batch.problems.items())))
        return place + 1

    def _put_item(
        self,
        letters: Sequence[Letter],
        place: int,
        batch: Batch,
        entries: list[Entry],
        deadline: float,
    ) -> None:
        for letter in letters:
            ticket = batch.ticket(place)
            try:
                entries.append(self._put(letter, ticket, deadline, patient=True))
            except MessagingError:
                batch.seal()  # the ticket will not be used
                raise

    def promise(self, letters: Sequence[Letter], timeout: float) -> PublishFuture:
        """A future that is done when the broker has all of them, or the time is over."""
        future = PublishFuture()
        if self._in_transaction:
            self.publish(letters, timeout)
            future.set_result(None)
            return future
        promise = _Promise(future, len(letters), timeout)
        deadline = self._clock.monotonic() + timeout
        until = 0.0 if is_called_back() else deadline  # else nobody would make room
        for letter in letters:
            promise.entries.append(self._put(letter, promise.settled, until))
        if not letters:
            future.set_result(None)
        elif not future.done():
            self._alarm.set(deadline, promise)
        return future

    def _overdue(self, promise: _Promise) -> None:
        self._give_up(promise.entries, promise.timeout)

    def hand_over(self, letters: Sequence[Letter], timeout: float) -> None:
        """Return at once; `flush` tells what became of them.

        Raises:
            BufferFullError: no room in so many seconds, or while the broker is away.
        """
        if self._in_transaction:
            self.publish(letters, timeout)
            return
        deadline = 0.0 if is_called_back() else self._clock.monotonic() + timeout
        for letter in letters:
            with self._lock:
                batch, place = self._batch, self._handed
                self._handed += 1
                ticket = batch.ticket(place)
            settled = functools.partial(self._piped, batch, ticket)
            try:
                self._put(letter, settled, deadline)
            except MessagingError:
                batch.seal()  # the ticket will not be used
                raise

    def _piped(
        self, batch: Batch, ticket: Settled, entry: Entry, problem: MessagingError | None
    ) -> None:
        if problem is not None:
            log.warning("a message that nobody waited for was not accepted: %s", problem)
            if len(batch.problems) >= _FAILURES_KEPT:
                problem = None
        ticket(entry, problem)

    def flush(self, timeout: float) -> None:
        """Return when the broker has everything that was handed over.

        Raises:
            PublishManyError: some were not accepted; by their place since the last flush.
            PublishTimeoutError: some are not confirmed yet; they are kept and sent again.
        """
        with self._lock:
            if self._handed:
                self._batch.seal()
                self._unflushed.append(self._batch)
                self._batch, self._handed = Batch(), 0
            batches = list(self._unflushed)
        if batches:
            see_who_waits()
        deadline = self._clock.monotonic() + timeout
        for batch in batches:
            if not batch.wait(deadline - self._clock.monotonic()):
                raise PublishTimeoutError(
                    f"not everything that was handed over was confirmed within {timeout:g} s"
                    + (f": {cause}" if (cause := self._sender.absence()) else ""),
                    message_id="",
                    hint="what is not confirmed is kept and sent again: flush again later",
                    retry_after=1.0,
                )
            with self._lock:
                if batch in self._unflushed:
                    self._unflushed.remove(batch)
            if batch.problems:
                raise PublishManyError(dict(sorted(batch.problems.items())))

    def idle(self) -> bool:
        """Whether nothing was handed over since the last flush."""
        return not (self._handed or self._unflushed)

    def close(self) -> None:
        """End the connection; what is not confirmed gets an error."""
        self._sender.close()
        with self._lock:  # whoever wanted to know has flushed
            self._batch, self._handed, self._unflushed = Batch(), 0, []


def _made(letters_of: Callable[[T], Sequence[Letter]], item: T) -> Sequence[Letter]:
    """The letters of one of many; the others are none the worse when a middleware refuses it."""
    try:
        return letters_of(item)
    except (MessagingError, TypeError):  # TypeError: it is no message
        raise
    except Exception as error:
        raise MessagingError(
            f"{type(error).__name__}: {error}", hint="its __cause__ tells where it was raised"
        ) from error


_publishers: Final[weakref.WeakSet[Publisher]] = weakref.WeakSet()


def _forget_the_parent() -> None:
    for publisher in list(_publishers):
        publisher._reset()  # noqa: SLF001 - of this module


os.register_at_fork(after_in_child=_forget_the_parent)
