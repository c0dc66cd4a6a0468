"""Networks under the compute client, as the first programs for Synnefo have them.

In their days the compute service had the networks; now they are the network service's, which is
asked instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, ClassVar
from urllib.parse import urlsplit, urlunsplit

from pelagos.clients.base import Waiter
from pelagos.clients.base.bilingual import Bilingual
from pelagos.clients.cyclades.network import CycladesNetworkClient
from pelagos.clients.errors import ClientError, NotFound, Unsupported
from pelagos.clients.network.types import Id, Network, Port


class FormerNetworks(Bilingual):
    """The methods on networks of a compute client.

    Args:
        arguments: as `Client` has them.
        network_url: the network service; None: beside the compute service, as Synnefo has it.
        terms: as `Client` has them.
    """

    NEIGHBOURS: ClassVar[Mapping[str, str]] = {"network_url": "network"}

    def __init__(self, *arguments: Any, network_url: str | None = None, **terms: Any) -> None:
        super().__init__(*arguments, **terms)
        self.network_url = network_url

    def _networks(self) -> CycladesNetworkClient:
        return CycladesNetworkClient(
            self.network_url or self._beside(),
            self._token,
            http=self._sender.transport,
            timeout=self.timeout,
            dialect="synnefo" if self.is_synnefo else "openstack",
            session=self.session,
            compute_url=self.endpoint_url,
        )

    def _beside(self) -> str:
        parts = urlsplit(self.endpoint_url)
        segments = parts.path.split("/")
        if not self.is_synnefo or "compute" not in segments:
            raise Unsupported(
                f"where the networks of {self.endpoint_url} are is not known",
                501,
                hint="give this client network_url=, or use a CycladesNetworkClient",
            )
        path = "/".join("network" if one == "compute" else one for one in segments)
        return urlunsplit(parts._replace(path=path))

    def list_networks(self, detail: bool = False) -> list[Network]:
        """The networks."""
        return self._networks().list_networks(detail)

    def get_network_details(self, network_id: Id) -> Network:
        """A network's record."""
        return self._networks().get_network_details(network_id)

    def create_network(
        self,
        name: str,
        cidr: str | bool = False,
        gateway: str | bool = False,
        type: str | bool = False,  # noqa: A002  # the ancestor's
        dhcp: bool = False,
    ) -> Network:
        """Make a network, and its subnet when there is a `cidr`; its record.

        Args:
            name: for people.
            cidr: its addresses, "10.0.0.0/24".
            gateway: the address of its router.
            type: one of Synnefo's; by default MAC_FILTERED.
            dhcp: whether machines are told their addresses.
        """
        networks = self._networks()
        made = networks.create_network(str(type) if type else "MAC_FILTERED", name)
        if cidr:
            way = str(gateway) if gateway else None
            try:
                networks.create_subnet(made["id"], str(cidr), gateway_ip=way, enable_dhcp=dhcp)
            except ClientError:
                with suppress(ClientError):  # what is told is why it has no subnet
                    networks.delete_network(made["id"])
                raise
        return made

    def update_network_name(self, network_id: Id, new_name: str) -> None:
        """Give a network another name."""
        self._networks().update_network(network_id, new_name)

    def delete_network(self, network_id: Id) -> None:
        """Remove a network; one that servers are on stays, and is an error."""
        self._networks().delete_network(network_id)

    def wait_network(
        self,
        network_id: Id,
        current_status: str = "PENDING",
        delay: float = 1,
        max_wait: float = 100,
        wait_cb: Callable[[int], Any] | None = None,
    ) -> str | bool:
        """Wait until a network's status is another one; that one, or False when time is over."""
        networks = self._networks()

        def look(_waiter: Waiter, which: Id) -> tuple[str, None]:
            return str(networks.get_network_details(which).get("status", "")), None

        return Waiter().wait_while(network_id, current_status, look, delay, max_wait, wait_cb)

    def connect_server(self, server_id: Id, network_id: Id) -> None:
        """Join a server to a network."""
        self._networks().create_port(network_id, server_id)

    def disconnect_server(self, server_id: Id, nic_id: Id) -> None:
        """Take a server from a network, by the id of what joins them.

        Raises:
            NotFound: the server has no such thing.
        """
        networks = self._networks()
        found = [
            one
            for one in networks.list_ports(detail=True)
            if str(one.get("device_id")) == str(server_id) and str(one["id"]) == str(nic_id)
        ]
        if not found:
            raise NotFound(f"server {server_id} has no connection {nic_id}", 404)
        networks.delete_port(found[0]["id"])

    def disconnect_network_nics(self, netid: Id) -> None:
        """Take all servers from a network."""
        networks = self._networks()
        for one in _connections(networks, netid):
            networks.delete_port(one["id"])

    def list_network_nics(self, network_id: Id) -> list[str]:
        """The ids of what joins servers to a network."""
        return [one["id"] for one in _connections(self._networks(), network_id)]


def _connections(networks: CycladesNetworkClient, network_id: Id) -> list[Port]:
    """The ports of a network that servers have, not those of the network's own machines."""
    return [
        one
        for one in networks.list_ports(detail=True)
        if str(one.get("network_id")) == str(network_id)
        and one.get("device_id")
        and not str(one.get("device_owner", "")).startswith("network:")
    ]
