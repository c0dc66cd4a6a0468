"""Ports: where devices join networks, and by which addresses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_address, ip_network
from typing import Any

from pelagos.box.errors import Refused
from pelagos.box.network import addresses
from pelagos.box.network.addresses import invalid
from pelagos.box.network.store import OWN_DEVICES, Caller, NetworkStore
from pelagos.box.records import Record

_MAC = "fa:16:3e"
_MOST_ADDRESSES = 5
_V4 = 4
_BY_MAC = frozenset({"slaac", "dhcpv6-stateless"})


class Ports:
    """The rules of ports."""

    def __init__(self, store: NetworkStore) -> None:
        self._store = store

    def add(
        self, network: Mapping[str, Any], fields: Mapping[str, Any], *, begin: str = _MAC
    ) -> Record:
        """Make one at a network; of addresses that are not told it gets what is free.

        Args:
            begin: of a MAC address that is not told.

        Raises:
            Refused: it cannot be.
        """
        wanted = fields.get("fixed_ips")
        with self._store.database.change():
            mac = fields.get("mac_address") or self._new_mac(network, begin)
            self._check_mac(network, mac)
            made = {**fields, "mac_address": mac, "fixed_ips": []}
            port = self._store.make(self._store.ports, made)
            told = self._allocate(network, port, wanted)
            port["fixed_ips"] = told
            self._store.ports.keep(port)
        return port

    def change(self, port: Mapping[str, Any], fields: Mapping[str, Any]) -> Record:
        """Change one.

        Raises:
            Refused: it cannot be so.
        """
        store = self._store
        network = store.networks.get(port["network_id"]) or {}
        with store.database.change():
            made = dict(fields)
            mac = made.get("mac_address", port["mac_address"])
            if mac != port["mac_address"]:
                if port["device_owner"] and port["status"] == "ACTIVE":
                    message = (
                        f"Unable to complete operation on port {port['id']}, port is already "
                        f"bound, port type: ovs, old_mac {port['mac_address']}, new_mac {mac}."
                    )
                    raise Refused(409, message, name="PortBound")
                self._check_mac(network, mac)
            if "fixed_ips" in made:
                made["fixed_ips"] = self._moved(network, port, made["fixed_ips"])
            return store.change(store.ports, port, **made)

    def _moved(
        self, network: Mapping[str, Any], port: Mapping[str, Any], wanted: Sequence[Any]
    ) -> list[dict[str, str]]:
        """Other addresses: those that stay keep their place."""
        kept, new = [], []
        left = list(port["fixed_ips"])
        for one in wanted:
            same = next((it for it in left if one.items() <= it.items()), None)
            if same is None:
                new.append(one)
            else:
                left.remove(same)
                kept.append(same)
        for one in left:
            held = self._store.floatingips.every(port_id=port["id"])
            if any(it["fixed_ip_address"] == one["ip_address"] for it in held):
                message = (
                    f"Fixed IP address {one['ip_address']} of port {port['id']} is in use by a "
                    "floating IP."
                )
                raise Refused(409, message, name="FixedIPInUseByFloatingIP")
            self._store.release(port["id"], one["ip_address"])
        if len(kept) + len(new) > _MOST_ADDRESSES:
            raise invalid("Exceeded maximum amount of fixed ips per port")
        return kept + (self._allocate(network, port, new) if new else [])

    def remove(self, port: Mapping[str, Any]) -> None:
        """Remove one, as its owner asks.

        Raises:
            Refused: 409, a part of the network needs it.
        """
        if port["device_owner"] in OWN_DEVICES:
            message = (
                f"Port {port['id']} cannot be deleted directly via the port API: has device owner "
                f"{port['device_owner']}."
            )
            raise Refused(409, message, name="ServicePortInUse")
        self._store.drop_port(port)

    # ---- addresses

    def _allocate(
        self,
        network: Mapping[str, Any],
        port: Mapping[str, Any],
        wanted: Sequence[Mapping[str, str]] | None,
    ) -> list[dict[str, str]]:
        subnets = self._store.subnets.every(network_id=network["id"])
        if wanted is None:
            return self._any(network, port, subnets)
        if len(wanted) > _MOST_ADDRESSES:
            raise invalid("Exceeded maximum amount of fixed ips per port")
        found = []
        for one in wanted:
            subnet = _subnet_of(network, subnets, one)
            ip = one.get("ip_address") or self._free(subnet, port)
            if ip is None:
                raise _exhausted(network)
            self._store.take(subnet["id"], ip, port["id"])
            found.append({"subnet_id": subnet["id"], "ip_address": ip})
        return found

    def _any(
        self, network: Mapping[str, Any], port: Mapping[str, Any], subnets: Sequence[Record]
    ) -> list[dict[str, str]]:
        found = []
        for version in (4, 6):
            those = [one for one in subnets if one["ip_version"] == version]
            for subnet in those:
                ip = self._free(subnet, port)
                if ip is not None:
                    self._store.take(subnet["id"], ip, port["id"])
                    found.append({"subnet_id": subnet["id"], "ip_address": ip})
                    break
            else:
                if those:
                    raise _exhausted(network)
        return found

    def _free(self, subnet: Mapping[str, Any], port: Mapping[str, Any]) -> str | None:
        if subnet["ipv6_address_mode"] in _BY_MAC:
            return _by_mac(subnet["cidr"], port["mac_address"])
        taken = {*self._store.taken(subnet["id"]), *filter(None, [subnet["gateway_ip"]])}
        return addresses.free(subnet["allocation_pools"], taken)

    # ---- MAC addresses

    def _new_mac(self, network: Mapping[str, Any], begin: str) -> str:
        known = {port["mac_address"] for port in self._at(network)}
        while (mac := addresses.new_mac(begin, self._store.chance)) in known:
            pass
        return mac

    def _check_mac(self, network: Mapping[str, Any], mac: str) -> None:
        if any(port["mac_address"] == mac for port in self._at(network)):
            message = (
                f"Unable to complete operation for network {network['id']}. The mac address {mac} "
                "is in use."
            )
            raise Refused(409, message, name="MacAddressInUse")

    def _at(self, network: Mapping[str, Any]) -> list[Record]:
        return self._store.ports.every(network_id=network["id"])


def check_rights(
    caller: Caller, network: Mapping[str, Any], fields: Mapping[str, Any], *, verb: str
) -> None:
    """See whether a caller may say all this of a port at a network.

    Raises:
        Refused: 403, the network's owner may.
    """
    if caller.owns(network):
        return
    wanted = fields.get("fixed_ips") or ()
    told = [name for name in ("mac_address", "port_security_enabled") if name in fields]
    if any("ip_address" in one for one in wanted):
        told.append("fixed_ips")
    if fields.get("device_owner", "").startswith("network:"):
        told.append("device_owner")
    if told:
        rules = " and ".join(f"rule:{verb}_port:{name}" for name in told)
        message = f"(rule:{verb}_port and {rules}) is disallowed by policy"
        raise Refused(403, message, name="PolicyNotAuthorized")


def _subnet_of(
    network: Mapping[str, Any], subnets: Sequence[Record], wanted: Mapping[str, str]
) -> Record:
    """Of which subnet a wanted address is.

    Raises:
        Refused: of none of the network.
    """
    key, ip = wanted.get("subnet_id"), wanted.get("ip_address")
    if key is not None:
        subnet = next((one for one in subnets if one["id"] == key), None)
        if subnet is None:
            raise invalid(
                f"Failed to create port on network {network['id']}, because fixed_ips included "
                f"invalid subnet {key}"
            )
        if ip is not None and not _is_host(ip, subnet["cidr"]):
            message = f"IP address {ip} is not a valid IP for the specified subnet."
            raise Refused(400, message, name="InvalidIpForSubnet")
        return subnet
    for subnet in subnets:
        if ip is not None and _is_host(ip, subnet["cidr"]):
            return subnet
    message = f"IP address {ip} is not a valid IP for any of the subnets on the specified network."
    raise Refused(400, message, name="InvalidIpForNetwork")


def _is_host(ip: str, cidr: str) -> bool:
    network, address = ip_network(cidr), ip_address(ip)
    if address.version != network.version or address not in network:
        return False
    edges = {network.network_address}
    if network.version == _V4:
        edges.add(network.broadcast_address)
    return network.num_addresses <= 2 or address not in edges  # noqa: PLR2004  # RFC 3021


def _by_mac(cidr: str, mac: str) -> str:
    """The address that a machine gives itself (RFC 4291, appendix A)."""
    octets = bytes.fromhex(mac.replace(":", ""))
    host = bytes([octets[0] ^ 2]) + octets[1:3] + b"\xff\xfe" + octets[3:]
    network = ip_network(cidr)
    return str(network.network_address + int.from_bytes(host, "big"))


def _exhausted(network: Mapping[str, Any]) -> Refused:
    message = f"No more IP addresses available on network {network['id']}."
    return Refused(409, message, name="IpAddressGenerationFailure")
