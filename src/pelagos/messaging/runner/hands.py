"""What worker processes have in hand: noted where it outlives them, so that what kills is found.

A message whose handler ends the whole process (a crash in a library, no memory left, sys.exit) is
neither acknowledged nor failed: its broker gives it to the next worker, which dies of it, too. So
each worker notes what it begins and ends in memory that its supervisor has, too. What a worker had
in hand when it died is counted; one that so many died of is refused, and goes to the dead letters.

Several may have been in hand, and only one of them killed. Before its last chance a message is
therefore handled apart from all others of which that is true.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from hashlib import blake2b
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext
from typing import Any, NamedTuple

from pelagos.core.errors import PelagosError
from pelagos.messaging.consumer.consumer import GenericConsumer
from pelagos.messaging.consumer.received import ReceivedMessage

_MARK = 16  # bytes that stand for a message in its queue
_ROW = _MARK + 1  # and how many died of it
_ROWS = 256  # that are remembered; the oldest goes first
_MOST = 255
_LOOK_AGAIN = 0.05  # seconds until an event loop asks again for its turn

Dispatch = Callable[[ReceivedMessage], object]


class Post(NamedTuple):
    """What a worker process is given of them when it is started.

    Attributes:
        held: a mark for each message in hand; shared memory.
        deaths: marks, each with the number of those that died of it; shared memory.
        limit: how many may die of a message; 0 for any number.
        first: whether nobody was in its place before.
        voice: what the supervisor hears it through; None where nobody listens.
    """

    held: Any
    deaths: Any
    limit: int
    first: bool
    voice: Connection | None = None

    def tell(self, refusal: PelagosError | None) -> None:
        """Say that it has begun, or why it cannot."""
        if self.voice is not None:
            with suppress(OSError):  # nobody listens any more
                self.voice.send(refusal)


class Hands:
    """Of the supervisor: what each worker has in hand, and what workers died of.

    Args:
        slots: messages that one worker process may have in hand.
        limit: how many may die of a message; 0 for any number.
    """

    def __init__(self, context: SpawnContext, *, slots: int, limit: int) -> None:
        self._context = context
        self._slots = slots
        self._limit = min(limit, _MOST)
        self._held: dict[int, Any] = {}
        self._deaths: Any = context.RawArray("B", _ROWS * _ROW)
        self._counts: OrderedDict[bytes, int] = OrderedDict()

    def post(self, seat: int) -> Post:
        """For the next worker in this place."""
        first = seat not in self._held
        self._held[seat] = self._context.RawArray("B", self._slots * _MARK)
        return Post(self._held[seat], self._deaths, self._limit, first)

    def count(self, seat: int) -> int:
        """The worker in this place died; how many messages it had in hand."""
        held = bytes(self._held[seat])
        marks = [held[at : at + _MARK] for at in range(0, len(held), _MARK)]
        in_hand = [mark for mark in marks if any(mark)]
        for mark in set(in_hand):  # it may be there twice, and it died once
            self._counts[mark] = min(self._counts.pop(mark, 0) + 1, _MOST)
        while len(self._counts) > _ROWS:
            self._counts.popitem(last=False)
        rows = b"".join(mark + bytes((count,)) for mark, count in self._counts.items())
        memoryview(self._deaths).cast("B")[: len(rows)] = rows
        return len(in_hand)


class Notes:
    """Of a worker process: what it has in hand."""

    def __init__(self, post: Post) -> None:
        self.limit = post.limit
        self.alone = threading.Lock()
        self._held = memoryview(post.held).cast("B")
        self._deaths = memoryview(post.deaths).cast("B")
        self._free = list(range(0, len(self._held), _MARK))

    def begin(self, mark: bytes) -> int:
        """It is in hand; where that is noted."""
        at = self._free.pop()
        self._held[at : at + _MARK] = mark
        return at

    def end(self, at: int) -> None:
        """What was noted there is not in hand any more."""
        self._held[at : at + _MARK] = bytes(_MARK)
        self._free.append(at)

    def deaths(self, message: ReceivedMessage, mark: bytes) -> int:
        """How many died of it; 0 for what comes for the first time, or again on purpose."""
        rows = self._deaths
        again = message.redelivered or message.category == "rpc"
        if not (rows[_MARK] and again and self.limit):
            return 0
        for at in range(0, len(rows), _ROW):
            if rows[at : at + _MARK] == mark:
                return rows[at + _MARK]
        return 0


class Guarded:
    """The dispatch of one worker, with notes of what it has in hand.

    Args:
        in_loop: it is called in an event loop that has other work, too.
    """

    def __init__(
        self, notes: Notes, consumer: GenericConsumer, dispatch: Dispatch, *, in_loop: bool
    ) -> None:
        self._notes = notes
        self._consumer = consumer
        self._dispatch = dispatch
        self._turn = asyncio.Lock() if in_loop else None

    def __call__(self, message: ReceivedMessage) -> object:
        """Handle it, unless too many died of it."""
        mark = mark_of(message)
        deaths = self._notes.deaths(message, mark)
        if not deaths or deaths + 1 < self._notes.limit:
            return self._noted(message, mark)
        if deaths >= self._notes.limit:
            cause = f"{deaths} worker processes died while they had it"
            return self._consumer.refuse(message, cause)
        if self._turn is not None:
            return self._in_turn(self._turn, message, mark)
        self._notes.alone.acquire()
        return self._noted(message, mark, self._notes.alone.release)

    async def _in_turn(self, turn: asyncio.Lock, message: ReceivedMessage, mark: bytes) -> None:
        async with turn:
            # Other threads of the process take turns, too. The loop must not wait for them, and a
            # thread that waited in its place would still take the turn when this is cancelled.
            while not self._notes.alone.acquire(blocking=False):  # noqa: ASYNC110 - of no loop
                await asyncio.sleep(_LOOK_AGAIN)
            result = self._noted(message, mark, self._notes.alone.release)
            if inspect.isawaitable(result):
                await result

    def _noted(
        self, message: ReceivedMessage, mark: bytes, after: Callable[[], None] | None = None
    ) -> object:
        at = self._notes.begin(mark)
        try:
            result = self._dispatch(message)
        except SystemExit:
            self._leave(after)
            raise
        except BaseException:
            self._end(at, after)
            raise
        if result is not None and inspect.isawaitable(result):
            return self._later(result, at, after)
        self._end(at, after)
        return result

    async def _later(
        self, result: Awaitable[object], at: int, after: Callable[[], None] | None
    ) -> None:
        try:
            await result
        except SystemExit:
            self._leave(after)
            raise
        except BaseException:
            self._end(at, after)
            raise
        self._end(at, after)

    @staticmethod
    def _leave(after: Callable[[], None] | None) -> None:
        """The worker ends of it, in order: its note stays for the supervisor, as after a crash."""
        if after is not None:
            after()

    def _end(self, at: int, after: Callable[[], None] | None) -> None:
        self._notes.end(at)
        if after is not None:
            after()


def mark_of(message: ReceivedMessage) -> bytes:
    """What stands for a message in its queue: by its id, or by all of it where it has none."""
    name = message.message_id
    told = name.encode(errors="replace") if name else message.delivery.body
    queue = message.delivery.queue.encode(errors="replace")
    return blake2b(queue + b"\0" + told, digest_size=_MARK).digest()
