"""Asks whoever listens, and gathers the answers of all who do."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Final

from pelagos.core.clock import Clock
from pelagos.messaging.errors import (
    BufferFullError,
    ConnectionLostError,
    MessagingError,
    TopologyError,
)
from pelagos.messaging.rpc.call import Request
from pelagos.messaging.rpc.gather import LIFE, Gather, surplus
from pelagos.messaging.rpc.queues import ReplyQueues, new_address
from pelagos.messaging.sending.future import see_who_waits
from pelagos.messaging.sending.sender import Sender
from pelagos.messaging.transports.base import Connection, Delivery

#: Seconds that a broker has at least.
_LEAST: Final = 0.1

#: A deadline that is over: the thread that connects must not wait for room.
_AT_ONCE: Final = 0.0


class Scatter:
    """The requests of a process that several may answer; for many threads."""

    def __init__(self, sender: Sender, queues: ReplyQueues, clock: Clock) -> None:
        self._sender = sender
        self._queues = queues
        self._clock = clock
        self._gathers: dict[str, Gather] = {}
        self._changed = threading.Condition()  # guards what follows
        self._connection: Connection | None = None
        self._generation = 0  # of the connections so far
        self._closed: MessagingError | None = None

    def __bool__(self) -> bool:
        """Whether answers may still come that somebody may fetch."""
        since = self._clock.monotonic() - LIFE
        gathers = list(self._gathers.values())
        return any(gather.problem is None and gather.opened >= since for gather in gathers)

    def ask(self, requests: Sequence[Request], deadline: float, owner: object = None) -> str:
        """The queue in which the answers are collected, on this one's behalf.

        Raises:
            MessagingError: no connection came in time (monotonic).
        """
        see_who_waits()
        gather = Gather(new_address(), requests, self._clock, owner)
        for old in surplus(self._gathers.values(), self._clock.monotonic()):
            self._close(old)
        with self._changed:
            if self._closed is not None:
                raise self._closed
            self._gathers[gather.queue] = gather
        begun: Future[None] = Future()
        threading.Thread(
            target=self._begin, args=(begun, gather, deadline), name="bus-scatter", daemon=True
        ).start()
        try:
            begun.result(max(_LEAST, self._left(deadline)))
        except BaseException as error:
            self._close(gather)
            if isinstance(error, TimeoutError):
                raise self._too_late() from None
            raise
        return gather.queue

    def _begin(self, begun: Future[None], gather: Gather, deadline: float) -> None:
        """Ask, in a thread of its own: the broker may be slower than the one who asks can wait."""
        try:
            while not self._ask(gather, deadline):
                if not self._left(deadline):
                    begun.set_exception(self._too_late())
                    return
        except BaseException as error:  # noqa: BLE001 - who asks is told
            begun.set_exception(error)
        else:
            begun.set_result(None)

    def _too_late(self) -> ConnectionLostError:
        hindrance = self._sender.absence()
        return ConnectionLostError(hindrance or "the broker made no queue for the answers in time")

    def _left(self, deadline: float) -> float:
        return min(max(0.0, deadline - self._clock.monotonic()), threading.TIMEOUT_MAX)

    def _ask(self, gather: Gather, deadline: float) -> bool:
        self._sender.connect()
        with self._changed:
            self._changed.wait_for(
                lambda: self._connection or gather.problem, self._left(deadline)
            )
            connection, generation = self._connection, self._generation
        if gather.problem is not None:
            raise gather.problem
        if connection is None:
            return False
        try:
            self._queues.make(connection, gather.queue, gather.add)
        except ConnectionLostError:
            return False
        with self._changed:
            if self._generation != generation:
                return False  # the queue is gone with its connection
            gather.is_asked = gather.queue in self._gathers
        if not gather.is_asked:  # who asked waits no longer
            self._queues.drop(gather.queue)
            return True
        self._put(gather, deadline)
        return True

    def _put(self, gather: Gather, deadline: float) -> None:
        gather.entries = []
        for request in gather.requests:
            entry = self._sender.put(
                request.exchange,
                request.envelope(gather.queue, lifetime=LIFE, mandatory=False),
                lambda _entry, problem: gather.fail(problem) if problem is not None else None,
                deadline,
            )
            gather.entries.append(entry)

    def gather(self, queue: str, count: int, timeout: float) -> list[Delivery]:
        """Up to so many answers from this queue, which is gone afterwards.

        Raises:
            MessagingError: it is no queue that `ask` gave, or nothing will come.
        """
        see_who_waits()
        gather = self._gathers.get(queue)
        if gather is None:
            raise MessagingError(
                f"no answers are collected in the queue {queue!r}",
                hint="give the name that the call with _queue_only returned, once",
            )
        try:
            return gather.take(count, self._clock.monotonic() + timeout)
        finally:
            self._close(gather)

    def _close(self, gather: Gather) -> None:
        self._gathers.pop(gather.queue, None)
        self._withdraw(gather)
        self._queues.drop(gather.queue)

    def _withdraw(self, gather: Gather) -> None:
        for entry in gather.entries:
            self._sender.withdraw(entry)

    # The connection.

    def connected(self, connection: Connection) -> None:
        """There is one: let those go on who waited for it."""
        with self._changed:
            self._generation += 1
            self._connection = connection
            self._changed.notify_all()

    def ask_again(self, connection: Connection) -> None:
        """Over this connection, what was asked over an earlier one."""
        for gather in list(self._gathers.values()):
            if gather.is_asked and gather.problem is None:
                self._ask_again(connection, gather)

    def _ask_again(self, connection: Connection, gather: Gather) -> None:
        self._withdraw(gather)
        gather.asked_again()
        try:
            self._queues.make(connection, gather.queue, gather.add)
            self._put(gather, _AT_ONCE)
        except (TopologyError, BufferFullError) as error:
            gather.fail(error)

    def disconnected(self) -> None:
        """It is lost, and the queues with it."""
        with self._changed:
            self._connection = None

    def give_up(self, problem: MessagingError) -> None:
        """No more answers will come."""
        for gather in list(self._gathers.values()):
            gather.fail(problem)
        with self._changed:
            self._changed.notify_all()

    def abandon(self, owner: object, problem: MessagingError) -> None:
        """Nobody fetches what was asked on this one's behalf; who waits for it is told."""
        for gather in list(self._gathers.values()):
            if gather.owner is owner:
                gather.fail(problem)
                self._close(gather)
        with self._changed:
            self._changed.notify_all()

    def close(self, problem: MessagingError) -> None:
        """Ask nobody any more."""
        with self._changed:
            self._closed = problem
