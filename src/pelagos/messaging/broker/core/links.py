"""Who is connected to a broker, and that one thing happens at a time in it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Final, Literal

from pelagos.core.clock import Clock, SystemClock
from pelagos.messaging.broker.core.floor import Floor
from pelagos.messaging.broker.core.queues import Link, StoredConsumer
from pelagos.messaging.errors import BrokerUnreachableError, ConnectionLostError

#: Messages that one queue holds unless it says otherwise: a forgotten queue must not eat the
#: memory of the process. Beyond it a publisher is refused.
QUEUE_LIMIT: Final = 100_000

_VERSIONS: Final = frozenset({"3.10", "4"})


class Links:
    """The foundation of the broker: its lock, its clock, and those who are connected.

    A `link` is whoever has consumers and receipts: a channel of AMQP, or a connection that has
    only one. Each has an owner, to whom exclusive queues belong: the connection of AMQP.
    """

    def __init__(
        self,
        name: str,
        *,
        clock: Clock | None = None,
        queue_limit: int | None = QUEUE_LIMIT,
        strict: bool = True,
        version: Literal["3.10", "4"] = "3.10",
        on_deadline: Callable[[float], None] | None = None,
    ) -> None:
        self.name = name
        self.clock = clock or SystemClock()
        self._strict = strict
        if version not in _VERSIONS:
            raise ValueError(f"version is {version!r}, and none of {', '.join(sorted(_VERSIONS))}")
        self._newest = version == "4"
        self._lock = threading.Lock()
        self._running = True
        self._floor = Floor(
            self.clock, queue_limit=queue_limit, newest=self._newest, on_nearer=on_deadline
        )
        self._links: dict[object, Link] = {}
        self._replies: dict[str, Link] = {}
        self._waiters: list[tuple[str | None, threading.Event]] = []

    def attach(self, link: object, *, owner: object = None, first_receipt: int = 1) -> None:
        """Let someone in.

        Args:
            link: anything that can be the key of a mapping.
            owner: the connection to which it belongs; itself unless given.
            first_receipt: the number of its first delivery.

        Raises:
            BrokerUnreachableError: the broker is stopped.
        """
        with self._lock:
            if not self._running:
                raise BrokerUnreachableError(f"the broker {self.name} is stopped")
            self._links[link] = Link(link, link if owner is None else owner, first_receipt)

    def is_attached(self, link: object) -> bool:
        """Whether it is still let in."""
        return link in self._links

    def hold(self, link: object) -> None:
        """Let its consumers take nothing more until `limit` says that they are active again.

        The one thing that a callback may call: whoever it writes to takes no more.
        """
        found = self._links.get(link)
        if found is not None:
            found.active = False

    def detach(self, link: object) -> None:
        """It goes, and whoever belongs to it; what was not settled goes back. Again is harmless.

        Its consumers are not told.
        """
        with self._locked():
            self._detach({link: None})

    def stop(self) -> None:
        """As if its process had died: connections are lost, only what is durable stays."""
        self._cut("the broker was stopped", stop=True)

    def start(self) -> None:
        """Serve again after `stop`."""
        with self._lock:
            self._running = True

    def cut(self, *links: object, reason: str = "the connection was cut") -> None:
        """As if the network had failed for a moment: these connections are lost, or all."""
        self._cut(reason, links, stop=False)

    def _cut(self, reason: str, links: Collection[object] = (), *, stop: bool) -> None:
        problem = ConnectionLostError(f"{self.name}: {reason}")
        with self._locked() as floor:
            ended = self._detach(dict.fromkeys(links or self._links))
            floor.notices += [(consumer, problem) for consumer in ended]
            if stop:
                self._running = False
                floor.forget_transient()

    def pause(self, *, active: bool) -> None:
        """Deliver nothing while it is not active; then go on."""
        with self._locked() as floor:
            floor.paused = not active
            for queue in list(floor.queues.values()):
                floor.pump(queue)

    def drain(self, queue: str | None = None, *, timeout: float = 10.0) -> None:
        """Wait until all that was published has been settled.

        Nothing is unsettled then, and nothing waits in a queue that has consumers or from which
        it goes on by itself when its time is over.

        Args:
            queue: wait for this one only, whoever takes from it.
            timeout: seconds.

        Raises:
            TimeoutError: says where something is left.
        """
        quiet = threading.Event()
        waiter = (queue, quiet)
        with self._locked():
            self._waiters.append(waiter)
        try:
            if quiet.wait(timeout):
                return
            with self._lock:
                left = self._floor.busy(self._links.values(), queue)
        finally:
            with self._lock:
                self._waiters.remove(waiter)
        if left:
            raise TimeoutError(f"not settled within {timeout:g} s: {', '.join(sorted(left))}")

    def next_deadline(self) -> float | None:
        """When `expire` has something to do, in seconds of the clock's `monotonic`, or None."""
        return self._floor.deadlines.nearest

    def expire(self) -> None:
        """Do what is due: messages and queues whose time is over go."""
        with self._locked():
            pass  # it begins with what is due

    # Inside.

    @contextmanager
    def _locked(self) -> Iterator[Floor]:
        """Do one thing, and what has become due; then tell the consumers that have to know."""
        floor = self._floor
        with self._lock:
            try:
                if floor.deadlines.nearest is not None:
                    self._expire()
                yield floor
            finally:
                floor.bury()
                if self._waiters:
                    self._tell_waiters()
                notices, floor.notices = floor.notices, []
        for consumer, problem in notices:
            consumer.on_end(problem)

    def _tell_waiters(self) -> None:
        for queue, quiet in self._waiters:
            if not self._floor.busy(self._links.values(), queue):
                quiet.set()

    def _expire(self) -> None:
        nearest = self._floor.deadlines.nearest
        now = self.clock.monotonic()
        if nearest is not None and nearest <= now:
            self._floor.look(now)

    def _link(self, link: object) -> Link:
        found = self._links.get(link)
        if found is None:
            raise self._lost()
        return found

    def _lost(self) -> ConnectionLostError:
        return ConnectionLostError(f"the connection to {self.name} is lost")

    def _detach(self, identities: Mapping[object, None]) -> list[StoredConsumer]:
        """Let all of these go at once; their consumers."""
        leaving = [
            known
            for known in self._links.values()
            if known.identity in identities or known.owner in identities
        ]
        ended = [consumer for link in leaving for consumer in link.consumers.values()]
        for link in leaving:
            self._links.pop(link.identity, None)
            if link.reply_consumer is not None:
                ended.append(link.reply_consumer)
                self._replies.pop(link.reply_name or "", None)
        self._floor.clear(leaving, identities)
        return ended
