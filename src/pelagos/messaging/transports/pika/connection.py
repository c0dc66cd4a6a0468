"""One connection to an AMQP broker.

Each connection has one thread that does all input and output, so heartbeats are served while
handlers work. Everybody else hands it callbacks and waits for their outcome. Methods whose name
ends in `_io` run in that thread only.
"""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final

import pika

from pelagos.messaging.errors import (
    BrokerUnreachableError,
    ConnectionLostError,
    MessagingError,
    TopologyError,
)
from pelagos.messaging.transports.address import BrokerAddress
from pelagos.messaging.transports.base import (
    DIRECT_REPLY_TO,
    Delivery,
    Done,
    Envelope,
    EverythingConfirmed,
    OnDelivery,
    OnEnd,
    Queue,
    check_names,
)
from pelagos.messaging.transports.broker_transport import PREFETCH_MAX, Wish
from pelagos.messaging.transports.pika.publishing import Publishing
from pelagos.messaging.transports.pika.subscription import (
    Subscription,
    is_held,
    make_delivery,
    settle_io,
)
from pelagos.messaging.transports.pika.tolerant import TolerantConnection
from pelagos.messaging.transports.pika.topology import Topology
from pelagos.messaging.transports.pika.translate import (
    as_text,
    check_table,
    lost_error,
    make_parameters,
    open_error,
    refusal,
)

log = logging.getLogger(__name__)

_CLOSE_TIMEOUT: Final = 2.0  # seconds for an orderly end; then the socket is dropped
_DROP_TIMEOUT: Final = 0.5  # seconds for pika to let a dead socket go

_CONTROL: Final = "control"
_GET: Final = "get"  # what was got stays unsettled on its channel, so it has its own

Channel = Any  # pika ships no types
Answer = Callable[[Any], None]


@dataclass(slots=True)
class _Request:
    """A question to the broker that a thread waits for."""

    start: Callable[[Channel, Answer], None]
    name: str
    future: Future[Any]
    kind: str


