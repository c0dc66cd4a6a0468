"""`postage.messaging`: its public names, and the private ones that programs came to rely on."""

from __future__ import annotations

import builtins
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pelagos import messaging as ours
from pelagos.compat.postage.channel import ChannelDesk
from pelagos.messaging import (
    Encoder,
    Exchange,
    Fingerprint,
    JsonEncoder,
    MessageCommand,
    MessageResult,
    MessageResultError,
    MessageResultException,
    MessageStatus,
    ReceivedMessage,
    RejectMessage,
    RpcCommand,
    environment,
)
from pelagos.messaging.binding import Eqk
from pelagos.messaging.consumer.handling import Callback
from pelagos.messaging.errors import AckAndRestart, FilterError
from pelagos.messaging.message import read_result
from pelagos.messaging.processor import (
    Handler,
    MessageFilter,
    MessageHandler,
    MessageHandlerFullBody,
    MessageProcessor,
    RpcHandler,
)
from pelagos.messaging.producer.options import Destinations, Options

__all__ = [
    "AckAndRestart",
    "Encoder",
    "Exchange",
    "FilterError",
    "Fingerprint",
    "GenericConsumer",
    "GenericProducer",
    "Handler",
    "JsonEncoder",
    "Message",
    "MessageCommand",
    "MessageFilter",
    "MessageHandler",
    "MessageHandlerFullBody",
    "MessageProcessor",
    "MessageResult",
    "MessageResultError",
    "MessageResultException",
    "MessageStatus",
    "RejectMessage",
    "RpcCommand",
    "RpcHandler",
    "TimeoutError",
]

TimeoutError = builtins.TimeoutError  # noqa: A001 - the ancestor's name


def __getattr__(name: str) -> Any:
    """What the environment says, each time anew."""
    if name == "global_hup":
        return environment.hup()
    if name == "global_vhost":
        return environment.vhost()
    if name == "debug_mode":
        return environment.debug_mode()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class Message(ours.Message):
    """A plain message; its positional arguments stay the tuple that they were until it is sent."""

    def __init__(self, *args: Any, **kwds: Any) -> None:
        super().__init__(*args, **kwds)
        if args:
            self.body["content"]["args"] = args


@dataclass(frozen=True, slots=True)
class _Announced:
    """What travels beside a body, as far as programs looked at it."""

    content_type: str
    reply_to: str | None = None


def _options(kwds: dict[str, Any]) -> dict[str, Any]:
    return {name: kwds.pop(name) for name in list(kwds) if name.startswith("_")}


