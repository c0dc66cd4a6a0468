"""Servers, flavours and images as Cyclades shows them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pelagos.box.compute.flavors import Flavor
from pelagos.box.compute.fleet import Fleet
from pelagos.box.compute.server import Server
from pelagos.box.cyclades import links, moment
from pelagos.box.image.store import Image
from pelagos.box.neighbours import Disk, Nic
from pelagos.box.web import Request

_DOMAIN = "vm.example.synnefo.org"
VERSION = "v2.0"


def flavor_shown(request: Request, flavor: Flavor) -> dict[str, Any]:
    """A flavour's whole record."""
    return {
        **flavor_brief(request, flavor),
        "ram": flavor.ram_mib,
        "disk": flavor.disk_gib,
        "vcpus": flavor.vcpus,
        "SNF:disk_template": "plain",
        "SNF:volume_type": 1,
        "SNF:allow_create": True,
        "os-flavor-access:is_public": flavor.is_public,
        "SNF:flavor-access": list(flavor.access),
    }


def flavor_brief(request: Request, flavor: Flavor) -> dict[str, Any]:
    """A flavour in a list without details."""
    here = links(request, VERSION, "flavors", str(flavor.number))
    return {"id": flavor.number, "name": flavor.name, "links": here}


def image_links(request: Request, image_id: str) -> list[dict[str, str]]:
    """Where an image is, and where it is for the image service."""
    other = f"{request.host}/cyclades/image/v1.0/images/{image_id}"
    here = links(request, VERSION, "images", image_id)
    return [*here, {"href": other, "rel": "alternate"}]


def image_shown(request: Request, image: Image) -> dict[str, Any]:
    """An image's whole record."""
    return {
        "id": image.id,
        "name": image.name or "",
        "status": "ACTIVE" if image.status == "active" else "SAVING",
        "progress": 100 if image.status == "active" else 0,
        "created": _moment(image.created),
        "updated": _moment(image.updated),
        "user_id": image.user_id,
        "tenant_id": image.project_id,
        "public": image.visibility == "public",
        "is_snapshot": False,
        "metadata": image.properties,
        "links": image_links(request, image.id),
    }


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).isoformat()


def server_brief(request: Request, server: Server) -> dict[str, Any]:
    """A server in a list without details."""
    here = links(request, VERSION, "servers", str(server.number))
    return {"id": server.number, "name": server.name, "links": here}


def server_shown(
    request: Request,
    fleet: Fleet,
    server: Server,
    nics: tuple[Nic, ...],
    disks: tuple[Disk, ...],
) -> dict[str, Any]:
    """A server's whole record; a new one has no addresses yet."""
    facts = server.facts
    flavor = str(server.flavor["number"])
    if server.state == "building":
        nics = ()
    image = {"id": server.image_id, "links": image_links(request, server.image_id)}
    return {
        **server_brief(request, server),
        "user_id": server.user_id,
        "tenant_id": server.project_id,
        "shared_to_project": bool(facts.get("shared")),
        "status": server.synnefo_status,
        "SNF:task_state": server.synnefo_task,
        "progress": server.progress(fleet.clock.time()),
        "hostId": "",
        "created": moment(server.created),
        "updated": moment(server.updated),
        "flavor": {
            "id": server.flavor["number"],
            "links": links(request, VERSION, "flavors", flavor),
        },
        "image": image,
        "suspended": server.state == "suspended",
        "metadata": server.metadata,
        "tags": server.tags,
        "attachments": [attachment(one) for one in nics],
        "addresses": addresses(nics),
        "volumes": [one.volume_number for one in disks],
        "diagnostics": diagnostics(server),
        "security_groups": [{"name": "default"}],
        "key_name": facts.get("key_name"),
        "SNF:key_names": facts.get("key_names", []),
        "config_drive": "",
        "accessIPv4": "",
        "accessIPv6": "",
        "SNF:fqdn": f"snf-{server.number}.{_DOMAIN}",
        "SNF:port_forwarding": {},
        "SNF:rescue": server.state == "rescued",
        "deleted": server.deleted is not None,
    }


def diagnostics(server: Server) -> list[dict[str, Any]]:
    """What went wrong with a server."""
    fault = server.facts.get("fault")
    if not fault:
        return []
    return [
        {
            "created": moment(fault["created"]),
            "level": "ERROR",
            "message": fault["message"],
            "source": "box",
            "source_date": moment(fault["created"]),
            "details": fault["message"],
        }
    ]


def attachment(nic: Nic) -> dict[str, Any]:
    """An interface."""
    shown: dict[str, Any] = {
        "id": nic.port_number,
        "network_id": str(nic.network_number),
        "mac_address": nic.mac,
        "ipv4": next((one.ip for one in nic.addresses if one.version == 4), ""),  # noqa: PLR2004
        "ipv6": next((one.ip for one in nic.addresses if one.version == 6), ""),  # noqa: PLR2004
        "OS-EXT-IPS:type": next((one.kind for one in nic.addresses), "fixed"),
    }
    return shown | ({"firewallProfile": nic.firewall} if nic.firewall else {})


def addresses(nics: tuple[Nic, ...]) -> dict[str, list[dict[str, Any]]]:
    """The addresses by networks."""
    shown: dict[str, list[dict[str, Any]]] = {}
    for nic in nics:
        for one in nic.addresses:
            entry = {"version": one.version, "addr": one.ip, "OS-EXT-IPS:type": one.kind}
            shown.setdefault(str(nic.network_number), []).append(entry)
    return shown
