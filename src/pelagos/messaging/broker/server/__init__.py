"""A broker that speaks AMQP 0-9-1: the broker's core behind a socket of this process.

Admission rule: what lies between bytes of clients and the rules of `broker.core`, and nothing of
those rules.
"""

from __future__ import annotations

from pelagos.messaging.broker.server.bounds import Bounds
from pelagos.messaging.broker.server.embedded import EmbeddedBroker
from pelagos.messaging.broker.server.faults import Faults, SeenFrame

__all__ = ["Bounds", "EmbeddedBroker", "Faults", "SeenFrame"]
