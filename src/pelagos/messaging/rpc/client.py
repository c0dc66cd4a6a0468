"""Sends the requests of a process over one connection, and gives each answer to its caller."""

from __future__ import annotations

import functools
import logging
import threading
from typing import Final

from pelagos.core.backoff import Backoff
from pelagos.core.clock import Clock
from pelagos.messaging.errors import ConnectionLostError, MessagingError, UnroutableError
from pelagos.messaging.rpc.call import Call, OpenCalls, Outcome, Request, Waiter
from pelagos.messaging.rpc.deadlines import Deadlines
from pelagos.messaging.rpc.future import Callbacks, CallFuture, InnerCallFuture
from pelagos.messaging.rpc.line import Line
from pelagos.messaging.rpc.queues import ReplyQueues, new_address
from pelagos.messaging.rpc.scatter import Scatter
from pelagos.messaging.sending.future import is_called_back, see_who_waits
from pelagos.messaging.sending.guest import Guest
from pelagos.messaging.sending.pending import Entry
from pelagos.messaging.sending.sender import BUFFER_BYTES, BUFFER_LIMIT, Sender
from pelagos.messaging.transports.base import (
    DIRECT_REPLY_TO,
    Connection,
    Delivery,
    Transport,
)

log = logging.getLogger(__name__)

#: Seconds after a reconnect in which a request that no queue takes is sent again: the servers
#: are on their way back, too.
_GRACE: Final = 5.0
_AGAIN: Final = 0.05
#: The longest that a request may live, in seconds; brokers take ten years at the most.
_LONGEST: Final = 9 * 365 * 86_400.0
_COPIES: Final = 4 * BUFFER_LIMIT
_COPY_BYTES: Final = 4 * BUFFER_BYTES
#: A deadline that is over: for threads on which others wait, and which must not wait for room.
_AT_ONCE: Final = 0.0
_CLOSED: Final = "the producer was closed before the call was answered"


