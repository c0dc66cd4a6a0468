"""Brings back what waits to be tried again, when it is due.

A broker could do that by itself (messages that expire go to another queue), but moves them at most
once: one that is killed meanwhile loses them. Here a message is in its waiting queue until its own
queue has it, confirmed. It may be in both when a connection is lost in between.

Whoever reads a queue brings back what waits for it. Nobody holds a message while it waits: it is
looked at and given back, and looked at again when it is due. Several may do so at once.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from pelagos.core.clock import Clock, SystemClock
from pelagos.messaging.dead.again import (
    DUE,
    Patience,
    bare,
    from_waiting,
    note,
    noted,
    register_queue,
    waiting_queue,
)
from pelagos.messaging.dead.mover import Mover, Sent
from pelagos.messaging.errors import ConnectionLostError, MessagingError
from pelagos.messaging.transports.base import Connection, Delivery, Queue

log = logging.getLogger(__name__)

#: Seconds between looks at what others put there and, should they die, nobody else brings back.
_LOOK: Final = (1.0, 15.0)
_REGISTER_EVERY: Final = 60.0
_NOTES: Final = 1000  # at the most
#: Messages that are on their way back at once.
_BATCH: Final = 100
#: Seconds until the next try after a refusal.
_REFUSED: Final = 2.0
#: Seconds between looks whether the connection is still there, and what is read.
_WAKE: Final = 1.0
_CLOSING: Final = 10.0


@dataclass(slots=True, eq=False)
class Place:
    """Where messages of one queue wait equally long.

    Attributes:
        queue: the name of the queue to which they come back.
        waiting: where they wait.
        delay_ms: for how long.
        at: when to look there next, in seconds of the monotonic clock.
    """

    queue: str
    waiting: Queue
    delay_ms: int
    at: float
    patience: Patience = field(init=False)

    def __post_init__(self) -> None:
        self.patience = Patience(self.delay_ms)


class Returner:
    """Looks after the waiting queues of a processor over one connection, in a thread of its own.

    Args:
        connection: over which it works; it ends with it.
        queues: tells which queues are read now, as they are declared.
    """

    def __init__(
        self,
        connection: Connection,
        queues: Callable[[], Iterable[Queue]],
        *,
        clock: Clock | None = None,
    ) -> None:
        self._connection = connection
        self._queues = queues
        self._clock = clock or SystemClock()
        self._mover = Mover(connection)
        self._places: dict[str, Place] = {}
        self._read: dict[str, Queue] = {}
        self._registers: dict[str, float] = {}  # when they were read, by queue
        self._lock = threading.Lock()  # of both, and of when to look
        self._woken = threading.Event()
        self._ended = False
        self._refused: set[str] = set()
        self._thread = threading.Thread(target=self._run, name="returner", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End, and wait until what is on its way back has arrived."""
        self._ended = True
        self._woken.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(_CLOSING)

    # What others call.

    def place(self, mover: Mover, queue: str, delay_ms: int) -> Place:
        """Where a message of this queue is to wait; from now on it is looked after.

        Args:
            mover: brings the note that messages wait there.

        Raises:
            MessagingError: the note cannot be kept.
        """
        read = self._as_read(queue)
        waiting = waiting_queue(read, delay_ms)
        found = self._places.get(waiting.name)
        if found is None:
            if not read.exclusive:
                register = register_queue(read)
                mover.move(register, note(delay_ms, register.name))
            found = self._look_after(read, delay_ms)
        return found

    def expect(self, place: Place) -> None:
        """A message was put there just now."""
        with self._lock:
            place.at = min(place.at, self._clock.monotonic() + place.delay_ms / 1000)
        self._woken.set()

    def _as_read(self, name: str) -> Queue:
        """The queue as it is declared, or was before it was forgotten."""
        queues = list(self._queues())
        self._read |= {queue.name: queue for queue in queues}
        if name not in self._read and "" in self._read:  # the broker chose the name
            return replace(self._read[""], name=name)
        return self._read.get(name, Queue(name))

    def _look_after(self, queue: Queue, delay_ms: int) -> Place:
        waiting = waiting_queue(queue, delay_ms)
        made = Place(queue.name, waiting, delay_ms, self._clock.monotonic())
        with self._lock:
            return self._places.setdefault(waiting.name, made)

    # The thread.

    def _run(self) -> None:
        while not self._ended and self._connection.is_open:
            self._woken.clear()
            if self._connection.blocked:  # the broker may read nothing more of this connection
                self._woken.wait(_WAKE)
                continue
            try:
                self._read_registers()
                pause = self._look()
            except ConnectionLostError:
                return
            except Exception:  # whatever it is, what waits must not wait for ever
                log.exception("cannot look after messages that wait")
                pause = _WAKE
            self._woken.wait(min(pause, _WAKE))

    def _look(self) -> float:
        """Look wherever it is time; seconds until it is again."""
        now = self._clock.monotonic()
        places = list(self._places.values())
        for place in places:
            if place.at > now or self._ended:
                continue
            with self._lock:
                place.at = float("inf")
            pause = self._bring_back(place)
            with self._lock:
                place.at = min(place.at, self._clock.monotonic() + pause)
        first = min((place.at for place in places), default=float("inf"))
        return max(0.0, first - self._clock.monotonic())

    def _bring_back(self, place: Place) -> float:
        """Bring back what is due; seconds until there may be more."""
        sent: list[tuple[Delivery, Sent]] = []
        problem: MessagingError | None = None
        pause = _REFUSED
        try:
            pause = self._send_due(place, sent)
        except ConnectionLostError:
            raise
        except MessagingError as error:  # what was sent before is settled all the same
            self._mover.forget(place.waiting)
            problem = error
        for delivery, one in sent:
            problem = self._settle(delivery, one) or problem
        self._report(place, problem)
        return pause if problem is None else _REFUSED

    def _send_due(self, place: Place, sent: list[tuple[Delivery, Sent]]) -> float:
        self._mover.declare(place.waiting)
        while len(sent) < _BATCH:
            delivery = self._connection.get(place.waiting.name)
            if delivery is None:
                return min(max(place.delay_ms / 1000, _LOOK[0]), _LOOK[1])
            left_ms = self._left_ms(place, delivery)
            if left_ms:
                self._connection.reject(delivery, requeue=True)
                return left_ms / 1000
            sent.append((delivery, self._send(place, delivery)))
        return 0.0

    def _settle(self, delivery: Delivery, sent: Sent) -> MessagingError | None:
        try:
            sent.wait()
        except ConnectionLostError:
            raise
        except MessagingError as error:
            self._connection.reject(delivery, requeue=True)
            return error
        self._connection.ack(delivery)
        return None

    def _left_ms(self, place: Place, delivery: Delivery) -> int:
        now = int(self._clock.time() * 1000)
        return place.patience.left_ms(delivery.properties.headers.get(DUE), now)

    def _send(self, place: Place, delivery: Delivery) -> Sent:
        envelope = from_waiting(delivery, place.queue)
        try:
            return self._mover.begin(envelope)
        except ConnectionLostError:
            raise
        except MessagingError:  # headers that the transport refuses
            return self._mover.begin(bare(envelope))

    def _report(self, place: Place, problem: MessagingError | None) -> None:
        name = place.waiting.name
        if problem is None:
            self._refused.discard(name)
        elif name not in self._refused:
            self._refused.add(name)
            log.error("messages wait on in %s, trying on: %s", name, problem)

    # For how long messages ever waited: also before this program was changed.

    def _read_registers(self) -> None:
        now = self._clock.monotonic()
        for queue in self._queues():
            self._read.setdefault(queue.name, queue)
            read = self._registers.get(queue.name)
            if queue.exclusive or not queue.name:
                continue
            if read is None or now - read >= _REGISTER_EVERY:
                self._registers[queue.name] = now
                self._read_register(queue)

    def _read_register(self, queue: Queue) -> None:
        register = register_queue(queue)
        try:
            self._mover.declare(register)
            delays = read_notes(self._connection, register.name)
        except ConnectionLostError:
            raise
        except MessagingError as error:
            self._mover.forget(register)
            log.warning("cannot see how long messages of %s wait: %s", queue.name, error)
            return
        for delay_ms in delays:
            self._look_after(queue, delay_ms)


def read_notes(connection: Connection, register: str) -> set[int]:
    """The delays that are noted in a queue, in milliseconds; of equal notes one stays."""
    delays: set[int] = set()
    held: list[Delivery] = []
    for _ in range(_NOTES):
        delivery = connection.get(register)
        if delivery is None:
            break
        delay_ms = noted(delivery)
        if delay_ms in delays:
            connection.ack(delivery)
            continue
        held.append(delivery)
        if delay_ms is not None:
            delays.add(delay_ms)
    for delivery in reversed(held):
        connection.reject(delivery, requeue=True)
    return delays
