"""Volumes of Cinder."""

from __future__ import annotations

from typing import Any

from pelagos.box.errors import Refused
from pelagos.box.fields import flag, key, mapping, text, whole
from pelagos.box.records import Record
from pelagos.box.volume.cinder.call import Call, Shown, moment
from pelagos.box.volume.cinder.routes import Routes
from pelagos.box.volume.volumes import Volumes
from pelagos.box.web import Answer, json_answer

METADATA = mapping(text(0, 255), r".{1,255}")
_NAMED = {
    "name": text(0, 255, nullable=True), "description": text(0, 255, nullable=True),
    "display_name": text(0, 255, nullable=True),
    "display_description": text(0, 255, nullable=True),
}  # fmt: skip
_NEW = {
    **_NAMED,
    "size": whole(1, nullable=True), "volume_type": text(0, 255, nullable=True),
    "metadata": lambda value, name: {} if value is None else METADATA(value, name),
    "snapshot_id": key(nullable=True), "source_volid": key(nullable=True),
    "imageRef": text(0, 255, nullable=True), "image_id": text(0, 255, nullable=True),
    "availability_zone": text(0, 255, nullable=True), "multiattach": flag(),
    "consistencygroup_id": text(0, 36, nullable=True), "group_id": key(nullable=True),
    "backup_id": key(nullable=True), "user_id": text(0, 255, nullable=True),
    "project_id": text(0, 255, nullable=True), "status": text(0, 255, nullable=True),
    "attach_status": text(0, 255, nullable=True),
}  # fmt: skip
_FILTERS = ("name", "status", "metadata", "bootable", "volume_type", "size", "availability_zone",
            "name~", "project_id", "id")  # fmt: skip
STATES = ("creating", "available", "deleting", "error", "error_deleting", "attaching", "in-use",
          "detaching", "maintenance", "reserved")  # fmt: skip


def named(told: Shown) -> Shown:
    """With names and descriptions under one word each."""
    made = {name: it for name, it in told.items() if not name.startswith("display_")}
    for word in ("name", "description"):
        if word not in made and told.get(f"display_{word}") is not None:
            made[word] = told[f"display_{word}"]
    return made


