"""One call: what is sent, how long it is waited for, and what came of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pelagos.messaging.errors import BufferFullError, MessagingError
from pelagos.messaging.exchange import Exchange
from pelagos.messaging.sending.pending import Entry
from pelagos.messaging.transports.base import Connection, Delivery, Envelope, Properties

# The next two are made for every call, and a frozen dataclass takes six times as long to make.


@dataclass(slots=True)
class Request:
    """What is asked, and where.

    Attributes:
        call_id: of this call; the same whenever it is sent again.
        timeout: seconds that each attempt waits for the answer.
        retries: how often it is sent again after that.
    """

    exchange: type[Exchange]
    key: str
    body: bytes
    call_id: str
    content_type: str
    timeout: float
    retries: int
    headers: Mapping[str, Any] = field(default_factory=dict)
    priority: int | None = None
    timestamp: int | None = None

    def envelope(self, reply_to: str, *, lifetime: float | None, mandatory: bool) -> Envelope:
        """The request on its way; its answer goes to `reply_to`."""
        properties = Properties(
            message_id=self.call_id,
            content_type=self.content_type,
            persistent=False,  # whoever calls is still there, and sends it again
            headers=self.headers,
            reply_to=reply_to,
            correlation_id=self.call_id,
            expiration=lifetime,
            timestamp=self.timestamp,
            priority=self.priority,
        )
        return Envelope(self.exchange.name, self.key, self.body, properties, mandatory=mandatory)


@dataclass(slots=True)
class Outcome:
    """How a call ended: with an answer, with a problem, or (neither) by its time.

    Attributes:
        hindrance: what may be why its time was over; empty when nothing is known.
    """

    answer: Delivery | None = None
    problem: MessagingError | None = None
    hindrance: str = ""


class Call:
    """A request that is waited for.

    Attributes:
        due: when (monotonic) the present attempt has waited long enough.
        ends: when the whole call has.
        generation: the reply address, by number, that the last attempt carried.
        outcome: set once.
        private: the reply queue that it has for itself, or nothing.
        opening: the connection over which that was last made, or is being made.
        entry: the last copy that was handed to the sender, until it is confirmed.
        was_sent: whether there was an earlier copy.
        waits_for_broker: that copy is not confirmed.
        tell: called on any thread when something about it has changed.
        owner: on whose behalf it is made.
    """

    __slots__ = (
        "due",
        "ends",
        "entry",
        "generation",
        "opening",
        "outcome",
        "owner",
        "private",
        "request",
        "tell",
        "waits_for_broker",
        "was_sent",
    )

    def __init__(
        self, request: Request, now: float, tell: Callable[[Call], None], owner: object
    ) -> None:
        self.request = request
        self.owner = owner
        self.entry: Entry | None = None
        self.waits_for_broker = False
        self.was_sent = False
        self.due = now + request.timeout
        self.ends = now + request.timeout * (request.retries + 1)
        self.generation = 0
        self.outcome: Outcome | None = None
        self.private = ""  # a reply queue of its own
        self.opening: Connection | None = None
        self.tell = tell


class OpenCalls:
    """The calls that wait for their answers, by their ids; bounded in number and bytes."""

    def __init__(self, limit: int, limit_bytes: int) -> None:
        self._limit = limit
        self._limit_bytes = limit_bytes
        self._lock = threading.RLock()  # the end of a forgotten producer may come inside it
        self._calls: dict[str, Call] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._calls)

    def __contains__(self, call_id: str) -> bool:
        return call_id in self._calls

    def add(self, call: Call) -> None:
        """One more.

        Raises:
            BufferFullError: there is no room.
        """
        size = len(call.request.body)
        with self._lock:
            count = len(self._calls)
            if count >= self._limit or (count and self._bytes + size > self._limit_bytes):
                raise BufferFullError(
                    f"{count:,} calls ({self._bytes:,} bytes) wait for their answers already",
                    hint="wait until some are answered; see that servers and broker are there",
                )
            self._bytes += size
            self._calls[call.request.call_id] = call

    def get(self, call_id: str) -> Call | None:
        """One that waits."""
        return self._calls.get(call_id)

    def take(self, call_id: str) -> Call | None:
        """One that waits no longer; None when it did not, so that each ends once."""
        with self._lock:
            call = self._calls.pop(call_id, None)
            if call is not None:
                self._bytes -= len(call.request.body)
            return call

    def all(self) -> list[Call]:
        """Every one, in the order in which they began."""
        with self._lock:
            return list(self._calls.values())


class Waiter:
    """A thread that waits for a call."""

    __slots__ = ("_gate",)

    def __init__(self) -> None:
        self._gate = threading.Lock()
        self._gate.acquire()

    def __call__(self, _call: Call) -> None:
        """Something about the call has changed."""
        if self._gate.locked():
            try:
                self._gate.release()
            except RuntimeError:  # another thread was faster with the same news
                return

    def wait(self, seconds: float) -> None:
        """Until something has changed, or so many seconds."""
        self._gate.acquire(timeout=min(max(seconds, 0.0), threading.TIMEOUT_MAX))
