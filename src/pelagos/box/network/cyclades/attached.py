"""Ports and floating IPs, as Cyclades has them: a server joins networks by these."""

from __future__ import annotations

from pelagos.box.cyclades import Person, body, caller, part, project_of
from pelagos.box.errors import Refused
from pelagos.box.network.attributes import FLOATING_IP, defaults
from pelagos.box.network.cyclades.joining import Joining
from pelagos.box.network.cyclades.part import FLOATING, Part, address_of, name_of, owns
from pelagos.box.network.store import OWN_DEVICES, Caller
from pelagos.box.records import Record
from pelagos.box.synnefo import document
from pelagos.box.web import Answer, Request, Router


class Attached(Part):
    """Ports and floating IPs."""

    def routes(self, router: Router) -> None:
        """Take their places."""
        store = self._store
        self._quotas.measure(FLOATING, lambda project: store.floatingips.count(project_id=project))
        self._resource(
            router, "ports", self._ports, self._add_port, self._show_port, self._change_port,
            self._remove_port,
        )  # fmt: skip
        self._resource(
            router, "floatingips", self._floating_ips, self._add_floating, self._show_floating,
            self._change_floating, self._remove_floating,
        )  # fmt: skip
        router.add("POST", "/v2.0/floatingips/{key}/action", self._act_on_floating)

    @property
    def _joining(self) -> Joining:
        return Joining(self._network)

    # ---- ports

    def _ports(self, request: Request) -> Answer:
        person = caller(self._identity, request)
        found = [one for one in self._store.live_ports() if owns(person, one)]
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
            address = address_of(fixed[0]["ip_address"])
        guest = None
        if told.get("device_id"):
            servers = self._neighbours.servers
            guest = servers.guest(str(told["device_id"])) if servers else None
            if guest is None or guest.user_id != person.user_id:
                raise Refused(404, f"Server '{told['device_id']}' not found.")
        with self._store.database.change():
            project = guest.project_id if guest else home["project_id"] or person.project_id
            made = self._joining.join(
                home, person.user_id, project, guest, address, name=name_of(told)
            )
        return document({"port": self._shapes.port(request, made)}, 201)

    def _show_port(self, request: Request, key: str) -> Answer:
        found = self._port_of(caller(self._identity, request), key)
        return document({"port": self._shapes.port(request, found)})

    def _port_of(self, person: Person, key: str) -> Record:
        found = self._store.live_port(key) if key.isdigit() else None
        if found is None or not owns(person, found):
            raise Refused(404, f"Port '{key}' not found.")
        return found

    def _change_port(self, request: Request, key: str) -> Answer:
        found = self._port_of(caller(self._identity, request), key)
        told = part(body(request), "port", dict, needed=True)
        made = self._store.change(self._store.ports, found, name=name_of(told, found["name"]))
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
        found = [one for one in self._store.floatingips.every() if owns(person, one)]
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
            fields["floating_ip_address"] = address_of(address)
        with self._store.database.change():
            self._charge(project, person.user_id, FLOATING)
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
        if found is None or not owns(person, found):
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
        return self._reassign(person, self._store.floatingips, found, told, FLOATING)
