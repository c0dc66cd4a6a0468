"""The clients of Synnefo's compute, network and block storage services."""

from __future__ import annotations

from typing import Any

from pelagos.clients.cyclades import CycladesBlockStorageClient as _OurVolumes
from pelagos.clients.cyclades import CycladesComputeClient as _OurCompute
from pelagos.clients.cyclades import CycladesNetworkClient as _OurNetworks
from pelagos.clients.errors import ClientError
from pelagos.compat.kamaki.clients.blockstorage import BlockStorageClient
from pelagos.compat.kamaki.clients.compute import ComputeClient
from pelagos.compat.kamaki.clients.cyclades.rest_api import (
    CycladesBlockStorageRestClient,
    CycladesComputeRestClient,
)
from pelagos.compat.kamaki.clients.network import NetworkClient
from pelagos.compat.kamaki.first_api import FirstApi

__all__ = [
    "ClientError",
    "CycladesBlockStorageClient",
    "CycladesClient",
    "CycladesComputeClient",
    "CycladesNetworkClient",
]


class CycladesComputeClient(FirstApi, CycladesComputeRestClient, ComputeClient, _OurCompute):
    """Synnefo's compute service; networks, too, as the first versions had them there."""

    def get_server_info(self, server_id: Any) -> Any:
        """A server's record; its image's system stands besides under `os`, when it is known."""
        found = super().get_server_info(server_id)
        metadata: Any = found.get("metadata") or {}
        system = metadata.get("values", metadata).get("os")
        return {**found, "os": system} if system and "os" not in found else found


class CycladesNetworkClient(NetworkClient, _OurNetworks):
    """Synnefo's network service."""


class CycladesBlockStorageClient(CycladesBlockStorageRestClient, BlockStorageClient, _OurVolumes):
    """Synnefo's block storage."""


CycladesClient = CycladesComputeClient
