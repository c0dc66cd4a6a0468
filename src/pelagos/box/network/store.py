"""Networks and their like as they are kept, and who sees what of them."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pelagos.box.database import Database
from pelagos.box.errors import Refused
from pelagos.box.network.attributes import NETWORK, SUBNET, defaults
from pelagos.box.records import Record, Records
from pelagos.core.clock import Clock

#: Devices that are parts of the network itself: their ports are not taken by hand.
ROUTER_INTERFACE = "network:router_interface"
ROUTER_GATEWAY = "network:router_gateway"
FLOATING = "network:floatingip"
SERVER = "compute:nova"
OWN_DEVICES = frozenset({ROUTER_INTERFACE, ROUTER_GATEWAY, FLOATING})
NOBODY = ""
_PUBLIC_CIDR = "198.51.100.0/24"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks for something of networks.

    Attributes:
        project_id: which it is for; empty for an administrator of no project.
    """

    project_id: str
    user_id: str
    is_admin: bool = False

    def owns(self, record: Mapping[str, Any]) -> bool:
        """Whether it may change a thing."""
        return self.is_admin or record["project_id"] == self.project_id

    def sees(self, record: Mapping[str, Any]) -> bool:
        """Whether it may know of a thing."""
        is_common = record.get("shared") or record.get("router:external")
        return bool(is_common) or self.owns(record)


class NetworkStore:
    """All networks of a box; safe to share between threads.

    Args:
        clock: tells the times.
        pace: by what the seconds that something takes are multiplied; 0: it is done at once.
        chance: chooses MAC addresses.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        pace: float = 1.0,
        chance: random.Random | None = None,
    ) -> None:
        self.database = database
        self.clock = clock
        self.pace = pace
        self.chance = chance or random.Random()  # noqa: S311  # no secret
        self.networks = Records(database, "networks")
        self.subnets = Records(database, "subnets")
        self.ports = Records(database, "ports")
        self.routers = Records(database, "routers")
        self.floatingips = Records(database, "floatingips")
        self.groups = Records(database, "security_groups")
        self.rules = Records(database, "security_group_rules")
        with database.change():
            if not self.networks.count():
                self._make_public()

    def _make_public(self) -> None:
        """The network of floating addresses that every box has."""
        told = {"name": "public", "router:external": True, "is_default": True, "type": "CUSTOM"}
        network = self.make(
            self.networks, defaults(NETWORK, project_id=NOBODY, user_id=None, **told)
        )
        fields = {
            "network_id": network["id"], "name": "public", "ip_version": 4,
            "cidr": _PUBLIC_CIDR, "gateway_ip": "198.51.100.1",
            "allocation_pools": [{"start": "198.51.100.2", "end": "198.51.100.254"}],
        }  # fmt: skip
        self.make(self.subnets, defaults(SUBNET, project_id=NOBODY, user_id=None, **fields))

    def make(self, kind: Records, fields: Mapping[str, Any]) -> Record:
        """Keep a new thing."""
        now = self.clock.time()
        return kind.add({**fields, "created": now, "updated": now, "revision_number": 1})

    def change(self, kind: Records, record: Mapping[str, Any], **fields: Any) -> Record:
        """Keep what changes of a thing."""
        made = {
            **record,
            **fields,
            "updated": self.clock.time(),
            "revision_number": record["revision_number"] + 1,
        }
        kind.keep(made)
        return made

    # ---- what a caller sees

    def network(self, key: str, caller: Caller) -> Record:
        """A network that a caller sees.

        Raises:
            Refused: 404.
        """
        found = self.networks.find(key)
        if found is None or not caller.sees(found):
            raise Refused(404, f"Network {key} could not be found.", name="NetworkNotFound")
        return found

    def subnet(self, key: str, caller: Caller) -> Record:
        """A subnet that a caller sees.

        Raises:
            Refused: 404.
        """
        found = self.subnets.find(key)
        if found is not None and not caller.owns(found):
            network = self.networks.get(found["network_id"])
            if network is None or not network["shared"]:
                found = None
        if found is None:
            raise Refused(404, f"Subnet {key} could not be found.", name="SubnetNotFound")
        return found

    def port(self, key: str, caller: Caller) -> Record:
        """A port that a caller sees: its own, and those of its networks.

        Raises:
            Refused: 404.
        """
        found = self.live_port(key)
        if found is not None and not caller.owns(found):
            network = self.networks.get(found["network_id"])
            if network is None or not caller.owns(network):
                found = None
        if found is None:
            raise Refused(404, f"Port {key} could not be found.", name="PortNotFound")
        return found

    def live_port(self, key: str) -> Record | None:
        """A port that is there now."""
        found = self.ports.find(key)
        return self._settled([found])[0] if found is not None and self._is_live(found) else None

    def live_ports(self, **equal: Any) -> list[Record]:
        """The ports that are there now."""
        return self._settled([one for one in self.ports.every(**equal) if self._is_live(one)])

    def _is_live(self, port: Mapping[str, Any]) -> bool:
        """Whether it is not away by now, which those that Synnefo takes away are in their time."""
        ends = port.get("ends")
        if ends is None or ends > self.clock.time():
            return True
        self.drop_port(port)
        return False

    def _settled(self, ports: list[Record]) -> list[Record]:
        """Ports as they are now: those that Synnefo builds are up in their time."""
        now = self.clock.time()
        for port in ports:
            up = port.get("up")
            if port["status"] == "BUILD" and up is not None and up <= now:
                port |= {"status": "ACTIVE", "updated": max(up, port["updated"])}
        return ports

    def drop_port(self, port: Mapping[str, Any]) -> None:
        """Let a port, and its hold on addresses, be there no longer."""
        with self.database.change() as connection:
            for held in self.floatingips.every(port_id=port["id"]):
                if held["fixed_ip_address"] is None:  # Synnefo's: the port had the address itself
                    self.hand_over(held["floating_ip_address"], port["id"], held["holder"])
                freed = {"port_id": None, "fixed_ip_address": None, "router_id": None}
                self.change(self.floatingips, held, **freed, status="DOWN")
            connection.execute("DELETE FROM addresses WHERE port_id = ?", (port["id"],))
            self.ports.remove(port["id"])

    # ---- addresses

    def taken(self, subnet_id: str) -> list[str]:
        """The addresses of a subnet that are in use."""
        rows = self.database.read().execute(
            "SELECT ip FROM addresses WHERE subnet_id = ?", (subnet_id,)
        )
        return [row["ip"] for row in rows]

    def take(self, subnet_id: str, ip: str, port_id: str) -> None:
        """Let a port have an address.

        Raises:
            Refused: 409, another one has it.
        """
        with self.database.change() as connection:
            made = connection.execute(
                "INSERT OR IGNORE INTO addresses VALUES (?, ?, ?)", (subnet_id, ip, port_id)
            )
        if not made.rowcount:
            raise Refused(
                409,
                f"IP address {ip} already allocated in subnet {subnet_id}",
                name="IpAddressAlreadyAllocated",
            )

    def hand_over(self, ip: str, from_port: str, to_port: str) -> None:
        """Let another port have a port's address."""
        with self.database.change() as connection:
            connection.execute(
                "UPDATE addresses SET port_id = ? WHERE port_id = ? AND ip = ?",
                (to_port, from_port, ip),
            )

    def release(self, port_id: str, ip: str) -> None:
        """Let a port have an address no longer."""
        with self.database.change() as connection:
            connection.execute("DELETE FROM addresses WHERE port_id = ? AND ip = ?", (port_id, ip))
