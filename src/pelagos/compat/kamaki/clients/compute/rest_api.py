"""A compute service, call by call."""

from pelagos.clients.compute.rest import ComputeRestClient as _Ours
from pelagos.compat.kamaki.former import Client

__all__ = ["ComputeRestClient"]


class ComputeRestClient(Client, _Ours):
    """One method for each call of a compute service."""
