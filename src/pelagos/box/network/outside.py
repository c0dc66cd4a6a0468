"""Floating IPs as a compute service has them: led to servers, not to ports."""

from __future__ import annotations

from ipaddress import ip_address

from pelagos.box.errors import Refused
from pelagos.box.limits import Limits
from pelagos.box.neighbours import FloatingIp, Guest
from pelagos.box.network.attributes import FLOATING_IP, defaults
from pelagos.box.network.network import Network
from pelagos.box.network.store import Caller
from pelagos.box.records import Record

_V4 = 4
_UNKNOWN = "floating IP not found"


class Outside:
    """What `FloatingIps` of compute says.

    Args:
        limits: of projects, by Neutron's names.
    """

    def __init__(self, network: Network, limits: Limits) -> None:
        self._network = network
        self._store = network.store
        self._limits = limits

    def pools(self) -> tuple[str, ...]:
        """The names of the networks that have such addresses."""
        return tuple(str(one["name"]) for one in self._pools())

    def _pools(self) -> list[Record]:
        return [one for one in self._store.networks.every() if one["router:external"]]

    def every(self, project_id: str) -> tuple[FloatingIp, ...]:
        """Those of a project, in the order in which they were taken."""
        self._store.live_ports()  # what is gone by now holds no address
        found = self._store.floatingips.every(project_id=project_id)
        return tuple(self._shown(one) for one in found)

    def one(self, project_id: str, key: str) -> FloatingIp:
        """One of a project."""
        return self._shown(self._record(project_id, key))

    def take(self, project_id: str, user_id: str, pool: str | None) -> FloatingIp:
        """Take one from a pool; None: from the first."""
        pools = self._pools()
        home = next((one for one in pools if pool in (None, one["name"], one["id"])), None)
        if home is None:
            raise Refused(404, "Floating IP pool not found.")
        with self._store.database.change():
            used = self._store.floatingips.count(project_id=project_id)
            if not self._limits.has_room(project_id, "floatingip", used, 1):
                raise Refused(403, f"IP allocation over quota in pool {home['name']}.")
            fields = {
                "floating_network_id": home["id"], "project_id": project_id, "user_id": user_id,
            }  # fmt: skip
            try:
                made = self._network.floating.add(
                    Caller(project_id, user_id), defaults(FLOATING_IP, **fields)
                )
            except Refused as refused:
                message = f"No more floating IPs in pool {home['name']}."
                raise Refused(404, message) from refused
        return self._shown(made)

    def give_back(self, project_id: str, key: str) -> None:
        """Give one back; it leads nowhere then."""
        with self._store.database.change():
            self._network.floating.remove(self._record(project_id, key))

    def lead(self, guest: Guest, address: str, fixed: str | None) -> None:
        """Lead one to a server, away from where it led before."""
        caller = Caller(guest.project_id, guest.user_id)
        with self._store.database.change():
            found = self._held(guest, address)
            port_id, inner = self._inner(guest, fixed)
            told = {"port_id": port_id, "fixed_ip_address": inner}
            try:
                self._network.floating.change(caller, found, told)
            except Refused as refused:
                raise Refused(
                    400,
                    f"Unable to associate floating IP {address} to fixed IP {inner} for instance "
                    f"{guest.id}. Error: {refused.message}",
                ) from refused

    def lead_nowhere(self, guest: Guest, address: str) -> None:
        """Lead one to a server no longer."""
        caller = Caller(guest.project_id, guest.user_id)
        with self._store.database.change():
            found = self._held(guest, address)
            if self._shown(found).server_id != guest.id:
                message = f"Floating IP {address} is not associated with instance {guest.id}."
                raise Refused(409, message)
            self._network.floating.change(caller, found, {"port_id": None})

    def _held(self, guest: Guest, address: str) -> Record:
        for one in self._store.floatingips.every(project_id=guest.project_id):
            if one["floating_ip_address"] == address:
                return one
        raise Refused(404, _UNKNOWN)

    def _inner(self, guest: Guest, fixed: str | None) -> tuple[str, str]:
        """The port of a server, and which of its addresses."""
        known = [
            (str(port["id"]), str(one["ip_address"]))
            for port in self._store.live_ports(device_id=guest.id)
            for one in port["fixed_ips"]
            if ip_address(one["ip_address"]).version == _V4
        ]
        if not known:
            raise Refused(400, "No fixed IPs associated to instance")
        found = next((one for one in known if fixed in (None, one[1])), None)
        if found is None:
            raise Refused(400, "Specified fixed address not assigned to instance")
        return found

    def _record(self, project_id: str, key: str) -> Record:
        found = self._store.floatingips.get(key)
        if found is None or found["project_id"] != project_id:
            raise Refused(404, f"Floating IP not found for ID {key}")
        return found

    def _shown(self, record: Record) -> FloatingIp:
        home = self._store.networks.get(record["floating_network_id"]) or {}
        port = self._store.ports.get(record["port_id"]) if record["port_id"] else None
        return FloatingIp(
            record["id"],
            record["floating_ip_address"],
            str(home.get("name", "")),
            record["fixed_ip_address"],
            (port or {}).get("device_id") or None,
        )
