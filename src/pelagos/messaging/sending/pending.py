"""What has been handed over and is not confirmed yet: kept in order, counted, and bounded."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable

from pelagos.core.clock import Clock
from pelagos.messaging.errors import BufferFullError, MessagingError
from pelagos.messaging.exchange import Exchange
from pelagos.messaging.transports.base import Envelope

#: Bytes that an unconfirmed message costs beside its body; roughly.
_OVERHEAD = 1024

Settled = Callable[["Entry", MessagingError | None], None]


class Entry:
    """One message whose fate is open.

    Attributes:
        generation: the connection (1, 2, …) over which it was sent last; 0: over none.
        settled: called once, on any thread, with None when the broker has it, or the error.
    """

    __slots__ = ("envelope", "exchange", "generation", "number", "settled", "size")

    def __init__(self, exchange: type[Exchange], envelope: Envelope, settled: Settled) -> None:
        self.exchange = exchange
        self.envelope = envelope
        self.settled = settled
        self.size = len(envelope.body) + _OVERHEAD
        self.number = 0
        self.generation = 0


class Pending:
    """The unconfirmed messages of one sender, in the order in which they were handed over."""

    def __init__(self, clock: Clock, limit: int, limit_bytes: int) -> None:
        self._clock = clock
        self._limit = limit
        self._limit_bytes = limit_bytes
        self._lock = threading.Lock()  # the innermost one: nobody else's code runs inside
        self._room = threading.Condition(self._lock)
        self._wanted = 0  # threads that wait for room
        self._added = 0  # bytes so far; changes under the sender's lock
        self._freed = 0  # bytes so far; changes under ours
        self._last = 0
        self._entries: dict[int, Entry] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def is_full(self, size: int) -> bool:
        """Whether there is no room for so many bytes more."""
        count = len(self._entries)
        return count >= self._limit or (
            count > 0 and self._added - self._freed + size > self._limit_bytes
        )

    def wait_for_room(
        self, size: int, deadline: float, *, patient: bool, given_up: Callable[[], str]
    ) -> None:
        """Wait while others are being confirmed, until there may be room for one more.

        Args:
            size: bytes that it will take.
            deadline: until when (monotonic) to wait.
            patient: wait even while the broker is away.
            given_up: says why no room will come soon, or nothing.

        Raises:
            BufferFullError: there is none; the message was not taken.
        """
        with self._lock:
            while self.is_full(size):
                cause = given_up()
                remaining = deadline - self._clock.monotonic()
                if (cause and not patient) or remaining <= 0:
                    raise self._full(cause)
                self._wanted += 1
                try:
                    self._room.wait(min(remaining, threading.TIMEOUT_MAX))
                finally:
                    self._wanted -= 1

    def _full(self, cause: str) -> BufferFullError:
        return BufferFullError(
            f"{len(self._entries):,} messages ({self._added - self._freed:,} bytes) wait for "
            "their confirmation; this one was not taken" + (f": {cause}" if cause else ""),
            hint="wait until the broker has some of them, or raise buffer_limit and buffer_bytes",
        )

    def wake(self) -> None:
        """Let those who wait for room look again why there is none."""
        with self._lock:
            self._room.notify_all()

    def add(self, entry: Entry) -> None:
        """Keep an entry; the caller sees to the order."""
        self._last = entry.number = self._last + 1
        self._added += entry.size
        self._entries[entry.number] = entry

    def take(self, entry: Entry) -> bool:
        """Forget an entry; whether it was still there, so that each is settled once."""
        with self._lock:
            if self._entries.pop(entry.number, None) is None:
                return False
            self._freed += entry.size
            if self._wanted and len(self._entries) <= self._limit * 3 // 4:
                self._room.notify_all()
        return True

    def has(self, entry: Entry) -> bool:
        """Whether its fate is still open."""
        return entry.number in self._entries

    def unsent(self, generation: int) -> list[Entry]:
        """Those that have not been sent over this connection, in order."""
        return [entry for entry in list(self._entries.values()) if entry.generation != generation]

    def all(self) -> list[Entry]:
        """Every one, in order."""
        return list(self._entries.values())


class Batch:
    """Messages that somebody waits for together.

    Attributes:
        problems: what was not accepted, and why, by its place; complete once `wait` is true.
    """

    __slots__ = ("_gate", "_left", "_lock", "problems")

    def __init__(self) -> None:
        self._gate = threading.Lock()
        self._gate.acquire()
        self._lock = threading.Lock()
        self._left = 1  # until it is sealed
        self.problems: dict[int, MessagingError] = {}

    def ticket(self, place: int) -> Settled:
        """What is to be called when one more message, at this place, is settled."""
        with self._lock:
            self._left += 1
        return functools.partial(self._settled, place)

    def _settled(self, place: int, _entry: Entry, problem: MessagingError | None) -> None:
        if problem is not None:
            self.problems.setdefault(place, problem)
        self._one_less()

    def seal(self) -> None:
        """No more tickets are taken."""
        self._one_less()

    def _one_less(self) -> None:
        with self._lock:
            self._left -= 1
            done = not self._left
        if done:
            self._gate.release()

    def wait(self, seconds: float) -> bool:
        """Whether all were settled within so many seconds; for one thread."""
        done = self._gate.acquire(timeout=min(max(seconds, 0.0), threading.TIMEOUT_MAX))
        if done:
            self._gate.release()  # whoever asks again is answered again
        return done


class Single:
    """One message that somebody waits for; leaner than a batch.

    Attributes:
        problem: why it was not accepted; final once `wait` is true.
    """

    __slots__ = ("_gate", "problem")

    def __init__(self) -> None:
        self._gate = threading.Lock()
        self._gate.acquire()
        self.problem: MessagingError | None = None

    def settled(self, _entry: Entry, problem: MessagingError | None) -> None:
        """It was settled."""
        self.problem = problem
        self._gate.release()

    def wait(self, seconds: float) -> bool:
        """Whether it was settled within so many seconds; true once only."""
        return self._gate.acquire(timeout=min(max(seconds, 0.0), threading.TIMEOUT_MAX))
