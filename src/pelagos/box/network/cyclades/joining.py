"""How servers of Synnefo join networks: private ones freely, public ones by a floating address."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from pelagos.box.errors import Refused
from pelagos.box.neighbours import Guest, Wish
from pelagos.box.network.attributes import PORT, defaults
from pelagos.box.network.network import Network
from pelagos.box.network.store import SERVER
from pelagos.box.records import Record

#: Seconds until a port is there, or gone.
BUILD_SECONDS, END_SECONDS = 1.0, 1.0
_MAC = "aa:00:00"


class Joining:
    """Makes ports of servers by Synnefo's rules, and refuses in its words."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._store = network.store

    def plug(self, guest: Guest, wishes: Collection[Wish] | None) -> list[Record]:
        """Give a server interfaces; None: one at the public network."""
        if wishes is None:
            wishes = [Wish(network_id=self._public()["id"])]
        return [self._plug(guest, wish) for wish in wishes]

    def _public(self) -> Record:
        for one in self._store.networks.every():
            if one["router:external"]:
                return one
        raise Refused(409, "Cannot find a public network", name="conflict")

    def _plug(self, guest: Guest, wish: Wish) -> Record:
        if wish.port_id:
            port = self._store.live_port(wish.port_id)
            if port is None or port.get("user_id") != guest.user_id:
                raise Refused(404, f"Port '{wish.port_id}' not found.")
            if port["device_id"]:
                raise Refused(409, f"Port '{wish.port_id}' is already in use.")
            told = {"device_id": guest.id, "device_owner": SERVER, "tag": wish.tag}
            return self._store.change(self._store.ports, port, **told, **self._building())
        network = self.network(guest.user_id, wish.network_id)
        return self.join(
            network, guest.user_id, guest.project_id, guest, wish.fixed_ip or wish.floating
        )

    def network(self, user_id: str, key: str) -> Record:
        """A network that a person may use.

        Raises:
            Refused: 404, there is none.
        """
        found = self._store.networks.find(key)
        if found is None or not (
            found.get("user_id") == user_id or found["router:external"] or found["shared"]
        ):
            raise Refused(404, f"Network '{key}' not found.")
        return found

    def join(  # a port has many properties
        self,
        network: Mapping[str, Any],
        user_id: str,
        project_id: str,
        guest: Guest | None,
        address: str = "",
        *,
        name: str = "",
    ) -> Record:
        """A new port at a network.

        Args:
            guest: the server that it is for, or none.
            address: a certain one; of a public network a floating IP of the person.

        Raises:
            Refused: 409, the address is in use, or there is none left.
        """
        floating = None
        if network["router:external"]:
            floating = self._floating(network, user_id, address)
            address = floating["floating_ip_address"]
        subnets = self._store.subnets.every(network_id=network["id"])
        if address and not subnets:
            raise Refused(400, f"Network '{network['number']}' has no subnet")
        told = {
            "project_id": project_id, "user_id": user_id, "network_id": network["id"],
            "name": name, "is_made_for": True, "security_groups": [],
            "port_security_enabled": True, "firewall": "DISABLED" if floating else None,
            "device_id": guest.id if guest else "", "device_owner": SERVER if guest else "",
            **self._building(),
        }  # fmt: skip
        if floating is not None:
            return self._take(network, floating, told)
        if address:
            told["fixed_ips"] = [{"ip_address": address}]
        try:
            return self._network.ports.add(network, defaults(PORT, **told), begin=_MAC)
        except Refused as refused:
            raise _worded(refused, network, address) from refused

    def _building(self) -> dict[str, Any]:
        if not self._store.pace:
            return {"status": "ACTIVE", "up": None}
        due = self._store.clock.time() + BUILD_SECONDS * self._store.pace
        return {"status": "BUILD", "up": due}

    def _floating(self, network: Mapping[str, Any], user_id: str, address: str) -> Record:
        own = [
            one
            for one in self._store.floatingips.every(floating_network_id=network["id"])
            if one.get("user_id") == user_id
        ]
        if address:
            for one in own:
                if one["floating_ip_address"] == address:
                    self._store.live_port(one["port_id"] or "")  # it may be gone by now
                    held = self._store.floatingips.get(one["id"]) or one
                    if held["port_id"]:
                        raise Refused(409, f"Floating IP '{held['number']}' is already in use.")
                    return held
            raise Refused(404, f"Floating IP with address '{address}' not found.")
        for one in own:
            if not one["port_id"]:
                return one
        raise Refused(
            409,
            "Cannot find an unused floating IP to connect server to network "
            f"'{network['number']}'. Please create a floating IP.",
        )

    def _take(self, network: Mapping[str, Any], floating: Record, told: dict[str, Any]) -> Record:
        """A port that has a floating address as its own."""
        store = self._store
        fields = defaults(PORT, **told, fixed_ips=[])
        with store.database.change():
            port = self._network.ports.add(network, fields, begin=_MAC)
            holder = store.ports.get(floating["holder"]) or {"fixed_ips": []}
            address = floating["floating_ip_address"]
            store.hand_over(address, floating["holder"], port["id"])
            port["fixed_ips"] = list(holder["fixed_ips"])
            store.ports.keep(port)
            led = {"port_id": port["id"], "fixed_ip_address": None, "status": "ACTIVE"}
            store.change(store.floatingips, floating, **led)
        return port

    def part(self, port: Record) -> None:
        """Let a port go, in its time."""
        if not self._store.pace:
            self._store.drop_port(port)
        elif port.get("ends") is None:
            due = self._store.clock.time() + END_SECONDS * self._store.pace
            self._store.ports.keep({**port, "ends": due})


def _worded(refused: Refused, network: Mapping[str, Any], address: str) -> Refused:
    if refused.name == "IpAddressAlreadyAllocated":
        return Refused(409, f"IP address '{address}' is already in use.")
    if refused.name == "IpAddressGenerationFailure":
        return Refused(409, f"No available IP addresses in network '{network['number']}'.")
    if refused.name in {"InvalidIpForNetwork", "InvalidIpForSubnet"}:
        return Refused(400, f"Invalid IP address '{address}' for network '{network['number']}'.")
    return refused
