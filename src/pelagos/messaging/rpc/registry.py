"""Finds the client that this process has for a bus."""

from __future__ import annotations

import os
import threading
from typing import Final

from pelagos.core.backoff import Backoff
from pelagos.core.clock import Clock
from pelagos.messaging.rpc.client import RpcClient
from pelagos.messaging.transports.base import Transport

# The one piece of state of this package that belongs to the process: a bus finds its client.
_clients: Final[dict[tuple[Transport, bool], RpcClient]] = {}
_clients_lock = threading.RLock()  # the end of a forgotten producer may come inside it


def client_of(bus: Transport, *, direct: bool, clock: Clock, backoff: Backoff) -> RpcClient:
    """The client of this process on a bus; give it back with `release`."""
    with _clients_lock:
        client = _clients.get((bus, direct))
        if client is None:
            client = RpcClient(bus, direct=direct, clock=clock, backoff=backoff)
            _clients[bus, direct] = client
        client.users += 1
        return client


def release(client: RpcClient, owner: object) -> None:
    """Give a client back; the last one closes it."""
    client.abandon(owner)
    with _clients_lock:
        client.users -= 1
        if client.users:
            return
        for key, found in list(_clients.items()):
            if found is client:
                del _clients[key]
    client.close()


def _forget_the_parent() -> None:
    global _clients_lock  # noqa: PLW0603 - another thread of the parent may have held it
    _clients_lock = threading.RLock()
    for client in _clients.values():
        client.reset()


os.register_at_fork(after_in_child=_forget_the_parent)
