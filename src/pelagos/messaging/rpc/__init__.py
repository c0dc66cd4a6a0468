"""Calls over the bus, as the caller sees them.

One connection and one reply queue for all calls of a process on one bus; many threads call at
once. Admission rule: how a call gets its answer. What is asked and what the answer means belongs
to the producer; executing a call once, however often it is sent, belongs to the server.
"""

from __future__ import annotations

from pelagos.messaging.rpc.call import Outcome, Request
from pelagos.messaging.rpc.client import RpcClient
from pelagos.messaging.rpc.future import CallFuture
from pelagos.messaging.rpc.queues import Replies
from pelagos.messaging.rpc.registry import client_of, release

__all__ = ["CallFuture", "Outcome", "Replies", "Request", "RpcClient", "client_of", "release"]
