"""What a client declares, binds and deletes: methods to the broker's core, and its answers."""

from __future__ import annotations

from typing import Any, Protocol

from pelagos.messaging import codec
from pelagos.messaging.broker.core import Broker, ExchangeSpec
from pelagos.messaging.codec import methods
from pelagos.messaging.transports.base import Queue


class Asked(Protocol):
    """What these functions need of a channel."""

    broker: Broker
    last_queue: str

    def answer(self, asked: Any, method: codec.Method) -> None:
        """Tell the client, unless it does not want an answer."""

    def queue_name(self, name: str) -> str:
        """The queue that is meant; an empty name is the one declared last."""


def declare_exchange(channel: Asked, asked: methods.ExchangeDeclare) -> None:
    """Make an exchange, or compare."""
    wanted = ExchangeSpec(
        asked.exchange,
        asked.type,
        durable=asked.durable,
        auto_delete=asked.auto_delete,
        internal=asked.internal,
        arguments=asked.arguments,
    )
    channel.broker.declare_exchange(channel, wanted, passive=asked.passive)
    channel.answer(asked, methods.ExchangeDeclareOk())


def delete_exchange(channel: Asked, asked: methods.ExchangeDelete) -> None:
    """Delete an exchange."""
    channel.broker.delete_exchange(channel, asked.exchange, if_unused=asked.if_unused)
    channel.answer(asked, methods.ExchangeDeleteOk())


def bind_exchange(channel: Asked, asked: methods.ExchangeBind) -> None:
    """Let an exchange pass messages on."""
    channel.broker.bind_exchange(
        channel, asked.source, asked.destination, asked.routing_key, asked.arguments
    )
    channel.answer(asked, methods.ExchangeBindOk())


def unbind_exchange(channel: Asked, asked: methods.ExchangeUnbind) -> None:
    """Let it do so no more."""
    channel.broker.unbind_exchange(
        channel, asked.source, asked.destination, asked.routing_key, asked.arguments
    )
    channel.answer(asked, methods.ExchangeUnbindOk())


def declare_queue(channel: Asked, asked: methods.QueueDeclare) -> None:
    """Make a queue, or compare; an exclusive one never outlives anything, so durable is moot."""
    wanted = Queue(
        asked.queue,
        durable=asked.durable and not asked.exclusive,
        exclusive=asked.exclusive,
        auto_delete=asked.auto_delete,
        passive=asked.passive,
        arguments=asked.arguments,
    )
    info = channel.broker.declare_queue(channel, wanted)
    channel.last_queue = info.name
    channel.answer(asked, methods.QueueDeclareOk(info.name, info.messages, info.consumers))


def bind_queue(channel: Asked, asked: methods.QueueBind) -> None:
    """Let an exchange put messages into a queue; without any name the key is the queue's."""
    queue = channel.queue_name(asked.queue)
    key = asked.routing_key or ("" if asked.queue else queue)
    channel.broker.bind(channel, asked.exchange, queue, key, asked.arguments)
    channel.answer(asked, methods.QueueBindOk())


def unbind_queue(channel: Asked, asked: methods.QueueUnbind) -> None:
    """Let it do so no more."""
    queue = channel.queue_name(asked.queue)
    key = asked.routing_key or ("" if asked.queue else queue)
    channel.broker.unbind(channel, asked.exchange, queue, key, asked.arguments)
    channel.answer(asked, methods.QueueUnbindOk())


def purge_queue(channel: Asked, asked: methods.QueuePurge) -> None:
    """Drop what waits."""
    count = channel.broker.purge_queue(channel, channel.queue_name(asked.queue))
    channel.answer(asked, methods.QueuePurgeOk(count))


def delete_queue(channel: Asked, asked: methods.QueueDelete) -> None:
    """Delete a queue."""
    count = channel.broker.delete_queue(
        channel,
        channel.queue_name(asked.queue),
        if_unused=asked.if_unused,
        if_empty=asked.if_empty,
    )
    channel.answer(asked, methods.QueueDeleteOk(count))
