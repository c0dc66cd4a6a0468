"""The requests of Cyclades' network service."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_network
from typing import Any

from pelagos.box.compute.ports import Neighbours
from pelagos.box.cyclades import Person, body, caller, part, project_of
from pelagos.box.errors import Refused
from pelagos.box.identity.identity import Identity
from pelagos.box.identity.quotas import Quotas
from pelagos.box.network import checks
from pelagos.box.network.attributes import FLOATING_IP, NETWORK, SUBNET, defaults
from pelagos.box.network.cyclades.joining import Joining
from pelagos.box.network.cyclades.shapes import Shapes
from pelagos.box.network.network import Network
from pelagos.box.network.store import OWN_DEVICES, Caller
from pelagos.box.records import Record
from pelagos.box.synnefo import document
from pelagos.box.web import Answer, Request, Router

_TYPES = ("CUSTOM", "MAC_FILTERED", "IP_LESS_ROUTED", "PHYSICAL_VLAN")
_PRIVATE = "cyclades.network.private"
_FLOATING = "cyclades.floating_ip"
_NAMES = {_PRIVATE: "Private Network", _FLOATING: "Floating IP Address"}


class CycladesNetworks:
    """Answers for the networks of a box as Cyclades does."""

    def __init__(
        self, identity: Identity, network: Network, quotas: Quotas, neighbours: Neighbours
    ) -> None:
        self._identity = identity
        self._network = network
        self._store = network.store
        self._quotas = quotas
        self._neighbours = neighbours
        self._joining = Joining(network)
        self._shapes = Shapes(network.store, neighbours)
        quotas.measure(_PRIVATE, self._private)
        quotas.measure(
            _FLOATING, lambda project: self._store.floatingips.count(project_id=project)
        )

    def routes(self, router: Router) -> None:
        """Take their places."""
        base = "/v2.0"
        for word, listing in (
            ("networks", self._networks),
            ("subnets", self._subnets),
            ("ports", self._ports),
            ("floatingips", self._floating_ips),
        ):
            for path in (f"{base}/{word}", f"{base}/{word}/detail"):
                router.add("GET", path, listing)
        for word, add, show, change, remove in (
            ("networks", self._add_network, self._show_network, self._change_network,
             self._remove_network),
            ("subnets", self._add_subnet, self._show_subnet, self._change_subnet,
             self._remove_subnet),
            ("ports", self._add_port, self._show_port, self._change_port, self._remove_port),
            ("floatingips", self._add_floating, self._show_floating, self._change_floating,
             self._remove_floating),
        ):  # fmt: skip
            router.add("POST", f"{base}/{word}", add)
            router.add("GET", f"{base}/{word}/{{key}}", show)
            router.add("PUT", f"{base}/{word}/{{key}}", change)
            router.add("DELETE", f"{base}/{word}/{{key}}", remove)
        router.add("POST", f"{base}/networks/{{key}}/action", self._act_on_network)
        router.add("POST", f"{base}/floatingips/{{key}}/action", self._act_on_floating)

    def _private(self, project_id: str) -> int:
        found = self._store.networks.every(project_id=project_id)
        return sum(not one["router:external"] for one in found)

    def _charge(self, project_id: str, resource: str) -> None:
        limit = self._quotas.limit(project_id, resource)
        left = limit - self._quotas.usage(project_id, resource)
        if left < 1:
            raise Refused(
                413,
                "Resource Limit Exceeded for your account.",
                name="overLimit",
                details=f"Limit for resource '{_NAMES[resource]}' exceeded for your account. "
                f"Available: {max(left, 0)}, Requested: 1",
            )

    # ---- networks

    def _networks(self, request: Request) -> Answer:
        person = caller(self._identity, request)
        found = [one for one in self._store.networks.every() if _sees(person, one)]
        return document({"networks": [self._shapes.network(request, one) for one in found]})

    def _add_network(self, request: Request) -> Answer:
        person = caller(self._identity, request)
        told = part(body(request), "network", dict, needed=True)
        kind = part(told, "type", str, "MAC_FILTERED")
        if kind not in _TYPES:
            raise Refused(400, f"Invalid network type '{kind}'")
        if kind not in {"MAC_FILTERED", "PHYSICAL_VLAN"}:
            raise Refused(403, f"Cannot create network of type '{kind}'")
        if part(told, "admin_state_up", bool, default=True) is False:
            raise Refused(400, "Cannot create a network that is not up")
        fields = {
            "name": _name(told), "type": kind, "user_id": person.user_id,
            "project_id": project_of(self._identity, person, told),
            "shared_to_project": part(told, "shared_to_project", bool, default=False),
        }  # fmt: skip
        with self._store.database.change():
            self._charge(fields["project_id"], _PRIVATE)
            made = self._network.add_network(defaults(NETWORK, **fields))
        return document({"network": self._shapes.network(request, made)}, 201)

    def _show_network(self, request: Request, key: str) -> Answer:
        found = self._network_of(caller(self._identity, request), key)
        return document({"network": self._shapes.network(request, found)})

    def _network_of(self, person: Person, key: str, *, own: bool = False) -> Record:
        found = self._store.networks.find(key) if key.isdigit() else None
        if found is None or not _sees(person, found):
            raise Refused(404, f"Network '{key}' not found.")
        if own and found.get("user_id") != person.user_id:
            raise Refused(403, f"Network '{key}' is not yours")
        return found

    def _change_network(self, request: Request, key: str) -> Answer:
        person = caller(self._identity, request)
        found = self._network_of(person, key, own=True)
        told = part(body(request), "network", dict, needed=True)
        fields = {"name": _name(told, found["name"])}
        if (shared := part(told, "shared_to_project", bool)) is not None:
            fields["shared_to_project"] = shared
        made = self._network.change_network(found, fields)
        return document({"network": self._shapes.network(request, made)})

    def _remove_network(self, request: Request, key: str) -> Answer:
        found = self._network_of(caller(self._identity, request), key, own=True)
        try:
            self._network.remove_network(found)
        except Refused as refused:
            message = (
                "Cannot delete network. There are ports still configured on network network "
                f"{found['number']}"
            )
            raise Refused(409, message) from refused
        return Answer(204)

    def _act_on_network(self, request: Request, key: str) -> Answer:
        person = caller(self._identity, request)
        found = self._network_of(person, key)
        told = part(body(request), "reassign", dict, needed=True)
        if found["router:external"]:
            raise Refused(403, "Cannot reassign public network")
        return self._reassign(person, self._store.networks, found, told, _PRIVATE)

    def _reassign(
        self, person: Person, kind: Any, found: Record, told: Mapping[str, Any], resource: str
    ) -> Answer:
        part(told, "project", str, needed=True)
        project = project_of(self._identity, person, told)
        fields: dict[str, Any] = {"project_id": project}
        if (shared := part(told, "shared_to_project", bool)) is not None:
            fields["shared_to_project"] = shared
        with self._store.database.change():
            if project != found["project_id"]:
                self._charge(project, resource)
            self._store.change(kind, found, **fields)
        return Answer(200)

    # ---- subnets

    def _subnets(self, request: Request) -> Answer:
        person = caller(self._identity, request)
        homes = {one["id"]: one for one in self._store.networks.every() if _sees(person, one)}
        found = [one for one in self._store.subnets.every() if one["network_id"] in homes]
        return document({"subnets": [self._shapes.subnet(request, one) for one in found]})

    def _add_subnet(self, request: Request) -> Answer:
        person = caller(self._identity, request)
        told = part(body(request), "subnet", dict, needed=True)
        if told.get("network_id") is None:
            raise Refused(400, "Malformed request. Missing attribute 'network_id'.")
        home = self._network_of(person, str(told["network_id"]), own=True)
        version = part(told, "ip_version", int, 4)
        if version not in {4, 6}:
            raise Refused(400, "Malformed IP version type")
        fields = _subnet_fields(told, version)
        known = self._store.subnets.every(network_id=home["id"])
        if any(one["ip_version"] == version for one in known):
            message = (
                f"Network '{home['number']}' has an IPv{version} subnet, and can have only one"
            )
            raise Refused(409, message)
        for one in ("name", "project_id", "user_id"):
            fields[one] = {"name": _name(told), "user_id": person.user_id}.get(
                one, home["project_id"]
            )
        with self._store.database.change():
            try:
                made = self._network.subnets.add(
                    home, defaults(SUBNET, network_id=home["id"], **fields)
                )
            except Refused as refused:
                raise Refused(400, refused.message) from refused
            self._store.change(self._store.networks, home)
        return document({"subnet": self._shapes.subnet(request, made)}, 201)

    def _show_subnet(self, request: Request, key: str) -> Answer:
        found = self._subnet_of(caller(self._identity, request), key)
        return document({"subnet": self._shapes.subnet(request, found)})

    def _subnet_of(self, person: Person, key: str) -> Record:
        found = self._store.subnets.find(key) if key.isdigit() else None
        home = self._store.networks.get(found["network_id"]) if found else None
        if found is None or home is None or not _sees(person, home):
            raise Refused(404, f"Subnet '{key}' not found.")
        return found

    def _change_subnet(self, request: Request, key: str) -> Answer:
        person = caller(self._identity, request)
        found = self._subnet_of(person, key)
        if found.get("user_id") != person.user_id:
            raise Refused(403, "Cannot update a public subnet")
        told = part(body(request), "subnet", dict, needed=True)
        if set(told) != {"name"}:
            raise Refused(400, "Only the name of a subnet can be updated")
        made = self._network.subnets.change(found, {"name": _name(told)})
        return document({"subnet": self._shapes.subnet(request, made)})

    def _remove_subnet(self, request: Request, key: str) -> Answer:
        self._subnet_of(caller(self._identity, request), key)
        raise Refused(400, "Deletion of a subnet is not supported")

    # ---- ports

    def _ports(self, request: Request) -> Answer:
        person = caller(self._identity, request)
        found = [one for one in self._store.live_ports() if _owns(person, one)]
        return document({"ports": [self._shapes.port(request, one) for one in found]})

    def _add_port(self, request: Request) -> Answer:
        person = caller(self._identity, request)
        told = part(body(request), "port", dict, needed=True)
        if told.get("network_id") is None:
            raise Refused(400, "Malformed request. Missing attribute 'network_id'.")
        home = self._network_of(person, str(told["network_id"]))
        fixed = part(told, "fixed_ips", list, [])
        if len(fixed) > 1:
            raise Refused(400, "'fixed_ips' attribute must contain only one fixed IP address.")
        address = ""
        if fixed:
            if not isinstance(fixed[0], dict) or not isinstance(fixed[0].get("ip_address"), str):
                raise Refused(400, "Malformed request. Missing attribute 'ip_address'.")
            address = _address(fixed[0]["ip_address"])
        guest = None
        if told.get("device_id"):
            servers = self._neighbours.servers
            guest = servers.guest(str(told["device_id"])) if servers else None
            if guest is None or guest.user_id != person.user_id:
                raise Refused(404, f"Server '{told['device_id']}' not found.")
        with self._store.database.change():
            project = guest.project_id if guest else home["project_id"] or person.project_id
            made = self._joining.join(
                home, person.user_id, project, guest, address, name=_name(told)
            )
        return document({"port": self._shapes.port(request, made)}, 201)

    def _show_port(self, request: Request, key: str) -> Answer:
        found = self._port_of(caller(self._identity, request), key)
        return document({"port": self._shapes.port(request, found)})

    def _port_of(self, person: Person, key: str) -> Record:
        found = self._store.live_port(key) if key.isdigit() else None
        if found is None or not _owns(person, found):
            raise Refused(404, f"Port '{key}' not found.")
        return found

    def _change_port(self, request: Request, key: str) -> Answer:
        found = self._port_of(caller(self._identity, request), key)
        told = part(body(request), "port", dict, needed=True)
        made = self._store.change(self._store.ports, found, name=_name(told, found["name"]))
        return document({"port": self._shapes.port(request, made)})

    def _remove_port(self, request: Request, key: str) -> Answer:
        found = self._port_of(caller(self._identity, request), key)
        if found["device_owner"] in OWN_DEVICES:
            raise Refused(409, f"Port '{key}' is used by {found['device_owner']}")
        self._joining.part(found)
        return Answer(204)

    # ---- floating IPs

    def _floating_ips(self, request: Request) -> Answer:
        person = caller(self._identity, request)
        self._store.live_ports()  # what is gone by now holds no address
        found = [one for one in self._store.floatingips.every() if _owns(person, one)]
        shown = [self._shapes.floating_ip(one) for one in found]
        return document({"floatingips": shown})

    def _add_floating(self, request: Request) -> Answer:
        person = caller(self._identity, request)
        told = part(body(request), "floatingip", dict, needed=True)
        key = told.get("floating_network_id")
        home = self._pool() if key is None else self._network_of(person, str(key))
        if not home["router:external"]:
            raise Refused(409, f"Network '{home['number']}' is not a floating IP pool")
        project = project_of(self._identity, person, told)
        fields = {"floating_network_id": home["id"], "project_id": project,
                  "user_id": person.user_id}  # fmt: skip
        if address := part(told, "floating_ip_address", str):
            fields["floating_ip_address"] = _address(address)
        with self._store.database.change():
            self._charge(project, _FLOATING)
            try:
                made = self._network.floating.add(
                    Caller(project, person.user_id), defaults(FLOATING_IP, **fields)
                )
            except Refused as refused:
                if refused.name == "IpAddressAlreadyAllocated":
                    raise Refused(409, f"IP address '{address}' is already in use.") from refused
                if refused.name == "IpAddressGenerationFailure":
                    message = f"No more IP addresses available in network '{home['number']}'."
                    raise Refused(409, message) from refused
                raise Refused(400, refused.message) from refused
        return document({"floatingip": self._shapes.floating_ip(made)})

    def _pool(self) -> Record:
        for one in self._store.networks.every():
            if one["router:external"]:
                return one
        raise Refused(409, "No floating IP pool found.")

    def _show_floating(self, request: Request, key: str) -> Answer:
        found = self._floating_of(caller(self._identity, request), key)
        return document({"floatingip": self._shapes.floating_ip(found)})

    def _floating_of(self, person: Person, key: str) -> Record:
        found = self._store.floatingips.find(key) if key.isdigit() else None
        if found is None or not _owns(person, found):
            raise Refused(404, f"Floating IP '{key}' not found.")
        if found["port_id"] and self._store.live_port(found["port_id"]) is None:
            found = self._store.floatingips.get(found["id"]) or found
        return found

    def _change_floating(self, request: Request, key: str) -> Answer:
        self._floating_of(caller(self._identity, request), key)
        raise Refused(501, "Updating a floating IP is not supported.")

    def _remove_floating(self, request: Request, key: str) -> Answer:
        found = self._floating_of(caller(self._identity, request), key)
        if found["port_id"]:
            shown = self._shapes.floating_ip(found)
            message = f"IP '{found['number']}' is used by server '{shown['instance_id']}'"
            raise Refused(409, message)
        self._network.floating.remove(found)
        return Answer(204)

    def _act_on_floating(self, request: Request, key: str) -> Answer:
        person = caller(self._identity, request)
        found = self._floating_of(person, key)
        told = part(body(request), "reassign", dict, needed=True)
        return self._reassign(person, self._store.floatingips, found, told, _FLOATING)


def _sees(person: Person, network: Mapping[str, Any]) -> bool:
    return (
        network.get("user_id") == person.user_id
        or bool(network["router:external"])
        or bool(network["shared"])
        or (bool(network.get("shared_to_project")) and network["project_id"] == person.project_id)
    )


def _owns(person: Person, record: Mapping[str, Any]) -> bool:
    return record.get("user_id") == person.user_id


def _name(told: Mapping[str, Any], default: str = "") -> str:
    name = part(told, "name", str, default)
    if len(name) > 255:  # noqa: PLR2004  # as long as the column of a database
        raise Refused(400, "Value for 'name' exceeds maximum length 255.")
    return str(name)


def _address(text: str) -> str:
    try:
        return checks.address(text)
    except ValueError as error:
        raise Refused(400, f"Invalid IP address '{text}'") from error


def _subnet_fields(told: Mapping[str, Any], version: int) -> dict[str, Any]:
    cidr = part(told, "cidr", str, needed=True)
    try:
        found = ip_network(cidr)
        if found.version != version:
            raise Refused(400, f"{cidr} is not a valid IPv{version} subnet")
        fields: dict[str, Any] = {"cidr": str(found), "ip_version": version}
        if "gateway_ip" in told:
            fields["gateway_ip"] = checks.maybe(checks.address)(told["gateway_ip"] or None)
        if told.get("allocation_pools") is not None:
            fields["allocation_pools"] = checks.pools(told["allocation_pools"])
        fields["dns_nameservers"] = checks.addresses(told.get("dns_nameservers"))
        fields["host_routes"] = checks.routes(told.get("host_routes"))
    except ValueError as error:
        raise Refused(400, f"Malformed subnet: {error}") from error
    fields["enable_dhcp"] = part(told, "enable_dhcp", bool, default=True)
    return fields
