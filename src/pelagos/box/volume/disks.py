"""The volumes of servers: what `Volumes` of compute says."""

from __future__ import annotations

import string
from collections.abc import Collection, Mapping

from pelagos.box.errors import Refused
from pelagos.box.neighbours import Disk, DiskWish, Guest
from pelagos.box.records import Record
from pelagos.box.volume.store import GONE
from pelagos.box.volume.volumes import Volumes

_MOST = 26


class Disks:
    """Volumes as servers use them."""

    def __init__(self, volumes: Volumes) -> None:
        self._volumes = volumes
        self._store = volumes.store

    def boot(
        self, guest: Guest, wishes: Collection[DiskWish], *, dialect: str = "openstack"
    ) -> tuple[Disk, ...]:
        """Give a new server its disks, made or taken."""
        made = []
        with self._store.database.change():
            for index, wish in enumerate(wishes):
                volume = self._wished(guest, wish, dialect)
                device = self._device(guest, wish.device, dialect, is_first=wish.is_root)
                made.append(
                    self._volumes.join(
                        volume, guest, index=index, is_root=wish.is_root, tag=wish.tag,
                        device=device, now=True, ends_with_server=wish.ends_with_server,
                    )
                )  # fmt: skip
        return tuple(_disk(one) for one in made)

    def _wished(self, guest: Guest, wish: DiskWish, dialect: str) -> Record:
        if wish.source == "volume":
            return self._free(guest, wish.source_id)
        fields = {
            "project_id": guest.project_id, "user_id": guest.user_id, "name": "",
            "size": wish.size_gib,
            "volume_type": wish.volume_type or ("plain" if dialect == "synnefo" else ""),
            "snapshot_id": wish.source_id if wish.source == "snapshot" else None,
            "image_id": wish.source_id if wish.source == "image" else None,
        }  # fmt: skip
        if dialect == "synnefo":
            fields |= {"name": None, "ends_with_server": wish.ends_with_server}
        return self._volumes.add(fields)

    def _free(self, guest: Guest, key: str) -> Record:
        volume = self._volumes.volume(key, guest.project_id)
        if volume["status"] != "available":
            raise Refused(
                400,
                f"Invalid volume: Volume {volume['id']} status must be available or downloading "
                f"to reserve, but the current status is {volume['status']}.",
            )
        return volume

    def attach(
        self,
        guest: Guest,
        volume_id: str,
        *,
        device: str = "",
        tag: str = "",
        ends_with_server: bool = False,
        dialect: str = "openstack",
    ) -> Disk:
        """Give a server a volume."""
        with self._store.database.change():
            volume = self._free(guest, volume_id)
            there = self._store.at([guest.id])
            if len(there) >= _MOST:
                raise Refused(403, "Too many volumes are attached to this server")
            index = 1 + max((one["use"]["index"] for one in there), default=0)
            made = self._volumes.join(
                volume, guest, index=index, device=self._device(guest, device, dialect), tag=tag,
                ends_with_server=ends_with_server,
            )  # fmt: skip
        return _disk(made)

    def _device(self, guest: Guest, wanted: str, dialect: str, *, is_first: bool = False) -> str:
        if dialect == "synnefo":
            return ""
        used = {one["use"]["device"] for one in self._store.at([guest.id])}
        if wanted and wanted in used:
            raise Refused(409, f"The supplied device path ({wanted}) is in use.")
        if wanted:
            return wanted
        # the first one is a new server's own, be it a volume or not
        for letter in string.ascii_lowercase[0 if is_first else 1 :]:
            if f"/dev/vd{letter}" not in used:
                return f"/dev/vd{letter}"
        raise Refused(403, "Too many volumes are attached to this server")

    def detach(self, guest: Guest, volume_id: str, *, dialect: str = "openstack") -> None:
        """Take a volume from a server."""
        with self._store.database.change():
            volume = self._at(guest, volume_id)
            if volume["use"]["is_root"]:
                status = 400 if dialect == "synnefo" else 403
                raise Refused(status, "Cannot detach a root device volume")
            self._volumes.part(volume)

    def change(self, guest: Guest, volume_id: str, *, ends_with_server: bool) -> None:
        """Let a volume go with its server, or not."""
        with self._store.database.change():
            volume = self._at(guest, volume_id)
            use = {**volume["use"], "ends_with_server": ends_with_server}
            self._store.change(self._store.volumes, volume, use=use)

    def _at(self, guest: Guest, key: str) -> Record:
        volume = self._store.find(self._store.volumes, key)
        if volume is None or not volume["use"] or volume["use"]["server_id"] != guest.id:
            raise Refused(
                404, f"Instance {guest.id} is not attached to volume {key}", name="itemNotFound"
            )
        return volume

    def leave(self, guest: Guest) -> None:
        """A server is gone: volumes that end with it go, others are free."""
        with self._store.database.change():
            for volume in self._store.at([guest.id]):
                ends = volume["use"]["ends_with_server"]
                free = self._volumes.part(volume)
                if ends:
                    gone = self._store.phase("deleting", GONE)
                    self._store.change(self._store.volumes, free, **gone)

    def disks(self, guests: Collection[str]) -> Mapping[str, tuple[Disk, ...]]:
        """The volumes at servers by their UUIDs, in the order of attachment."""
        found: dict[str, list[Disk]] = {}
        wanted = list(guests)
        for start in range(0, len(wanted), 500):
            for volume in self._store.at(wanted[start : start + 500]):
                found.setdefault(volume["use"]["server_id"], []).append(_disk(volume))
        return {key: tuple(those) for key, those in found.items()}


def _disk(volume: Record) -> Disk:
    use = volume["use"]
    return Disk(
        volume["id"], volume["number"], use["id"], use["device"], volume["size"], use["is_root"],
        use["ends_with_server"], use["tag"],
    )  # fmt: skip
