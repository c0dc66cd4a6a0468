"""Synnefo's compute and block storage, call by call."""

from pelagos.clients.cyclades import CycladesBlockStorageRestClient as _OurVolumes
from pelagos.clients.cyclades import CycladesComputeRestClient as _Ours
from pelagos.compat.kamaki.clients.blockstorage.rest_api import BlockStorageRestClient
from pelagos.compat.kamaki.clients.compute.rest_api import ComputeRestClient

__all__ = ["CycladesBlockStorageRestClient", "CycladesComputeRestClient", "CycladesRestClient"]


class CycladesComputeRestClient(ComputeRestClient, _Ours):
    """One method for each call that Synnefo's compute service has besides."""


class CycladesBlockStorageRestClient(BlockStorageRestClient, _OurVolumes):
    """One method for each call of Synnefo's block storage."""


CycladesRestClient = CycladesComputeRestClient
