"""One connection to an AMQP broker.

Each connection has one thread that reads and serves heartbeats, so these go on while handlers
work. Everybody else writes what he has himself (see `outgoing`). Methods whose name begins with
`_on_` run in the connection's own thread.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any, Final, TypeVar, cast

from pelagos.messaging import codec
from pelagos.messaging.codec import Content, Frame, Method, methods
from pelagos.messaging.errors import ConnectionLostError, MessagingError, UnroutableError
from pelagos.messaging.transports.address import BrokerAddress
from pelagos.messaging.transports.amqp.consumers import Consumers
from pelagos.messaging.transports.amqp.handshake import shake_hands
from pelagos.messaging.transports.amqp.loop import Loop
from pelagos.messaging.transports.amqp.posting import CHANNEL as POSTING
from pelagos.messaging.transports.amqp.posting import Posting
from pelagos.messaging.transports.amqp.publishing import CHANNEL as PUBLISHING
from pelagos.messaging.transports.amqp.publishing import Publishing
from pelagos.messaging.transports.amqp.requests import CONTROL, GETTING, Requests, Topology
from pelagos.messaging.transports.base import (
    Delivery,
    Done,
    Envelope,
    OnDelivery,
    OnEnd,
    Queue,
    check_names,
)
from pelagos.messaging.transports.broker_transport import PREFETCH_MAX, Wish
from pelagos.messaging.transports.refusal import refusal

log = logging.getLogger(__name__)

_CLOSE_TIMEOUT: Final = 2.0  # seconds for an orderly end; then the socket is dropped

_M = TypeVar("_M", bound=Method)
_T = TypeVar("_T")


_Listener = Callable[[int, Any, Content | None], None]


class AmqpConnection(Topology):
    """One connection to an AMQP broker."""

    def __init__(self, address: BrokerAddress, timeout: float) -> None:
        link = shake_hands(address, timeout)
        self._server, self._heartbeat = link.server, float(link.heartbeat)
        self._url = address.url
        self._timeout = timeout
        self._loss: MessagingError | None = None
        self._closing = False
        self._blocked: str | None = None
        self._loop = Loop(link, self._url, self._on_frame, self._on_loss)
        self._outgoing = self._loop.outgoing
        self._publishing = Publishing(self._outgoing, link.frame_max)
        self._posting = Posting(self._outgoing, link.frame_max)
        self._requests = Requests(self._outgoing)
        self._consumers = Consumers(
            self._outgoing, self._publishing, link.channel_max, self._url, self._check
        )
        self._listeners: dict[type[Method], _Listener] = {
            methods.BasicNack: self._on_nack,
            methods.BasicReturn: self._on_return,
            methods.BasicConsumeOk: self._on_consume_ok,
            methods.BasicCancel: self._on_cancel,
            methods.BasicCancelOk: self._on_cancel,
            methods.ChannelClose: self._on_channel_close,
            methods.ChannelCloseOk: self._on_channel_close_ok,
            methods.ChannelFlow: self._on_flow,
            methods.ConnectionBlocked: self._on_blocked,
            methods.ConnectionUnblocked: self._on_unblocked,
            methods.ConnectionClose: self._on_connection_close,
            methods.ConnectionCloseOk: self._on_connection_close_ok,
        }
        for method in link.early:
            self._on_frame((0, method, None))
        self._loop.start()
        log.debug("connected to %s", self._url)

    @property
    def is_open(self) -> bool:
        """Whether it can be used, as far as is known."""
        return self._loss is None and not self._closing

    @property
    def server(self) -> Mapping[str, Any]:
        """What the broker says of itself, such as its product and version."""
        return self._server

    @property
    def heartbeat(self) -> float:
        """Seconds within which each side lets the other hear something."""
        return self._heartbeat

    @property
    def blocked(self) -> str | None:
        """Why the broker takes no messages just now, or None."""
        return self._blocked

    # Requests.

    def _ask(self, method: Method, answer: type[_M], name: str) -> _M:
        return cast("_M", self._ask_on(CONTROL, method, (answer,), name)[0])

    def _ask_on(
        self, channel: int, method: Method, answers: tuple[type[Method], ...], name: str
    ) -> tuple[Method, Content | None]:
        with self._requests.turn:
            self._check()
            found = self._wait(self._requests.start(channel, method, name))
        if not isinstance(found[0], answers):
            problem = ConnectionLostError(f"{self._url} answers with {type(found[0]).__name__}")
            self._loop.break_off(problem)
            raise problem
        return found

    def _wait(self, future: Future[_T]) -> _T:
        try:
            return future.result(self._timeout)
        except TimeoutError:
            lost = ConnectionLostError(f"{self._url} did not answer within {self._timeout:g} s")
            self._loop.break_off(lost)
            raise lost from None
        except MessagingError:
            raise
        except BaseException:  # what a signal's handler raises: the next request would be
            # given this one's answer, and nobody could cancel this consumer
            lost = ConnectionLostError(f"who waited for {self._url} was interrupted")
            self._loop.break_off(lost)
            raise

    def _check(self) -> None:
        if self._loss is not None or self._closing:
            raise ConnectionLostError(
                str(self._loss or f"the connection to {self._url} is closed")
            )

    # Publishing.

    def publish(self, envelope: Envelope, done: Done) -> None:
        """Hand a message over; `done` tells when the broker has it."""
        if self._closing:
            done(ConnectionLostError(f"the connection to {self._url} is closed"))
        else:
            self._publishing.publish(envelope, done)

    def post(self, envelope: Envelope, *, at_once: bool = True) -> bool:
        """Hand a message over of which nobody waits to hear; whether it was taken."""
        if self._loss is not None or self._closing:
            self._check()
        return self._posting.post(envelope, at_once=at_once)

    def on_return(self, tell: Callable[[UnroutableError], None]) -> None:
        """Tell of what was posted as mandatory and no queue takes."""
        self._posting.returned = tell

    # Consuming.

    def get(self, queue: str) -> Delivery | None:
        """Take the first message of a queue."""
        check_names(queue=queue)
        self.declare_queue(Queue(queue, passive=True))  # an error of get would lose earlier ones
        wanted = (methods.BasicGetOk, methods.BasicGetEmpty)
        method, content = self._ask_on(GETTING, methods.BasicGet(queue), wanted, queue)
        if not isinstance(method, methods.BasicGetOk) or content is None:
            return None
        return self._consumers.got(queue, method, content)

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
        self._check()
        wish = Wish(queue, min(prefetch, PREFETCH_MAX), no_ack, exclusive, arguments or {})
        subscription = self._consumers.begin(wish, on_delivery, on_end)
        self._wait(subscription.future)
        return subscription.name

    def cancel(self, consumer: str) -> None:
        """Let no more deliveries come."""
        cancelled = self._consumers.cancel(consumer)
        if cancelled is not None:
            self._wait(cancelled)

    def ack(self, delivery: Delivery) -> None:
        """It is done."""
        if self._loss is not None or self._closing:
            self._check()
        self._consumers.ack(delivery)

    def reject(self, delivery: Delivery, *, requeue: bool) -> None:
        """Give it back (nack: not counted as a failure by quorum queues), or refuse it."""
        self._check()
        self._consumers.reject(delivery, requeue=requeue)

    def holds(self, delivery: Delivery) -> bool:
        """Whether the channel on which it came is still there."""
        return self._consumers.holds(delivery)

    # What the broker says.

    def _on_frame(self, frame: Frame) -> None:
        channel, method, content = frame
        if type(method) is methods.BasicDeliver and content is not None:
            self._consumers.on_deliver(channel, method, content)
        elif type(method) is methods.BasicAck:
            tag = method.delivery_tag
            self._publishing.on_confirm(tag, multiple=method.multiple, refused=False)
        else:
            listen = self._listeners.get(type(method))
            if listen is not None:
                listen(channel, method, content)
            elif channel in (CONTROL, GETTING):
                self._requests.on_answer(channel, method, content)

    def _on_nack(self, _channel: int, method: Any, _content: Content | None) -> None:
        tag = method.delivery_tag
        self._publishing.on_confirm(tag, multiple=method.multiple, refused=True)

    def _on_return(self, channel: int, method: Any, content: Content | None) -> None:
        if content is not None:
            (self._posting if channel == POSTING else self._publishing).on_return(method, content)

    def _on_consume_ok(self, channel: int, method: Any, _content: Content | None) -> None:
        self._consumers.on_started(channel, method.consumer_tag)

    def _on_cancel(self, channel: int, method: Any, _content: Content | None) -> None:
        self._consumers.on_cancel(channel, method.consumer_tag)

    def _on_channel_close(self, channel: int, method: Any, _content: Content | None) -> None:
        code, text = method.reply_code, method.reply_text
        if channel in (PUBLISHING, POSTING):
            self._loss = lost = ConnectionLostError(f"the connection to {self._url} ended: {text}")
            if channel == PUBLISHING:
                self._publishing.on_close(method, lost)
            self._loop.break_off(lost)
        else:
            self._consumers.on_close(channel, code, text)
            if channel in (CONTROL, GETTING):
                name = self._requests.name
                self._requests.on_close(channel, refusal(code, text, self._url, name))

    def _on_channel_close_ok(self, channel: int, _method: Any, _content: Any) -> None:
        self._consumers.on_close_ok(channel)

    def _on_flow(self, channel: int, method: Any, _content: Any) -> None:
        with self._outgoing.lock:
            answer = methods.ChannelFlowOk(method.active)
            self._outgoing.add(codec.encode_method(channel, answer))

    def _on_blocked(self, _channel: int, method: Any, _content: Any) -> None:
        self._blocked = method.reason or "no reason given"
        log.warning("%s takes no messages for now: %s", self._url, self._blocked)

    def _on_unblocked(self, _channel: int, _method: Any, _content: Any) -> None:
        self._blocked = None
        log.info("%s takes messages again", self._url)

    def _on_connection_close(self, _channel: int, method: Any, _content: Any) -> None:
        with self._outgoing.lock:
            self._outgoing.add(codec.encode_method(0, methods.ConnectionCloseOk()))
        self._outgoing.send_from_loop(writable=False)
        code, text = method.reply_code, method.reply_text
        cause = (method.class_id, method.method_id)
        self._requests.on_end(cause, refusal(code, text, self._url, self._requests.name))
        said = f"{code} {text}"
        self._loop.break_off(
            ConnectionLostError(f"the connection to {self._url} ended: the broker says {said}")
        )

    def _on_connection_close_ok(self, _channel: int, _method: Any, _content: Any) -> None:
        self._loop.break_off(ConnectionLostError(f"the connection to {self._url} is closed"))

    # The end.

    def _on_loss(self, loss: MessagingError) -> None:
        """It is over: tell everybody who waits, once."""
        with self._outgoing.lock:
            self._loss = loss
        log.debug("%s", loss)
        self._requests.give_up(loss)
        self._posting.give_up(loss)
        self._publishing.give_up(loss)
        self._consumers.give_up(loss, quiet=self._closing)

    def close(self) -> None:
        """End it in order, or after two seconds without."""
        with self._outgoing.lock:
            first = self._loss is None and not self._closing
            self._closing = True
        if first:
            self._outgoing.send()  # what was settled is settled
            with self._outgoing.lock:
                self._outgoing.add(codec.encode_method(0, methods.ConnectionClose(200, "goodbye")))
            self._outgoing.send()
        thread = self._loop.thread
        if threading.current_thread() is thread:
            return
        thread.join(_CLOSE_TIMEOUT)
        if thread.is_alive():
            self._loop.break_off(ConnectionLostError(f"{self._url} did not answer the goodbye"))
            thread.join(_CLOSE_TIMEOUT)
