"""Routers: which subnets reach each other and the outside."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import Any

from pelagos.box.errors import Refused
from pelagos.box.network import addresses
from pelagos.box.network.attributes import PORT, defaults
from pelagos.box.network.ports import Ports
from pelagos.box.network.store import (
    NOBODY,
    ROUTER_GATEWAY,
    ROUTER_INTERFACE,
    Caller,
    NetworkStore,
)
from pelagos.box.records import Record


class Routers:
    """The rules of routers."""

    def __init__(self, store: NetworkStore, ports: Ports) -> None:
        self._store = store
        self._ports = ports

    def add(self, caller: Caller, fields: Mapping[str, Any]) -> Record:
        """Make one.

        Raises:
            Refused: it cannot be.
        """
        store = self._store
        with store.database.change():
            router = store.make(store.routers, {**fields, "external_gateway_info": None})
            if fields.get("external_gateway_info"):
                router["external_gateway_info"] = self._join(
                    caller, router, fields["external_gateway_info"]
                )
            self._check_routes(router, router["routes"])
            store.routers.keep(router)
        return router

    def change(self, caller: Caller, router: Record, fields: Mapping[str, Any]) -> Record:
        """Change one.

        Raises:
            Refused: it cannot be so.
        """
        store = self._store
        with store.database.change():
            made = dict(fields)
            if "external_gateway_info" in made:
                gateway = made["external_gateway_info"]
                former = router["external_gateway_info"]
                if former and gateway and gateway["network_id"] == former["network_id"]:
                    fixed = gateway["external_fixed_ips"] or former["external_fixed_ips"]
                    if gateway["external_fixed_ips"]:
                        port = self._gateway_ports(router)[0]
                        fixed = self._ports.change(port, {"fixed_ips": fixed})["fixed_ips"]
                    made["external_gateway_info"] = {**gateway, "external_fixed_ips": fixed}
                else:
                    self._leave(router)
                    made["external_gateway_info"] = (
                        self._join(caller, router, gateway) if gateway else None
                    )
            if "routes" in made:
                self._check_routes(router, made["routes"])
            return store.change(store.routers, router, **made)

    def remove(self, router: Record) -> None:
        """Remove one.

        Raises:
            Refused: 409, subnets use it.
        """
        if self.interfaces(router):
            message = f"Router {router['id']} still has ports"
            raise Refused(409, message, name="RouterInUse")
        with self._store.database.change():
            self._leave(router)
            self._store.routers.remove(router["id"])

    # ---- interfaces

    def interfaces(self, router: Mapping[str, Any]) -> list[Record]:
        """The ports by which it joins subnets."""
        found = self._store.live_ports(device_id=router["id"])
        return [port for port in found if port["device_owner"] == ROUTER_INTERFACE]

    def connect(self, caller: Caller, router: Record, told: Mapping[str, Any]) -> Record:
        """Let a router join a subnet; the port.

        Raises:
            Refused: it cannot.
        """
        key, port_key = told.get("subnet_id"), told.get("port_id")
        if key and port_key:
            raise _bad("Cannot specify both subnet-id and port-id")
        if not key and not port_key:
            raise _bad("Either subnet_id or port_id must be specified")
        with self._store.database.change():
            if port_key:
                return self._connect_port(caller, router, str(port_key))
            return self._connect_subnet(caller, router, str(key))

    def _connect_port(self, caller: Caller, router: Record, key: str) -> Record:
        port = self._store.port(key, caller)
        if port["device_id"]:
            message = (
                f"Unable to complete operation on port {key} for network {port['network_id']}. "
                f"Port already has an attached device {port['device_id']}."
            )
            raise Refused(409, message, name="PortInUse")
        if not port["fixed_ips"]:
            raise _bad("Router port must have at least one fixed IP")
        for one in port["fixed_ips"]:
            self._check_new(router, self._store.subnets.get(one["subnet_id"]) or {})
        return self._store.change(
            self._store.ports, port,
            device_id=router["id"], device_owner=ROUTER_INTERFACE, status="ACTIVE",
        )  # fmt: skip

    def _connect_subnet(self, caller: Caller, router: Record, key: str) -> Record:
        subnet = self._store.subnet(key, caller)
        if not subnet["gateway_ip"]:
            raise _bad("Subnet for router interface must have a gateway IP")
        self._check_new(router, subnet)
        network = self._store.networks.get(subnet["network_id"]) or {}
        fields = defaults(
            PORT, project_id=router["project_id"], user_id=caller.user_id,
            network_id=network["id"], device_id=router["id"], device_owner=ROUTER_INTERFACE,
            status="ACTIVE", security_groups=[], port_security_enabled=False,
            fixed_ips=[{"subnet_id": subnet["id"], "ip_address": subnet["gateway_ip"]}],
        )  # fmt: skip
        return self._ports.add(network, fields)

    def _check_new(self, router: Record, subnet: Mapping[str, Any]) -> None:
        for port in self._store.live_ports(device_id=router["id"]):
            for one in port["fixed_ips"]:
                if one["subnet_id"] == subnet["id"]:
                    raise _bad(f"Router already has a port on subnet {subnet['id']}")
                other = self._store.subnets.get(one["subnet_id"])
                if other and addresses.overlaps(other["cidr"], subnet["cidr"]):
                    raise _bad(
                        f"Cidr {subnet['cidr']} of subnet {subnet['id']} overlaps with cidr "
                        f"{other['cidr']} of subnet {other['id']}"
                    )

    def disconnect(self, router: Record, told: Mapping[str, Any]) -> Record:
        """Let a router leave a subnet; the port that was.

        Raises:
            Refused: it is not there, or it is needed.
        """
        key, port_key = told.get("subnet_id"), told.get("port_id")
        if not key and not port_key:
            raise _bad("Either subnet_id or port_id must be specified")
        for port in self.interfaces(router):
            subnets = {one["subnet_id"] for one in port["fixed_ips"]}
            if port_key is not None and port["id"] != port_key:
                continue
            if key is not None and key not in subnets:
                if port_key is None:
                    continue
                message = (
                    f"Subnet ID {key} does not match subnet for port {port_key}: "
                    f"{', '.join(subnets)}"
                )
                raise Refused(409, message, name="SubnetMismatchForPort")
            with self._store.database.change():
                self._check_needed(router, subnets)
                self._store.drop_port(port)
            return port
        if key and not port_key:
            message = f"Router {router['id']} has no interface on subnet {key}"
            raise Refused(404, message, name="RouterInterfaceNotFoundForSubnet")
        message = f"Router {router['id']} does not have an interface with id {port_key}"
        raise Refused(404, message, name="RouterInterfaceNotFound")

    def _check_needed(self, router: Record, subnets: set[str]) -> None:
        for held in self._store.floatingips.every():
            if held["router_id"] != router["id"] or not held["port_id"]:
                continue
            port = self._store.ports.get(held["port_id"])
            used = {
                one["subnet_id"]
                for one in (port or {}).get("fixed_ips", ())
                if one["ip_address"] == held["fixed_ip_address"]
            }
            if found := used & subnets:
                message = (
                    f"Router interface for subnet {found.pop()} on router {router['id']} cannot "
                    "be deleted, as it is required by one or more floating IPs."
                )
                raise Refused(409, message, name="RouterInterfaceInUseByFloatingIP")
        for route in router["routes"]:
            for key in subnets:
                subnet = self._store.subnets.get(key) or {"cidr": "::/128"}
                if _is_at(route["nexthop"], subnet["cidr"]):
                    message = (
                        f"Router interface for subnet {key} on router {router['id']} cannot be "
                        "deleted, as it is required by one or more routes."
                    )
                    raise Refused(409, message, name="RouterInterfaceInUseByRoute")

    def subnets(self, router: Mapping[str, Any]) -> set[str]:
        """The subnets inside that it joins."""
        return {one["subnet_id"] for port in self.interfaces(router) for one in port["fixed_ips"]}

    # ---- the outside

    def _gateway_ports(self, router: Mapping[str, Any]) -> list[Record]:
        found = self._store.live_ports(device_id=router["id"])
        return [port for port in found if port["device_owner"] == ROUTER_GATEWAY]

    def _join(self, caller: Caller, router: Record, told: Mapping[str, Any]) -> dict[str, Any]:
        network = self._store.network(told["network_id"], caller)
        if not network["router:external"]:
            raise _bad(f"Network {network['id']} is not an external network")
        fixed = told["external_fixed_ips"] or None
        inside = [self._store.subnets.get(key) for key in self.subnets(router)]
        for outside in self._store.subnets.every(network_id=network["id"]):
            for subnet in inside:
                if subnet and addresses.overlaps(outside["cidr"], subnet["cidr"]):
                    raise _bad(
                        f"Cidr {outside['cidr']} of subnet {outside['id']} overlaps with cidr "
                        f"{subnet['cidr']} of subnet {subnet['id']}"
                    )
        fields = defaults(
            PORT, project_id=NOBODY, user_id=None, network_id=network["id"], status="ACTIVE",
            device_id=router["id"], device_owner=ROUTER_GATEWAY, security_groups=[],
            port_security_enabled=False, **({"fixed_ips": fixed} if fixed else {}),
        )  # fmt: skip
        port = self._ports.add(network, fields)
        return {**told, "external_fixed_ips": port["fixed_ips"]}

    def _leave(self, router: Record) -> None:
        gateway = router["external_gateway_info"]
        if not gateway:
            return
        if any(
            held["router_id"] == router["id"] and held["port_id"]
            for held in self._store.floatingips.every(floating_network_id=gateway["network_id"])
        ):
            message = (
                f"Gateway cannot be updated for router {router['id']}, since a gateway to "
                f"external network {gateway['network_id']} is required by one or more floating "
                "IPs."
            )
            raise Refused(409, message, name="RouterExternalGatewayInUseByFloatingIp")
        for port in self._gateway_ports(router):
            self._store.drop_port(port)

    def _check_routes(self, router: Record, routes: list[dict[str, str]]) -> None:
        cidrs = [
            subnet["cidr"]
            for port in self._store.live_ports(device_id=router["id"])
            for one in port["fixed_ips"]
            if (subnet := self._store.subnets.get(one["subnet_id"]))
        ]
        for route in routes:
            if not any(_is_at(route["nexthop"], cidr) for cidr in cidrs):
                message = (
                    f"Invalid format for routes: {routes}, the nexthop is not connected with "
                    "router"
                )
                raise Refused(400, message, name="InvalidRoutes")


def _is_at(address: str, cidr: str) -> bool:
    network, found = ip_network(cidr), ip_address(address)
    return found.version == network.version and found in network


def _bad(message: str) -> Refused:
    return Refused(400, f"Bad router request: {message}.", name="BadRequest")
