"""Sends messages: to the exchanges of its class, safely, from any thread."""

from __future__ import annotations

import functools
import os
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Self

from pelagos.core.backoff import Backoff
from pelagos.core.clock import Clock, SystemClock
from pelagos.messaging.encoder import Encoder, JsonEncoder
from pelagos.messaging.errors import MessagingError
from pelagos.messaging.exchange import Exchange
from pelagos.messaging.fingerprint import Fingerprint
from pelagos.messaging.message import Message, MessageCommand
from pelagos.messaging.sender import Sender
from pelagos.messaging.transports.base import Envelope, Properties, Transport

_PREFIX = "message_"

Destinations = Sequence[tuple[type[Exchange], str]]


class GenericProducer:
    """Derive a class, name its exchanges, and call `message_NAME`.

    `producer.message_resize(...)` sends what the method `build_message_resize(...)` returns, or,
    when there is none, `MessageCommand("resize", ...)`. A call returns when the broker has the
    message; when the broker is away, it waits and tries again until its time is over. A message
    may arrive twice, never not at all without an error.

    Every call that sends also takes

    - `_key`: to the first exchange of `eks` with this key;
    - `_eks`: to these (exchange class, key) pairs, or to this mapping of exchange names of `eks`
      to keys;
    - `_timeout`: seconds, instead of `publish_timeout`;
    - `_mandatory`: raise UnroutableError when no queue takes it.

    Attributes:
        eks: (exchange class, key) pairs; without `_key` or `_eks` a message goes to all of them.
        encoder_class: how bodies are written.
        publish_timeout: seconds that a call may take, reconnecting included.

    >>> from pelagos.messaging import connect
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
    publish_timeout: float = 30.0

    def __init__(
        self,
        fingerprint: Fingerprint | Mapping[str, Any] | None = None,
        *,
        bus: Transport,
        clock: Clock | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        self.bus = bus
        given = fingerprint.given() if isinstance(fingerprint, Fingerprint) else fingerprint or {}
        self._facts = Fingerprint().as_dict() | {key: str(value) for key, value in given.items()}
        self._own_pid = "pid" not in given
        self._clock = clock or SystemClock()
        self._sender = Sender(
            bus, clock=self._clock, backoff=backoff or Backoff(first=0.1, limit=2.0)
        )

    @property
    def fingerprint(self) -> dict[str, str]:
        """Who sends: the facts of this process, and over them what was given."""
        if self._own_pid:
            return self._facts | {"pid": str(os.getpid())}  # another one after a fork
        return dict(self._facts)

    def __getattr__(self, name: str) -> Any:
        command = name.removeprefix(_PREFIX)
        if not command or command == name:
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self
            )
        return functools.partial(self._send_command, command)

    def _send_command(self, command: str, *args: Any, **kwds: Any) -> None:
        options = _take_options(kwds)
        build = getattr(self, f"build_{_PREFIX}{command}", None)
        if build is None:
            build = functools.partial(MessageCommand, command)
        self._send_message(build(*args, **kwds), options)

    def message(self, *args: Any, **kwds: Any) -> None:
        """Send a plain message with these arguments."""
        options = _take_options(kwds)
        self._send_message(Message(*args, **kwds), options)

    def forward(self, body: Mapping[str, Any], **options: Any) -> None:
        """Send a message's body as it is, with the fingerprint that it has."""
        given = _take_options(options)
        if options:
            raise TypeError(
                f"forward() got an unexpected keyword argument {next(iter(options))!r}"
            )
        self._send_body(body, given)

    def _send_message(self, message: Message, options: dict[str, Any]) -> None:
        message.fingerprint(**self.fingerprint)
        self._send_body(message.body, options)

    def _send_body(self, body: Mapping[str, Any], options: dict[str, Any]) -> None:
        encoded = self.encoder_class.encode(body)
        data = encoded.encode() if isinstance(encoded, str) else bytes(encoded)
        timeout = options.get("_timeout")
        self._sender.send(
            [
                (exchange, self._envelope(exchange, key, data, bool(options.get("_mandatory"))))
                for exchange, key in self._destinations(options)
            ],
            self.publish_timeout if timeout is None else float(timeout),
        )

    def _envelope(
        self, exchange: type[Exchange], key: str, data: bytes, mandatory: bool
    ) -> Envelope:
        properties = Properties(
            message_id=uuid.uuid4().hex,
            content_type=self.encoder_class.content_type,
            timestamp=int(self._clock.time()),
        )
        return Envelope(exchange.name, key, data, properties, mandatory=mandatory)

    def _destinations(self, options: dict[str, Any]) -> Destinations:
        eks, key = options.get("_eks"), options.get("_key")
        if eks is not None and key is not None:
            raise TypeError("give either _key or _eks: _eks already names its keys")
        if eks is not None:
            return self._by_name(eks) if isinstance(eks, Mapping) else list(eks)
        if not self.eks:
            raise MessagingError(
                f"{type(self).__name__} names no exchange",
                hint="set its class attribute eks, or pass _eks",
            )
        return self.eks if key is None else [(self.eks[0][0], key)]

    def _by_name(self, eks: Mapping[str, str]) -> Destinations:
        known = {exchange.name: exchange for exchange, _ in self.eks}
        unknown = [name for name in eks if name not in known]
        if unknown:
            raise MessagingError(
                f"{type(self).__name__} has no exchange named {unknown[0]!r}",
                hint=f"known are {', '.join(sorted(known)) or 'none'}; add it to eks",
            )
        return [(known[name], key) for name, key in eks.items()]

    def close(self) -> None:
        """End the connection; again is harmless."""
        self._sender.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _take_options(kwds: dict[str, Any]) -> dict[str, Any]:
    names = ("_key", "_eks", "_timeout", "_mandatory")
    return {name: kwds.pop(name) for name in names if name in kwds}
