"""What can be done with a volume of Cinder, and with a snapshot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pelagos.box.errors import Refused
from pelagos.box.fields import anything, flag, key, one_of, record, text, whole
from pelagos.box.records import Record
from pelagos.box.volume.cinder.call import Call
from pelagos.box.volume.cinder.routes import Routes
from pelagos.box.volume.cinder.volumes import METADATA, STATES
from pelagos.box.volume.volumes import Volumes
from pelagos.box.web import Answer, json_answer

_GIB = 1024**3
_FORMATS = ("raw", "qcow2", "vmdk", "vdi", "vhd", "vhdx", "ploop", "iso")
Deed = Callable[[Call, Record, Any], Answer]


class Actions:
    """POST .../action."""

    def __init__(self, volumes: Volumes) -> None:
        self._volumes = volumes
        self._store = volumes.store
        self._deeds: dict[str, Deed] = {
            "os-extend": self._extend,
            "os-set_bootable": self._set_bootable,
            "os-update_readonly_flag": self._set_read_only,
            "os-reset_status": self._reset,
            "os-force_delete": self._force_delete,
            "os-retype": self._retype,
            "os-set_image_metadata": self._set_image_metadata,
            "os-unset_image_metadata": self._unset_image_metadata,
            "os-show_image_metadata": self._show_image_metadata,
            "os-reserve": self._reserve,
            "os-unreserve": self._unreserve,
            "os-volume_upload_image": self._upload,
            "revert": self._revert,
        }

    def routes(self, routes: Routes) -> None:
        """Take the places in the router."""
        routes.add("POST", "/volumes/{volume_id}/action", self._on_volume)
        routes.add("POST", "/snapshots/{snapshot_id}/action", self._on_snapshot)

    def _on_volume(self, call: Call, volume_id: str) -> Answer:
        call.need_writer()
        told = call.request.document()
        name = next((word for word in told if word in self._deeds), "")
        if len(told) != 1 or not name:
            word = next(iter(told), "")
            raise Refused(400, f"There is no such action: {word}")
        with self._store.database.change():
            volume = self._volumes.volume(volume_id, call.project_id, is_admin=call.is_admin)
            return self._deeds[name](call, volume, told[name])

    def _change(self, volume: Record, **fields: Any) -> None:
        self._store.change(self._store.volumes, volume, **fields)

    def _extend(self, call: Call, volume: Record, told: Any) -> Answer:
        check = record({"new_size": whole(1)}, required=("new_size",))
        size = check(told, "os-extend")["new_size"]
        if volume["status"] == "in-use" and not call.since(42):
            message = (
                f"Invalid volume: Volume {volume['id']} status must be '('available',)' to "
                "extend, but current status is: in-use."
            )
            raise Refused(400, message)
        self._volumes.extend(volume, size)
        return Answer(202)

    def _set_bootable(self, _call: Call, volume: Record, told: Any) -> Answer:
        check = record({"bootable": flag()}, required=("bootable",))
        self._change(volume, is_bootable=check(told, "os-set_bootable")["bootable"])
        return Answer(200)

    def _set_read_only(self, _call: Call, volume: Record, told: Any) -> Answer:
        check = record({"readonly": flag()}, required=("readonly",))
        read_only = check(told, "os-update_readonly_flag")["readonly"]
        _need(volume, "available")
        metadata = {**volume["metadata"], "readonly": str(read_only)}
        self._change(volume, metadata=metadata)
        return Answer(202)

    def _reset(self, call: Call, volume: Record, told: Any) -> Answer:
        call.need_admin("volume_extension:volume_admin_actions:reset_status")
        check = record({
            "status": one_of(*STATES), "attach_status": one_of("attached", "detached"),
            "migration_status": anything,
        })  # fmt: skip
        fields = check(told, "os-reset_status")
        if not fields:
            raise Refused(400, "Invalid input received: At least one status is needed")
        if fields.get("attach_status") == "detached" and volume["use"]:
            self._store.unuse(volume)
            volume = {**volume, "use": None}
        status = fields.get("status", volume["status"])
        self._change(volume, status=status, due=None, then=None)
        return Answer(202)

    def _force_delete(self, call: Call, volume: Record, _told: Any) -> Answer:
        call.need_admin("volume_extension:volume_admin_actions:force_delete")
        self._volumes.remove(volume, is_forced=True)
        return Answer(202)

    def _retype(self, _call: Call, volume: Record, told: Any) -> Answer:
        check = record(
            {"new_type": text(1, 255), "migration_policy": one_of("on-demand", "never", None)},
            required=("new_type",),
        )
        kind = self._volumes.type_of(check(told, "os-retype")["new_type"])
        if volume["status"] not in {"available", "in-use"}:
            _need(volume, "available", "in-use")
        if kind["name"] == volume["volume_type"]:
            message = "Invalid volume type: New volume type not specified or the same."
            raise Refused(400, message)
        phase = self._store.phase("retyping", volume["status"])
        self._change(volume, volume_type=kind["name"], **phase)
        return Answer(202)

    def _set_image_metadata(self, _call: Call, volume: Record, told: Any) -> Answer:
        check = record({"metadata": METADATA}, required=("metadata",))
        image = {**(volume["image"] or {}), **check(told, "os-set_image_metadata")["metadata"]}
        self._change(volume, image=image)
        return json_answer({"metadata": image})

    def _unset_image_metadata(self, _call: Call, volume: Record, told: Any) -> Answer:
        check = record({"key": text(1, 255)}, required=("key",))
        word = check(told, "os-unset_image_metadata")["key"]
        image = dict(volume["image"] or {})
        if word not in image:
            raise Refused(404, "Metadata does not exist.")
        del image[word]
        self._change(volume, image=image)
        return Answer(200)

    def _show_image_metadata(self, _call: Call, volume: Record, _told: Any) -> Answer:
        return json_answer({"metadata": volume["image"] or {}})

    def _reserve(self, _call: Call, volume: Record, _told: Any) -> Answer:
        _need(volume, "available")
        self._change(volume, status="reserved")
        return Answer(202)

    def _unreserve(self, _call: Call, volume: Record, _told: Any) -> Answer:
        if volume["status"] == "reserved":
            self._change(volume, status="available")
        return Answer(202)

    def _upload(self, call: Call, volume: Record, told: Any) -> Answer:
        """An image of what a volume holds."""
        check = record(
            {
                "image_name": text(1, 255), "force": flag(), "disk_format": one_of(*_FORMATS),
                "container_format": text(0, 255, nullable=True), "protected": flag(),
                "visibility": one_of("community", "public", "private", "shared"),
            },
            required=("image_name",),
        )  # fmt: skip
        fields = check(told, "os-volume_upload_image")
        images = self._volumes.neighbours.images
        if images is None:
            raise Refused(503, "The image service is unavailable.")
        _need(volume, "available", *(("in-use",) if fields.get("force") else ()))
        kind = fields.get("disk_format", "raw")
        made = images.make(
            call.project_id, call.token.user_id, fields["image_name"], {},
            size=volume["size"] * _GIB, disk_format=kind,
        )  # fmt: skip
        phase = self._store.phase("uploading", volume["status"])
        self._change(volume, **phase)
        shown = {
            "id": volume["id"], "status": "uploading", "size": volume["size"],
            "image_id": made.id, "image_name": made.name, "disk_format": kind,
            "container_format": fields.get("container_format") or "bare",
            "display_description": volume["description"], "updated_at": None,
            "volume_type": None,
        }  # fmt: skip
        return json_answer({"os-volume_upload_image": shown}, 202)

    def _revert(self, call: Call, volume: Record, told: Any) -> Answer:
        if not call.since(40):
            raise Refused(404, "The resource could not be found.")
        check = record({"snapshot_id": key()}, required=("snapshot_id",))
        wanted = check(told, "revert")["snapshot_id"]
        found = self._store.every(self._store.snapshots, volume_id=volume["id"])
        if not found or found[-1]["id"] != wanted:
            message = (
                f"Invalid input received: Specified snapshot_id {wanted} isn't the latest one of "
                "the volume."
            )
            raise Refused(400, message)
        if volume["size"] != found[-1]["size"]:
            raise Refused(400, "Invalid volume: Can't revert volume to its latest snapshot.")
        _need(volume, "available")
        self._change(volume, **self._store.phase("reverting", "available"))
        return Answer(202)

    # ---- snapshots

    def _on_snapshot(self, call: Call, snapshot_id: str) -> Answer:
        told = call.request.document()
        store = self._store
        if list(told) == ["os-force_delete"]:
            call.need_admin("volume_extension:snapshot_admin_actions:force_delete")
            found = self._volumes.snapshot(snapshot_id, call.project_id, is_admin=True)
            self._volumes.remove_snapshot(found, is_forced=True)
            return Answer(202)
        if list(told) != ["os-reset_status"]:
            raise Refused(400, f"There is no such action: {next(iter(told), '')}")
        call.need_admin("volume_extension:snapshot_admin_actions:reset_status")
        check = record({"status": one_of(*STATES[:5])}, required=("status",))
        status = check(told["os-reset_status"], "os-reset_status")["status"]
        found = self._volumes.snapshot(snapshot_id, call.project_id, is_admin=True)
        store.change(store.snapshots, found, status=status, due=None, then=None)
        return Answer(202)


def _need(volume: Record, *states: str) -> None:
    if volume["status"] not in states:
        message = (
            f"Invalid volume: Volume {volume['id']} status must be {' or '.join(states)}, but "
            f"current status is: {volume['status']}."
        )
        raise Refused(400, message)
