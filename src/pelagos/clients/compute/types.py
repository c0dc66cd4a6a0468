"""What compute services answer, as mappings; ids are numbers on Synnefo and text on OpenStack."""

from __future__ import annotations

from typing import Any, TypedDict

Id = int | str


class Link(TypedDict, total=False):
    """Where a thing is."""

    rel: str
    href: str


class Ref(TypedDict, total=False):
    """Another thing, by its id."""

    id: Id
    links: list[Link]


Address = TypedDict(
    "Address",
    {
        "version": int,
        "addr": str,
        "OS-EXT-IPS:type": str,
        "OS-EXT-IPS-MAC:mac_addr": str,
    },
    total=False,
)
Attachment = TypedDict(
    "Attachment",
    {
        "id": Id,
        "network_id": str,
        "mac_address": str | None,
        "ipv4": str,
        "ipv6": str,
        "firewallProfile": str,
        "OS-EXT-IPS:type": str,
    },
    total=False,
)
Attachment.__doc__ = "A card that joins a server to a network (Synnefo)."

Server = TypedDict(
    "Server",
    {
        "id": Id,
        "name": str,
        "links": list[Link],
        "user_id": str,
        "tenant_id": str,
        "status": str,
        "progress": int,
        "hostId": str,
        "created": str,
        "updated": str,
        "flavor": Ref,
        "image": Ref | str,
        "metadata": dict[str, str],
        "tags": list[str],
        "addresses": dict[str, list[Address]],
        "accessIPv4": str,
        "accessIPv6": str,
        "security_groups": list[dict[str, str]],
        "key_name": str | None,
        "config_drive": str,
        "adminPass": str,
        "fault": dict[str, Any],
        # Synnefo
        "shared_to_project": bool,
        "suspended": bool,
        "attachments": list[Attachment],
        "volumes": list[Id],
        "diagnostics": list[dict[str, Any]],
        "deleted": bool,
        "SNF:task_state": str,
        "SNF:key_names": list[str],
        "SNF:fqdn": str,
        "SNF:port_forwarding": dict[str, Any],
        "SNF:rescue": bool,
        # OpenStack
        "description": str | None,
        "host_status": str,
        "locked": bool,
        "locked_reason": str | None,
        "pinned_availability_zone": str | None,
        "scheduler_hints": dict[str, Any],
        "server_groups": list[str],
        "trusted_image_certificates": list[str] | None,
        "OS-EXT-STS:task_state": str | None,
        "OS-EXT-STS:vm_state": str,
        "OS-EXT-STS:power_state": int,
        "OS-EXT-AZ:availability_zone": str,
        "OS-SRV-USG:launched_at": str | None,
        "OS-SRV-USG:terminated_at": str | None,
        "os-extended-volumes:volumes_attached": list[dict[str, Any]],
    },
    total=False,
)
Server.__doc__ = "A server; a short list has only id, name and links."

Flavor = TypedDict(
    "Flavor",
    {
        "id": Id,
        "name": str,
        "links": list[Link],
        "ram": int,
        "disk": int,
        "vcpus": int,
        "swap": int | str,
        "rxtx_factor": float,
        "description": str | None,
        "extra_specs": dict[str, str],
        "os-flavor-access:is_public": bool,
        "OS-FLV-EXT-DATA:ephemeral": int,
        "OS-FLV-DISABLED:disabled": bool,
        "SNF:disk_template": str,
        "SNF:volume_type": Id,
        "SNF:allow_create": bool,
        "SNF:flavor-access": list[str],
    },
    total=False,
)
Flavor.__doc__ = "What a server is made of: RAM in MiB, disk in GiB, processors."


class ComputeImage(TypedDict, total=False):
    """An image as the compute service shows it."""

    id: str
    name: str
    links: list[Link]
    status: str
    progress: int
    created: str
    updated: str
    user_id: str
    tenant_id: str
    public: bool
    is_snapshot: bool
    minDisk: int
    minRam: int
    metadata: dict[str, str]


class Keypair(TypedDict, total=False):
    """A key for logging in; `private_key` only in the answer that made it."""

    id: Id
    name: str
    type: str
    user_id: str
    fingerprint: str
    public_key: str
    private_key: str
    created_at: str
    updated_at: str | None
    deleted: bool
    deleted_at: str | None


class KeypairEntry(TypedDict):
    """A key as lists have it: one level deeper."""

    keypair: Keypair


class FloatingIp(TypedDict, total=False):
    """A floating IP as the compute service shows it."""

    id: Id
    ip: str
    pool: str
    fixed_ip: str | None
    instance_id: str | None


class Nics(TypedDict, total=False):
    """Where a server is on networks; `attachments` on Synnefo only."""

    addresses: dict[str, list[Address]]
    attachments: list[Attachment]


class Console(TypedDict, total=False):
    """How to get at a server's screen: host, port and password (Synnefo), or a URL (OpenStack)."""

    type: str
    protocol: str
    host: str
    port: int
    password: str
    url: str


class Stats(TypedDict, total=False):
    """Where pictures of a server's load are (Synnefo)."""

    refresh: int
    cpuBar: str
    cpuTimeSeries: str
    netBar: str
    netTimeSeries: str
    serverRef: Id


class VolumeAttachment(TypedDict, total=False):
    """A volume at a server."""

    id: Id
    volumeId: Id
    serverId: Id
    device: str | None
    # OpenStack, of later microversions
    tag: str | None
    delete_on_termination: bool
    attachment_id: str
    bdm_uuid: str


class Tags(TypedDict, total=False):
    """Tags of a server; `statuses`, one for each, on Synnefo only."""

    tags: list[str]
    statuses: list[str]


class NewNetwork(TypedDict, total=False):
    """A network that a new server is to be on."""

    uuid: Id
    port: Id
    fixed_ip: str
    tag: str


class NewFile(TypedDict, total=False):
    """A file that a new server begins with; `contents` in base64."""

    path: str
    contents: str
    owner: str
    group: str
    mode: int
