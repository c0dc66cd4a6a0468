"""Answers of several servers to one request, collected in a queue of their own."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence

from pelagos.core.clock import Clock
from pelagos.messaging.errors import MessagingError
from pelagos.messaging.rpc.call import Request
from pelagos.messaging.sending.pending import Entry
from pelagos.messaging.transports.base import Delivery

#: Answers that one queue keeps for whoever will fetch them; more are dropped.
_LIMIT = 100_000
#: Seconds after which answers that nobody fetched are forgotten, and in how many queues they may
#: wait.
LIFE = 3600.0
_QUEUES = 1000


class Gather:
    """The answers in one queue that belongs to this process.

    Attributes:
        queue: its name.
        requests: what is answered.
        opened: when (monotonic).
        owner: on whose behalf it is asked.
        problem: why no more answers will come.
        is_asked: whether it was asked over some connection: over the next one, it is again.
        entries: the requests' last copies that were handed to the sender.
    """

    def __init__(
        self, queue: str, requests: Sequence[Request], clock: Clock, owner: object = None
    ) -> None:
        self.queue = queue
        self.requests = requests
        self.owner = owner
        self.opened = clock.monotonic()
        self.problem: MessagingError | None = None
        self.is_asked = False
        self.entries: list[Entry] = []
        self._clock = clock
        self._changed = threading.Condition()
        self._answers: list[Delivery] = []
        self._seen: set[bytes] | None = None  # answers so far, once the request was sent again

    def add(self, delivery: Delivery) -> None:
        """An answer came; one that came before is not counted twice."""
        with self._changed:
            if self._seen is not None:
                if delivery.body in self._seen:
                    return
                self._seen.add(delivery.body)
            if len(self._answers) < _LIMIT:
                self._answers.append(delivery)
                self._changed.notify_all()

    def asked_again(self) -> None:
        """The request was sent once more, so answers may come twice."""
        with self._changed:
            if self._seen is None:
                self._seen = {answer.body for answer in self._answers}

    def fail(self, problem: MessagingError) -> None:
        """No more answers will come."""
        with self._changed:
            self.problem = problem
            self._changed.notify_all()

    def take(self, count: int, until: float) -> list[Delivery]:
        """Up to so many answers, as soon as they are there or when the time (monotonic) is up.

        Raises:
            MessagingError: there is none, and none will come.
        """
        with self._changed:
            while len(self._answers) < count and self.problem is None:
                remaining = until - self._clock.monotonic()
                if remaining <= 0:
                    break
                self._changed.wait(min(remaining, threading.TIMEOUT_MAX))
            taken = self._answers[:count]
            del self._answers[:count]
            if not taken and self.problem is not None:
                raise self.problem
            return taken


def surplus(gathers: Iterable[Gather], now: float) -> list[Gather]:
    """Those that have to go before there is one more: too old, or the oldest of too many."""
    oldest_first = sorted(gathers, key=lambda one: one.opened)
    count = len(oldest_first) - _QUEUES + 1
    return [
        gather
        for number, gather in enumerate(oldest_first)
        if number < count or gather.opened < now - LIFE
    ]
