"""Networks, subnets, ports, floating IPs: Neutron's interface, and Synnefo's in common with it."""

from pelagos.clients.network.client import NetworkClient
from pelagos.clients.network.rest import NetworkRestClient

__all__ = ["NetworkClient", "NetworkRestClient"]
