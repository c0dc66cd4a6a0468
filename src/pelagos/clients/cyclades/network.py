"""The client of Synnefo's network service; on an OpenStack it does there what can be done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, ClassVar, cast

from pelagos.clients.base.bilingual import given, needed
from pelagos.clients.base.dialect import Dialect
from pelagos.clients.compute import ComputeClient
from pelagos.clients.errors import ClientError, NotFound, Unsupported
from pelagos.clients.network import NetworkClient
from pelagos.clients.network.bodies import floating_ip
from pelagos.clients.network.types import FixedIp, FloatingIp, Id, Network, Port


class CycladesNetworkClient(NetworkClient):
    """A network service of Synnefo; also OpenStack's, in the words of Synnefo's programs.

    Args:
        arguments: as `Client` has them.
        compute_url: on OpenStack, the compute service, which plugs ports into servers.
        terms: as `Client` has them.
    """

    HOME: ClassVar[Dialect] = "synnefo"
    NEIGHBOURS: ClassVar[Mapping[str, str]] = {"compute_url": "compute"}
    network_types: ClassVar[tuple[str, ...]] = (
        "CUSTOM",
        "MAC_FILTERED",
        "IP_LESS_ROUTED",
        "PHYSICAL_VLAN",
    )

    def __init__(self, *arguments: Any, compute_url: str | None = None, **terms: Any) -> None:
        super().__init__(*arguments, **terms)
        self.compute_url = compute_url

    def create_network(  # type: ignore[override]  # as the ancestor has it
        self,
        type: str | None = None,  # noqa: A002  # the service's word
        name: str | None = None,
        shared: bool | None = None,
        project_id: str | None = None,
    ) -> Network:
        """Make a network; its record.

        Args:
            type: one of `network_types`; OpenStack has none, and is not told.
            name: for people.
            shared: whether all projects may use it.
            project_id: whose it is.
        """
        body: dict[str, Any] = {"admin_state_up": True, **given(name=name, shared=shared)}
        if self.is_synnefo:
            body |= given(type=type, project=project_id)
        else:
            body |= given(project_id=project_id)
        return cast(Network, self.networks_post(json_data={"network": body}).record("network"))

    def reassign_network(self, network_id: Id, project_id: str) -> Mapping[str, str]:
        """Charge a network to another project (Synnefo); the answer's header fields.

        Raises:
            Unsupported: the cloud is an OpenStack.
        """
        return self._reassign("networks", network_id, project_id)

    def reassign_floating_ip(self, floating_ip_id: Id, project_id: str) -> None:
        """Charge a floating IP to another project (Synnefo).

        Raises:
            Unsupported: the cloud is an OpenStack.
        """
        self._reassign("floatingips", floating_ip_id, project_id)

    def _reassign(self, what: str, which: Id, project_id: str) -> Mapping[str, str]:
        self._only_on("synnefo", f"way for {what} to another project", "make it anew there")
        body = {"reassign": {"project": project_id}}
        return self.post((what, which, "action"), json=body).headers

    def create_port(  # type: ignore[override]  # as the ancestor has it
        self,
        network_id: Id,
        device_id: Id | None = None,
        security_groups: Iterable[str] | None = None,
        name: str | None = None,
        fixed_ips: Iterable[FixedIp] | None = None,
    ) -> Port:
        """Join a server to a network; the port's record. A floating IP is led so to a server.

        Args:
            network_id: which network.
            device_id: which server, or None.
            security_groups: what reaches it.
            name: for people.
            fixed_ips: addresses, each with `ip_address` and perhaps `subnet_id`.

        Raises:
            ValueError: an address has no `ip_address`.
            Unsupported: the cloud is an OpenStack, whose compute service this client does not
                know; nothing was made.
        """
        addresses = None if fixed_ips is None else [dict(one) for one in fixed_ips]
        if any("ip_address" not in one for one in addresses or ()):
            raise ValueError("each of fixed_ips must have an ip_address")
        fields = {
            "network_id": network_id,
            "security_groups": security_groups,
            "name": name,
            "fixed_ips": addresses,
        }
        if device_id is None or self.is_synnefo:
            return self._new_port(**fields, device_id=device_id)
        compute = self._compute()
        port = self._new_port(**fields)
        try:
            compute.attach_port(device_id, port["id"])
        except ClientError:
            with suppress(ClientError):  # what is told is why it was not plugged in
                self.delete_port(port["id"])
            raise
        return {**port, "device_id": str(device_id)}

    def _compute(self) -> ComputeClient:
        if self.compute_url is None:
            raise Unsupported(
                "OpenStack's compute service plugs ports into servers, and is not known here",
                501,
                hint="give this client compute_url=, or make the port without device_id and call"
                " attach_port of the compute client",
            )
        return ComputeClient(
            self.compute_url,
            self._token,
            http=self._sender.transport,
            timeout=self.timeout,
            dialect=self.dialect or "openstack",
            session=self.session,
        )

    def create_floatingip(  # type: ignore[override]  # as the ancestor has it
        self,
        floating_network_id: Id | None = None,
        floating_ip_address: str = "",
        project_id: str | None = None,
    ) -> FloatingIp:
        """Take a floating IP; its record.

        Args:
            floating_network_id: of which network; None: the service chooses, or on OpenStack,
                which does not, it is the first external one that is active.
            floating_ip_address: a certain one.
            project_id: whose it is.

        Raises:
            NotFound: OpenStack has no external network.
        """
        if floating_network_id is None and not self.is_synnefo:
            floating_network_id = self._external_network()
        body = floating_ip(
            floating_network_id="" if floating_network_id is None else floating_network_id,
            floating_ip_address=floating_ip_address,
        )
        body |= given(**{"project" if self.is_synnefo else "project_id": project_id})
        reply = self.floatingips_post(json_data={"floatingip": body})
        return cast(FloatingIp, reply.record("floatingip"))

    def _external_network(self) -> Id:
        found = self.list_networks(**{"router:external": True})
        usable = [one for one in found if one.get("status", "ACTIVE") == "ACTIVE"]
        if not usable:
            raise NotFound(
                "there is no network for floating IPs",
                404,
                hint="ask the operator for one, or name it",
            )
        return cast(Id, needed(usable[0], "id"))