class GenericProducer(ours.GenericProducer):
    """Our producer with the ancestor's default exchange and private names.

    Attributes:
        rpc_replies: a queue for each call, as the ancestor had it: its servers do not repeat the
            correlation id that a shared queue needs. "shared" where none of them answers any more.
        open_connection: a static method (hup, vhost) that opens a connection of the shape that
            pika had up to 0.13; when it is set, messages and calls go over a channel of it instead
            of over the bus, as the ancestor sent them: without confirms, and with a queue for
            each attempt of a call.
        channel: that channel, or None.
    """

    eks: Destinations = ((Exchange, "nokey"),)
    rpc_replies = "private"
    open_connection: ClassVar[Any] = None  # an OpenConnection, as a static method

    def __init__(
        self,
        fingerprint: Fingerprint | Mapping[str, Any] | None = None,
        hup: Mapping[str, Any] | None = None,
        vhost: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(fingerprint, hup, vhost, **options)
        self._desk: ChannelDesk | None = None
        if self.open_connection is not None:
            where = self.hup or environment.hup()
            opened = self.open_connection(where, self.vhost or environment.vhost())
            self._desk = ChannelDesk(opened, self.encoder_class)
            pairs = self._destinations(Options())
            self._desk.declare(dict.fromkeys(exchange for exchange, _ in pairs))

    @property
    def channel(self) -> Any:
        """The channel that was brought along, or None."""
        return None if self._desk is None else self._desk.channel

    @property
    def encoder(self) -> Encoder:
        """What writes the bodies."""
        return self.encoder_class()

    @property
    def default_exchange(self) -> type[Exchange]:
        """Where a message with nothing but a `_key` goes."""
        return self._destinations(Options())[0][0]

    def message(self, *args: Any, **kwds: Any) -> Any:
        """Send a plain message with these arguments."""
        return self._message_send(*args, _callable=Message, **kwds)

    def _message_send(self, *args: Any, _callable: Callable[..., Any], **kwds: Any) -> Any:
        options = _options(kwds)
        return self.send(_callable(*args, **kwds), **options)

    def _rpc_send(self, *args: Any, _callable: Callable[..., Any], **kwds: Any) -> Any:
        options = _options(kwds)
        return self.call(_callable(*args, **kwds), **options)

    def _build_message_properties(self) -> Any:
        return _Announced(self.encoder_class.content_type)

    def _build_rpc_properties(self, reply_to: str | None = None) -> Any:
        return _Announced(self.encoder_class.content_type, reply_to)

    # Over a channel.

    def _publish(self, body: Mapping[str, Any], options: Options) -> Any:
        if self._desk is None:
            return super()._publish(body, options)
        self._desk.send(self._destinations(options), self._encode(body))
        return None

    def _call(self, message: ours.Message, options: Options) -> Any:
        if self._desk is None:
            return super()._call(message, options)
        pair, data = self._destinations(options)[0], self._encode(self._body(message))
        if options.queue_only:
            return self._desk.ask(pair, data)
        timeout, retries = options.timeout, options.max_retry
        seconds = self.rpc_timeout if timeout is None or timeout < 0 else timeout
        for _ in range(1 + max(0, self.max_retry if retries is None else retries)):
            answers = self._desk.gather(self._desk.ask(pair, data), 1, seconds)
            if answers:
                return read_result(answers[0])
        return MessageResultException("TimeoutError", "")

    def consume_rpc(
        self,
        queue: str,
        result_len: int = 1,
        callback: Callable[[Any], object] | None = None,
        timeout: float | None = None,
    ) -> list[ours.Message]:
        """The answers to a call with `_queue_only`: so many, or as many as came in time."""
        if self._desk is None:
            return super().consume_rpc(queue, result_len, callback, timeout)
        seconds = self.rpc_timeout if timeout is None or timeout < 0 else timeout
        answers = self._desk.gather(queue, result_len, seconds)
        if callback is not None:
            for answer in answers:
                callback(answer)
        return [read_result(answer) for answer in answers]


class GenericConsumer(ours.GenericConsumer):
    """Our consumer with the ancestor's callback of four: channel, method, header and body.

    `method` and `header` are the message itself, as `ack`, `reject` and `rpc_reply` take it. A
    message that the callback has not settled is acknowledged when it returns.
    """

    def __init__(
        self,
        eqk: Eqk | None = None,
        hup: Mapping[str, Any] | None = None,
        vhost: str | None = None,
        **options: Any,
    ) -> None:
        given = list(type(self).eqk if eqk is None else eqk)
        super().__init__(given, hup, vhost, **options)
        self.eqk: Any = given

    def add_eqk(self, eqk: Eqk) -> None:
        """Read more; while consuming, from now on."""
        eqk = list(eqk)
        for exchange, pairs in eqk:
            for queue, key, *arguments in pairs:
                self.queue_bind(exchange, queue, key, binding_arguments=dict(*arguments))
        self.eqk.extend(eqk)

    def start_consuming(self, callback: Callable[..., object]) -> None:
        """Consume until `stop_consuming`; the callback gets four arguments, or one message."""
        super().start_consuming(self._of_one(callback))

    def _of_one(self, callback: Callable[..., object]) -> Callback:
        try:
            inspect.signature(callback).bind(self, None, None, b"")
        except TypeError:
            return callback

        def of_one(message: ReceivedMessage) -> object:
            return callback(self, message, message, message.delivery.body)

        return of_one
