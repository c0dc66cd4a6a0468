"""A network service, call by call."""

from pelagos.clients.network.rest import NetworkRestClient as _Ours
from pelagos.compat.kamaki.former import Client

__all__ = ["NetworkRestClient"]


class NetworkRestClient(Client, _Ours):
    """One method for each call of a network service."""
