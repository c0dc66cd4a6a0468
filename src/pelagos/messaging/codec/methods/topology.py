"""The methods about exchanges and queues."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from pelagos.messaging.codec.methods.base import Method


class ExchangeDeclare(Method):
    """exchange.declare."""

    INDEX = (40, 10)
    KINDS = "0sstttttF"

    exchange: str = ""
    type: str = "direct"
    passive: bool = False
    durable: bool = False
    auto_delete: bool = False
    internal: bool = False
    nowait: bool = False
    arguments: Mapping[str, Any] = field(default_factory=dict)


class ExchangeDeclareOk(Method):
    """exchange.declare-ok."""

    INDEX = (40, 11)


class ExchangeDelete(Method):
    """exchange.delete."""

    INDEX = (40, 20)
    KINDS = "0stt"

    exchange: str = ""
    if_unused: bool = False
    nowait: bool = False


class ExchangeDeleteOk(Method):
    """exchange.delete-ok."""

    INDEX = (40, 21)


class ExchangeBind(Method):
    """exchange.bind."""

    INDEX = (40, 30)
    KINDS = "0ssstF"

    destination: str = ""
    source: str = ""
    routing_key: str = ""
    nowait: bool = False
    arguments: Mapping[str, Any] = field(default_factory=dict)


class ExchangeBindOk(Method):
    """exchange.bind-ok."""

    INDEX = (40, 31)


class ExchangeUnbind(Method):
    """exchange.unbind."""

    INDEX = (40, 40)
    KINDS = "0ssstF"

    destination: str = ""
    source: str = ""
    routing_key: str = ""
    nowait: bool = False
    arguments: Mapping[str, Any] = field(default_factory=dict)


class ExchangeUnbindOk(Method):
    """exchange.unbind-ok."""

    INDEX = (40, 51)


class QueueDeclare(Method):
    """queue.declare."""

    INDEX = (50, 10)
    KINDS = "0stttttF"

    queue: str = ""
    passive: bool = False
    durable: bool = False
    exclusive: bool = False
    auto_delete: bool = False
    nowait: bool = False
    arguments: Mapping[str, Any] = field(default_factory=dict)


class QueueDeclareOk(Method):
    """queue.declare-ok."""

    INDEX = (50, 11)
    KINDS = "sll"

    queue: str = ""
    message_count: int = 0
    consumer_count: int = 0


class QueueBind(Method):
    """queue.bind."""

    INDEX = (50, 20)
    KINDS = "0ssstF"

    queue: str = ""
    exchange: str = ""
    routing_key: str = ""
    nowait: bool = False
    arguments: Mapping[str, Any] = field(default_factory=dict)


class QueueBindOk(Method):
    """queue.bind-ok."""

    INDEX = (50, 21)


class QueuePurge(Method):
    """queue.purge."""

    INDEX = (50, 30)
    KINDS = "0st"

    queue: str = ""
    nowait: bool = False


class QueuePurgeOk(Method):
    """queue.purge-ok."""

    INDEX = (50, 31)
    KINDS = "l"

    message_count: int = 0


class QueueDelete(Method):
    """queue.delete."""

    INDEX = (50, 40)
    KINDS = "0sttt"

    queue: str = ""
    if_unused: bool = False
    if_empty: bool = False
    nowait: bool = False


class QueueDeleteOk(Method):
    """queue.delete-ok."""

    INDEX = (50, 41)
    KINDS = "l"

    message_count: int = 0


class QueueUnbind(Method):
    """queue.unbind."""

    INDEX = (50, 50)
    KINDS = "0sssF"

    queue: str = ""
    exchange: str = ""
    routing_key: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)


class QueueUnbindOk(Method):
    """queue.unbind-ok."""

    INDEX = (50, 51)
