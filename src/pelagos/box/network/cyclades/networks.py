"""Networks and subnets, as Cyclades has them."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_network
from typing import Any

from pelagos.box.cyclades import Person, body, caller, part, project_of
from pelagos.box.errors import Refused
from pelagos.box.network import checks
from pelagos.box.network.attributes import NETWORK, SUBNET, defaults
from pelagos.box.network.cyclades.part import PRIVATE, Part, name_of, sees
from pelagos.box.records import Record
from pelagos.box.synnefo import document
from pelagos.box.web import Answer, Request, Router

_TYPES = ("CUSTOM", "MAC_FILTERED", "IP_LESS_ROUTED", "PHYSICAL_VLAN")


class Networks(Part):
    """Networks and their subnets."""

    def routes(self, router: Router) -> None:
        """Take their places."""
        self._quotas.measure(PRIVATE, self._private)
        self._resource(
            router, "networks", self._networks, self._add_network, self._show_network,
            self._change_network, self._remove_network,
        )  # fmt: skip
        self._resource(
            router, "subnets", self._subnets, self._add_subnet, self._show_subnet,
            self._change_subnet, self._remove_subnet,
        )  # fmt: skip
        router.add("POST", "/v2.0/networks/{key}/action", self._act_on_network)

    def _private(self, project_id: str) -> int:
        found = self._store.networks.every(project_id=project_id)
        return sum(not one["router:external"] for one in found)

    # ---- networks

    def _networks(self, request: Request) -> Answer:
        person = caller(self._identity, request)
        found = [one for one in self._store.networks.every() if sees(person, one)]
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
            "name": name_of(told), "type": kind, "user_id": person.user_id,
            "project_id": project_of(self._identity, person, told),
            "shared_to_project": part(told, "shared_to_project", bool, default=False),
        }  # fmt: skip
        with self._store.database.change():
            self._charge(fields["project_id"], person.user_id, PRIVATE)
            made = self._network.add_network(defaults(NETWORK, **fields))
        return document({"network": self._shapes.network(request, made)}, 201)

    def _show_network(self, request: Request, key: str) -> Answer:
        found = self._network_of(caller(self._identity, request), key)
        return document({"network": self._shapes.network(request, found)})

    def _change_network(self, request: Request, key: str) -> Answer:
        person = caller(self._identity, request)
        found = self._network_of(person, key, own=True)
        told = part(body(request), "network", dict, needed=True)
        fields = {"name": name_of(told, found["name"])}
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
        return self._reassign(person, self._store.networks, found, told, PRIVATE)

    # ---- subnets

    def _subnets(self, request: Request) -> Answer:
        person = caller(self._identity, request)
        homes = {one["id"]: one for one in self._store.networks.every() if sees(person, one)}
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
            fields[one] = {"name": name_of(told), "user_id": person.user_id}.get(
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
        if found is None or home is None or not sees(person, home):
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
        made = self._network.subnets.change(found, {"name": name_of(told)})
        return document({"subnet": self._shapes.subnet(request, made)})

    def _remove_subnet(self, request: Request, key: str) -> Answer:
        self._subnet_of(caller(self._identity, request), key)
        raise Refused(400, "Deletion of a subnet is not supported")


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
