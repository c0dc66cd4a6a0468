"""Steps of a program's own around each message, and when a connection comes and goes.

    class Audit(Middleware):
        def after_handle(self, received, handler, outcome, seconds):
            audit.info("%s ended as %s after %.3f s", received, outcome, seconds)

    Producer(bus=bus, middlewares=[Audit()])

Producers and consumers without any middleware pay nothing for it: they ask `Chain` once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, Self

from pelagos.messaging.errors import MessagingError

log = logging.getLogger(__name__)

Outcome = Literal["ack", "reject", "requeue", "retry", "dead", "filtered"]
"""What became of a message that was handled.

ack: done. reject: refused for good. requeue: given back to its queue. retry: it failed and comes
again after a while. dead: it was moved to the dead letters. filtered: no handler wanted it.
"""


@dataclass(slots=True)
class Outgoing:
    """A message that is about to be sent.

    Attributes:
        body: the mapping that will be encoded; read only, it may be sent to several exchanges.
        exchange: the exchange's name; empty for the default exchange.
        key: the routing key.
        headers: AMQP headers that travel beside the body; a middleware may add to them.
        message_id: the same when it is sent again.
    """

    body: Mapping[str, Any]
    exchange: str
    key: str
    headers: dict[str, Any] = field(default_factory=dict)
    message_id: str = ""

    @property
    def category(self) -> str:
        """`message`, or `rpc` when an answer is expected."""
        return str(self.body.get("category", ""))

    @property
    def type(self) -> str:
        """The kind of message, such as command or status."""
        return str(self.body.get("type", ""))

    @property
    def name(self) -> str:
        """The command's or status' name."""
        return str(self.body.get("name", ""))


class Incoming(Protocol):
    """What a middleware may rely on in a message that arrived; a ReceivedMessage has more."""

    @property
    def body(self) -> Mapping[str, Any]:
        """The message's mapping, checked."""

    @property
    def headers(self) -> Mapping[str, Any]:
        """AMQP headers that came with it."""

    @property
    def type(self) -> str:
        """The kind of message."""

    @property
    def name(self) -> str:
        """The command's or status' name."""

    @property
    def key(self) -> str:
        """The routing key with which it was sent."""

    @property
    def message_id(self) -> str:
        """Its id; the same when it comes again."""


class Middleware:
    """Derive a class and override what you need; one object may serve many threads at once.

    What `before_publish` raises reaches the sender, and nothing is sent. What `before_handle`
    raises counts as a failure of the handler. What the others raise is logged and ignored: they
    only watch. `before` steps run in the order given, `after` steps in the opposite order.
    """

    def before_publish(self, outgoing: Outgoing) -> None:
        """A message is about to be sent; headers may be added to it."""

    def after_publish(
        self, outgoing: Outgoing, error: MessagingError | None, seconds: float
    ) -> None:
        """The broker has it, or why not; so many seconds after it was given away."""

    def before_handle(self, received: Incoming, handler: str) -> None:
        """A handler, named `Class.method`, gets a message now, in this thread."""

    def after_handle(
        self, received: Incoming, handler: str, outcome: Outcome, seconds: float
    ) -> None:
        """The handler ended, and what became of the message; in the thread of `before_handle`."""

    def on_connected(self, bus: str) -> None:
        """A connection to this bus was opened (its URL without the password)."""

    def on_disconnected(self, bus: str, error: MessagingError | None) -> None:
        """A connection ended: closed in order (None), or lost."""


class Chain(tuple[Middleware, ...]):
    """Several middlewares as one; false when there is none, which each message asks.

    >>> bool(Chain(()))
    False
    """

    __slots__ = ()

    def __new__(cls, middlewares: Iterable[Middleware]) -> Self:
        """Of these, in their order.

        Raises:
            MessagingError: they are no list of middlewares.
        """
        if not isinstance(middlewares, Iterable):
            raise MessagingError(
                f"the middlewares are {middlewares!r}, and no list of them",
                hint="give a list, also of one",
            )
        return super().__new__(cls, middlewares)

    def __init__(self, _middlewares: Iterable[Middleware]) -> None:
        for one in self:
            if not isinstance(one, Middleware):
                raise MessagingError(
                    f"{one!r} is not a middleware",
                    hint="give objects (not classes) derived from pelagos.messaging.Middleware",
                )

    def before_publish(self, outgoing: Outgoing) -> None:
        """Call each; an exception goes on to the sender."""
        for one in self:
            one.before_publish(outgoing)

    def after_publish(
        self, outgoing: Outgoing, error: MessagingError | None, seconds: float
    ) -> None:
        """Call each; never raises."""
        self._watch(lambda one: one.after_publish(outgoing, error, seconds))

    def before_handle(self, received: Incoming, handler: str) -> None:
        """Call each; an exception counts as one of the handler."""
        for one in self:
            one.before_handle(received, handler)

    def after_handle(
        self, received: Incoming, handler: str, outcome: Outcome, seconds: float
    ) -> None:
        """Call each; never raises."""
        self._watch(lambda one: one.after_handle(received, handler, outcome, seconds))

    def on_connected(self, bus: str) -> None:
        """Call each; never raises."""
        self._watch(lambda one: one.on_connected(bus))

    def on_disconnected(self, bus: str, error: MessagingError | None) -> None:
        """Call each; never raises."""
        self._watch(lambda one: one.on_disconnected(bus, error))

    def _watch(self, call: Callable[[Middleware], None]) -> None:
        for one in reversed(self):
            try:
                call(one)
            except Exception:  # others' code that only watches must not change what is done
                log.exception("the middleware %s failed; it is passed over", type(one).__name__)
