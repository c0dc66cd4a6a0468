"""Questions to the broker, one at a time, and what they ask: exchanges, queues and bindings."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any, Final, TypeVar

from pelagos.messaging import codec
from pelagos.messaging.codec import CodecError, Content, Method, methods
from pelagos.messaging.errors import MessagingError, TopologyError
from pelagos.messaging.exchange import Exchange
from pelagos.messaging.transports.amqp.outgoing import Outgoing
from pelagos.messaging.transports.base import Queue, QueueInfo, check_names

#: The channel of all requests, and that of what was got: those stay unsettled on theirs.
CONTROL: Final = 2
GETTING: Final = 3

_PRECONDITION: Final = 406

_Answer = tuple[Method, Content | None]
_M = TypeVar("_M", bound=Method)


class Requests:
    """Sends a request, and finds the thread that waits for the answer.

    Attributes:
        name: of what the request on its way is about.
        turn: held by whose request is on its way: one at a time, so that errors find theirs.
    """

    def __init__(self, outgoing: Outgoing) -> None:
        self._outgoing = outgoing
        self.turn = threading.Lock()
        self._waiting: Future[_Answer] | None = None
        self._channel = 0
        self._asked = (0, 0)
        self.name = ""
        self._open: set[int] = set()
        self._loss: MessagingError | None = None

    def start(self, channel: int, method: Method, name: str) -> Future[_Answer]:
        """Send it; call it inside `turn`.

        Raises:
            TopologyError: it has arguments that cannot be written.
        """
        try:
            data = codec.encode_method(channel, method)
        except CodecError as error:
            raise TopologyError(
                f"the arguments of {name!r} cannot be written: {error}",
                code=_PRECONDITION,
                name=name,
            ) from error
        future: Future[_Answer] = Future()
        with self._outgoing.lock:
            if self._loss is not None:
                raise self._loss
            self._waiting, self._channel, self.name = future, channel, name
            self._asked = method.INDEX
            if channel not in self._open:
                self._open.add(channel)
                self._outgoing.add(codec.encode_method(channel, methods.ChannelOpen()))
            self._outgoing.add(data)
        self._outgoing.send()
        return future

    # In the connection's own thread.

    def on_answer(self, channel: int, method: Method, content: Content | None) -> None:
        """The broker answered, or opened the channel."""
        if channel == self._channel and not isinstance(method, methods.ChannelOpenOk):
            waiting, self._waiting = self._waiting, None
            if waiting is not None:
                waiting.set_result((method, content))

    def on_close(self, channel: int, problem: MessagingError) -> None:
        """The broker closed the channel: it refuses the request."""
        with self._outgoing.lock:
            self._open.discard(channel)
        if channel == self._channel:  # else it is about something older: a request goes on
            self._fail(problem)

    def on_end(self, cause: tuple[int, int], problem: MessagingError) -> None:
        """The broker ends the connection because of a method with this index."""
        if cause == self._asked:
            self._fail(problem)

    def give_up(self, loss: MessagingError) -> None:
        """The connection is over."""
        with self._outgoing.lock:
            self._loss = loss
        self._fail(loss)

    def _fail(self, problem: MessagingError) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.set_exception(problem)


class Topology(ABC):
    """The half of a connection that declares, binds and deletes."""

    @abstractmethod
    def _ask(self, method: Method, answer: type[_M], name: str) -> _M:
        """Send a request that is about `name`, and wait for an answer of this kind."""

    def declare_exchange(self, exchange: type[Exchange]) -> None:
        """Make sure that the exchange exists as described."""
        check_names(exchange.name)
        if exchange.name:
            given: dict[str, Any] = exchange.parameters
            declare = methods.ExchangeDeclare(
                given["exchange"],
                given["exchange_type"],
                given["passive"],
                given["durable"],
                given["auto_delete"],
                arguments=given.get("arguments") or {},
            )
            self._ask(declare, methods.ExchangeDeclareOk, exchange.name)

    def declare_queue(self, queue: Queue) -> QueueInfo:
        """Make sure that the queue exists as described."""
        declare = methods.QueueDeclare(
            queue.name,
            queue.passive,
            queue.durable,
            queue.exclusive,
            queue.auto_delete,
            arguments=queue.arguments,
        )
        made = self._ask(declare, methods.QueueDeclareOk, queue.name)
        return QueueInfo(made.queue, made.message_count, made.consumer_count)

    def delete_exchange(self, exchange: str) -> None:
        """Delete an exchange; one that is not there is no error."""
        check_names(exchange)
        self._ask(methods.ExchangeDelete(exchange), methods.ExchangeDeleteOk, exchange)

    def bind(
        self, exchange: str, queue: str, key: str, arguments: Mapping[str, Any] | None = None
    ) -> None:
        """Let the exchange put what matches into the queue."""
        check_names(exchange, queue, key)
        bind = methods.QueueBind(queue, exchange, key, arguments=arguments or {})
        self._ask(bind, methods.QueueBindOk, queue)

    def unbind(
        self, exchange: str, queue: str, key: str, arguments: Mapping[str, Any] | None = None
    ) -> None:
        """Take a binding away; one that is not there is no error."""
        check_names(exchange, queue, key)
        unbind = methods.QueueUnbind(queue, exchange, key, arguments or {})
        try:
            self._ask(unbind, methods.QueueUnbindOk, queue)
        except TopologyError as error:
            if not error.is_missing:
                raise

    def bind_exchange(self, source: str, destination: str, key: str) -> None:
        """Let one exchange pass what matches the key on to another."""
        check_names(source, key=key)
        check_names(destination)
        bind = methods.ExchangeBind(destination, source, key)
        self._ask(bind, methods.ExchangeBindOk, destination)

    def delete_queue(self, queue: str) -> None:
        """Delete a queue with its messages; one that is not there is no error."""
        check_names(queue=queue)
        self._ask(methods.QueueDelete(queue), methods.QueueDeleteOk, queue)

    def purge_queue(self, queue: str) -> int:
        """Drop what waits in a queue; how many messages that were."""
        check_names(queue=queue)
        return self._ask(methods.QueuePurge(queue), methods.QueuePurgeOk, queue).message_count
