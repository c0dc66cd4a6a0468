"""The client of a network service."""

from pelagos.clients.errors import ClientError
from pelagos.clients.network import NetworkClient as _Ours
from pelagos.compat.kamaki.clients.network.rest_api import NetworkRestClient

__all__ = ["ClientError", "NetworkClient"]


class NetworkClient(NetworkRestClient, _Ours):
    """Networks, subnets, ports, floating IPs."""
