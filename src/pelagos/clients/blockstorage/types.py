"""What block storage services answer, as mappings.

A volume and a snapshot have their name and description by both families' words, whichever served
them: `name` and `display_name`, `description` and `display_description`.
"""

from __future__ import annotations

from typing import Any, TypedDict

Id = int | str


class VolumeUse(TypedDict, total=False):
    """Where a volume is attached; on Synnefo with numbers and `device_index`."""

    id: str
    attachment_id: str
    server_id: Id
    volume_id: Id
    device: str
    device_index: int
    host_name: str | None
    attached_at: str


Volume = TypedDict(
    "Volume",
    {
        "id": str,
        "name": str | None,
        "display_name": str | None,
        "description": str | None,
        "display_description": str | None,
        "links": list[dict[str, str]],
        "status": str,
        "size": int,
        "volume_type": Id | None,
        "snapshot_id": str | None,
        "source_volid": str | None,
        "metadata": dict[str, str],
        "created_at": str,
        "user_id": str,
        "attachments": list[VolumeUse],
        # Synnefo
        "tenant_id": str,
        "image_id": str | None,
        "shared_to_project": bool,
        "delete_on_termination": bool,
        "deleted": bool,
        # OpenStack
        "availability_zone": str,
        "bootable": str,
        "encrypted": bool,
        "multiattach": bool,
        "updated_at": str | None,
        "volume_image_metadata": dict[str, str],
        "volume_type_id": str | None,
        "consistencygroup_id": str | None,
        "consumes_quota": bool,
        "cluster_name": str | None,
        "encryption_key_id": str | None,
        "group_id": str | None,
        "migration_status": str | None,
        "provider_id": str | None,
        "replication_status": str | None,
        "service_uuid": str | None,
        "shared_targets": bool | None,
        "os-vol-tenant-attr:tenant_id": str,
    },
    total=False,
)
Volume.__doc__ = "A volume; its size in GiB."

Snapshot = TypedDict(
    "Snapshot",
    {
        "id": str,
        "name": str | None,
        "display_name": str | None,
        "description": str | None,
        "display_description": str | None,
        "volume_id": Id,
        "status": str,
        "size": int,
        "metadata": dict[str, str],
        "created_at": str,
        "updated_at": str | None,
        "user_id": str,
        "tenant_id": str,
        "consumes_quota": bool,
        "group_snapshot_id": str | None,
        "os-extended-snapshot-attributes:progress": str,
    },
    total=False,
)
Snapshot.__doc__ = "What a volume was at a moment; its size in GiB."

VolumeType = TypedDict(
    "VolumeType",
    {
        "id": Id,
        "name": str,
        "description": str | None,
        "is_public": bool,
        "extra_specs": dict[str, Any],
        "qos_specs_id": str | None,
        "deleted": bool,
        "SNF:disk_template": str,
        "SNF:detachable": bool,
        "os-volume-type-access:is_public": bool,
    },
    total=False,
)
VolumeType.__doc__ = "Of what kind a volume is."
