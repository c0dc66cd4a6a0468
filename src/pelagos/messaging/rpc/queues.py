"""The queues in which answers arrive: each belongs to the connection over which it is read."""

from __future__ import annotations

import contextlib
import functools
import os
import socket
import uuid
from collections.abc import Callable
from typing import Final, Literal

from pelagos.core.clock import Clock
from pelagos.messaging.errors import MessagingError
from pelagos.messaging.sending.alarm import Alarm
from pelagos.messaging.transports.base import Connection, OnDelivery, Queue

#: How answers find their call. shared: one reply queue of the process, by correlation id.
#: direct: the broker's direct reply-to; faster to set up, but answers are dropped when the
#: caller is slow. private: a queue for each call; for servers that do not repeat the correlation
#: id, as the ancestor's did not.
Replies = Literal["shared", "direct", "private"]

_PREFETCH: Final = 1000


class ReplyQueues:
    """Those that are read now.

    Args:
        clock: the time.
        lose: called when no more comes from one of them: its connection is of no use any more.
    """

    def __init__(self, clock: Clock, lose: Callable[[Connection, MessagingError], None]) -> None:
        self._clock = clock
        self._lose = lose
        self._readers: dict[str, tuple[Connection, str]] = {}  # by queue: where, and its consumer
        self._sweeper: Alarm[str] = Alarm(clock, self._sweep, lambda _queue: False)

    def __contains__(self, queue: str) -> bool:
        return queue in self._readers

    def make(self, connection: Connection, queue: str, take: OnDelivery) -> None:
        """Declare it and read it."""
        connection.declare_queue(Queue(queue, durable=False, exclusive=True))
        self.read(connection, queue, take)

    def read(self, connection: Connection, queue: str, take: OnDelivery) -> None:
        """Let what comes there be taken."""
        lose = functools.partial(self._lose, connection)
        consumer = connection.consume(queue, take, lose, prefetch=_PREFETCH, no_ack=True)
        self._readers[queue] = connection, consumer

    def drop(self, queue: str) -> None:
        """Soon, in another thread: this may be the transport's, and the broker may be slow."""
        if queue in self._readers:
            self._sweeper.set(self._clock.monotonic(), queue)

    def _sweep(self, queue: str) -> None:
        if (reader := self._readers.pop(queue, None)) is not None:
            connection, consumer = reader
            with contextlib.suppress(MessagingError):  # then it goes with the connection
                connection.cancel(consumer)
                connection.delete_queue(queue)

    def clear(self) -> None:
        """The connection is lost, and they with it."""
        self._readers.clear()


def new_address() -> str:
    """A name for a queue of answers that nobody else has."""
    return f"pelagos.reply.{socket.gethostname()[:100]}.{os.getpid()}.{uuid.uuid4().hex}"
