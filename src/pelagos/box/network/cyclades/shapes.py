"""Networks and their like as Cyclades shows them: ids are numbers, written as texts."""

from __future__ import annotations

from typing import Any

from pelagos.box.cyclades import links, moment
from pelagos.box.neighbours import Neighbours
from pelagos.box.network.store import OWN_DEVICES, NetworkStore
from pelagos.box.records import Record
from pelagos.box.web import Request

_BASE = "v2.0"


class Shapes:
    """What a person is told of each."""

    def __init__(self, store: NetworkStore, neighbours: Neighbours) -> None:
        self._store = store
        self._neighbours = neighbours

    def network(self, request: Request, record: Record) -> dict[str, Any]:
        """A network."""
        is_public = bool(record["router:external"])
        key = str(record["number"])
        subnets = self._store.subnets.every(network_id=record["id"])
        return {
            "id": key, "name": record["name"], "links": links(request, _BASE, "networks", key),
            "user_id": record.get("user_id"), "tenant_id": record["project_id"] or None,
            "shared_to_project": bool(record.get("shared_to_project")),
            "type": record.get("type", "MAC_FILTERED"), "status": "ACTIVE",
            "created": moment(record["created"]), "updated": moment(record["updated"]),
            "public": is_public, "shared": is_public or bool(record["shared"]),
            "router:external": is_public, "SNF:floating_ip_pool": is_public,
            "admin_state_up": record["admin_state_up"], "deleted": False,
            "subnets": [str(one["number"]) for one in subnets],
        }  # fmt: skip

    def subnet(self, request: Request, record: Record) -> dict[str, Any]:
        """A subnet."""
        home = self._store.networks.get(record["network_id"]) or {}
        key = str(record["number"])
        shown = {
            "id": key, "name": record["name"], "links": links(request, _BASE, "subnets", key),
            "network_id": str(home.get("number", "")), "user_id": record.get("user_id"),
            "tenant_id": record["project_id"] or None, "deleted": False,
            "public": bool(home.get("router:external")), "gateway_ip": record["gateway_ip"],
            "ip_version": record["ip_version"], "cidr": record["cidr"],
            "enable_dhcp": record["enable_dhcp"], "dns_nameservers": record["dns_nameservers"],
            "host_routes": record["host_routes"], "allocation_pools": record["allocation_pools"],
        }  # fmt: skip
        if record["ip_version"] == 6:  # noqa: PLR2004  # the version of IP
            shown["enable_slaac"] = record["ipv6_address_mode"] == "slaac"
        return shown

    def port(self, request: Request, record: Record) -> dict[str, Any]:
        """A port."""
        home = self._store.networks.get(record["network_id"]) or {}
        key = str(record["number"])
        is_new = record["status"] == "BUILD"
        return {
            "id": key, "name": record["name"], "links": links(request, _BASE, "ports", key),
            "user_id": record.get("user_id"), "tenant_id": record["project_id"] or None,
            "device_id": self._device(record), "device_owner": _owner(record),
            "admin_state_up": record["admin_state_up"], "status": record["status"],
            "mac_address": None if is_new else record["mac_address"],
            "network_id": str(home.get("number", "")), "created": moment(record["created"]),
            "updated": moment(record["updated"]), "security_groups": [],
            "fixed_ips": [self._address(one) for one in record["fixed_ips"]],
        }  # fmt: skip

    def floating_ip(self, record: Record) -> dict[str, Any]:
        """A floating IP."""
        home = self._store.networks.get(record["floating_network_id"]) or {}
        port = self._store.live_port(record["port_id"]) if record["port_id"] else None
        return {
            "id": str(record["number"]), "floating_ip_address": record["floating_ip_address"],
            "floating_network_id": str(home.get("number", "")), "fixed_ip_address": None,
            "port_id": str(port["number"]) if port else None,
            "instance_id": self._device(port) if port else None,
            "user_id": record.get("user_id"), "tenant_id": record["project_id"],
            "shared_to_project": bool(record.get("shared_to_project")), "deleted": False,
        }  # fmt: skip

    def _address(self, fixed: dict[str, str]) -> dict[str, str]:
        subnet = self._store.subnets.get(fixed["subnet_id"]) or {}
        return {"ip_address": fixed["ip_address"], "subnet": str(subnet.get("number", ""))}

    def _device(self, port: Record) -> str | None:
        servers = self._neighbours.servers
        if not port["device_id"] or servers is None or port["device_owner"] in OWN_DEVICES:
            return None
        guest = servers.guest(port["device_id"])
        return str(guest.number) if guest else None


def _owner(port: Record) -> str | None:
    if port["device_owner"].startswith("compute:"):
        return "vm"
    return "router" if port["device_owner"] in OWN_DEVICES else None
