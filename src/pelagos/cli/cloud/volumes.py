"""What the commands on volumes and snapshots share."""

from __future__ import annotations

from typing import Any

from pelagos.cli.cloud.command import CloudCommand, Record
from pelagos.cli.cloud.waiting import has_failed, wait_for, wait_gone


def volume_label(volume: Record) -> str:
    """What messages call a volume."""
    return f"volume {volume.get('name') or volume.get('id')}"


def attached_to(volume: Record) -> list[str]:
    """The ids of the servers at which a volume is."""
    found = volume.get("attachments")
    return [str(one.get("server_id", "")) for one in found or [] if isinstance(one, dict)]


def wait_volume(
    command: CloudCommand, volume: Record, *statuses: str, passing: str = ""
) -> Record:
    """Wait until a volume has one of these statuses, or without one, is `passing` no longer."""
    from pelagos.clients.blockstorage.client import same_status

    which, service = str(volume["id"]), command.cloud.volume

    def is_done(found: Record) -> bool:
        now = str(found.get("status", ""))
        if statuses:
            return any(same_status(now, one) for one in statuses)
        return not same_status(now, passing) and not has_failed(found)

    return wait_for(
        command,
        volume_label(volume),
        lambda: service.get_volume_details(which),
        is_done,
        goal=" or ".join(statuses) or f"other than {passing}",
        see=see_volume(command, volume),
    )


def wait_volume_gone(command: CloudCommand, volume: Record) -> None:
    """Wait until a volume is gone."""
    which, service = str(volume["id"]), command.cloud.volume
    wait_gone(
        command,
        volume_label(volume),
        lambda: service.get_volume_details(which),
        see_volume(command, volume),
    )


def see_volume(command: CloudCommand, volume: Record) -> str:
    """What to type to see a volume."""
    return f"pelagos volume info {volume['id']} --cloud {command.cloud.name}"


def volume_head(volume: Record) -> dict[str, Any]:
    """What a person reads of a volume."""
    size = volume.get("size")
    return {
        "id": volume.get("id"),
        "name": volume.get("name"),
        "description": volume.get("description"),
        "status": volume.get("status"),
        "size": f"{size} GiB" if size is not None else None,
        "type": volume.get("volume_type"),
        "at server": attached_to(volume),
        "from image": volume.get("image_id")
        or (volume.get("volume_image_metadata") or {}).get("image_name"),
        "from snapshot": volume.get("snapshot_id"),
        "from volume": volume.get("source_volid"),
        "bootable": volume.get("bootable"),
        "goes with its server": volume.get("delete_on_termination"),
        "metadata": volume.get("metadata"),
        "zone": volume.get("availability_zone"),
    }
