"""The channel over which one connection publishes, and what the broker says about each message."""

from __future__ import annotations

from collections import deque
from typing import Final

from pelagos.messaging import codec
from pelagos.messaging.codec import CodecError, Content, methods
from pelagos.messaging.errors import (
    ConnectionLostError,
    MessagingError,
    unroutable,
)
from pelagos.messaging.transports.amqp.outgoing import Outgoing
from pelagos.messaging.transports.amqp.routes import Routes
from pelagos.messaging.transports.base import Done, Envelope
from pelagos.messaging.transports.refusal import refused_publish, refused_publishes, unwritable

#: The channel of everything that is published, and of direct answers.
CHANNEL: Final = 1


class Publishing:
    """Numbers the messages as they leave, and tells everybody what became of theirs."""

    def __init__(self, outgoing: Outgoing, frame_max: int) -> None:
        self._outgoing = outgoing
        self._routes = Routes(CHANNEL, frame_max)
        # Inside the lock of `outgoing`.
        self._loss: MessagingError | None = None
        self._is_open = False
        self._tag = 0
        self._unconfirmed: dict[int, tuple[Envelope, Done]] = {}
        # The connection's own thread alone.
        self._oldest = 1
        self._returned: set[int] = set()
        self._tags_of: dict[str, deque[int]] = {}  # by message id; of mandatory messages

    def publish(self, envelope: Envelope, done: Done) -> None:
        """Hand a message over; never waits."""
        try:
            data = self._routes.encode(envelope)
        except (CodecError, TypeError) as error:
            done(unwritable(error, envelope))
            return
        outgoing = self._outgoing
        with outgoing.lock:
            loss = self._loss
            if loss is None:
                if not self._is_open:
                    self.open()
                self._tag += 1
                self._unconfirmed[self._tag] = (envelope, done)
                if envelope.mandatory:
                    tags = self._tags_of.setdefault(envelope.properties.message_id, deque())
                    tags.append(self._tag)
                alone = len(self._unconfirmed) == 1
                outgoing.add(data)
        if loss is not None:
            done(ConnectionLostError(str(loss)))
        elif alone:
            outgoing.send()
        else:
            outgoing.send_soon()

    def open(self) -> None:
        """Open the channel before its first use; inside the lock.

        What follows need not wait for the answer: the broker works through it in order.
        """
        if not self._is_open:
            self._is_open = True
            self._outgoing.add(codec.encode_method(CHANNEL, methods.ChannelOpen()))
            self._outgoing.add(codec.encode_method(CHANNEL, methods.ConfirmSelect()))

    # In the connection's own thread.

    def on_confirm(self, tag: int, *, multiple: bool, refused: bool) -> None:
        """The broker has these messages, or will not have them."""
        unconfirmed = self._unconfirmed
        if not multiple:
            entry = unconfirmed.pop(tag, None)
            if entry is not None:
                entry[1](
                    self._verdict(entry[0], tag, refused) if self._tags_of or refused else None
                )
            return
        with self._outgoing.lock:
            last = min(tag or self._tag, self._tag)
        for number in range(self._oldest, last + 1):
            entry = unconfirmed.pop(number, None)
            if entry is not None:
                problem = self._tags_of or refused
                entry[1](self._verdict(entry[0], number, refused) if problem else None)
        self._oldest = max(self._oldest, last + 1)

    def _verdict(self, envelope: Envelope, tag: int, refused: bool) -> MessagingError | None:
        message_id = envelope.properties.message_id
        if envelope.mandatory:
            self._forget(message_id, tag)
        if tag in self._returned:
            self._returned.discard(tag)
            return unroutable(envelope.exchange, envelope.key, message_id)
        if refused:
            return refused_publish(envelope)
        return None

    def _forget(self, message_id: str, tag: int) -> None:
        with self._outgoing.lock:
            tags = self._tags_of.get(message_id)
            if tags is not None and tag in tags:
                tags.remove(tag)
            if not tags:
                self._tags_of.pop(message_id, None)

    def on_return(self, method: methods.BasicReturn, content: Content) -> None:
        """A mandatory message comes back; its confirmation follows."""
        for tag in tuple(self._tags_of.get(content[0].message_id, ())):
            entry = self._unconfirmed.get(tag)
            if entry is None or tag in self._returned:
                continue
            if (entry[0].exchange, entry[0].key) == (method.exchange, method.routing_key):
                self._returned.add(tag)
                return

    def on_close(self, close: methods.ChannelClose, lost: ConnectionLostError) -> None:
        """The broker did not like a publish, and the connection is lost with that."""
        with self._outgoing.lock:
            self._loss = lost
            waiting = list(self._unconfirmed.values())
            self._unconfirmed.clear()
        problems = refused_publishes(
            close.reply_code, close.reply_text, [envelope for envelope, _ in waiting], lost
        )
        for (_, done), problem in zip(waiting, problems, strict=True):
            done(problem)

    def give_up(self, loss: MessagingError) -> None:
        """The connection is over: nothing that is here has arrived for sure."""
        with self._outgoing.lock:
            self._loss = self._loss or loss
            waiting = list(self._unconfirmed.values())
            self._unconfirmed.clear()
        for _, done in waiting:
            done(loss)
