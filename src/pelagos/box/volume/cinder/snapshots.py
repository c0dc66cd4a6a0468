"""Snapshots of Cinder."""

from __future__ import annotations

from pelagos.box.errors import Refused
from pelagos.box.fields import anything, flag, key, text
from pelagos.box.records import Record
from pelagos.box.volume.cinder.call import Call, Shown, moment
from pelagos.box.volume.cinder.routes import Routes
from pelagos.box.volume.cinder.volumes import METADATA, named
from pelagos.box.volume.volumes import Volumes
from pelagos.box.web import Answer, json_answer

_NAMED = {
    "name": text(0, 255, nullable=True), "description": text(0, 255, nullable=True),
    "display_name": text(0, 255, nullable=True),
    "display_description": text(0, 255, nullable=True),
}  # fmt: skip
_FILTERS = ("name", "status", "volume_id", "metadata", "name~", "project_id", "id")


class SnapshotPart:
    """Resources at /snapshots."""

    def __init__(self, volumes: Volumes) -> None:
        self._volumes = volumes
        self._store = volumes.store

    def routes(self, routes: Routes) -> None:
        """Take the places in the router."""
        one = "/snapshots/{snapshot_id}"
        routes.add("GET", "/snapshots", self._list)
        routes.add("GET", "/snapshots/detail", self._list)
        routes.add("POST", "/snapshots", self._add)
        routes.add("GET", one, self._show)
        routes.add("PUT", one, self._change)
        routes.add("DELETE", one, self._remove)
        routes.add("GET", f"{one}/metadata", self._metadata)
        routes.add("POST PUT", f"{one}/metadata", self._write_metadata)
        routes.add("DELETE", f"{one}/metadata/{{name}}", self._remove_metadatum)

    def _find(self, call: Call, key_: str) -> Record:
        return self._volumes.snapshot(key_, call.project_id, is_admin=call.is_admin)

    def _list(self, call: Call) -> Answer:
        store = self._store
        owner = {} if call.sees_all else {"project_id": call.project_id}
        found = store.every(store.snapshots, **owner)
        return call.listing("snapshots", found, lambda one: _shape(call, one), _FILTERS)

    def _add(self, call: Call) -> Answer:
        call.need_writer()
        told = named(
            call.told(
                "snapshot",
                {
                    **_NAMED, "volume_id": key(), "force": flag(),
                    "metadata": lambda value, name: {} if value is None else METADATA(value, name),
                    "user_id": anything, "project_id": anything,
                },
                "volume_id",
            )
        )  # fmt: skip
        if call.since(66) and told.get("force") is False:
            raise Refused(400, "Invalid value 'False' for force. It is invalid since 3.66.")
        with self._store.database.change():
            volume = self._volumes.volume(
                told["volume_id"], call.project_id, is_admin=call.is_admin
            )
            fields = {
                "project_id": call.project_id, "user_id": call.token.user_id,
                "name": told.get("name"), "description": told.get("description"),
                "metadata": told.get("metadata") or {},
            }  # fmt: skip
            is_forced = call.since(66) or bool(told.get("force"))
            made = self._volumes.add_snapshot(volume, fields, is_forced=is_forced)
        return json_answer({"snapshot": _shape(call, made)}, 202)

    def _show(self, call: Call, snapshot_id: str) -> Answer:
        return json_answer({"snapshot": _shape(call, self._find(call, snapshot_id))})

    def _change(self, call: Call, snapshot_id: str) -> Answer:
        call.need_writer()
        told = named(call.told("snapshot", _NAMED))
        if not told:
            raise Refused(400, "Invalid input received: Nothing to update")
        with self._store.database.change():
            found = self._find(call, snapshot_id)
            made = self._store.change(self._store.snapshots, found, **told)
        return json_answer({"snapshot": _shape(call, made)})

    def _remove(self, call: Call, snapshot_id: str) -> Answer:
        call.need_writer()
        with self._store.database.change():
            self._volumes.remove_snapshot(self._find(call, snapshot_id))
        return Answer(202)

    def _metadata(self, call: Call, snapshot_id: str) -> Answer:
        return json_answer({"metadata": self._find(call, snapshot_id)["metadata"]})

    def _write_metadata(self, call: Call, snapshot_id: str) -> Answer:
        told = METADATA(call.request.document().get("metadata"), "metadata")
        with self._store.database.change():
            found = self._find(call, snapshot_id)
            kept = {**found["metadata"], **told} if call.request.method == "POST" else told
            self._store.change(self._store.snapshots, found, metadata=kept)
        return json_answer({"metadata": kept})

    def _remove_metadatum(self, call: Call, snapshot_id: str, name: str) -> Answer:
        with self._store.database.change():
            found = self._find(call, snapshot_id)
            if name not in found["metadata"]:
                raise Refused(404, f"Snapshot has no metadata with key {name}.")
            kept = {word: it for word, it in found["metadata"].items() if word != name}
            self._store.change(self._store.snapshots, found, metadata=kept)
        return Answer(200)


def _shape(call: Call, one: Record) -> Shown:
    shown: Shown = {
        "id": one["id"], "name": one["name"], "description": one["description"],
        "volume_id": one["volume_id"], "status": one["status"], "size": one["size"],
        "metadata": one["metadata"], "created_at": moment(one["created"]),
        "updated_at": moment(one["updated"]),
        "os-extended-snapshot-attributes:project_id": one["project_id"],
        "os-extended-snapshot-attributes:progress": "0%"
        if one["status"] == "creating"
        else "100%",
    }  # fmt: skip
    if call.since(14):
        shown["group_snapshot_id"] = None
    if call.since(41):
        shown["user_id"] = one["user_id"]
    if call.since(65):
        shown["consumes_quota"] = True
    return shown
