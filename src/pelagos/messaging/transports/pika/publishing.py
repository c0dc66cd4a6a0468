"""The channel over which one connection publishes, with confirmations.

Everything here runs in the connection's I/O thread, except `put`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import pika
from pika import exceptions as pika_errors

from pelagos.messaging.errors import MessagingError, PublishRefusedError, unroutable
from pelagos.messaging.transports.address import BrokerAddress
from pelagos.messaging.transports.base import Done, Envelope
from pelagos.messaging.transports.pika.translate import UNWRITABLE, lost_error, pack_properties
from pelagos.messaging.transports.refusal import refused_publish, refused_publishes


class Publishing:
    """Sends what was put, in order, and tells everybody what became of theirs."""

    def __init__(self, address: BrokerAddress, on_loss: Callable[[MessagingError], None]) -> None:
        self._address = address
        self._on_loss = on_loss
        self._outgoing: deque[tuple[Envelope, Done]] = deque()
        self._channel: Any = None
        self._confirming = False
        self._waiting: deque[Callable[[Any], None]] = deque()
        self._tag = 0
        self._unconfirmed: dict[int, tuple[Envelope, Done]] = {}
        self._returned: set[str] = set()

    def put(self, envelope: Envelope, done: Done) -> None:
        """Add a message, from any thread; `flush_io` sends it."""
        self._outgoing.append((envelope, done))

    def flush_io(self, connection: Any) -> None:
        """Send what was put; the first time, open the channel for it."""
        self._open_io(connection)
        if not self._confirming:
            return
        while self._outgoing and self._channel.is_open:
            envelope, done = self._outgoing.popleft()
            problem = self._publish_io(envelope)
            if problem is None:
                self._tag += 1
                self._unconfirmed[self._tag] = (envelope, done)
            else:
                done(problem)

    def _open_io(self, connection: Any) -> None:
        if self._channel is None:
            self._channel = connection.channel(on_open_callback=self._on_open_io)
            self._channel.add_on_close_callback(self._on_close_io)

    def when_open_io(self, connection: Any, action: Callable[[Any], None]) -> None:
        """Do something with the channel that publishes, once it is there."""
        if self._confirming:
            action(self._channel)
        elif connection.is_open:
            self._waiting.append(action)
            self._open_io(connection)

    def _publish_io(self, envelope: Envelope) -> MessagingError | None:
        try:
            self._channel.basic_publish(
                envelope.exchange,
                envelope.key,
                envelope.body,
                pack_properties(envelope.properties),
                mandatory=envelope.mandatory,
            )
        except UNWRITABLE as error:  # before anything was sent: the others are not concerned
            return PublishRefusedError(
                f"a property of the message cannot be written: {error!r}",
                message_id=envelope.properties.message_id,
                hint="use text, whole numbers, lists and mappings in headers",
            )
        return None

    def _on_open_io(self, channel: Any) -> None:
        channel.add_on_return_callback(self._on_return_io)
        channel.confirm_delivery(self._on_confirm_io, callback=self._on_confirming_io)

    def _on_confirming_io(self, _frame: Any) -> None:
        self._confirming = True
        while self._waiting:
            self._waiting.popleft()(self._channel)
        self.flush_io(None)

    def _on_return_io(self, _channel: Any, _method: Any, properties: Any, _body: Any) -> None:
        self._returned.add(properties.message_id)

    def _on_confirm_io(self, frame: Any) -> None:
        tag = frame.method.delivery_tag
        tags = [tag]
        if frame.method.multiple:
            tags = [earlier for earlier in self._unconfirmed if earlier <= tag]
        refused = isinstance(frame.method, pika.spec.Basic.Nack)
        for settled in tags:
            entry = self._unconfirmed.pop(settled, None)
            if entry is not None:
                entry[1](self._verdict_io(entry[0], refused=refused))

    def _verdict_io(self, envelope: Envelope, *, refused: bool) -> MessagingError | None:
        message_id = envelope.properties.message_id
        if message_id in self._returned:
            self._returned.discard(message_id)
            return unroutable(envelope.exchange, envelope.key, message_id)
        return refused_publish(envelope) if refused else None

    def _on_close_io(self, _channel: Any, reason: Exception) -> None:
        """The broker did not like a publish, and the connection is lost with that."""
        if not isinstance(reason, pika_errors.ChannelClosedByBroker):
            return  # the connection ends, and will say so
        waiting = list(self._unconfirmed.values())
        self._unconfirmed.clear()
        lost = lost_error(reason, self._address)
        problems = refused_publishes(
            reason.reply_code, reason.reply_text, [envelope for envelope, _ in waiting], lost
        )
        for (_, done), problem in zip(waiting, problems, strict=True):
            done(problem)
        self._on_loss(lost)

    def give_up_io(self, loss: MessagingError) -> None:
        """The connection is over: nothing that is here has arrived for sure."""
        waiting = [*self._unconfirmed.values(), *self._outgoing]
        self._unconfirmed.clear()
        self._outgoing.clear()
        for _, done in waiting:
            done(loss)
