"""What has had its effect already: the ids that a consumer remembers, so that none works twice.

A message may arrive more than once (a lost acknowledgement, a re-sent call, a broker that was
killed). Whoever handles it asks an inbox first:

    with inbox.receive(message_id, "billing") as receipt:
        if receipt.first:
            ...                      # the effect
            receipt.remember(answer)  # what a second copy is answered with

Leaving the block with an exception forgets the message: it had no effect, its next copy is the
first again. `MemoryInbox` lives and dies with the process; `pelagos.messaging.sql.SqlInbox` keeps
its memory in the transaction of the effect, which makes effect and memory one.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections import OrderedDict
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any, Final, Protocol

from pelagos.core.clock import Clock, SystemClock
from pelagos.messaging.errors import InboxBusyError

#: Seconds for which a message id is remembered, unless told: longer than any call is re-sent.
LIFETIME = 3600.0


class Receipt:
    """One message in work.

    Attributes:
        first: False when a copy of it has had its effect already: do nothing.
        transaction: what the effect must be part of (a SQLAlchemy connection), or None.
        reply: what was remembered with the first copy, or None.
    """

    __slots__ = ("first", "reply", "transaction")

    def __init__(
        self, *, first: bool, transaction: Any = None, reply: bytes | None = None
    ) -> None:
        self.first = first
        self.transaction = transaction
        self.reply = reply

    def remember(self, reply: bytes) -> None:
        """Keep this as the answer for copies that come later."""
        self.reply = reply


class Inbox(Protocol):
    """Remembers which messages had their effect; safe to share between threads."""

    def receive(self, key: str, consumer: str) -> AbstractContextManager[Receipt]:
        """One message, from its arrival to its effect.

        A second copy that comes while the first is in work waits for it.

        Args:
            key: the message's id; the id of the call when it is one. Without an id (empty) it
                cannot be known again and is always the first.
            consumer: who has the effect; the same message has one for each.

        Raises:
            InboxBusyError: the first copy is still in work after the inbox's patience.
            InboxAwayError: what the inbox remembers with cannot be reached.
        """


_Name = tuple[str, str]  # the consumer's and the message's
_Kept = tuple[float, bytes | None]  # until when (monotonic) it is remembered, and its answer


class MemoryInbox:
    """A memory within this process, bounded in number, bytes and time; the oldest goes first.

    A message and a small answer take some 600 bytes. Where more calls come than `limit` in the
    time for which they are sent again, make it larger.

    Args:
        limit: messages that are remembered at the most.
        lifetime: seconds for which one is.
        reply_bytes: bytes of all remembered answers together; 64 MiB unless told.
        patience: seconds that a second copy waits for the first; None: as long as it takes. Only
            one copy waits so, once: with more, a caller in a hurry would hold up every worker.
        clock: the time.

    >>> inbox = MemoryInbox()
    >>> for _ in range(2):
    ...     with inbox.receive("7f3a", "billing") as receipt:
    ...         if receipt.first:
    ...             receipt.remember(b"42")
    ...         receipt.first, receipt.reply
    (True, b'42')
    (False, b'42')
    """

    def __init__(
        self,
        limit: int = 100_000,
        lifetime: float = LIFETIME,
        *,
        reply_bytes: int = 64 << 20,
        patience: float | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._limit = limit
        self._lifetime = lifetime
        self._reply_bytes = reply_bytes
        self._patience = patience
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()  # taken by itself: through the condition it costs twice
        self._changed = threading.Condition(self._lock)
        self._waiting = 0
        self._kept: OrderedDict[_Name, _Kept] = OrderedDict()
        self._bytes = 0
        self._working: dict[_Name, bool] = {}  # in work, and whether a copy has waited for it

    def __len__(self) -> int:
        return len(self._kept)

    def receive(self, key: str, consumer: str) -> AbstractContextManager[Receipt]:
        """See `Inbox`."""
        return _Reception(self, (consumer, key)) if key else nullcontext(Receipt(first=True))

    def _begin(self, name: _Name) -> _Kept | None:
        with self._lock:
            if name in self._working and not self._wait_for(name):
                raise busy(name[1])
            kept = self._kept.get(name)
            if kept is not None:
                self._forget_old(self._clock.monotonic())
                kept = self._kept.get(name)
            if kept is None:
                self._working[name] = False
            return kept

    def _wait_for(self, name: _Name) -> bool:
        if self._patience is not None:
            if self._working[name]:
                return False
            self._working[name] = True
        self._waiting += 1
        try:
            return self._changed.wait_for(lambda: name not in self._working, self._patience)
        finally:
            self._waiting -= 1

    def _end(self, name: _Name, receipt: Receipt | None) -> None:
        now = self._clock.monotonic()
        with self._lock:
            self._working.pop(name, None)
            if receipt is not None:
                self._kept[name] = (now + self._lifetime, receipt.reply)
                self._bytes += len(receipt.reply or b"")
                self._forget_old(now)
            if self._waiting:
                self._changed.notify_all()

    def _forget_old(self, now: float) -> None:
        while self._kept:
            until, reply = next(iter(self._kept.values()))
            crowded = len(self._kept) > self._limit or self._bytes > self._reply_bytes
            if until > now and not crowded:
                return
            self._kept.popitem(last=False)
            self._bytes -= len(reply or b"")


class _Reception:
    """One message, from its arrival to its effect."""

    __slots__ = ("_inbox", "_name", "_receipt")

    def __init__(self, inbox: MemoryInbox, name: _Name) -> None:
        self._inbox = inbox
        self._name = name

    def __enter__(self) -> Receipt:
        kept = self._inbox._begin(self._name)  # noqa: SLF001 - of this module
        first = kept is None
        self._receipt = Receipt(first=first, reply=None if kept is None else kept[1])
        return self._receipt

    def __exit__(self, kind: object, *_: object) -> None:
        if self._receipt.first:
            receipt = self._receipt if kind is None else None
            self._inbox._end(self._name, receipt)  # noqa: SLF001 - of this module


class _Part:
    """What a memory knows of the messages of one queue."""

    __slots__ = ("_inbox", "_names", "_queue")

    def __init__(self, inbox: MemoryInbox, queue: str) -> None:
        self._inbox = inbox
        self._queue = queue
        self._names: dict[str, str] = {}

    def receive(self, key: str, consumer: str) -> AbstractContextManager[Receipt]:
        """See `Inbox`."""
        name = self._names.get(consumer)
        if name is None:
            name = self._names[consumer] = f"{consumer} of {self._queue}"
        return self._inbox.receive(key, name)


class CallMemory:
    """The calls that this process has answered on one bus, for all who serve the same queue there.

    So a call that is sent again while one worker still has it is not executed by another one.

    Args:
        bus: the place. One that cannot be referred to weakly has a memory for each of its users.
    """

    def __init__(self, bus: object) -> None:
        self._inbox = MemoryInbox(patience=_PATIENCE)
        self._parts: dict[str, Inbox] = {}
        with _memories_lock, suppress(TypeError):
            self._inbox = _memories.setdefault(bus, self._inbox)

    def of(self, queue: str) -> Inbox:
        """Its part for one queue."""
        part = self._parts.get(queue)
        if part is None:
            part = self._parts[queue] = _Part(self._inbox, queue)
        return part


#: Seconds that the second copy of a call may hold up a worker; then it is put off.
_PATIENCE: Final = 1.0

# The one piece of state of this module that belongs to the process.
_memories: Final[weakref.WeakKeyDictionary[object, MemoryInbox]] = weakref.WeakKeyDictionary()
_memories_lock = threading.Lock()


def _forget_the_parent() -> None:
    global _memories_lock  # noqa: PLW0603 - another thread of the parent may have held it
    _memories_lock = threading.Lock()
    _memories.clear()


os.register_at_fork(after_in_child=_forget_the_parent)


def busy(key: str) -> InboxBusyError:
    """The error for a copy whose first is still in work."""
    return InboxBusyError(
        f"message {key} is still in work where it arrived first",
        hint="give it back to its queue; it is answered once the first copy has ended",
    )
