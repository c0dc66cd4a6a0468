"""The client of a compute service."""

from pelagos.clients.compute import ComputeClient as _Ours
from pelagos.clients.errors import ClientError
from pelagos.compat.kamaki.clients.compute.rest_api import ComputeRestClient

__all__ = ["ClientError", "ComputeClient"]


class ComputeClient(ComputeRestClient, _Ours):
    """Servers, flavours, images, keys of a compute service."""