class RpcClient(Guest):
    """The calls of this process on one bus; for many threads.

    Attributes:
        scatter: requests that several may answer.
    """

    def __init__(self, bus: Transport, *, direct: bool, clock: Clock, backoff: Backoff) -> None:
        self._direct = direct
        self._clock = clock
        self._is_outside = bus.capabilities.crosses_processes
        self.users = 0
        self._sender = Sender(  # calls are bounded where they begin: their copies find room
            bus, clock=clock, backoff=backoff, guest=self, limit=_COPIES, limit_bytes=_COPY_BYTES
        )
        self.reset()

    def reset(self) -> None:
        """Without any call: at the beginning, and in a forked child."""
        self._calls = OpenCalls(BUFFER_LIMIT, BUFFER_BYTES)
        self._queues = ReplyQueues(self._clock, self._sender.lose)
        self.scatter = Scatter(self._sender, self._queues, self._clock)
        self._deadlines = Deadlines(self._clock, self._calls, self._overdue)
        self._callbacks = Callbacks()
        self._lock = threading.RLock()  # guards what follows
        self._connection: Connection | None = None
        self._address = ""
        self._line: Line | None = None
        self._generation = 0
        self._grace = 0.0
        self._closed = False

    # Calling.

    def call(self, request: Request, *, private: bool, owner: object) -> Outcome:
        """Ask, and wait for the outcome; neither answer nor problem means: not in time.

        Raises:
            BufferFullError: too much waits already; nothing was sent.
        """
        see_who_waits()
        waiter = Waiter()
        call = Call(request, self._clock.monotonic(), waiter, owner)
        self._begin(call, private=private)
        try:
            while call.outcome is None:
                remaining = call.due - self._clock.monotonic()
                if remaining > 0:
                    waiter.wait(remaining)
                else:
                    self._overdue(call)
        finally:
            self._end(call)
        return call.outcome

    def submit(self, call: Call, *, private: bool) -> None:
        """Ask; `call.tell` is called when there is an outcome."""
        self._begin(call, private=private)
        self._deadlines.look_at(call.due)

    def future(self) -> CallFuture:
        """One for a call that is to be submitted."""
        return CallFuture() if self._is_outside else InnerCallFuture(self._callbacks)

    def forget(self, call: Call) -> None:
        """Nobody waits for it any more."""
        self._end(call)

    def _begin(self, call: Call, *, private: bool) -> None:
        call.private = new_address() if private else ""
        with self._lock:
            if self._closed:
                raise MessagingError(_CLOSED)
            self._calls.add(call)
            call.generation = self._generation if self._address else 0
        if not call.generation:
            self._sender.connect()
            return
        try:
            self._send(call, _AT_ONCE if is_called_back() else call.due)
        except BaseException:
            self._end(call)
            raise

    def _send(self, call: Call, until: float) -> None:
        """Ask; wait until then (monotonic) for room where it is confirmed."""
        request, address = call.request, self._address
        if not address or (call.private and not self._open_private(call)):
            return  # who opens the next connection, or its queue, asks
        now = self._clock.monotonic()
        lifetime = min(max(call.ends - now, 0.001), _LONGEST)
        envelope = request.envelope(call.private or address, lifetime=lifetime, mandatory=True)
        # What is sent again is confirmed: it may be what the broker ended the connection for, and
        # then its caller alone must get to feel it.
        line = None if call.was_sent or call.private or self._direct else self._line
        call.was_sent = True
        if line is not None and line.post(envelope, now):
            return
        call.waits_for_broker = True
        entry = self._sender.put(
            request.exchange, envelope, functools.partial(self._published, call), until
        )
        if call.waits_for_broker:  # it may be confirmed already
            call.entry = entry

    def _open_private(self, call: Call) -> bool:
        """Whether its queue is there; else a thread makes it, which asks then.

        The broker may be slow, and whoever asks wants an end in his own time.
        """
        if (connection := self._connection) is None:
            return False
        if call.private in self._queues:
            return True  # an earlier copy went over this connection
        if call.opening is not connection:
            call.opening = connection
            threading.Thread(
                target=self._make_private, args=(connection, call), name="bus-queue", daemon=True
            ).start()
        return False

    def _make_private(self, connection: Connection, call: Call) -> None:
        try:
            self._queues.make(connection, call.private, functools.partial(self._answered, call))
            if call.request.call_id in self._calls:
                self._send(call, call.due)
            else:
                self._queues.drop(call.private)  # the call ended meanwhile
        except ConnectionLostError:
            return  # who opens the next one asks
        except MessagingError as error:
            self._finish(call, Outcome(problem=error))

    def _end(self, call: Call) -> None:
        if call.outcome is None:  # else it was taken before
            self._calls.take(call.request.call_id)
        if (entry := call.entry) is not None:
            self._sender.withdraw(entry)
        if call.private:
            self._queues.drop(call.private)

    def _finish(self, call: Call, outcome: Outcome) -> None:
        if self._calls.take(call.request.call_id) is not None:
            call.outcome = outcome
            call.tell(call)

    def _overdue(self, call: Call) -> None:
        """The present attempt has waited long enough."""
        now = self._clock.monotonic()
        if now >= call.ends:
            self._finish(call, Outcome(hindrance=self._sender.hindrance()))
            return
        call.due = min(call.ends, now + call.request.timeout)
        if call.waits_for_broker or not self._address or call.generation != self._generation:
            return  # the sender, or who connects, will bring it
        try:
            self._send(call, _AT_ONCE)
        except MessagingError as error:
            self._finish(call, Outcome(problem=error))

    # News from the broker, on any thread.

    def _published(self, call: Call, _entry: Entry, problem: MessagingError | None) -> None:
        call.waits_for_broker, call.entry = False, None
        if problem is None:
            if (line := self._line) is not None:
                line.prove(call.request)
            return
        self._not_taken(call, problem)

    def _on_return(self, problem: UnroutableError) -> None:
        """No queue takes a request that was posted."""
        call = self._calls.get(problem.message_id)
        if call is not None and not call.waits_for_broker:
            self._not_taken(call, problem)

    def _not_taken(self, call: Call, problem: MessagingError) -> None:
        now = self._clock.monotonic()
        if isinstance(problem, UnroutableError) and now < self._grace and now < call.ends:
            call.due = min(call.ends, now + _AGAIN)
            if not isinstance(call.tell, Waiter):
                self._deadlines.look_at(call.due)
            call.tell(call)
        else:
            self._finish(call, Outcome(problem=problem))

    def _on_reply(self, delivery: Delivery) -> None:
        call_id = delivery.properties.correlation_id
        call = self._calls.take(call_id) if call_id else None
        if call is not None:
            if (line := self._line) is not None:
                line.answered(self._clock.monotonic())
            call.outcome = Outcome(delivery)
            call.tell(call)
        elif call_id:
            log.debug("dropped a late or second answer to call %s", call_id)
        else:
            log.warning(
                "dropped an answer without correlation id: for servers that do not repeat it, "
                "set rpc_replies to 'private'"
            )

    def _answered(self, call: Call, delivery: Delivery) -> None:
        self._finish(call, Outcome(delivery))

    # The connection; these run in the sender's threads.

    def needs_connection(self) -> bool:
        """While somebody waits for an answer."""
        return bool(self._calls or self.scatter)

    def prepare(self, connection: Connection) -> None:
        """Make the reply queue, and ask again whatever has no answer."""
        if self._direct:
            address = DIRECT_REPLY_TO
            self._queues.read(connection, address, self._on_reply)
        else:
            address = new_address()
            self._queues.make(connection, address, self._on_reply)
        connection.on_return(self._on_return)
        with self._lock:
            if not connection.is_open:
                raise ConnectionLostError("the connection was lost while it was prepared")
            if self._generation:
                self._grace = self._clock.monotonic() + _GRACE
            self._generation += 1
            self._connection, self._address = connection, address
            self._line = Line(connection, address)
            calls = self._calls.all()
            for call in calls:
                call.generation = self._generation
            self.scatter.connected(connection)
        self._ask_again(calls)
        self.scatter.ask_again(connection)

    def _ask_again(self, calls: list[Call]) -> None:
        for call in calls:
            if (entry := call.entry) is not None:
                self._sender.withdraw(entry)  # it bears the old address
            try:
                self._send(call, _AT_ONCE)
            except MessagingError as error:  # it concerns this call only
                self._finish(call, Outcome(problem=error))

    def disconnected(self, _error: MessagingError | None) -> None:
        """The reply address is gone."""
        with self._lock:
            self._connection, self._address = None, ""
            self._line = None
            self.scatter.disconnected()
        self._queues.clear()

    def give_up(self, error: MessagingError) -> None:
        """The broker refuses us: so ends every call."""
        for call in self._calls.all():
            self._finish(call, Outcome(problem=error))
        self.scatter.give_up(error)

    def abandon(self, owner: object) -> None:
        """End the calls that were made on this one's behalf."""
        closed = MessagingError(_CLOSED)
        for call in self._calls.all():
            if call.owner is owner:
                self._finish(call, Outcome(problem=closed))
        self.scatter.abandon(owner, closed)

    def close(self) -> None:
        """End the connection; calls that still wait get an error."""
        closed = MessagingError(_CLOSED)
        with self._lock:
            self._closed = True
        self.scatter.close(closed)
        self._sender.close()
        self.give_up(closed)
