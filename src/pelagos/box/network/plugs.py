"""The interfaces of servers: ports that are made for them, or taken by them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any

from pelagos.box.errors import Refused
from pelagos.box.limits import Limits
from pelagos.box.neighbours import Address, Guest, Nic, Wish
from pelagos.box.network.attributes import PORT, defaults
from pelagos.box.network.cyclades.joining import Joining
from pelagos.box.network.network import Network
from pelagos.box.network.store import SERVER, Caller
from pelagos.box.records import Record

_FEW = 100
PROFILES = ("ENABLED", "DISABLED", "PROTECTED")


#: What the compute service says otherwise than the network service: status, and perhaps words.
_WORDS = {
    "IpAddressAlreadyAllocated": (400, "Fixed IP address is already in use: {}"),
    "IpAddressGenerationFailure": (400, "{}"),
    "InvalidIpForNetwork": (400, "{}"),
    "PortNotFound": (400, "{}"),
}


@contextmanager
def _worded() -> Iterator[None]:
    """Let refusals be those of a compute service, which has no names of its own for them."""
    try:
        yield
    except Refused as refused:
        status, words = _WORDS.get(refused.name, (refused.status, "{}"))
        raise Refused(status, words.format(refused.message)) from refused


class Plugs:
    """Networks as servers use them: what `Networks` of compute says."""

    def __init__(self, network: Network, limits: Limits) -> None:
        self._network = network
        self._limits = limits
        self._store = network.store
        self._joining = Joining(network)

    def plug(
        self,
        guest: Guest,
        wishes: Collection[Wish] | None,
        security_groups: Collection[str] = ("default",),
        *,
        dialect: str = "openstack",
    ) -> tuple[Nic, ...]:
        """Give a server interfaces; those that it got."""
        with _worded(), self._store.database.change():
            if dialect == "synnefo":
                made = self._joining.plug(guest, wishes)
            else:
                caller = Caller(guest.project_id, guest.user_id)
                groups = self._network.security.named(security_groups, caller)
                wanted = self._suggested(caller) if wishes is None else wishes
                made = [self._plug(guest, caller, wish, groups) for wish in wanted]
            return self._nics(made)

    def _suggested(self, caller: Caller) -> list[Wish]:
        """What a project's networks suggest: its only one, or the only one that is shared."""
        known = [one for one in self._store.networks.every() if not one["router:external"]]
        own = [one for one in known if one["project_id"] == caller.project_id]
        found = own or [one for one in known if one["shared"]]
        if len(found) > 1:
            message = "Multiple possible networks found, use a Network ID to be more specific."
            raise Refused(409, message)
        return [Wish(network_id=one["id"]) for one in found]

    def _plug(self, guest: Guest, caller: Caller, wish: Wish, groups: list[str]) -> Record:
        told = {
            "device_id": guest.id, "device_owner": SERVER, "status": "ACTIVE", "tag": wish.tag
        }  # fmt: skip
        store = self._store
        if wish.port_id:
            port = store.port(wish.port_id, caller)
            if port["device_id"] or not caller.owns(port):
                raise Refused(409, f"Port {wish.port_id} is still in use.", name="PortInUse")
            return store.change(store.ports, port, **told)
        home = self._home(wish.network_id, caller)
        used = store.ports.count(project_id=guest.project_id)
        if not self._limits.has_room(guest.project_id, "port", used, 1):
            raise Refused(403, "Maximum number of ports exceeded")
        fixed = [{"ip_address": wish.fixed_ip}] if wish.fixed_ip else None
        fields = defaults(
            PORT, project_id=guest.project_id, network_id=home["id"], is_made_for=True, **told,
            **({"fixed_ips": fixed} if fixed else {}),
            **({"security_groups": groups} if home["port_security_enabled"] else {}),
        )  # fmt: skip
        return self._network.ports.add(home, self._network.guarded(caller, home, fields))

    def _home(self, key: str, caller: Caller) -> Record:
        home = self._store.networks.find(key)
        if home is None or not caller.sees(home):
            raise Refused(400, f"Network {key} could not be found.", name="NetworkNotFound")
        if home["router:external"] and not (caller.owns(home) or home["shared"]):
            message = f"It is not allowed to create an interface on external network {home['id']}"
            raise Refused(403, message)
        if not self._store.subnets.count(network_id=home["id"]):
            message = f"Network {home['id']} requires a subnet in order to boot instances on."
            raise Refused(400, message)
        return home

    def unplug(self, guest: Guest, port_id: str) -> None:
        """Take an interface from a server; a port that was made for it goes."""
        with self._store.database.change():
            self._free(self._port(guest, port_id))

    def leave(self, guest: Guest) -> None:
        """A server is gone: what was made for it goes, other ports and addresses are free."""
        with self._store.database.change():
            for port in self._store.live_ports(device_id=guest.id):
                self._free(port)

    def _free(self, port: Record) -> None:
        if port.get("is_made_for"):
            self._store.drop_port(port)
        else:
            free = {"device_id": "", "device_owner": "", "status": "DOWN", "tag": ""}
            self._store.change(self._store.ports, port, **free)

    def nics(self, guests: Collection[str]) -> Mapping[str, tuple[Nic, ...]]:
        """The interfaces of servers by their UUIDs, in the order in which they were plugged."""
        store = self._store
        if len(guests) > _FEW:
            wanted = set(guests)
            ports = [one for one in store.live_ports() if one["device_id"] in wanted]
        else:
            ports = [one for key in guests for one in store.live_ports(device_id=key)]
        found: dict[str, list[Record]] = {}
        for port in ports:
            if port["device_owner"].startswith("compute:"):
                found.setdefault(port["device_id"], []).append(port)
        return {key: self._nics(those) for key, those in found.items()}

    def set_firewall(self, guest: Guest, port_id: str, profile: str) -> None:
        """Let an interface have another firewall (Synnefo)."""
        if profile not in PROFILES:
            raise Refused(400, f"Unsupported firewall profile {profile}")
        port = self._port(guest, port_id)
        self._store.change(self._store.ports, port, firewall=profile)

    def set_group(self, guest: Guest, group: str, *, is_member: bool) -> None:
        """Let a server's interfaces be in a security group, or no longer."""
        caller = Caller(guest.project_id, guest.user_id)
        with _worded():
            key = self._network.security.named([group], caller)[0]
        with self._store.database.change():
            for port in self._store.live_ports(device_id=guest.id):
                kept = [one for one in port["security_groups"] if one != key]
                wanted = [*kept, key] if is_member else kept
                if port["port_security_enabled"] and wanted != port["security_groups"]:
                    self._store.change(self._store.ports, port, security_groups=wanted)

    def _port(self, guest: Guest, port_id: str) -> Record:
        port = self._store.live_port(port_id)
        if port is None or port["device_id"] != guest.id:
            raise Refused(404, f"Port id {port_id} could not be found.")
        return port

    def _nics(self, ports: Iterable[Record]) -> tuple[Nic, ...]:
        networks: dict[str, Record] = {}
        return tuple(self._nic(port, networks) for port in ports)

    def _nic(self, port: Record, networks: dict[str, Record]) -> Nic:
        store, key = self._store, port["network_id"]
        if key not in networks:
            networks[key] = store.networks.get(key) or {}
        home = networks[key]
        held = store.floatingips.every(port_id=port["id"])
        own = {one["floating_ip_address"] for one in held if one["fixed_ip_address"] is None}
        found = [
            Address(
                one["ip_address"],
                ip_address(one["ip_address"]).version,
                "floating" if one["ip_address"] in own else "fixed",
                one["subnet_id"],
            )
            for one in port["fixed_ips"]
        ]
        found += [
            Address(one["floating_ip_address"], 4, "floating")
            for one in held
            if one["fixed_ip_address"] is not None
        ]
        return Nic(
            port["id"], port["number"], home["id"], home["number"], home["name"],
            port["mac_address"], tuple(found), self._group_names(port), port["status"],
            port.get("firewall"), bool(home["router:external"]), port.get("tag") or "",
        )  # fmt: skip

    def _group_names(self, port: Mapping[str, Any]) -> tuple[str, ...]:
        found = (self._store.groups.get(key) for key in port["security_groups"])
        return tuple(one["name"] for one in found if one is not None)
