"""Networks of a box: one store of them, and the rules that Neutron and Cyclades share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pelagos.box.errors import Refused
from pelagos.box.network.floating import FloatingIps
from pelagos.box.network.ports import Ports
from pelagos.box.network.routers import Routers
from pelagos.box.network.security import SecurityGroups
from pelagos.box.network.store import OWN_DEVICES, Caller, NetworkStore
from pelagos.box.network.subnets import Subnets
from pelagos.box.records import Record


class Network:
    """The networks of a box, and what joins them; safe to share between threads.

    Attributes:
        store: where all of it is kept.
        subnets, ports, routers, floating, security: the rules of each.
    """

    def __init__(self, store: NetworkStore) -> None:
        self.store = store
        self.subnets = Subnets(store)
        self.ports = Ports(store)
        self.routers = Routers(store, self.ports)
        self.floating = FloatingIps(store, self.ports, self.routers)
        self.security = SecurityGroups(store)

    def add_network(self, fields: Mapping[str, Any]) -> Record:
        """Make a network."""
        return self.store.make(self.store.networks, fields)

    def change_network(self, network: Record, fields: Mapping[str, Any]) -> Record:
        """Change a network.

        Raises:
            Refused: 409, others' ports would lose it.
        """
        store = self.store
        if fields.get("shared") is False and network["shared"]:
            owner = network["project_id"]
            ports = store.live_ports(network_id=network["id"])
            if any(port["project_id"] not in {owner, ""} for port in ports):
                message = (
                    f"Unable to reconfigure sharing settings for network {network['id']}. "
                    "Multiple tenants are using it."
                )
                raise Refused(409, message, name="InvalidSharedSetting")
        ends = fields.get("router:external") is False and network["router:external"]
        if ends and store.live_ports(network_id=network["id"]):
            message = (
                f"External network {network['id']} cannot be updated to be made non-external, "
                "since it has existing gateway ports."
            )
            raise Refused(409, message, name="ExternalNetworkInUse")
        return store.change(store.networks, network, **fields)

    def remove_network(self, network: Record) -> None:
        """Remove a network with its subnets.

        Raises:
            Refused: 409, ports join it.
        """
        with self.store.database.change():
            ports = self.store.live_ports(network_id=network["id"])
            if ports:
                told = ", ".join(port["id"] for port in ports)
                message = (
                    f"Unable to complete operation on network {network['id']}. There are one or "
                    f"more ports still in use on the network, id for these ports is: {told}."
                )
                raise Refused(409, message, name="NetworkInUse")
            for subnet in self.store.subnets.every(network_id=network["id"]):
                self.store.subnets.remove(subnet["id"])
            self.store.networks.remove(network["id"])

    def guarded(
        self, caller: Caller, network: Mapping[str, Any], fields: Mapping[str, Any]
    ) -> dict[str, Any]:
        """What is said of a new port, with its security groups.

        Raises:
            Refused: there are none such, or they cannot be.
        """
        made = dict(fields)
        made.setdefault("port_security_enabled", network.get("port_security_enabled", True))
        is_own = made.get("device_owner") in OWN_DEVICES
        if "security_groups" not in made:
            found = self.security.default(made["project_id"], caller.user_id)
            needs = found is not None and made["port_security_enabled"] and not is_own
            made["security_groups"] = [found["id"]] if found is not None and needs else []
        self.check_guard(caller, made, made["security_groups"])
        made["user_id"] = caller.user_id
        return made

    def check_guard(
        self, caller: Caller, port: Mapping[str, Any], groups: Sequence[str] | None
    ) -> None:
        """See whether a port may have these security groups.

        Raises:
            Refused: 404 there are none such, 409 or 400 it may have none.
        """
        for key in groups or ():
            self.security.group(key, caller)
        if not port["port_security_enabled"]:
            if port["security_groups"]:
                message = (
                    "Port Security must be enabled and port must have an IP address in order to "
                    "use security groups."
                )
                raise Refused(409, message, name="PortSecurityPortHasSecurityGroup")
            if port["allowed_address_pairs"]:
                message = (
                    "Port Security must be enabled in order to have allowed address pairs on a "
                    "port."
                )
                raise Refused(409, message, name="AddressPairAndPortSecurityRequired")
