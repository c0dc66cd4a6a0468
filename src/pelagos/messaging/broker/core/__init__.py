"""The rules of a broker: exchanges, queues, consumers and time, without a network or a disk.

The bus in memory and the broker that programs reach over the network are both made of it.
Admission rule: what RabbitMQ decides about a message, and nothing about how it got here.
"""

from __future__ import annotations

from pelagos.messaging.broker.core.arrival import Verdict
from pelagos.messaging.broker.core.broker import Broker
from pelagos.messaging.broker.core.exchanges import Binding, ExchangeSpec
from pelagos.messaging.broker.core.links import QUEUE_LIMIT
from pelagos.messaging.broker.core.rules import LONGEST_TIME
from pelagos.messaging.broker.core.topology import QueueState

__all__ = [
    "LONGEST_TIME",
    "QUEUE_LIMIT",
    "Binding",
    "Broker",
    "ExchangeSpec",
    "QueueState",
    "Verdict",
]
