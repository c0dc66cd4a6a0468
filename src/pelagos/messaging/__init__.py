"""Components that talk: messages, exchanges, producers and consumers over interchangeable buses.

The way in: `connect(url)` gives a bus; a class derived from `Exchange` says where; a
`GenericProducer` sends and a `GenericConsumer` receives. Admission rule: what components need to
exchange messages, and nothing about what the messages are for.
"""

from __future__ import annotations

from pelagos.messaging.application import (
    GenericApplication,
    GenericApplicationExchange,
    GenericApplicationProducer,
)
from pelagos.messaging.consumer.consumer import GenericConsumer
from pelagos.messaging.consumer.received import ReceivedMessage
from pelagos.messaging.dead.letters import DeadLetter, DeadLetters
from pelagos.messaging.encoder import Encoder, JsonEncoder
from pelagos.messaging.environment import default_bus
from pelagos.messaging.errors import (
    AckAndRestart,
    BrokerUnreachableError,
    BufferFullError,
    BusUrlError,
    ConnectionLostError,
    EncodingError,
    ExitScheduler,
    FilterError,
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
from pelagos.messaging.microthreads import MicroScheduler, MicroThread
from pelagos.messaging.middleware import Middleware, Outgoing
from pelagos.messaging.observation.tracing import Tracing
from pelagos.messaging.processor import (
    Handler,
    MessageFilter,
    MessageHandler,
    MessageHandlerFullBody,
    MessageProcessor,
    PayloadError,
    Retry,
    RpcHandler,
)
from pelagos.messaging.producer.producer import GenericProducer
from pelagos.messaging.transports import connect
from pelagos.messaging.transports.base import Transport

__all__ = [
    "AckAndRestart",
    "BrokerUnreachableError",
    "BufferFullError",
    "BusUrlError",
    "ConnectionLostError",
    "DeadLetter",
    "DeadLetters",
    "Encoder",
    "EncodingError",
    "Exchange",
    "ExitScheduler",
    "FilterError",
    "Fingerprint",
    "GenericApplication",
    "GenericApplicationExchange",
    "GenericApplicationProducer",
    "GenericConsumer",
    "GenericProducer",
    "Handler",
    "JsonEncoder",
    "LoginError",
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
    "MessagingError",
    "MicroScheduler",
    "MicroThread",
    "Middleware",
    "Outgoing",
    "PayloadError",
    "PoisonError",
    "PublishError",
    "PublishManyError",
    "PublishRefusedError",
    "PublishTimeoutError",
    "ReceivedMessage",
    "RejectMessage",
    "Retry",
    "RpcCommand",
    "RpcHandler",
    "TopologyError",
    "Tracing",
    "Transport",
    "UnroutableError",
    "connect",
    "default_bus",
]
