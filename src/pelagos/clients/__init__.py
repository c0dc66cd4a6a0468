"""REST clients for OpenStack and Synnefo, identity to object storage.

Admission rule: what speaks to a cloud's services, one package per service, all on `base`. It
knows no other part of Pelagos.

The way in is `Cloud("name").compute` and its siblings; a client of one service can be made by
itself, too. The names are loaded when they are first used, so that a program pays for the
services that it asks.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "BlockStorageClient": "blockstorage",
    "Client": "base",
    "ClientError": "errors",
    "Cloud": "cloud",
    "CloudSettings": "cloud",
    "ComputeClient": "compute",
    "IdentityClient": "identity",
    "CycladesBlockStorageClient": "cyclades",
    "CycladesClient": "cyclades",
    "CycladesComputeClient": "cyclades",
    "CycladesNetworkClient": "cyclades",
    "ImageClient": "image",
    "KnownClouds": "cloud",
    "NetworkClient": "network",
    "PithosClient": "pithos",
    "PithosRestClient": "pithos",
    "Reply": "base",
    "SilentEvent": "base",
    "StorageClient": "storage",
    "Waiter": "base",
    "wait": "base",
    "wait_until": "base",
    "wait_while": "base",
}
__all__ = sorted(_HOMES)  # noqa: PLE0605  # the table says it once


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
