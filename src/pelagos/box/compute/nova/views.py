"""Servers and flavours as Nova shows them, in each microversion."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from pelagos.box.compute.flavors import Flavor
from pelagos.box.compute.fleet import Fleet
from pelagos.box.compute.nova.call import Call, exact, iso
from pelagos.box.compute.server import Server
from pelagos.box.neighbours import Disk, Nic

_WITH_PROGRESS = {"ACTIVE", "BUILD", "REBUILD", "RESIZE", "VERIFY_RESIZE", "MIGRATING"}
_WITH_FAULT = {"ERROR", "DELETED"}
ZONE = "nova"


class Attached:
    """What is attached to some servers, read at once."""

    def __init__(self, fleet: Fleet, servers: Collection[Server]) -> None:
        keys = [one.id for one in servers]
        networks, volumes = fleet.neighbours.networks, fleet.neighbours.volumes
        self._nics = networks.nics(keys) if networks else {}
        self._disks = volumes.disks(keys) if volumes else {}

    def nics(self, server: Server) -> tuple[Nic, ...]:
        """A server's interfaces."""
        return self._nics.get(server.id, ())

    def disks(self, server: Server) -> tuple[Disk, ...]:
        """A server's volumes."""
        return self._disks.get(server.id, ())


def brief(call: Call, server: Server) -> dict[str, Any]:
    """A server in a list without details."""
    links = call.links("servers", server.id)
    return {"id": server.id, "name": server.name, "links": links}


def detailed(
    call: Call, fleet: Fleet, server: Server, attached: Attached, *, group: bool = False
) -> dict[str, Any]:
    """A server's whole record.

    Args:
        group: whether its group is told (from 2.71 on, not in lists).
    """
    now = fleet.clock.time()
    facts, status = server.facts, server.nova_status
    shown: dict[str, Any] = {
        "accessIPv4": facts.get("access_v4", ""),
        "accessIPv6": facts.get("access_v6", ""),
        "addresses": addresses(attached.nics(server)),
        "created": iso(server.created),
        "flavor": _flavor_of(call, server),
        "hostId": host_id(server),
        "id": server.id,
        "image": _image_of(call, server),
        "links": call.links("servers", server.id),
        "metadata": server.metadata,
        "name": server.name,
        "status": status,
        "tenant_id": server.project_id,
        "user_id": server.user_id,
        "updated": iso(server.updated),
        "OS-DCF:diskConfig": facts.get("disk_config", "MANUAL"),
        "OS-EXT-AZ:availability_zone": ZONE if facts.get("host") else "",
        "config_drive": "True" if facts.get("config_drive") else "",
        "key_name": facts.get("key_name"),
        "OS-SRV-USG:launched_at": exact(facts["launched"]) if facts.get("launched") else None,
        "OS-SRV-USG:terminated_at": exact(server.deleted) if server.deleted else None,
        "OS-EXT-STS:task_state": server.nova_task(now),
        "OS-EXT-STS:vm_state": server.state,
        "OS-EXT-STS:power_state": server.power_state,
        "os-extended-volumes:volumes_attached": [
            {"id": one.volume_id}
            | ({"delete_on_termination": one.ends_with_server} if call.since(3) else {})
            for one in attached.disks(server)
        ],
    }
    groups = _groups(server, attached.nics(server))
    if groups:
        shown["security_groups"] = groups
    if status in _WITH_FAULT and facts.get("fault"):
        shown["fault"] = _fault(call, facts["fault"])
    if status in _WITH_PROGRESS:
        shown["progress"] = 0  # as most drivers of Nova tell it
    shown |= _later(call, server)
    if group and call.since(71):
        found = fleet.groups.group_of(server.id)
        shown["server_groups"] = [found] if found else []
    return shown


def _later(call: Call, server: Server) -> dict[str, Any]:
    """What came with microversions."""
    facts = server.facts
    shown: dict[str, Any] = {}
    if call.is_admin:
        shown |= _attributes(call, server)
    elif call.since(90):
        shown["OS-EXT-SRV-ATTR:hostname"] = hostname(server)
    if call.since(16) and call.is_admin:
        shown["host_status"] = "UP" if facts.get("host") else ""
    came = {
        9: ("locked", bool(facts.get("locked"))),
        19: ("description", facts.get("description")),
        26: ("tags", server.tags),
        63: ("trusted_image_certificates", facts.get("certificates")),
        73: ("locked_reason", facts.get("locked_reason")),
        96: ("pinned_availability_zone", facts.get("pinned_zone")),
    }
    shown |= dict(pair for minor, pair in came.items() if call.since(minor))
    return shown


