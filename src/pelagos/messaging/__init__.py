"""Components that talk: messages, exchanges, producers and consumers over interchangeable buses.

The way in: `connect(url)` gives a bus; a class derived from `Exchange` says where; a
`GenericProducer` sends and a `GenericConsumer` receives. Admission rule: what components need to
exchange messages, and nothing about what the messages are for.
"""

from __future__ import annotations

from pelagos.messaging.consumer import GenericConsumer
from pelagos.messaging.encoder import Encoder, JsonEncoder
from pelagos.messaging.environment import default_bus
from pelagos.messaging.errors import (
    BrokerUnreachableError,
    BufferFullError,
    BusUrlError,
    ConnectionLostError,
    EncodingError,
    LoginError,
    MessagingError,
    PoisonError,
    PublishError,
    PublishManyError,
    PublishRefusedError,
    PublishTimeoutError,
    RejectMessage,
    TopologyError,
    UnroutableError,
)
from pelagos.messaging.exchange import Exchange
from pelagos.messaging.fingerprint import Fingerprint
from pelagos.messaging.message import (
    Message,
    MessageCommand,
    MessageResult,
    MessageResultError,
    MessageResultException,
    MessageStatus,
    RpcCommand,
)
from pelagos.messaging.producer import GenericProducer
from pelagos.messaging.received import ReceivedMessage
from pelagos.messaging.transports import connect
from pelagos.messaging.transports.base import Transport

__all__ = [
    "BrokerUnreachableError",
    "BufferFullError",
    "BusUrlError",
    "ConnectionLostError",
    "Encoder",
    "EncodingError",
    "Exchange",
    "Fingerprint",
    "GenericConsumer",
    "GenericProducer",
    "JsonEncoder",
    "LoginError",
    "Message",
    "MessageCommand",
    "MessageResult",
    "MessageResultError",
    "MessageResultException",
    "MessageStatus",
    "MessagingError",
    "PoisonError",
    "PublishError",
    "PublishManyError",
    "PublishRefusedError",
    "PublishTimeoutError",
    "ReceivedMessage",
    "RejectMessage",
    "RpcCommand",
    "TopologyError",
    "Transport",
    "UnroutableError",
    "connect",
    "default_bus",
]
