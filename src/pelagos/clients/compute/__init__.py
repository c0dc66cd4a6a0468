"""Compute: servers, flavours, keys. Nova's interface, and what Synnefo's has in common with it."""

from pelagos.clients.compute.client import ComputeClient
from pelagos.clients.compute.rest import ComputeRestClient

__all__ = ["ComputeClient", "ComputeRestClient"]