def _attributes(call: Call, server: Server) -> dict[str, Any]:
    facts = server.facts
    shown: dict[str, Any] = {
        "host": facts.get("host") or None,
        "instance_name": f"instance-{server.number:08x}",
        "hypervisor_hostname": facts.get("host") or None,
    }
    if call.since(3):
        shown |= {
            "hostname": hostname(server),
            "kernel_id": "",
            "launch_index": facts.get("launch_index", 0),
            "ramdisk_id": "",
            "reservation_id": facts.get("reservation_id", ""),
            "root_device_name": "/dev/vda",
            "user_data": facts.get("user_data"),
        }
    return {f"OS-EXT-SRV-ATTR:{name}": value for name, value in shown.items()}


def hostname(server: Server) -> str:
    """The name by which a server knows itself."""
    told = server.facts.get("hostname")
    if told:
        return str(told)
    kept = "".join(one if one.isascii() and one.isalnum() else "-" for one in server.name.lower())
    return kept.strip("-")[:63] or f"Server-{server.id}"


def host_id(server: Server) -> str:
    """Tells a project's hosts apart without naming them."""
    host = server.facts.get("host")
    return hashlib.sha224(f"{server.project_id}{host}".encode()).hexdigest() if host else ""


def addresses(nics: Iterable[Nic]) -> dict[str, list[dict[str, Any]]]:
    """A server's addresses by the names of networks."""
    shown: dict[str, list[dict[str, Any]]] = {}
    for nic in nics:
        for one in nic.addresses:
            shown.setdefault(nic.network_name, []).append({
                "version": one.version,
                "addr": one.ip,
                "OS-EXT-IPS:type": one.kind,
                "OS-EXT-IPS-MAC:mac_addr": nic.mac,
            })  # fmt: skip
    return shown


def _groups(server: Server, nics: Collection[Nic]) -> list[dict[str, str]]:
    names: Iterable[str] = server.facts.get("groups", ())
    if nics:
        names = dict.fromkeys(name for nic in nics for name in nic.security_groups)
    return [{"name": name} for name in names]


def _fault(call: Call, fault: Mapping[str, Any]) -> dict[str, Any]:
    shown = {
        "code": fault["code"],
        "created": iso(fault["created"]),
        "message": fault["message"],
    }
    return shown | ({"details": fault["message"]} if call.is_admin else {})


def _image_of(call: Call, server: Server) -> Any:
    if not server.image_id:
        return ""
    return {"id": server.image_id, "links": call.bookmark("images", server.image_id)}


def _flavor_of(call: Call, server: Server) -> dict[str, Any]:
    flavor = server.flavor
    if not call.since(47):
        return {"id": flavor["id"], "links": call.bookmark("flavors", flavor["id"])}
    return {
        "vcpus": flavor["vcpus"],
        "ram": flavor["ram_mib"],
        "disk": flavor["disk_gib"],
        "ephemeral": flavor["ephemeral_gib"],
        "swap": flavor["swap_mib"],
        "original_name": flavor["name"],
        "extra_specs": flavor["specs"],
    }


def flavor_brief(call: Call, flavor: Flavor) -> dict[str, Any]:
    """A flavour in a list without details."""
    shown = {"id": flavor.id, "name": flavor.name, "links": call.links("flavors", flavor.id)}
    return shown | ({"description": flavor.description} if call.since(55) else {})


def flavor_detailed(call: Call, flavor: Flavor) -> dict[str, Any]:
    """A flavour's whole record."""
    shown = {
        **flavor_brief(call, flavor),
        "ram": flavor.ram_mib,
        "disk": flavor.disk_gib,
        "vcpus": flavor.vcpus,
        "swap": flavor.swap_mib or ("" if not call.since(75) else 0),
        "OS-FLV-EXT-DATA:ephemeral": flavor.ephemeral_gib,
        "OS-FLV-DISABLED:disabled": False,
        "os-flavor-access:is_public": flavor.is_public,
        "rxtx_factor": flavor.rxtx_factor,
    }
    return shown | ({"extra_specs": flavor.specs} if call.since(61) else {})
