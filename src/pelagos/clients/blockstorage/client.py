"""The client of a block storage service: volumes, their snapshots and types."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from pelagos.clients.base.bilingual import aliased, given, needed
from pelagos.clients.base.paging import records
from pelagos.clients.base.polling import wait_status
from pelagos.clients.blockstorage.rest import BlockStorageRestClient
from pelagos.clients.blockstorage.types import Id, Snapshot, Volume, VolumeType
from pelagos.core.clock import Clock, SystemClock

#: Either family's names of the same: Synnefo's, OpenStack's.
NAMES = (("display_name", "name"), ("display_description", "description"))

#: Since then a volume at a server may become larger.
_EXTEND_IN_USE = "3.42"


def same_status(one: str, other: str) -> bool:
    """Whether two words say the same of a volume.

    >>> same_status("in_use", "in-use")
    True
    """
    return one.replace("_", "-").lower() == other.replace("_", "-").lower()


class BlockStorageClient(BlockStorageRestClient):
    """A block storage service: Cinder, or Synnefo's for what the two have in common.

    Lists come whole, from all pages, and take filters of the service (`status="available"`).
    """

    _clock: Clock = SystemClock()

    # ---- volumes

    def list_volumes(
        self, detail: bool | None = None, *, limit: int | None = None, **filters: Any
    ) -> list[Volume]:
        """The volumes, at most `limit` of them; with `detail` whole records."""
        return cast(list[Volume], self._list("volumes", detail, limit, filters))

    def get_volume_details(self, volume_id: Id) -> Volume:
        """A volume's record."""
        return cast(Volume, aliased(self.volumes_get(None, volume_id).record("volume"), NAMES))

    def create_volume(  # noqa: PLR0913, PLR0917  # a volume has many properties
        self,
        size: int,
        availability_zone: str | None = None,
        source_volid: Id | None = None,
        display_name: str | None = None,
        display_description: str | None = None,
        snapshot_id: Id | None = None,
        imageRef: str | None = None,  # noqa: N803  # the service's word
        volume_type: Id | None = None,
        bootable: bool | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> Volume:
        """Make a volume; its record.

        Args:
            size: in GiB.
            availability_zone: where to.
            source_volid: a volume whose content it is to have;
            display_name: for people.
            display_description: for people.
            snapshot_id: … or a snapshot whose;
            imageRef: … or an image whose.
            volume_type: of what kind.
            bootable: whether servers may start from it; OpenStack is told so in a second request.
            metadata: texts by name.
        """
        volume = self._made(
            size,
            availability_zone=availability_zone,
            source_volid=source_volid,
            display_name=display_name,
            display_description=display_description,
            snapshot_id=snapshot_id,
            imageRef=imageRef,
            volume_type=volume_type,
            bootable=bootable if self.is_synnefo else None,
            metadata=metadata,
        )
        if bootable is not None and not self.is_synnefo:
            action = {"os-set_bootable": {"bootable": bool(bootable)}}
            self.volumes_action_post(needed(volume, "id"), json_data=action)
        return volume

    def update_volume(
        self,
        volume_id: Id,
        display_name: str | None = None,
        display_description: str | None = None,
        delete_on_termination: bool | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> Volume:
        """Change what is not None of a volume; its record.

        Raises:
            Unsupported: OpenStack keeps `delete_on_termination` at the server's attachment.
        """
        if delete_on_termination is not None:
            self._only_on(
                "synnefo",
                "delete_on_termination of volumes",
                "say it when the volume is attached to a server",
            )
        body = self._worded(
            display_name=display_name,
            display_description=display_description,
            delete_on_termination=delete_on_termination,
            metadata=metadata,
        )
        if not body:
            return self.get_volume_details(volume_id)
        reply = self.volumes_put(volume_id, json_data={"volume": body})
        return cast(Volume, aliased(reply.record("volume"), NAMES))

    def extend_volume(
        self, volume_id: Id, new_size: int, *, while_in_use: bool = False
    ) -> Mapping[str, str]:
        """Make a volume larger, which takes its time (OpenStack); the answer's header fields.

        Args:
            volume_id: which.
            new_size: in GiB.
            while_in_use: also while it is at a server; services since 2017 can.
        """
        self._only_on("openstack", "larger volumes", "copy it by a snapshot to a larger one")
        headers = self._since(_EXTEND_IN_USE) if while_in_use else None
        action = {"os-extend": {"new_size": int(new_size)}}
        return self.volumes_action_post(volume_id, json_data=action, headers=headers).headers

    def delete_volume(self, volume_id: Id) -> Mapping[str, str]:
        """Remove a volume, which takes its time; the answer's header fields."""
        return self.volumes_delete(volume_id).headers

    # ---- waiting

    def get_volume_status(self, volume_id: Id) -> tuple[str, None]:
        """(status, None): of progress, volumes say nothing."""
        return needed(self.get_volume_details(volume_id), "status"), None

    def wait_volume(
        self,
        volume_id: Id,
        stop: Callable[[Volume], bool] | None = None,
        delay: float = 1,
        timeout: float = 100,
        wait_cb: Callable[[Volume], Any] | None = None,
    ) -> Volume:
        """Wait until `stop` says so of a record; the last one, also when time was over.

        Args:
            volume_id: which.
            stop: None: until it is not being made any more.
            delay: seconds between two questions.
            timeout: seconds.
            wait_cb: called with each record.
        """
        last: list[Volume] = []

        def look() -> Volume:
            last[:] = [self.get_volume_details(volume_id)]
            return last[0]

        def is_over(status: str) -> bool:
            return stop(last[0]) if stop else not same_status(status, "creating")

        return self._wait(look, is_over, delay, timeout, wait_cb)

    def wait_volume_while(
        self,
        volume_id: Id,
        current_status: str = "creating",
        delay: float = 1,
        max_wait: float = 100,
        wait_cb: Callable[[Volume], Any] | None = None,
    ) -> Volume:
        """Wait until a volume's status is another one; the last record."""
        return self._wait(
            lambda: self.get_volume_details(volume_id),
            lambda now: not same_status(now, current_status),
            delay,
            max_wait,
            wait_cb,
        )

    def wait_volume_until(
        self,
        volume_id: Id,
        target_status: str | None = None,
        delay: float = 1,
        max_wait: float = 100,
        wait_cb: Callable[[Volume], Any] | None = None,
    ) -> Volume:
        """Wait for a volume's status, in either family's words; the last record.

        Args:
            volume_id: which.
            target_status: None: what a new one comes to, "in_use" or, on OpenStack, "available".
            delay: seconds between two questions.
            max_wait: seconds.
            wait_cb: called with each record.
        """
        wanted = [target_status] if target_status else ["in_use"]
        if not target_status and not self.is_synnefo:
            wanted.append("available")
        return self._wait(
            lambda: self.get_volume_details(volume_id),
            lambda now: any(same_status(now, one) for one in wanted),
            delay,
            max_wait,
            wait_cb,
        )

    # ---- snapshots and types

    def list_snapshots(
        self, detail: bool | None = None, *, limit: int | None = None, **filters: Any
    ) -> list[Snapshot]:
        """The snapshots, at most `limit` of them; with `detail` whole records."""
        return cast(list[Snapshot], self._list("snapshots", detail, limit, filters))

    def get_snapshot_details(self, snapshot_id: Id) -> Snapshot:
        """A snapshot's record."""
        found = self.snapshots_get(None, snapshot_id).record("snapshot")
        return cast(Snapshot, aliased(found, NAMES))

    def create_snapshot(
        self,
        volume_id: Id,
        force: bool | None = None,
        display_name: str | None = None,
        display_description: str | None = None,
    ) -> Snapshot:
        """Keep what a volume is now; the snapshot's record. `force`: also while it is in use."""
        body = self._worded(
            volume_id=volume_id,
            force=force,
            display_name=display_name,
            display_description=display_description,
        )
        found = self.snapshots_post(json_data={"snapshot": body}).record("snapshot")
        return cast(Snapshot, aliased(found, NAMES))

    def update_snapshot(
        self,
        snapshot_id: Id,
        display_name: str | None = None,
        display_description: str | None = None,
    ) -> Snapshot:
        """Change what is not None of a snapshot; its record."""
        body = self._worded(display_name=display_name, display_description=display_description)
        if not body:
            return self.get_snapshot_details(snapshot_id)
        found = self.snapshots_put(snapshot_id, json_data={"snapshot": body}).record("snapshot")
        return cast(Snapshot, aliased(found, NAMES))

    def delete_snapshot(self, snapshot_id: Id) -> Mapping[str, str]:
        """Remove a snapshot; the answer's header fields."""
        return self.snapshots_delete(snapshot_id).headers

    def list_volume_types(self) -> list[VolumeType]:
        """The types of volumes."""
        return cast(list[VolumeType], records(self, ("types",), "volume_types"))

    def get_volume_type_details(self, type_id: Id) -> VolumeType:
        """A type's record."""
        return cast(VolumeType, self.types_get(type_id).record("volume_type"))

    # ---- what these are made of

    def _made(self, size: int, **fields: Any) -> Volume:
        body = self._worded(size=int(size), **fields)
        found = self.volumes_post(json_data={"volume": body}).record("volume")
        return cast(Volume, aliased(found, NAMES))

    def _worded(self, **fields: Any) -> dict[str, Any]:
        """What is not None, in the family's words."""
        said = given(**fields)
        if not self.is_synnefo:
            for theirs, ours in NAMES:
                if theirs in said:
                    said[ours] = said.pop(theirs)
        return said

    def _list(
        self, what: str, detail: bool | None, limit: int | None, filters: Mapping[str, Any]
    ) -> list[Any]:
        path = (what, "detail") if detail else (what,)
        return [aliased(one, NAMES) for one in records(self, path, what, filters, limit=limit)]

    def _wait(
        self,
        look: Callable[[], Volume],
        stop: Callable[[str], bool],
        delay: float,
        max_wait: float,
        wait_cb: Callable[[Volume], Any] | None,
    ) -> Volume:
        found = wait_status(
            look, stop, delay=delay, max_wait=max_wait, wait_cb=wait_cb, clock=self._clock
        )
        return cast(Volume, found)
