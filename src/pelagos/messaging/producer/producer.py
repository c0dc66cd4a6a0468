"""Sends messages and makes calls: to the exchanges of its class, safely, from any thread."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Final, Self

from pelagos.core.backoff import Backoff
from pelagos.core.clock import Clock, SystemClock
from pelagos.messaging import environment
from pelagos.messaging.encoder import Encoder, JsonEncoder
from pelagos.messaging.errors import EncodingError, MessagingError, PublishManyError
from pelagos.messaging.fingerprint import Fingerprint
from pelagos.messaging.message import Message, RpcCommand
from pelagos.messaging.middleware import Chain, Middleware, Outgoing
from pelagos.messaging.producer.caller import Caller
from pelagos.messaging.producer.ending import abandon, close
from pelagos.messaging.producer.naming import MadeUpNames
from pelagos.messaging.producer.options import (
    MESSAGE_OPTIONS,
    RPC_OPTIONS,
    Destinations,
    Options,
    Pair,
    destinations,
    number,
    only_options,
    take_options,
)
from pelagos.messaging.producer.source import Source, checked
from pelagos.messaging.rpc import CallFuture, Replies, Request
from pelagos.messaging.sending.future import is_called_back
from pelagos.messaging.sending.identity import Identity, given_facts
from pelagos.messaging.sending.ids import IdSource
from pelagos.messaging.sending.publisher import Letter, Publisher, PublishFuture
from pelagos.messaging.sending.sender import BUFFER_BYTES, BUFFER_LIMIT
from pelagos.messaging.transports.base import Envelope, Properties, Transport

_NO_HEADERS: Mapping[str, Any] = MappingProxyType({})
_NUMBERS: Final = ("publish_timeout", "rpc_timeout", "max_retry", "buffer_limit", "buffer_bytes")


class GenericProducer(MadeUpNames):
    """Derive a class, name its exchanges, and call `message_NAME` and `rpc_NAME`.

    `producer.message_resize(...)` sends what the method `build_message_resize(...)` returns, or,
    when there is none, `MessageCommand("resize", ...)`. It returns when the broker has the
    message; when the broker is away, it waits and tries again until its time is over. A message
    may arrive twice, with the same message id, never not at all without an error.

    `producer.rpc_resize(...)` sends what `build_rpc_resize(...)` returns, or `RpcCommand("resize",
    ...)`, and returns the answer: a MessageResult, or a MessageResultError or
    MessageResultException, which are false. When no answer comes in time the call is sent again
    with the same id, so that a server that remembers ids executes it once; in the end the
    MessageResultException named TimeoutError is returned.

    Every call that sends also takes

    - `_key`: to the first exchange of `eks` with this key;
    - `_eks`: to these (exchange class, key) pairs, or to this mapping of exchange names of `eks`
      to keys; `_key` does not count then;
    - `_timeout`: seconds, instead of `publish_timeout`, or of `rpc_timeout` for each attempt;
    - `_headers`, `_priority`: AMQP headers, and a priority from 0 to 255;
    - `_future`: return at once; `result()` of what is returned waits, and so does `await`.

    Messages: `_mandatory` (raise UnroutableError when no queue takes it), `_wait` (False: return
    at once and let `flush` tell what became of it), `_expiration` (seconds that it may wait in
    a queue), `_persistent`. Calls: `_max_retry` (how often it is sent again), `_queue_only`
    (return the name of the queue in which the answers are collected, for `consume_rpc`; with
    `_eks`, all pairs are asked). Calls go to the first pair only.

    Attributes:
        eks: (exchange class, key) pairs; without `_key` or `_eks` a message goes to all of them.
        encoder_class: how bodies are written.
        routing_key: the key of pairs that name none.
        hup, vhost: host, user and password, and virtual host, of the default bus.
        publish_timeout: seconds that a call that sends may take, reconnecting included.
        rpc_timeout, max_retry: seconds for each attempt of a call, and attempts after the first.
        rpc_replies: `shared`, `direct` or `private`; see pelagos.messaging.rpc.
        persistent: messages survive a restart of the broker (in durable queues).
        pipelined: messages are handed over without waiting, as with `_wait=False`.
        buffer_limit, buffer_bytes: messages, and bytes, that may wait for their confirmation.
        middlewares: steps around each message.

    >>> from pelagos.messaging import Exchange, connect
    >>> class Events(Exchange):
    ...     name = "events"
    ...     exchange_type = "topic"
    >>> class EventsProducer(GenericProducer):
    ...     eks = ((Events, "plane.event"),)
    >>> with EventsProducer(bus=connect("memory:doctest")) as producer:
    ...     producer.message_wake({"computer": "c1"}, _key="computer.c1.wake")
    """

    eks: Destinations = ()
    encoder_class: type[Encoder] = JsonEncoder
    routing_key: str = "nokey"
    vhost: str | None = None
    hup: Mapping[str, Any] | None = None
    publish_timeout: float = 30.0
    rpc_timeout: float = 30.0
    max_retry: int = 4
    rpc_replies: Replies = "shared"
    persistent: bool = True
    pipelined: bool = False
    buffer_limit: ClassVar[int] = BUFFER_LIMIT
    buffer_bytes: ClassVar[int] = BUFFER_BYTES
    middlewares: Sequence[Middleware] = ()

    def __init__(
        self,
        fingerprint: Fingerprint | Mapping[str, Any] | None = None,
        hup: Mapping[str, Any] | None = None,
        vhost: str | None = None,
        *,
        bus: Transport | str | None = None,
        clock: Clock | None = None,
        backoff: Backoff | None = None,
        middlewares: Sequence[Middleware] | None = None,
    ) -> None:
        for name in _NUMBERS:
            number(name, "a number", getattr(self, name))
        self.hup, self.vhost = hup or self.hup, vhost or self.vhost
        self.bus = environment.open_bus(bus, self.hup, self.vhost)
        given = environment.located(given_facts(fingerprint), self.bus, self.vhost)
        self._identity = Identity(given)
        self._clock = clock or SystemClock()
        self._chain = Chain(self.middlewares if middlewares is None else middlewares)
        self._ids = IdSource()
        self._traffic = environment.traffic_log()
        backoff = backoff or Backoff(first=0.1, limit=2.0)
        self._publisher = Publisher(
            self.bus,
            clock=self._clock,
            backoff=backoff,
            chain=self._chain,
            limit=self.buffer_limit,
            limit_bytes=self.buffer_bytes,
        )
        self._caller = Caller(self.bus, clock=self._clock, backoff=backoff, chain=self._chain)
        weakref.finalize(self, abandon, self._publisher, self._caller)

    @property
    def fingerprint(self) -> dict[str, str]:
        """Who sends: the facts of this process, and over them what was given."""
        return dict(self._identity.facts())

    # Messages.

    def message(self, *args: Any, **kwds: Any) -> PublishFuture | None:
        """Send a plain message with these arguments."""
        options = take_options(kwds, MESSAGE_OPTIONS)
        return self._send(Message(*args, **kwds), options)

    def send(self, message: Message, **options: Any) -> PublishFuture | None:
        """Send a message that was built before."""
        return self._send(message, only_options(options, MESSAGE_OPTIONS))

    def forward(self, body: Mapping[str, Any], **options: Any) -> PublishFuture | None:
        """Send a message's body as it is, with the fingerprint that it has."""
        given = only_options(options, MESSAGE_OPTIONS)
        return self._publish(self._body(body), given)

    def publish_many(self, messages: Iterable[Message | Mapping[str, Any]], **options: Any) -> int:
        """Send many messages, or bodies as they are; return when the broker has them all.

        They are not waited for one by one, and at most `buffer_limit` of them are kept at a time.
        `_timeout` is for all of them together. How many they were. What `messages` raises is
        raised when the broker has those that came before.

        Raises:
            PublishManyError: some could not be written or were not accepted, or time was over;
                `failed` tells which and why, and the others are safe. Its cause is what
                `messages` raised, if it did.
        """
        given = only_options(options, MESSAGE_OPTIONS - {"_wait", "_future"})
        pairs = self._destinations(given)

        def letters_of(message: Message | Mapping[str, Any]) -> list[Letter]:
            try:
                return self._letters(self._one_way(message), given, pairs)
            except TypeError as error:
                raise MessagingError(f"TypeError: {error}") from error

        source = Source(messages)
        try:
            count = self._publisher.publish_many(source, letters_of, self._publish_timeout(given))
        except PublishManyError as error:
            raise error from source.problem
        if source.problem is not None:
            raise source.problem
        return count

    def flush(self, timeout: float | None = None) -> None:
        """Return when the broker has everything that was sent without waiting.

        Raises:
            PublishManyError: some were not accepted; `failed` has them by their place since the
                last flush.
            PublishTimeoutError: some are not confirmed; they are kept, and sent again if need be.
        """
        seconds = self.publish_timeout if timeout is None else timeout
        self._publisher.flush(number("timeout", "a number of seconds", seconds))

    def _body(self, message: Message | Mapping[str, Any]) -> Mapping[str, Any]:
        if isinstance(message, Message):
            message.is_from(self._identity.facts())
            return message.body
        checked(message)
        return message

    def _send(self, message: Message, options: Options) -> PublishFuture | None:
        return self._publish(self._one_way(message), options)

    def _one_way(self, message: Message | Mapping[str, Any]) -> Mapping[str, Any]:
        body = self._body(message)
        if isinstance(message, Message) and body.get("category") == RpcCommand.category:
            raise TypeError(f"nobody would get the answer to {message!r}: give it to call()")
        return body

    def _publish(self, body: Mapping[str, Any], options: Options) -> PublishFuture | None:
        letters = self._letters(body, options, self._destinations(options))
        timeout = self._publish_timeout(options)
        if options.future:
            return self._publisher.promise(letters, timeout)
        if self.pipelined if options.wait is None else not options.wait:
            self._publisher.hand_over(letters, timeout)
        else:
            self._publisher.publish(letters, timeout)
        return None

    def _publish_timeout(self, options: Options) -> float:
        return self.publish_timeout if options.timeout is None else float(options.timeout)

    def _destinations(self, options: Options) -> Sequence[Pair]:
        return destinations(options, self.eks, self.routing_key, type(self).__name__)

    def _encode(self, body: Mapping[str, Any]) -> bytes:
        encoded = self.encoder_class.encode(body)
        if isinstance(encoded, bytes):
            return encoded
        try:
            return encoded.encode() if isinstance(encoded, str) else bytes(memoryview(encoded))
        except (TypeError, UnicodeEncodeError) as error:
            raise EncodingError(
                f"{self.encoder_class.__name__} made no bytes, and no text for UTF-8: {error}"
            ) from error

    def _letters(
        self, body: Mapping[str, Any], options: Options, pairs: Sequence[Pair]
    ) -> list[Letter]:
        data = self._encode(body)
        return [self._letter(exchange, key, body, data, options) for exchange, key in pairs]

    def _letter(
        self, exchange: Any, key: str, body: Mapping[str, Any], data: bytes, options: Options
    ) -> Letter:
        message_id = self._ids.next()
        properties = Properties(
            message_id,
            self.encoder_class.content_type,
            self.persistent if options.persistent is None else options.persistent,
            options.headers or _NO_HEADERS,
            expiration=options.expiration,
            timestamp=int(self._clock.time()),
            priority=options.priority,
        )
        if self._traffic is not None:
            self._traffic.debug("publish to %s with key %s: %s", exchange.name, key, body)
        envelope = Envelope(exchange.name, key, data, properties, bool(options.mandatory))
        outgoing = None
        if self._chain:
            given = properties.headers
            properties.headers, outgoing = self._prepared(
                exchange.name, key, body, given, message_id
            )
        return Letter(exchange, envelope, outgoing)

    def _prepared(
        self,
        exchange: str,
        key: str,
        body: Mapping[str, Any],
        headers: Mapping[str, Any],
        message_id: str,
    ) -> tuple[Mapping[str, Any], Outgoing]:
        """What the middlewares make of a message before it is sent."""
        outgoing = Outgoing(body, exchange, key, dict(headers), message_id)
        self._chain.before_publish(outgoing)
        return outgoing.headers, outgoing

    # Calls.

    def call(self, message: Message, **options: Any) -> Any:
        """Make a call with a message that was built before; see `rpc_NAME`."""
        return self._call(message, only_options(options, RPC_OPTIONS))

    def _call(self, message: Message, options: Options) -> Message | CallFuture | str:
        body = self._body(message)
        if body.get("category") != RpcCommand.category:
            raise TypeError(f"nobody answers {message!r}: give it to send(), or make it a call")
        pairs = self._destinations(options)
        if not pairs:
            raise MessagingError("a call needs somewhere to go", hint="_eks must not be empty")
        data, call_id = self._encode(body), self._ids.next()
        if options.queue_only:
            asked = pairs if options.eks is not None else pairs[:1]
            return self._caller.scatter(
                [self._request(*pair, body, data, options, call_id) for pair in asked]
            )
        request, outgoing = self._request(*pairs[0], body, data, options, call_id)
        make = self._caller.submit if options.future else self._caller.call
        return make(request, outgoing, self.encoder_class, self.rpc_replies)

    def _request(
        self,
        exchange: Any,
        key: str,
        body: Mapping[str, Any],
        data: bytes,
        options: Options,
        call_id: str,
    ) -> tuple[Request, Outgoing | None]:
        headers: Mapping[str, Any] = options.headers or _NO_HEADERS
        outgoing = None
        if self._chain:
            headers, outgoing = self._prepared(exchange.name, key, body, headers, call_id)
        timeout, retries = options.timeout, options.max_retry
        if self._traffic is not None:
            self._traffic.debug("call to %s with key %s: %s", exchange.name, key, body)
        request = Request(
            exchange=exchange,
            key=key,
            body=data,
            call_id=call_id,
            content_type=self.encoder_class.content_type,
            timeout=self.rpc_timeout if timeout is None or timeout < 0 else float(timeout),
            retries=max(0, self.max_retry if retries is None else int(retries)),
            headers=headers,
            priority=options.priority,
            timestamp=int(self._clock.time()),
        )
        return request, outgoing

    def consume_rpc(
        self,
        queue: str,
        result_len: int = 1,
        callback: Callable[[Any], object] | None = None,
        timeout: float | None = None,
    ) -> list[Message]:
        """The answers to a call with `_queue_only`: so many, or as many as came in time.

        Args:
            queue: what the call returned; it is gone afterwards.
            result_len: answers to wait for.
            callback: called with the decoded body of each.
            timeout: seconds for all of them; None or negative: `rpc_timeout`.

        Raises:
            MessagingError: it is no such queue, or the request could not be sent.
        """
        seconds = self.rpc_timeout if timeout is None else timeout
        seconds = number("timeout", "a number of seconds", seconds)
        seconds = self.rpc_timeout if seconds < 0 else seconds
        count = int(number("result_len", "a whole number", result_len, int))
        return self._caller.gather(queue, count, seconds, self.encoder_class, callback)

    # The rest.

    def serialize_text_file(self, path: str | os.PathLike[str]) -> dict[str, Any]:
        """The name and the lines of a text file, as content for a message."""
        file = Path(path)
        with file.open(encoding="utf-8") as lines:
            return {"name": file.name, "content": list(lines)}

    def close(self) -> None:
        """End the connections; again is harmless. First, what was not waited for is flushed.

        Threads that still wait get an error. A callback of a future does not wait for the end.

        Raises:
            PublishError: some of what was not waited for did not arrive, or not for sure.
        """
        if is_called_back():
            threading.Thread(target=self.close, name="close", daemon=True).start()
            return
        try:
            if not self._publisher.idle():
                self.flush()
        finally:
            close(self._publisher, self._caller)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            close(self._publisher, self._caller)