class PikaConnection(Topology, EverythingConfirmed):
    """One connection to an AMQP broker."""

    def __init__(
        self, address: BrokerAddress, timeout: float, place: tuple[str, int], patience: float
    ) -> None:
        self._address = address
        self._timeout = timeout
        self._requesting = threading.Lock()  # one request at a time, so that errors find theirs
        self._guard = threading.Lock()  # guards what follows
        self._loss: MessagingError | None = None
        self._closing = False
        self._flush_posted = False
        # From here on: the I/O thread's own.
        self._request: _Request | None = None
        self._channels: dict[str, Channel] = {}  # for requests
        self._publishing = Publishing(address, self._lose_io)
        self._blocked: str | None = None
        self._subscriptions: set[Subscription] = set()
        self._opened: Future[None] = Future()
        self._pika = TolerantConnection(
            make_parameters(address, place, patience),
            on_open_callback=self._on_open_io,
            on_open_error_callback=self._on_open_error_io,
            on_close_callback=self._on_close_io,
        )
        self._thread = threading.Thread(target=self._run_io, name="amqp", daemon=True)
        self._thread.start()
        self._wait(self._opened, BrokerUnreachableError, patience)

    @property
    def is_open(self) -> bool:
        """Whether it can be used, as far as is known."""
        return self._loss is None and not self._closing

    @property
    def blocked(self) -> str | None:
        """Why the broker takes no messages just now, or None."""
        return self._blocked

    # Requests.

    def _ask(self, name: str, start: Callable[[Channel, Answer], None]) -> Any:
        return self._ask_on(_CONTROL, name, start)

    def _ask_on(self, kind: str, name: str, start: Callable[[Channel, Answer], None]) -> Any:
        with self._requesting:
            request = _Request(start, name, Future(), kind)
            self._post(functools.partial(self._start_request_io, request))
            return self._wait(request.future)

    def _wait(
        self,
        future: Future[Any],
        kind: type[MessagingError] = ConnectionLostError,
        patience: float | None = None,
    ) -> Any:
        limit = self._timeout if patience is None else patience
        try:
            return future.result(limit)
        except TimeoutError:
            lost = kind(f"{self._address.url} did not answer within {limit:g} s")
            self._abort(lost)
            raise lost from None

    def _post(self, callback: Callable[[], None]) -> None:
        with self._guard:
            if self._loss is not None:
                raise ConnectionLostError(str(self._loss))
            self._pika.ioloop.add_callback_threadsafe(callback)

    def _start_request_io(self, request: _Request) -> None:
        self._request = request
        if not self._pika.is_open:
            return  # it is about to be lost, and with it the request
        channel = self._channels.get(request.kind)
        if channel is not None:
            request.start(channel, self._answered_io)
            return
        channel = self._channels[request.kind] = self._pika.channel(
            on_open_callback=lambda opened: request.start(opened, self._answered_io)
        )
        channel.add_on_close_callback(
            functools.partial(self._on_request_channel_close_io, request.kind)
        )
        channel.add_callback(
            lambda _frame: self._answered_io(None), [pika.spec.Basic.GetEmpty], one_shot=False
        )

    def _answered_io(self, answer: Any) -> None:
        request, self._request = self._request, None
        if request is not None:
            request.future.set_result(answer)

    def _on_request_channel_close_io(self, kind: str, channel: Channel, reason: Exception) -> None:
        if self._channels.get(kind) is channel:
            del self._channels[kind]
        self._fail_request_io(refusal(reason, self._address, self._request_name()))

    def _request_name(self) -> str:
        return "" if self._request is None else self._request.name

    def _fail_request_io(self, problem: MessagingError) -> None:
        request, self._request = self._request, None
        if request is not None:
            request.future.set_exception(problem)

    # Publishing.

    def publish(self, envelope: Envelope, done: Done) -> None:
        """Hand a message over; `done` tells when the broker has it."""
        with self._guard:
            loss = self._loss
            if loss is None:
                self._publishing.put(envelope, done)
                if not self._flush_posted:
                    self._flush_posted = True
                    self._pika.ioloop.add_callback_threadsafe(self._flush_io)
        if loss is not None:
            done(ConnectionLostError(str(loss)))

    def _flush_io(self) -> None:
        with self._guard:
            self._flush_posted = False
        if self._pika.is_open:
            self._publishing.flush_io(self._pika)

    # Consuming.

    def consume(
        self,
        queue: str,
        on_delivery: OnDelivery,
        on_end: OnEnd,
        *,
        prefetch: int,
        no_ack: bool = False,
        exclusive: bool = False,
        arguments: Mapping[str, Any] | None = None,
    ) -> str:
        """Let deliveries come, over a channel of its own."""
        check_names(queue=queue)
        check_table(arguments or {}, queue)
        if queue == DIRECT_REPLY_TO and not no_ack:
            raise TopologyError("direct answers cannot be acknowledged", code=406, name=queue)
        wish = Wish(queue, min(prefetch, PREFETCH_MAX), no_ack, exclusive, dict(arguments or {}))
        subscription = Subscription(self._address, wish, on_delivery, on_end, self._subscriptions)
        if queue == DIRECT_REPLY_TO:
            self._post(functools.partial(self._adopt_io, subscription))
        else:
            self._post(functools.partial(self._subscribe_io, subscription))
        self._wait(subscription.future)
        return subscription.name

    def _subscribe_io(self, subscription: Subscription) -> None:
        """Begin once answers can be sent: the first would leave after its acknowledgement."""
        self._subscriptions.add(subscription)  # it is told when the connection is lost before
        self._publishing.when_open_io(
            self._pika, lambda _channel: subscription.open_io(self._pika)
        )

    def _adopt_io(self, subscription: Subscription) -> None:
        self._subscriptions.add(subscription)  # it is told when the connection is lost before
        self._publishing.when_open_io(self._pika, subscription.adopt_io)

    def cancel(self, consumer: str) -> None:
        """Let no more deliveries come."""
        done: Future[None] = Future()
        self._post(functools.partial(self._cancel_io, consumer, done))
        self._wait(done)

    def _cancel_io(self, consumer: str, done: Future[None]) -> None:
        for subscription in list(self._subscriptions):
            if subscription.name == consumer:
                subscription.cancel_io(done)
                return
        done.set_result(None)

    def get(self, queue: str) -> Delivery | None:
        """Take the first message of a queue."""
        check_names(queue=queue)
        self.declare_queue(Queue(queue, passive=True))  # an error of get would lose earlier ones
        answer = self._ask_on(
            _GET,
            queue,
            lambda channel, answer: channel.basic_get(queue, lambda *parts: answer(parts)),
        )
        return None if answer is None else make_delivery(queue, *answer)

    def ack(self, delivery: Delivery) -> None:
        """It is done."""
        self._post(functools.partial(settle_io, delivery, "basic_ack"))

    def reject(self, delivery: Delivery, *, requeue: bool) -> None:
        """Give it back (nack: not counted as a failure by quorum queues), or refuse it."""
        method = "basic_nack" if requeue else "basic_reject"
        self._post(functools.partial(settle_io, delivery, method, requeue=requeue))

    def holds(self, delivery: Delivery) -> bool:
        """Whether the channel on which it came is still there."""
        return is_held(delivery)

    # Beginning and end.

    def _run_io(self) -> None:
        try:
            self._pika.ioloop.start()
        finally:
            self._lose_io(ConnectionLostError(f"the connection to {self._address.url} ended"))
            self._pika.ioloop.close()

    def _on_open_io(self, _connection: Any) -> None:
        self._pika.add_on_connection_blocked_callback(self._on_blocked_io)
        self._pika.add_on_connection_unblocked_callback(self._on_unblocked_io)
        self._opened.set_result(None)

    def _on_blocked_io(self, _connection: Any, frame: Any) -> None:
        self._blocked = as_text(frame.method.reason or "no reason given")
        log.warning("%s takes no messages for now: %s", self._address.url, self._blocked)

    def _on_unblocked_io(self, _connection: Any, _frame: Any) -> None:
        self._blocked = None
        log.info("%s takes messages again", self._address.url)

    def _on_open_error_io(self, _connection: Any, error: BaseException) -> None:
        self._lose_io(open_error(error, self._address))

    def _on_close_io(self, _connection: Any, reason: BaseException) -> None:
        self._lose_io(lost_error(reason, self._address))
        self._pika.ioloop.stop()

    def _lose_io(self, loss: MessagingError) -> None:
        """It is over: tell everybody who waits, once."""
        with self._guard:
            if self._loss is not None:
                return
            self._loss = loss
        if not self._opened.done():
            self._opened.set_exception(loss)
        self._fail_request_io(loss)
        self._publishing.give_up_io(loss)
        for subscription in list(self._subscriptions):
            subscription.end_io(loss)
        if self._pika.is_closed:
            self._pika.ioloop.stop()
        else:
            self._pika.ioloop.call_later(_DROP_TIMEOUT, self._pika.ioloop.stop)
            # pika has no public way to drop a connection; then comes _on_close_io.
            self._pika._terminate_stream(loss)  # noqa: SLF001 - see the line above

    def _abort(self, loss: MessagingError) -> None:
        """Give up on a broker that does not answer."""
        with self._guard:
            if self._loss is None:
                self._pika.ioloop.add_callback_threadsafe(functools.partial(self._lose_io, loss))

    def close(self) -> None:
        """End it in order, or after two seconds without."""
        with self._guard:
            if self._loss is None and not self._closing:
                self._closing = True
                self._pika.ioloop.add_callback_threadsafe(self._close_io)
        if threading.current_thread() is self._thread:
            return
        self._thread.join(_CLOSE_TIMEOUT)
        if self._thread.is_alive():
            self._abort(ConnectionLostError(f"{self._address.url} did not answer the goodbye"))
            self._thread.join(_CLOSE_TIMEOUT)

    def _close_io(self) -> None:
        for subscription in list(self._subscriptions):
            subscription.forget_io()
        if self._pika.is_open:
            self._pika.close()
