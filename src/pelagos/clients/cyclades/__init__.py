"""Synnefo's compute, network and block storage, with the methods of its own clients.

On an OpenStack the same methods do what can be done there; what it has no word for is refused.
"""

from pelagos.clients.cyclades.compute import CycladesComputeClient
from pelagos.clients.cyclades.network import CycladesNetworkClient
from pelagos.clients.cyclades.rest import (
    CycladesBlockStorageRestClient,
    CycladesComputeRestClient,
    CycladesRestClient,
)
from pelagos.clients.cyclades.volume import CycladesBlockStorageClient

CycladesClient = CycladesComputeClient

__all__ = [
    "CycladesBlockStorageClient",
    "CycladesBlockStorageRestClient",
    "CycladesClient",
    "CycladesComputeClient",
    "CycladesComputeRestClient",
    "CycladesNetworkClient",
    "CycladesRestClient",
]
