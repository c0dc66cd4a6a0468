"""Brings what is sent on to its queue, and does not let go before the broker has it."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from typing import Final

from pelagos.core.backoff import Backoff
from pelagos.messaging.dead.again import bare
from pelagos.messaging.errors import (
    ConnectionLostError,
    MessagingError,
    PublishRefusedError,
    PublishTimeoutError,
    TopologyError,
    UnroutableError,
)
from pelagos.messaging.transports.base import Connection, Envelope, Queue

log = logging.getLogger(__name__)

#: Seconds that the broker may take to confirm one message; then it is sent once more. A replicated
#: queue forgets at times what came while it was starting.
_PATIENCE: Final = 5.0
#: Connections that may be lost over one message before its headers are left out.
_LOSSES: Final = 2
_REMEMBERED: Final = 1000
_DECLARED_DIFFERENTLY: Final = 406
_ABOUT_THE_QUEUE: Final = (
    PublishRefusedError,
    PublishTimeoutError,
    UnroutableError,
    TopologyError,
)


class Mover:
    """Puts messages into queues over one connection; for one thread at a time.

    Args:
        connection: over which it works.
        stopping: tells whether to give up waiting for a broker that refuses.
        backoff: pauses after a refusal.
        losses: how often connections were lost over a message; shared by the movers of several
            connections, one after the other.
        patience: seconds that the broker may take to confirm one message.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        stopping: threading.Event | None = None,
        backoff: Backoff | None = None,
        losses: Losses | None = None,
        patience: float = _PATIENCE,
    ) -> None:
        self._connection = connection
        self._stopping = stopping or threading.Event()
        self._backoff = backoff or Backoff(first=0.2, limit=15.0)
        self._losses = losses or Losses()
        self._patience = patience
        self._declared: set[str] = set()

    def declare(self, queue: Queue) -> None:
        """See that it exists; one that was declared differently is used as it is.

        Raises:
            MessagingError: it cannot be made, or the connection is lost.
        """
        if queue.name in self._declared:
            return
        try:
            self._connection.declare_queue(queue)
        except TopologyError as error:
            if error.code != _DECLARED_DIFFERENTLY:
                raise
        self._declared.add(queue.name)

    def forget(self, queue: Queue) -> None:
        """It may be gone: declare it again when it is needed."""
        self._declared.discard(queue.name)

    def move(self, queue: Queue, envelope: Envelope) -> None:
        """Put it there, confirmed. A broker that refuses, or is silent, is asked until `stopping`.

        Raises:
            ConnectionLostError: nobody knows whether it is there; the original comes again.
            PublishRefusedError: it is not there, and `stopping` is set.
        """
        mark = hash((envelope.properties.message_id, envelope.body))
        if self._losses.count(mark) >= _LOSSES:
            envelope = bare(envelope)
        failures = 0
        try:
            while (problem := self._try(queue, envelope)) is not None:
                if not isinstance(problem, _ABOUT_THE_QUEUE):
                    envelope = bare(envelope)  # headers that the transport or broker refuses
                failures += 1
                if failures > 1:
                    self._wait(queue, failures, problem)
        except ConnectionLostError:
            self._losses.add(mark)
            raise

    def _try(self, queue: Queue, envelope: Envelope) -> MessagingError | None:
        """Why it is not there, or None; raises only when the connection is lost."""
        try:
            self.declare(queue)
            self.publish(envelope)
        except ConnectionLostError:
            raise
        except UnroutableError as error:
            self.forget(queue)  # it was deleted meanwhile
            return error
        except MessagingError as error:
            return error
        return None

    def publish(self, envelope: Envelope) -> None:
        """Publish and wait for the answer.

        Raises:
            MessagingError: as the transport says; PublishTimeoutError when the broker does not
                answer in time.
        """
        self.begin(envelope).wait()

    def begin(self, envelope: Envelope) -> Sent:
        """Publish; the answer is waited for later.

        Raises:
            MessagingError: it cannot be sent.
        """
        sent = Sent(envelope, self._patience)
        try:
            self._connection.publish(envelope, sent.done)
        except (ValueError, TypeError, OverflowError, RecursionError) as error:
            raise MessagingError(f"the message cannot be sent on: {error}") from error
        return sent

    def _wait(self, queue: Queue, failures: int, problem: MessagingError) -> None:
        if failures == 2:  # noqa: PLR2004 - once per message
            log.error("cannot move a message to %s, trying on: %s", queue.name, problem)
        if self._stopping.wait(self._backoff.delay(failures)):
            raise PublishRefusedError(
                f"a message could not be moved to {queue.name}: {problem}",
                message_id="",
                hint="it stays where it was",
            )


class Sent:
    """A message on its way."""

    def __init__(self, envelope: Envelope, patience: float) -> None:
        self._envelope = envelope
        self._patience = patience
        self._answered = threading.Event()
        self._problem: MessagingError | None = None

    def done(self, problem: MessagingError | None) -> None:
        """The broker has answered."""
        self._problem = problem
        self._answered.set()

    def wait(self) -> None:
        """Wait until the broker has it.

        Raises:
            MessagingError: as the transport says; PublishTimeoutError when the broker does not
                answer in time.
        """
        if not self._answered.wait(self._patience):
            raise PublishTimeoutError(
                f"the broker did not confirm a message for {self._envelope.key}"
                f" within {self._patience:g} s",
                message_id=self._envelope.properties.message_id,
                hint="see whether the broker runs and has free memory and disk",
                retry_after=0.0,
            )
        if self._problem is not None:
            raise self._problem


class Losses:
    """How often a connection was lost while a message was moved; the newest are remembered."""

    def __init__(self) -> None:
        self._counts: OrderedDict[int, int] = OrderedDict()

    def count(self, mark: int) -> int:
        """How often it happened with this message."""
        return self._counts.get(mark, 0)

    def add(self, mark: int) -> None:
        """It happened again."""
        self._counts[mark] = self._counts.pop(mark, 0) + 1
        while len(self._counts) > _REMEMBERED:
            self._counts.popitem(last=False)
