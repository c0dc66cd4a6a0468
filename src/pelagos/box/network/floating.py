"""Floating IPs: addresses of an outer network that are led to ports inside."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from pelagos.box.errors import Refused
from pelagos.box.network.attributes import PORT, defaults
from pelagos.box.network.ports import Ports
from pelagos.box.network.routers import Routers
from pelagos.box.network.store import FLOATING, NOBODY, Caller, NetworkStore
from pelagos.box.records import Record

_V4 = 4


class FloatingIps:
    """The rules of floating IPs."""

    def __init__(self, store: NetworkStore, ports: Ports, routers: Routers) -> None:
        self._store = store
        self._ports = ports
        self._routers = routers

    def add(self, caller: Caller, fields: Mapping[str, Any]) -> Record:
        """Take one, perhaps for a port.

        Raises:
            Refused: it cannot be.
        """
        store = self._store
        with store.database.change():
            network = store.network(fields["floating_network_id"], caller)
            if not network["router:external"]:
                message = f"Network {network['id']} is not a valid external network"
                raise Refused(400, f"Bad floatingip request: {message}.", name="BadRequest")
            made = {
                "status": "DOWN", "port_id": None, "fixed_ip_address": None, "router_id": None,
                **{name: it for name, it in fields.items() if name not in _LED},
            }  # fmt: skip
            made.pop("floating_ip_address", None)
            made.pop("subnet_id", None)
            made |= {"floating_ip_address": "", "holder": ""}
            record = store.make(store.floatingips, made)
            port = self._ports.add(network, self._port(record, network, fields))
            record["floating_ip_address"] = port["fixed_ips"][0]["ip_address"]
            record["holder"] = port["id"]
            if fields.get("port_id"):
                record |= self._led(caller, record, fields)
            store.floatingips.keep(record)
        return record

    def _port(
        self, record: Record, network: Mapping[str, Any], fields: Mapping[str, Any]
    ) -> dict[str, Any]:
        """What holds the address: a port of nobody's."""
        wanted: dict[str, str] = {}
        if fields.get("floating_ip_address"):
            wanted["ip_address"] = fields["floating_ip_address"]
        if fields.get("subnet_id"):
            wanted["subnet_id"] = fields["subnet_id"]
        if not wanted:
            subnets = self._store.subnets.every(network_id=network["id"])
            first = next((one for one in subnets if one["ip_version"] == _V4), None)
            if first is None:
                message = f"Network {network['id']} does not contain any IPv4 subnet"
                raise Refused(400, f"Bad floatingip request: {message}.", name="BadRequest")
            wanted["subnet_id"] = first["id"]
        return defaults(
            PORT, project_id=NOBODY, user_id=None, network_id=network["id"], status="N/A",
            device_id=record["id"], device_owner=FLOATING, security_groups=[], fixed_ips=[wanted],
            port_security_enabled=False,
        )  # fmt: skip

    def change(self, caller: Caller, record: Record, fields: Mapping[str, Any]) -> Record:
        """Change one: lead it elsewhere, or nowhere.

        Raises:
            Refused: it cannot be so.
        """
        with self._store.database.change():
            made = {name: it for name, it in fields.items() if name not in _LED}
            if "port_id" in fields:
                made |= self._led(caller, record, fields)
            elif fields.get("fixed_ip_address"):
                told = {**fields, "port_id": record["port_id"]}
                if not record["port_id"]:
                    message = "fixed_ip_address cannot be specified without a port_id"
                    raise Refused(400, f"Bad floatingip request: {message}.", name="BadRequest")
                made |= self._led(caller, record, told)
            return self._store.change(self._store.floatingips, record, **made)

    def remove(self, record: Record) -> None:
        """Give one back."""
        with self._store.database.change():
            self._store.floatingips.remove(record["id"])
            port = self._store.ports.get(record["holder"])
            if port is not None:
                self._store.drop_port(port)

    def _led(self, caller: Caller, record: Record, fields: Mapping[str, Any]) -> dict[str, Any]:
        """What it is when it is led to a port; to none: what it is then."""
        if not fields["port_id"]:
            if fields.get("fixed_ip_address"):
                message = "fixed_ip_address cannot be specified without a port_id"
                raise Refused(400, f"Bad floatingip request: {message}.", name="BadRequest")
            return {"port_id": None, "fixed_ip_address": None, "router_id": None, "status": "DOWN"}
        port = self._store.port(fields["port_id"], caller)
        if port["project_id"] != record["project_id"] and not caller.is_admin:
            raise Refused(404, f"Port {port['id']} could not be found.", name="PortNotFound")
        fixed = self._inside(port, fields.get("fixed_ip_address"))
        for other in self._store.floatingips.every(port_id=port["id"]):
            is_same = other["fixed_ip_address"] == fixed["ip_address"]
            if other["id"] != record["id"] and is_same:
                message = (
                    f"Cannot associate floating IP {record['floating_ip_address']} "
                    f"({record['id']}) with port {port['id']} using fixed IP "
                    f"{fixed['ip_address']}, as that fixed IP already has a floating IP on "
                    f"external network {record['floating_network_id']}."
                )
                raise Refused(409, message, name="FloatingIPPortAlreadyAssociated")
        router = self._way(record["floating_network_id"], fixed["subnet_id"])
        if router is None:
            message = (
                f"External network {record['floating_network_id']} is not reachable from subnet "
                f"{fixed['subnet_id']}.  Therefore, cannot associate Port {port['id']} with a "
                "Floating IP."
            )
            raise Refused(404, message, name="ExternalGatewayForFloatingIPNotFound")
        return {
            "port_id": port["id"], "fixed_ip_address": fixed["ip_address"],
            "router_id": router["id"], "status": "ACTIVE",
        }  # fmt: skip

    def _inside(self, port: Mapping[str, Any], address: str | None) -> dict[str, str]:
        those = [one for one in port["fixed_ips"] if ip_address(one["ip_address"]).version == _V4]
        if address is not None:
            for one in those:
                if one["ip_address"] == address:
                    return dict(one)
            message = f"Port {port['id']} does not have fixed ip {address}"
        elif not those:
            message = (
                f"Cannot add floating IP to port {port['id']} that has no fixed IPv4 addresses"
            )
        elif len(those) > 1:
            message = (
                f"Port {port['id']} has multiple fixed IPv4 addresses.  Must provide a specific "
                "IPv4 address when assigning a floating IP"
            )
        else:
            return dict(those[0])
        raise Refused(400, f"Bad floatingip request: {message}.", name="BadRequest")

    def _way(self, network_id: str, subnet_id: str) -> Record | None:
        for router in self._store.routers.every():
            gateway = router["external_gateway_info"]
            if not gateway or gateway["network_id"] != network_id:
                continue
            if subnet_id in self._routers.subnets(router):
                return router
        return None


#: What says where a floating IP is led.
_LED = frozenset({"port_id", "fixed_ip_address"})
