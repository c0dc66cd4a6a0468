"""What is done with volumes and snapshots, whoever asks; in the words of Cinder."""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping
from typing import Any

from pelagos.box.errors import Refused
from pelagos.box.limits import Limits
from pelagos.box.neighbours import Guest, ImageFacts, Neighbours
from pelagos.box.records import Record
from pelagos.box.volume.store import DEFAULT_TYPE, GONE, VolumeStore

_GIB = 1024**3
LIMITS = {
    "volumes": 10, "snapshots": 10, "gigabytes": 1000, "backups": 10, "backup_gigabytes": 1000,
    "per_volume_gigabytes": -1, "groups": 10,
}  # fmt: skip
_ENDABLE = ("available", "error", "error_restoring", "error_extending", "error_managing")


class Volumes:
    """The volumes of a box and their rules; safe to share between threads.

    Attributes:
        store: where they are kept.
        limits: how many a project may have, by OpenStack's names.
    """

    def __init__(self, store: VolumeStore, neighbours: Neighbours) -> None:
        self.store = store
        self.neighbours = neighbours
        self.limits = Limits(store.database, "cinder", LIMITS)

    # ---- finding

    def volume(self, key: str, project_id: str, *, is_admin: bool = False) -> Record:
        """A volume of a project.

        Raises:
            Refused: 404.
        """
        found = self.store.find(self.store.volumes, key)
        if found is None or not (is_admin or found["project_id"] == project_id):
            raise Refused(404, f"Volume {key} could not be found.")
        return found

    def snapshot(self, key: str, project_id: str, *, is_admin: bool = False) -> Record:
        """A snapshot of a project.

        Raises:
            Refused: 404.
        """
        found = self.store.find(self.store.snapshots, key)
        if found is None or not (is_admin or found["project_id"] == project_id):
            raise Refused(404, f"Snapshot {key} could not be found.")
        return found

    def type_of(self, key: str | None) -> Record:
        """A type by its id or name; the default one for nothing.

        Raises:
            Refused: 404.
        """
        types = self.store.types
        wanted = key or DEFAULT_TYPE
        found = types.get(wanted) or types.first(name=wanted)
        if found is None:
            raise Refused(404, f"Volume type with name {wanted} could not be found.")
        return found

    # ---- making

    def add(self, fields: Mapping[str, Any], *, is_admin: bool = False) -> Record:
        """Begin to make a volume.

        Args:
            fields: `project_id`, `user_id`, `name`, `description`, `size` in GiB or None,
                `volume_type`, `metadata`, `multiattach`, `availability_zone`, and one of
                `snapshot_id`, `source_volid`, `image_id`.

        Raises:
            Refused: it cannot be, or is more than the project may have.
        """
        project = fields["project_id"]
        told = {"snapshot_id": None, "source_volid": None, "image_id": None, **fields}
        source, least, image = self._source(told, project, is_admin=is_admin)
        size = told.get("size") or least
        if not size:
            raise Refused(400, "Invalid input received: Size must be greater than 0")
        if size < least:
            kind = "image" if image else "snapshot" if told["snapshot_id"] else "volume"
            raise Refused(
                400,
                f"Invalid input received: Volume size '{size}'GB cannot be smaller than the "
                f"{kind} size {least}GB. They must be >= original {kind} size.",
            )
        sort = told.get("volume_type") or (source or {}).get("volume_type")
        made = {
            "description": None, "metadata": {}, "multiattach": False, "read_only": None,
            "availability_zone": "nova", "image": None, "use": None, **told, "size": int(size),
            "volume_type": self.type_of(sort)["name"],
            "is_bootable": bool(image or (source or {}).get("is_bootable")),
            **self.store.phase("downloading" if image else "creating", "available"),
        }  # fmt: skip
        if made["status"] == "downloading":
            made["status"] = "creating"
        if image:
            made["image"] = _image_facts(image)
        elif source:
            made["image"] = source.get("image")
        with self.store.database.change():
            self.check_room(project, int(size))
            return self.store.make(self.store.volumes, made)

    def _source(
        self, told: Mapping[str, Any], project: str, *, is_admin: bool
    ) -> tuple[Record | None, int, ImageFacts | None]:
        """Of what a volume is made, how many GiB it needs for that, and the image."""
        if told["snapshot_id"]:
            found = self.snapshot(told["snapshot_id"], project, is_admin=is_admin)
            if found["status"] != "available":
                raise Refused(
                    400,
                    f"Invalid snapshot: Snapshot {found['id']} must be available, but is "
                    f"{found['status']}.",
                )
            return found, found["size"], None
        if told["source_volid"]:
            found = self.volume(told["source_volid"], project, is_admin=is_admin)
            if found["status"] not in {"available", "in-use"}:
                raise Refused(400, "Invalid volume: Source volume must be available or in-use.")
            return found, found["size"], None
        if told["image_id"]:
            return None, *self._image(told["image_id"], project, is_admin=is_admin)
        return None, 0, None

    def _image(self, key: str, project: str, *, is_admin: bool) -> tuple[int, ImageFacts]:
        images = self.neighbours.images
        image = images.find(key, project, is_admin=is_admin) if images else None
        if image is None:
            message = "Invalid image identifier or unable to access requested image."
            raise Refused(400, message)
        if image.status != "active":
            raise Refused(400, f"Invalid input received: Image {image.id} is not active.")
        return max(math.ceil(image.size / _GIB), image.min_disk_gib, 1), image

    def check_room(self, project_id: str, size: int, resource: str = "volumes") -> None:
        """See whether a project may have one more volume or snapshot of this size.

        Raises:
            Refused: 413.
        """
        store = self.store
        kind = store.volumes if resource == "volumes" else store.snapshots
        limits = self.limits.of(project_id)
        used = len(store.every(kind, project_id=project_id))
        word = resource.capitalize()[:-1]
        if not self.limits.has_room(project_id, resource, used, 1):
            message = (
                f"{word}LimitExceeded: Maximum number of {resource} allowed "
                f"({limits[resource]}) exceeded for quota '{resource}'."
            )
            raise _over(message)
        self.check_size(project_id, size)
        most = limits["per_volume_gigabytes"]
        if resource == "volumes" and size > most >= 0:
            message = (
                f"VolumeSizeExceedsLimit: Requested volume size {size}G is larger than maximum "
                f"allowed limit {most}G."
            )
            raise _over(message)

    def check_size(self, project_id: str, more: int) -> None:
        """See whether a project may have so many GiB more.

        Raises:
            Refused: 413.
        """
        used = self.store.gibibytes(project_id)
        if not self.limits.has_room(project_id, "gigabytes", used, more):
            limit = self.limits.of(project_id)["gigabytes"]
            raise _over(
                "VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed "
                f"gigabytes quota. Requested {more}G, quota is {limit}G and {used}G has been "
                "consumed."
            )

    def remove(self, volume: Record, *, is_forced: bool = False, cascade: bool = False) -> None:
        """Begin to remove a volume.

        Raises:
            Refused: 400, it is in use, or there are snapshots of it.
        """
        store = self.store
        with store.database.change():
            snapshots = store.every(store.snapshots, volume_id=volume["id"])
            is_free = volume["status"] in _ENDABLE and volume["use"] is None
            has_transfer = store.transfers.count(volume_id=volume["id"])
            if not is_forced and (not is_free or (snapshots and not cascade) or has_transfer):
                raise Refused(
                    400,
                    "Invalid volume: Volume status must be available or error or error_restoring "
                    "or error_extending or error_managing and must not be migrating, attached, "
                    "belong to a group, have snapshots, awaiting a transfer, or be disassociated "
                    "from snapshots after volume transfer.",
                )
            for one in snapshots:
                store.change(store.snapshots, one, **store.phase("deleting", GONE))
            store.change(store.volumes, volume, **store.phase("deleting", GONE))

    def extend(self, volume: Record, size: int) -> None:
        """Begin to make a volume larger.

        Raises:
            Refused: 400 it cannot be so, 413 the project may not have it.
        """
        if volume["status"] not in {"available", "in-use"}:
            raise _state(volume, "extend", "available")
        if size <= volume["size"]:
            message = (
                "Invalid input received: New size for extend must be greater than current size. "
                f"(current: {volume['size']}, extended: {size})."
            )
            raise Refused(400, message)
        with self.store.database.change():
            self.check_size(volume["project_id"], size - volume["size"])
            phase = self.store.phase("extending", volume["status"])
            self.store.change(self.store.volumes, volume, size=size, **phase)

    # ---- snapshots

    def add_snapshot(
        self, volume: Record, fields: Mapping[str, Any], *, is_forced: bool = False
    ) -> Record:
        """Begin to keep what a volume is.

        Raises:
            Refused: 400 it cannot be, 413 there may be no more.
        """
        allowed = {"available", "in-use"} if is_forced else {"available"}
        if volume["status"] not in allowed:
            message = (
                f"Invalid volume: Volume {volume['id']} status must be available, but current "
                f"status is: {volume['status']}."
            )
            raise Refused(400, message)
        made = {
            "description": None, "metadata": {}, **fields, "volume_id": volume["id"],
            "volume_number": volume["number"], "size": volume["size"], "image": volume["image"],
            "is_bootable": volume["is_bootable"], "volume_type": volume["volume_type"],
            **self.store.phase("creating", "available"),
        }  # fmt: skip
        with self.store.database.change():
            self.check_room(made["project_id"], volume["size"], "snapshots")
            return self.store.make(self.store.snapshots, made)

    def remove_snapshot(self, snapshot: Record, *, is_forced: bool = False) -> None:
        """Begin to remove a snapshot.

        Raises:
            Refused: 400, it is not in a state for that.
        """
        if not is_forced and snapshot["status"] not in {"available", "error"}:
            message = (
                "Invalid snapshot: Snapshot status must be available or error, but is "
                f"{snapshot['status']}."
            )
            raise Refused(400, message)
        gone = self.store.phase("deleting", GONE)
        self.store.change(self.store.snapshots, snapshot, **gone)

    # ---- at servers

    def join(  # a use has many properties
        self,
        volume: Record,
        guest: Guest,
        *,
        index: int,
        device: str = "",
        is_root: bool = False,
        ends_with_server: bool = False,
        tag: str = "",
        now: bool = False,
    ) -> Record:
        """Let a volume be at a server.

        Args:
            now: at once, as with a server that begins.
        """
        use = {
            "id": str(uuid.uuid4()), "server_id": guest.id, "server_number": guest.number,
            "server_name": guest.name, "device": device, "index": index, "is_root": is_root,
            "ends_with_server": ends_with_server, "tag": tag, "since": self.store.clock.time(),
        }  # fmt: skip
        phase = {"status": "in-use", "due": None, "then": None}
        if volume["due"] is not None and volume["status"] == "creating":
            phase = {"status": "creating", "due": volume["due"], "then": "in-use"}
        elif not now:
            phase = self.store.phase("attaching", "in-use")
        with self.store.database.change():
            self.store.use(volume, guest.id)
            return self.store.change(self.store.volumes, volume, use=use, **phase)

    def part(self, volume: Record) -> Record:
        """Let a volume be at no server."""
        phase = self.store.phase("detaching", "available")
        with self.store.database.change():
            self.store.unuse(volume)
            return self.store.change(self.store.volumes, volume, use=None, **phase)


def _over(message: str) -> Refused:
    return Refused(413, message, name="overLimit", headers={"Retry-After": "0"})


def _state(volume: Record, verb: str, wanted: str) -> Refused:
    return Refused(
        400,
        f"Invalid volume: Volume {volume['id']} status must be {wanted} to {verb}, but current "
        f"status is: {volume['status']}.",
    )


def _image_facts(image: ImageFacts) -> dict[str, str]:
    return {
        **image.properties, "image_id": image.id, "image_name": image.name,
        "size": str(image.size), "disk_format": image.disk_format,
        "container_format": image.container_format, "min_disk": str(image.min_disk_gib),
        "min_ram": str(image.min_ram_mib),
    }  # fmt: skip
