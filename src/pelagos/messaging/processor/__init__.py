"""Components that act on messages: handlers declared by decorators, and what becomes of failures.

Admission rule: what stands between a consumer, which brings messages one by one, and the methods
that a program writes for them.
"""

from __future__ import annotations

from pelagos.messaging.processor.decorators import (
    Handler,
    MessageFilter,
    MessageHandler,
    MessageHandlerFullBody,
    RpcHandler,
)
from pelagos.messaging.processor.payload import PayloadError
from pelagos.messaging.processor.processor import MessageProcessor
from pelagos.messaging.processor.registry import HandlerInfo
from pelagos.messaging.processor.retry import Retry

__all__ = [
    "Handler",
    "HandlerInfo",
    "MessageFilter",
    "MessageHandler",
    "MessageHandlerFullBody",
    "MessageProcessor",
    "PayloadError",
    "Retry",
    "RpcHandler",
]
