"""Receives messages: from the queues of its class, one after the other, through every outage."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final, Self

from pelagos.core.backoff import Backoff
from pelagos.core.clock import Clock, SystemClock
from pelagos.messaging.binding import Binding, Eqk, make_queue, read_eqk
from pelagos.messaging.consumer.handling import Callback, Handling
from pelagos.messaging.consumer.intake import Intake
from pelagos.messaging.consumer.lane import Lane
from pelagos.messaging.consumer.received import ReceivedMessage
from pelagos.messaging.environment import open_bus
from pelagos.messaging.errors import (
    AckAndRestart,
    ExitScheduler,
    MessagingError,
)
from pelagos.messaging.exchange import Exchange
from pelagos.messaging.middleware import Chain, Middleware
from pelagos.messaging.transports.base import Connection, Delivery, Transport

log = logging.getLogger(__name__)

#: In a thread nobody else would hear of it.
EXITED: Final = (
    "%s called sys.exit(): it consumes no more, and its message comes again; raise ExitScheduler"
    " to end in order"
)

_CLOSING = 15.0  # seconds that ending a connection may take


class GenericConsumer(Handling):
    """Derive a class or pass `eqk`, and start it with a callback.

    The callback gets a ReceivedMessage. When it returns, the message is acknowledged, unless the
    callback has settled it itself; when it raises, the message is rejected: it goes to the dead
    letters of its queue, if there are any. ExitScheduler, StopIteration and AckAndRestart
    acknowledge the message, end the consuming and are raised from `start_consuming`.
    InboxBusyError and InboxAwayError let it lie here for a while, and the callback has it again.
    What is no message is rejected with a warning that says why, or given to `on_poison`. When the
    connection is lost, the queue deleted or the consumer cancelled, everything is declared again,
    also while a handler works; what was not acknowledged comes again.

    Attributes:
        eqk: `[(ExchangeClass, [(queue, key), …]), …]`; a queue is a name or
            `{"name": …, "flags": {…}}` with the flags durable, exclusive, auto_delete, passive and
            arguments. The empty name is a queue of one's own. A third member beside queue and key
            are the arguments of the binding, for exchanges of type headers.
        encoder_class: how bodies are read; the message's content type is not looked at.
        prefetch: messages that wait here while one is handled; 1 shares long work most evenly.
        discard_all_messages: acknowledge whatever comes without reading it, to empty the queues;
            may be changed while consuming.
        on_open: called with each new connection, before anything is declared on it.
        on_finish: called at the end, before the connection is closed.
        on_poison: what is done with what is no message, instead of rejecting it; gets the message
            (with an empty body) and the cause, and settles it.
        on_failure: what is done when the callback raised, instead of rejecting the message; gets
            the message and the exception, and settles it.
        hup, vhost: the broker's host, user and password, and its virtual host, where no `bus` is
            given; see `environment.default_bus`.
    """

    eqk: Eqk = ()
    prefetch: int = 50
    hup: ClassVar[Mapping[str, Any] | None] = None
    vhost: ClassVar[str | None] = None
    middlewares: Sequence[Middleware] = ()

    def __init__(
        self,
        eqk: Eqk | None = None,
        hup: Mapping[str, Any] | None = None,
        vhost: str | None = None,
        *,
        bus: Transport | str | None = None,
        clock: Clock | None = None,
        backoff: Backoff | None = None,
        middlewares: Sequence[Middleware] | None = None,
        prefetch: int | None = None,
    ) -> None:
        super().__init__(Chain(self.middlewares if middlewares is None else middlewares))
        self.bus = open_bus(bus, hup or self.hup, vhost or self.vhost)
        self.ending: Exception | None = None
        self._clock = clock or SystemClock()
        self._backoff = backoff or Backoff(first=0.1, limit=2.0)
        if prefetch is not None:
            self.prefetch = prefetch
        given: Any = self.prefetch
        if not isinstance(given, int) or given < 1:
            raise MessagingError(f"the prefetch is {given!r}", hint="make it 1 or more")
        self._intake = self._new_intake(read_eqk(self.eqk if eqk is None else eqk))
        self._stopping = False
        self._switch = threading.RLock()  # held while it is started or told to stop
        self._thread: threading.Thread | None = None

    def _new_intake(self, bindings: Sequence[Binding]) -> Intake:
        return Intake(
            self.bus,
            bindings,
            self.prefetch,
            clock=self._clock,
            backoff=self._backoff,
            watchers=self._watchers,
            on_open=self._opened,
            traffic=self._traffic,
        )

    def _opened(self, connection: Connection) -> None:
        if self.on_open is not None:
            self.on_open(connection)

    # Topology.

    @property
    def bindings(self) -> tuple[Binding, ...]:
        """What is bound now."""
        return self._intake.bindings

    def queue_bind(
        self,
        exchange_class: type[Exchange],
        queue: str | Mapping[str, Any],
        key: str,
        *,
        binding_arguments: Mapping[str, Any] | None = None,
        **flags: Any,
    ) -> None:
        """Read one more binding; while consuming, from now on.

        Raises:
            MessagingError: the flags cannot be used, or the broker refuses.
        """
        made = make_queue(queue, flags)
        self._intake.bind(Binding(exchange_class, made, key, dict(binding_arguments or {})))

    def queue_unbind(
        self,
        exchange_class: type[Exchange],
        queue: str | Mapping[str, Any],
        key: str,
        *,
        binding_arguments: Mapping[str, Any] | None = None,
        forget: bool = False,
    ) -> None:
        """Take a binding away.

        The queue is still read, as it may hold messages; with `forget` it is not, once its last
        binding is gone.
        """
        made = make_queue(queue)
        binding = Binding(exchange_class, made, key, dict(binding_arguments or {}))
        self._intake.unbind(binding, forget=forget)

    def queue_forget(self, queue: str | Mapping[str, Any]) -> None:
        """Read a queue no more; it keeps its bindings, for others that read it."""
        self._intake.forget(make_queue(queue).name)

    # Running.

    @property
    def problem(self) -> MessagingError | None:
        """Why nothing is consumed just now; None while consuming."""
        return self._intake.problem

    @property
    def is_stopping(self) -> bool:
        """Whether it was told to end."""
        return self._stopping

    @property
    def is_running(self) -> bool:
        """Whether the thread that `start` began still runs, connected or not."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, callback: Callback) -> None:
        """Consume in a thread of its own until `stop`; what ended it is in `ending`.

        Raises:
            MessagingError: it is consuming already.
        """
        check_callback(callback)
        with self._switch:
            if self.is_running:
                raise started_already("consumer")
            self.begin()
            self._thread = threading.Thread(
                target=self._run, args=(callback,), name="consumer", daemon=True
            )
            self._thread.start()

    def _run(self, callback: Callback) -> None:
        try:
            self.consume(callback)
        except (ExitScheduler, StopIteration, AckAndRestart) as error:
            self.ending = error
        except SystemExit:
            log.error(EXITED, "the callback of a consumer")  # noqa: TRY400 - it is no failure

    def wait_ready(self, timeout: float = 10.0) -> None:
        """Wait until everything is declared and messages come.

        Raises:
            MessagingError: they do not within so many seconds; says why.
        """
        if not self._intake.ready.wait(min(timeout, threading.TIMEOUT_MAX)):
            problem = self.problem
            raise problem or MessagingError(
                f"the consumer of {self.bus.url} was not ready within {timeout:g} s"
            )

    def start_consuming(self, callback: Callback) -> None:
        """Consume in this thread until `stop_consuming` is called from another, or a handler.

        Raises:
            ExitScheduler, StopIteration, AckAndRestart: the callback did; its message is done.
        """
        check_callback(callback)
        self.begin()
        self.consume(callback)

    def consume(self, callback: Callback) -> None:
        """What `start_consuming` does after `begin`."""
        try:
            while not self._stopping:
                self._work(self._intake.lane, self.observed(callback))
        finally:
            self.finish()

    def _work(self, lane: Lane, callback: Callback) -> None:
        take, intake = lane.inbox.get, self._intake
        while True:
            delivery = take()
            if self._stopping or lane is not intake.lane:
                self._put_back(lane, delivery)
                return
            if delivery is not None:
                self._handle(lane, delivery, callback)

    def _put_back(self, lane: Lane, delivery: Delivery | None) -> None:
        if delivery is not None and lane.connection is not None:
            with contextlib.suppress(MessagingError):
                lane.connection.reject(delivery, requeue=True)

    def put_off(self, message: ReceivedMessage, seconds: float) -> None:
        """Keep it unsettled for so long and have it handled anew; at the end it goes back.

        Giving it back each time would count against the delivery limit of a quorum queue.
        """
        lane = self._intake.lane
        if self._stopping or lane.connection is not message.connection:
            message.reject(requeue=True)
        elif message.withdraw():
            self._intake.put_off(lane, message.delivery, seconds)

    # Step by step, for schedulers and event loops.

    def begin(self, ring: Callable[[], None] | None = None) -> None:
        """Connect and fetch in the background; `step` or `take` get what came.

        Args:
            ring: called, on any thread, whenever there may be something to take.

        Raises:
            MessagingError: it is consuming already.
        """
        with self._switch:
            if self._intake.is_running:
                raise started_already("consumer")
            if self._stopping or self._intake.has_run:  # once more, after a stop or in a fork
                self._intake = self._new_intake(self._intake.bindings)
                self._stopping = False
                self.ending = None
            self._intake.prefetch = self.prefetch
            self._intake.start(ring)

    def step(self, callback: Callback) -> bool:
        """Handle at most one message, without waiting for one; whether there was one.

        Raises:
            ExitScheduler, StopIteration, AckAndRestart: as `start_consuming`.
        """
        found = self._next()
        if found is None:
            return False
        self._handle(*found, self.observed(callback))
        return True

    def take(self) -> ReceivedMessage | None:
        """The next message, without waiting; settle it, or give it to `conclude`."""
        while (found := self._next()) is not None:
            message = self._open(*found)
            if message is not None:
                return message
        return None

    def _next(self) -> tuple[Lane, Delivery] | None:
        lane = self._intake.lane
        while not self._stopping:
            try:
                delivery = lane.inbox.get_nowait()
            except queue.Empty:
                return None
            if delivery is not None:
                return lane, delivery
        return None

    def finish(self) -> None:
        """End the connection after the message in hand; what was fetched goes back."""
        self.stop_consuming()
        try:
            self.close_loop()
            if self.on_finish is not None:
                self.on_finish()
        finally:
            self._intake.close(_CLOSING)

    # Ending.

    def stop_consuming(self) -> None:
        """Ask it to end after the message in hand; returns at once, also from a handler."""
        with self._switch:
            self._stopping = True
            self._intake.cease()

    def stop(self, timeout: float = 10.0) -> bool:
        """End, and wait for the message in hand; whether it came to its end within `timeout`.

        What had been fetched and not handled goes back to its queue at once. It may be started
        again afterwards.
        """
        with self._switch:  # whoever starts it again meanwhile does not get this stop
            self.stop_consuming()
            thread = self._thread
        if thread is None or thread is threading.current_thread():
            return True
        thread.join(min(timeout, threading.TIMEOUT_MAX))
        return not thread.is_alive()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def started_already(what: str) -> MessagingError:
    """The error of who starts what runs."""
    return MessagingError(
        f"the {what} has been started already",
        hint="use it as it runs, or start it again after stop() has returned True",
    )


def check_callback(callback: object) -> None:
    """See that messages can be given to it.

    Raises:
        TypeError: they cannot.
    """
    if not callable(callback):
        raise TypeError(f"the callback is {callback!r}, and cannot be called with a message")
