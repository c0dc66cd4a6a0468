"""Receives messages: from the queues of its class, one after the other, through every outage."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
from collections.abc import Callable, Mapping
from typing import Any, Self

from pelagos.core.backoff import Backoff
from pelagos.core.clock import Clock, SystemClock
from pelagos.core.errors import PelagosError
from pelagos.messaging.binding import Binding, Eqk, check_queues, make_queue, read_eqk
from pelagos.messaging.encoder import Encoder, JsonEncoder
from pelagos.messaging.errors import (
    ConnectionLostError,
    EncodingError,
    MessagingError,
    PoisonError,
    RejectMessage,
)
from pelagos.messaging.exchange import Exchange
from pelagos.messaging.message import check_body
from pelagos.messaging.received import ReceivedMessage
from pelagos.messaging.transports.base import Connection, Delivery, Transport

log = logging.getLogger(__name__)

Callback = Callable[[ReceivedMessage], object]

#: A connection that lived shorter than this many seconds counts as a failure, so that a broker
#: that accepts and drops us at once is not besieged.
_STABLE_AFTER = 5.0


class _Stop:
    """Put into the inbox to wake the worker up."""


class GenericConsumer:
    """Derive a class or pass `eqk`, and start it with a callback.

    The callback gets a ReceivedMessage. When it returns, the message is acknowledged, unless the
    callback has settled it itself; when it raises, the message is rejected: it goes to the dead
    letters of its queue, if there are any. What is no message is rejected too, with a warning that
    says why. When the connection is lost, the queue deleted or the consumer cancelled, everything
    is declared again; what was not acknowledged comes again.

    Attributes:
        eqk: `[(ExchangeClass, [(queue, key), …]), …]`; a queue is a name or
            `{"name": …, "flags": {…}}` with the flags durable, exclusive, auto_delete, passive and
            arguments. The empty name is a queue of one's own.
        encoder_class: how bodies are read; the message's content type is not looked at.
        prefetch: messages that wait here while one is handled; 1 shares long work most evenly.
        on_open: called with each new connection, before anything is declared on it.
        on_poison: what is done with what is no message, instead of rejecting it; gets the message
            (with an empty body) and the cause, and settles it.
        on_failure: what is done when the callback raised, instead of rejecting the message; gets
            the message and the exception, and settles it.
    """

    eqk: Eqk = ()
    encoder_class: type[Encoder] = JsonEncoder
    prefetch: int = 50

    def __init__(
        self,
        eqk: Eqk | None = None,
        *,
        bus: Transport,
        clock: Clock | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        self.bus = bus
        self._clock = clock or SystemClock()
        self._backoff = backoff or Backoff(first=0.1, limit=10.0)
        self._topology = threading.Lock()  # held while anything is declared or bound
        self._bindings = read_eqk(self.eqk if eqk is None else eqk)
        self.on_open: Callable[[Connection], object] | None = None
        self.on_poison: Callable[[ReceivedMessage, str], object] | None = None
        self.on_failure: Callable[[ReceivedMessage, Exception], object] | None = None
        self._connection: Connection | None = None
        self._queue_names: dict[str, str] = {}
        self._problem: MessagingError | None = None
        self._stopping = threading.Event()
        self._ready = threading.Event()
        self._inbox: queue.SimpleQueue[Delivery | MessagingError | _Stop] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    # Topology.

    @property
    def bindings(self) -> tuple[Binding, ...]:
        """What is bound now."""
        return tuple(self._bindings)

    def queue_bind(
        self,
        exchange_class: type[Exchange],
        queue: str | Mapping[str, Any],
        key: str,
        **flags: Any,
    ) -> None:
        """Read one more binding; while consuming, from now on.

        Raises:
            MessagingError: the flags cannot be used, or the broker refuses.
        """
        binding = Binding(exchange_class, make_queue(queue, flags), key)
        with self._topology:
            check_queues([*self._bindings, binding])
            if binding in self._bindings:
                return
            connection = self._connection
            if connection is not None:
                known = binding.queue.name in self._queue_names
                with contextlib.suppress(ConnectionLostError):  # then the next one declares it
                    self._declare(connection, binding)
                    if not known:
                        self._consume(connection, binding.queue.name)
            self._bindings = [*self._bindings, binding]

    def queue_unbind(
        self, exchange_class: type[Exchange], queue: str | Mapping[str, Any], key: str
    ) -> None:
        """Take a binding away; the queue is still read, as it may hold messages."""
        name = make_queue(queue).name
        gone = (exchange_class, name, key)
        with self._topology:
            self._bindings = [
                binding
                for binding in self._bindings
                if (binding.exchange, binding.queue.name, binding.key) != gone
            ]
            connection = self._connection
            if connection is not None:
                with contextlib.suppress(ConnectionLostError):
                    actual = self._queue_names.get(name, name)
                    connection.unbind(exchange_class.name, actual, key)

    def _declare(self, connection: Connection, binding: Binding) -> None:
        connection.declare_exchange(binding.exchange)
        name = self._queue_names.get(binding.queue.name)
        if name is None:
            name = connection.declare_queue(binding.queue).name
            self._queue_names[binding.queue.name] = name
        if binding.exchange.name:  # the default exchange knows every queue by its name
            connection.bind(binding.exchange.name, name, binding.key)

    def _consume(self, connection: Connection, name: str) -> None:
        connection.consume(
            self._queue_names[name], self._inbox.put, self._inbox.put, prefetch=self.prefetch
        )

    # Running.

    @property
    def problem(self) -> MessagingError | None:
        """Why nothing is consumed just now; None while consuming."""
        return self._problem

    @property
    def is_running(self) -> bool:
        """Whether the thread that `start` began still runs, connected or not."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, callback: Callback) -> None:
        """Consume in a thread of its own until `stop`."""
        if self._thread is not None:
            raise MessagingError("the consumer has been started already")
        self._thread = threading.Thread(
            target=self.start_consuming, args=(callback,), name="consumer", daemon=True
        )
        self._thread.start()

    def wait_ready(self, timeout: float = 10.0) -> None:
        """Wait until everything is declared and messages come.

        Raises:
            MessagingError: they do not within so many seconds; says why.
        """
        if not self._ready.wait(timeout):
            problem = self._problem
            raise problem or MessagingError(
                f"the consumer of {self.bus.url} was not ready within {timeout:g} s"
            )

    def start_consuming(self, callback: Callback) -> None:
        """Consume in this thread until `stop_consuming` is called from another, or a handler."""
        failures = 0
        while not self._stopping.is_set():
            began = self._clock.monotonic()
            problem = self._consume_once(callback)
            if problem is None:
                break
            stable = self._clock.monotonic() - began >= _STABLE_AFTER
            failures = 0 if stable else failures + 1
            self._report(problem)
            self._stopping.wait(self._backoff.delay(failures) if failures else 0.0)

    def _consume_once(self, callback: Callback) -> MessagingError | None:
        """Connect and consume; why it ended, or None when it was told to."""
        connection: Connection | None = None
        try:
            connection = self.bus.open()
            self._set_up(connection)
            return self._work(connection, callback)
        except MessagingError as error:
            return error
        except PelagosError as error:  # of a transport of others: it must not end the thread
            return MessagingError(error.message, hint=error.hint)
        finally:
            self._ready.clear()
            with self._topology:
                self._connection = None
            if connection is not None:
                connection.close()
            self._inbox = queue.SimpleQueue()  # what is left in the old one comes again

    def _set_up(self, connection: Connection) -> None:
        if self.on_open is not None:
            self.on_open(connection)
        with self._topology:
            self._connection = connection
            self._queue_names = {}
            for binding in self._bindings:
                self._declare(connection, binding)
            for name in self._queue_names:
                self._consume(connection, name)
        if self._problem is not None:
            log.info("consuming from %s again", self.bus.url)
        self._problem = None
        self._ready.set()

    def _work(self, connection: Connection, callback: Callback) -> MessagingError | None:
        while not self._stopping.is_set():
            item = self._inbox.get()
            if isinstance(item, MessagingError):
                return item
            if isinstance(item, Delivery):
                if self._stopping.is_set():
                    break
                self._handle(connection, item, callback)
        return None

    def _report(self, problem: MessagingError) -> None:
        before, self._problem = self._problem, problem
        if before is None or str(before) != str(problem):
            log.warning("not consuming from %s: %s", self.bus.url, problem)

    # One message.

    def _handle(self, connection: Connection, delivery: Delivery, callback: Callback) -> None:
        try:
            body = self._read(delivery)
        except PoisonError as poison:
            self._refuse(ReceivedMessage({}, delivery, connection), poison.cause)
            return
        message = ReceivedMessage(body, delivery, connection)
        try:
            callback(message)
        except RejectMessage as refusal:
            log.info("%s: %s", message, refusal)
            message.reject()
        except Exception as error:  # a handler may raise anything; the next one is handled
            if self.on_failure is not None:
                self.on_failure(message, error)
                return
            log.exception("the handler failed on %s; it is rejected", message)
            message.reject()
        else:
            message.ack()

    def _refuse(self, message: ReceivedMessage, cause: str) -> None:
        if self.on_poison is not None:
            self.on_poison(message, cause)
            return
        delivery = message.delivery
        log.warning(
            "rejected a message of %d bytes from queue %s (exchange %s, key %s, id %s): %s",
            len(delivery.body),
            delivery.queue,
            delivery.exchange,
            delivery.key,
            delivery.properties.message_id,
            cause,
        )
        message.reject()

    def _read(self, delivery: Delivery) -> dict[str, Any]:
        """The message in a delivery.

        Raises:
            PoisonError: it is none; says what is wrong with it.
        """
        if delivery.damage is not None:
            raise PoisonError(delivery.damage)
        try:
            return check_body(self.decode(delivery.body))
        except PoisonError:
            raise
        except EncodingError as error:
            raise PoisonError(error.message) from error
        except Exception as error:  # an encoder of others may raise anything
            raise PoisonError(f"the encoder failed with {type(error).__name__}") from error

    def decode(self, data: bytes) -> Any:
        """Read a body with this consumer's encoder.

        Raises:
            EncodingError: it cannot be read.
        """
        return self.encoder_class.decode(data)

    def ack(self, message: ReceivedMessage) -> None:
        """The message is done."""
        message.ack()

    def reject(self, message: ReceivedMessage, requeue: bool = False) -> None:
        """Refuse the message, or give it back to its queue."""
        message.reject(requeue=requeue)

    # Ending.

    def stop_consuming(self) -> None:
        """Ask it to end after the message in hand; returns at once, also from a handler."""
        self._stopping.set()
        self._inbox.put(_Stop())

    def stop(self, timeout: float = 10.0) -> bool:
        """End, and wait for the message in hand; whether it came to its end within `timeout`.

        What had been fetched and not handled goes back to its queue. Stopped is stopped: make
        another one to go on.
        """
        self.stop_consuming()
        thread = self._thread
        if thread is None or thread is threading.current_thread():
            return True
        thread.join(timeout)
        return not thread.is_alive()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
