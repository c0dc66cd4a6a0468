"""Subnets: which addresses networks have."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import Any

from pelagos.box.errors import Refused
from pelagos.box.network import addresses
from pelagos.box.network.addresses import invalid
from pelagos.box.network.store import OWN_DEVICES, NetworkStore
from pelagos.box.records import Record

_V6 = 6
_MOST_NAMESERVERS, _MOST_ROUTES = 5, 20
_NO_DHCP = {4: 31, 6: 127}


class Subnets:
    """The rules of subnets."""

    def __init__(self, store: NetworkStore) -> None:
        self._store = store

    def add(self, network: Mapping[str, Any], fields: Mapping[str, Any]) -> Record:
        """Make one of a network.

        Raises:
            Refused: it cannot be.
        """
        if not fields.get("cidr"):
            message = (
                "Bad subnets request: a subnetpool must be specified in the absence of a cidr."
            )
            raise Refused(400, message, name="BadRequest")
        cidr = ip_network(fields["cidr"])
        if cidr.version != fields["ip_version"]:
            raise invalid(f"ip_version {fields['ip_version']} does not match the cidr '{cidr}'")
        for other in self._store.subnets.every(network_id=network["id"]):
            if addresses.overlaps(str(cidr), other["cidr"]):
                raise invalid(
                    f"Requested subnet with cidr: {cidr} for network: {network['id']} overlaps "
                    "with another subnet"
                )
        made = dict(fields)
        if "gateway_ip" not in made:
            made["gateway_ip"] = addresses.default_gateway(cidr)
        if "allocation_pools" in made:
            made["allocation_pools"] = addresses.merged(self._checked_pools(made, cidr))
        else:
            made["allocation_pools"] = addresses.default_pools(cidr, made["gateway_ip"])
        self._check(made, cidr)
        return self._store.make(self._store.subnets, made)

    def change(self, subnet: Mapping[str, Any], fields: Mapping[str, Any]) -> Record:
        """Change one.

        Raises:
            Refused: it cannot be so.
        """
        made = {**subnet, **fields}
        cidr = ip_network(subnet["cidr"])
        if "allocation_pools" in fields:
            made["allocation_pools"] = addresses.merged(self._checked_pools(made, cidr))
        elif fields.get("gateway_ip"):
            self._checked_pools(made, cidr)
        self._check(made, cidr)
        gateway = fields.get("gateway_ip", subnet["gateway_ip"])
        if gateway != subnet["gateway_ip"] and self._is_routed(subnet):
            raise Refused(
                409,
                f"Current gateway ip {subnet['gateway_ip']} already in use by a router. Unable "
                "to update.",
                name="GatewayIpInUse",
            )
        told = {name: made[name] for name in (*fields, "allocation_pools")}
        return self._store.change(self._store.subnets, subnet, **told)

    def remove(self, subnet: Mapping[str, Any]) -> None:
        """Remove one.

        Raises:
            Refused: 409, ports have addresses of it.
        """
        if self._store.taken(subnet["id"]):
            raise Refused(
                409,
                f"Unable to complete operation on subnet {subnet['id']}: One or more ports have "
                "an IP allocation from this subnet.",
                name="SubnetInUse",
            )
        self._store.subnets.remove(subnet["id"])

    def _is_routed(self, subnet: Mapping[str, Any]) -> bool:
        return any(
            port["device_owner"] in OWN_DEVICES
            and any(
                one["subnet_id"] == subnet["id"] and one["ip_address"] == subnet["gateway_ip"]
                for one in port["fixed_ips"]
            )
            for port in self._store.ports.every(network_id=subnet["network_id"])
        )

    def _checked_pools(self, made: Mapping[str, Any], cidr: addresses.Cidr) -> Any:
        addresses.check_pools(cidr, made["gateway_ip"], made["allocation_pools"])
        return made["allocation_pools"]

    def _check(self, made: Mapping[str, Any], cidr: addresses.Cidr) -> None:
        if made["gateway_ip"]:
            addresses.check_gateway(cidr, made["gateway_ip"])
        if made["enable_dhcp"] and cidr.prefixlen >= _NO_DHCP[cidr.version]:
            message = (
                "Invalid input for operation: Subnet has a prefix length that is incompatible "
                "with DHCP service enabled."
            )
            raise Refused(400, message, name="InvalidInput")
        if cidr.version != _V6 and (made["ipv6_ra_mode"] or made["ipv6_address_mode"]):
            raise invalid(
                "ipv6_ra_mode or ipv6_address_mode cannot be set when ip_version is not 6"
            )
        if len(made["dns_nameservers"]) > _MOST_NAMESERVERS:
            message = f"The number of DNS nameservers exceeds the limit {_MOST_NAMESERVERS}."
            raise Refused(400, message, name="DNSNameServersExhausted")
        if len(made["host_routes"]) > _MOST_ROUTES:
            message = f"Unable to complete operation. More than {_MOST_ROUTES} host routes."
            raise Refused(400, message, name="HostRoutesExhausted")
        for one in made["dns_nameservers"]:
            if ip_address(one).version < cidr.version:
                raise invalid(f"dns_nameserver '{one}' does not match the ip_version")