class VolumePart:
    """Resources at /volumes."""

    def __init__(self, volumes: Volumes) -> None:
        self._volumes = volumes
        self._store = volumes.store

    def routes(self, routes: Routes) -> None:
        """Take the places in the router."""
        one = "/volumes/{volume_id}"
        routes.add("GET", "/volumes", self._brief)
        routes.add("GET", "/volumes/detail", self._detail)
        routes.add("GET", "/volumes/summary", self._summary, since=12)
        routes.add("POST", "/volumes", self._add)
        routes.add("GET", one, self._show)
        routes.add("PUT", one, self._change)
        routes.add("DELETE", one, self._remove)
        routes.add("GET", f"{one}/metadata", self._metadata)
        routes.add("POST PUT", f"{one}/metadata", self._write_metadata)
        routes.add("GET", f"{one}/metadata/{{name}}", self._one_metadatum)
        routes.add("PUT", f"{one}/metadata/{{name}}", self._write_metadatum)
        routes.add("DELETE", f"{one}/metadata/{{name}}", self._remove_metadatum)

    def find(self, call: Call, volume_id: str) -> Record:
        """A volume that the caller may see.

        Raises:
            Refused: 404.
        """
        return self._volumes.volume(volume_id, call.project_id, is_admin=call.is_admin)

    def _seen(self, call: Call) -> list[Record]:
        store = self._store
        if call.sees_all:
            return store.every(store.volumes)
        return store.every(store.volumes, project_id=call.project_id)

    def _brief(self, call: Call) -> Answer:
        def show(one: Record) -> Shown:
            links = call.links("volumes", one["id"])
            return {"id": one["id"], "name": one["name"], "links": links}

        return call.listing("volumes", self._seen(call), show, _FILTERS)

    def _detail(self, call: Call) -> Answer:
        return call.listing(
            "volumes", self._seen(call), lambda one: self.shape(call, one), _FILTERS,
            "volumes/detail",
        )  # fmt: skip

    def _summary(self, call: Call) -> Answer:
        found = self._seen(call)
        total: Shown = {"total_count": len(found), "total_size": sum(one["size"] for one in found)}
        if call.since(36):
            metadata: dict[str, list[str]] = {}
            for one in found:
                for word, value in one["metadata"].items():
                    if value not in metadata.setdefault(word, []):
                        metadata[word].append(value)
            total["metadata"] = metadata
        return json_answer({"volume-summary": total})

    def _add(self, call: Call) -> Answer:
        call.need_writer()
        told = named(call.told("volume", _NEW))
        for word in ("consistencygroup_id", "group_id", "backup_id"):
            if told.get(word):
                raise Refused(404, f"{word} {told[word]} could not be found.")
        zone = told.get("availability_zone") or "nova"
        if zone != "nova":
            message = f"Invalid input received: Availability zone '{zone}' is invalid."
            raise Refused(400, message)
        sources = [
            told.get(one) for one in ("snapshot_id", "source_volid", "imageRef", "image_id")
        ]
        if not told.get("size") and not any(sources[:2]):
            message = "Invalid input received: Volume size must be an integer and greater than 0"
            raise Refused(400, message)
        fields: Shown = {
            "project_id": call.project_id, "user_id": call.token.user_id,
            "name": (told.get("name") or "").strip() or None,
            "description": told.get("description"), "size": told.get("size"),
            "volume_type": told.get("volume_type") or None, "metadata": told.get("metadata") or {},
            "multiattach": bool(told.get("multiattach")),
            "snapshot_id": told.get("snapshot_id"), "source_volid": told.get("source_volid"),
            "image_id": told.get("imageRef") or told.get("image_id"),
        }  # fmt: skip
        if sum(bool(one) for one in sources) > 1:
            message = "Invalid input received: There can be only one source of a volume."
            raise Refused(400, message)
        made = self._volumes.add(fields, is_admin=call.is_admin)
        return json_answer({"volume": self.shape(call, made)}, 202)

    def _show(self, call: Call, volume_id: str) -> Answer:
        return json_answer({"volume": self.shape(call, self.find(call, volume_id))})

    def _change(self, call: Call, volume_id: str) -> Answer:
        call.need_writer()
        told = named(call.told("volume", {**_NAMED, "metadata": METADATA}))
        if not told:
            raise Refused(400, "Invalid input received: Nothing to update")
        with self._store.database.change():
            found = self.find(call, volume_id)
            made = self._store.change(self._store.volumes, found, **told)
        return json_answer({"volume": self.shape(call, made)})

    def _remove(self, call: Call, volume_id: str) -> Answer:
        call.need_writer()
        query = call.request.query
        is_forced = call.since(23) and query.get("force", "").lower() in {"true", "1"}
        if is_forced:
            call.need_admin("volume:force_delete")
        cascade = query.get("cascade", "").lower() in {"true", "1"}
        found = self.find(call, volume_id)
        self._volumes.remove(found, is_forced=is_forced, cascade=cascade)
        return Answer(202)

    # ---- metadata

    def _metadata(self, call: Call, volume_id: str) -> Answer:
        return json_answer({"metadata": self.find(call, volume_id)["metadata"]})

    def _write_metadata(self, call: Call, volume_id: str) -> Answer:
        from_body = call.request.document().get("metadata")
        told = METADATA(from_body, "metadata")
        with self._store.database.change():
            found = self.find(call, volume_id)
            kept = {**found["metadata"], **told} if call.request.method == "POST" else told
            self._store.change(self._store.volumes, found, metadata=kept)
        return json_answer({"metadata": kept})

    def _one_metadatum(self, call: Call, volume_id: str, name: str) -> Answer:
        found = self.find(call, volume_id)["metadata"]
        return json_answer({"meta": {name: _there(found, name)}})

    def _write_metadatum(self, call: Call, volume_id: str, name: str) -> Answer:
        told = METADATA(call.request.document().get("meta"), "meta")
        if list(told) != [name]:
            raise Refused(400, "Request body and URI mismatch")
        with self._store.database.change():
            found = self.find(call, volume_id)
            kept = {**found["metadata"], **told}
            self._store.change(self._store.volumes, found, metadata=kept)
        return json_answer({"meta": told})

    def _remove_metadatum(self, call: Call, volume_id: str, name: str) -> Answer:
        with self._store.database.change():
            found = self.find(call, volume_id)
            _there(found["metadata"], name)
            kept = {key: it for key, it in found["metadata"].items() if key != name}
            self._store.change(self._store.volumes, found, metadata=kept)
        return Answer(200)

    # ---- shape

    def shape(self, call: Call, one: Record) -> Shown:
        """A volume as Cinder shows it."""
        shown: Shown = {
            "id": one["id"], "name": one["name"], "description": one["description"],
            "status": one["status"], "size": one["size"], "metadata": one["metadata"],
            "availability_zone": one["availability_zone"], "bootable": _word(one["is_bootable"]),
            "encrypted": False, "replication_status": None, "consistencygroup_id": None,
            "multiattach": one["multiattach"], "snapshot_id": one["snapshot_id"],
            "source_volid": one["source_volid"], "volume_type": one["volume_type"],
            "user_id": one["user_id"], "created_at": moment(one["created"]),
            "updated_at": moment(one["updated"]), "attachments": _attachments(one),
            "links": call.links("volumes", one["id"]),
            "os-vol-tenant-attr:tenant_id": one["project_id"],
        }  # fmt: skip
        if one["image"]:
            shown["volume_image_metadata"] = one["image"]
        if call.is_admin:
            shown |= {
                "os-vol-host-attr:host": "box@pelagos#pelagos", "migration_status": None,
                "os-vol-mig-status-attr:migstat": None, "os-vol-mig-status-attr:name_id": None,
            }  # fmt: skip
        for minor, word, value in (
            (13, "group_id", None), (21, "provider_id", None), (48, "shared_targets", False),
            (48, "service_uuid", None), (61, "cluster_name", None),
            (63, "volume_type_id", self._volumes.type_of(one["volume_type"])["id"]),
            (65, "consumes_quota", True),
        ):  # fmt: skip
            if call.since(minor) and (
                call.is_admin or word not in {"provider_id", "cluster_name"}
            ):
                shown[word] = value
        return shown


def _there(found: dict[str, str], name: str) -> str:
    if name not in found:
        raise Refused(404, f"Volume has no metadata with key {name}.")
    return found[name]


def _word(value: Any) -> str:
    return "true" if value else "false"


def _attachments(one: Record) -> list[Shown]:
    use = one["use"]
    if use is None:
        return []
    return [{
        "id": one["id"], "attachment_id": use["id"], "volume_id": one["id"],
        "server_id": use["server_id"], "host_name": None, "device": use["device"],
        "attached_at": moment(use["since"]),
    }]  # fmt: skip
