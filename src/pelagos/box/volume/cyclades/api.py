"""The requests of Cyclades' volume service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pelagos.box.cyclades import Person, body, caller, links, moment, part, project_of
from pelagos.box.errors import Refused
from pelagos.box.identity.identity import Identity
from pelagos.box.identity.quotas import Quotas
from pelagos.box.neighbours import Guest, Neighbours
from pelagos.box.records import Record
from pelagos.box.synnefo import document
from pelagos.box.volume.store import GONE
from pelagos.box.volume.volumes import Volumes
from pelagos.box.web import Answer, Request, Router

_DISK = "cyclades.disk"
_GIB = 1024**3
_DEFAULT_TYPE = 1
_LONGEST = 255
_STATUSES = {"in-use": "in_use", "downloading": "creating", "error_deleting": "error_deleting"}


class CycladesVolumes:
    """Answers for the volumes of a box as Cyclades does."""

    def __init__(
        self, identity: Identity, volumes: Volumes, quotas: Quotas, neighbours: Neighbours
    ) -> None:
        self._identity = identity
        self._volumes = volumes
        self._store = volumes.store
        self._quotas = quotas
        self._neighbours = neighbours
        quotas.measure(
            _DISK, lambda project: self._store.gibibytes(project, with_snapshots=False) * _GIB
        )

    def routes(self, router: Router) -> None:
        """Take their places."""
        base = "/v2.0"
        for word, listing in (("volumes", self._list), ("snapshots", self._snapshots)):
            router.add("GET", f"{base}/{word}", listing)
            router.add("GET", f"{base}/{word}/detail", listing)
        router.add("POST", f"{base}/volumes", self._add)
        router.add("GET", f"{base}/volumes/{{key}}", self._show)
        router.add("PUT", f"{base}/volumes/{{key}}", self._change)
        router.add("DELETE", f"{base}/volumes/{{key}}", self._remove)
        router.add("POST", f"{base}/volumes/{{key}}/action", self._act)
        router.add("GET", f"{base}/volumes/{{key}}/metadata", self._metadata)
        router.add("POST PUT", f"{base}/volumes/{{key}}/metadata", self._write_metadata)
        router.add("DELETE", f"{base}/volumes/{{key}}/metadata/{{name}}", self._drop_metadatum)
        router.add("POST", f"{base}/snapshots", self._add_snapshot)
        router.add("GET", f"{base}/snapshots/{{key}}", self._show_snapshot)
        router.add("PUT", f"{base}/snapshots/{{key}}", self._change_snapshot)
        router.add("DELETE", f"{base}/snapshots/{{key}}", self._remove_snapshot)
        router.add("GET", f"{base}/types", self._types)
        router.add("GET", f"{base}/types/{{key}}", self._type)

    # ---- volumes

    def _list(self, request: Request) -> Answer:
        person = caller(self._identity, request)
        found = [one for one in self._store.every(self._store.volumes) if _owns(person, one)]
        if request.path.rstrip("/").endswith("/detail"):
            return document({"volumes": [self._shape(request, one) for one in found]})
        return document({"volumes": [_brief(request, one) for one in found]})

    def _find(self, person: Person, key: str) -> Record:
        found = self._store.find(self._store.volumes, key) if key.isdigit() else None
        if found is None or not _owns(person, found):
            raise Refused(404, f"Volume {key} not found")
        return found

    def _add(self, request: Request) -> Answer:
        person = caller(self._identity, request)
        told = part(body(request), "volume", dict, needed=True)
        size = _size(told)
        guest = self._guest(person, told)
        source = {
            "snapshot_id": _text(told, "snapshot_id"), "source_volid": _text(told, "source_volid"),
            "image_id": _text(told, "imageRef"),
        }  # fmt: skip
        if sum(one is not None for one in source.values()) > 1:
            raise Refused(400, "Volume can not have more than one source")
        if size is None and source["snapshot_id"] is None:
            raise Refused(400, "Malformed request. Missing attribute 'size'.")
        kind = self._kind(told.get("volume_type"))
        project = project_of(self._identity, person, told)
        fields = {
            "project_id": project, "user_id": person.user_id, "size": size,
            "name": _worded(told, "display_name"), "volume_type": kind["name"],
            "description": _worded(told, "display_description") or "",
            "metadata": _metadata(part(told, "metadata", dict, {})), "ends_with_server": True,
            **source,
        }  # fmt: skip
        with self._store.database.change():
            self._charge(project, size or 1)
            made = self._volumes.add(fields)
            if guest is not None:
                index = 1 + max(
                    (one["use"]["index"] for one in self._store.at([guest.id])), default=0
                )
                made = self._volumes.join(made, guest, index=index, ends_with_server=True)
        return document({"volume": _brief(request, made)}, 202)

    def _guest(self, person: Person, told: Mapping[str, Any]) -> Guest | None:
        key = told.get("server_id")
        if key is None:
            return None
        servers = self._neighbours.servers
        guest = servers.guest(str(key)) if servers else None
        if guest is None or guest.user_id != person.user_id:
            raise Refused(404, f"Server {key} not found")
        return guest

    def _kind(self, key: Any) -> Record:
        wanted = str(_DEFAULT_TYPE if key is None else key)
        found = self._store.types.find(wanted) if wanted.isdigit() else None
        if found is None or found["family"] != "synnefo":
            raise Refused(404, f"Volume type {wanted} not found")
        return found

    def _charge(self, project_id: str, size: int) -> None:
        limit = self._quotas.limit(project_id, _DISK)
        left = limit - self._quotas.usage(project_id, _DISK)
        if size * _GIB > left:
            raise Refused(
                413,
                "Resource Limit Exceeded for your account.",
                name="overLimit",
                details="Limit for resource 'Disk' exceeded for your account. "
                f"Available: {max(left, 0)}, Requested: {size * _GIB}",
            )

    def _show(self, request: Request, key: str) -> Answer:
        found = self._find(caller(self._identity, request), key)
        return document({"volume": self._shape(request, found)})

    def _change(self, request: Request, key: str) -> Answer:
        person = caller(self._identity, request)
        told = part(body(request), "volume", dict, needed=True)
        found = self._find(person, key)
        fields: dict[str, Any] = {}
        if "display_name" in told:
            fields["name"] = _worded(told, "display_name")
        if "display_description" in told:
            fields["description"] = _worded(told, "display_description")
        ends = part(told, "delete_on_termination", bool)
        if ends is not None:
            fields["ends_with_server"] = ends
            if found["use"]:
                fields["use"] = {**found["use"], "ends_with_server": ends}
        if "metadata" in told:
            fields["metadata"] = _metadata(part(told, "metadata", dict, {}))
        if not fields:
            raise Refused(400, "Nothing to update.")
        made = self._store.change(self._store.volumes, found, **fields)
        return document({"volume": self._shape(request, made)})

    def _remove(self, request: Request, key: str) -> Answer:
        found = self._find(caller(self._identity, request), key)
        if found["use"] and found["use"]["index"] == 0:
            number = found["use"]["server_number"]
            raise Refused(400, f"Cannot detach volume {key}: it is the root of server {number}")
        if found["status"] not in {"available", "in-use", "error"}:
            raise Refused(400, f"Cannot delete volume while it is in the status {_status(found)}")
        with self._store.database.change():
            if found["use"]:
                self._store.unuse(found)
                found = {**found, "use": None}
            self._store.change(self._store.volumes, found, **self._store.phase("deleting", GONE))
        return Answer(202)

    def _act(self, request: Request, key: str) -> Answer:
        person = caller(self._identity, request)
        found = self._find(person, key)
        told = body(request)
        if list(told) != ["reassign"]:
            raise Refused(400, f"Action {next(iter(told), '')} not supported")
        wanted = part(told, "reassign", dict, needed=True)
        part(wanted, "project", str, needed=True)
        if found["use"] and found["use"]["index"] == 0:
            raise Refused(400, "Cannot reassign the root volume of a server")
        project = project_of(self._identity, person, wanted)
        with self._store.database.change():
            if project != found["project_id"]:
                self._charge(project, found["size"])
            self._store.change(self._store.volumes, found, project_id=project)
        return Answer(200)

    # ---- metadata

    def _metadata(self, request: Request, key: str) -> Answer:
        found = self._find(caller(self._identity, request), key)
        return document({"metadata": found["metadata"]})

    def _write_metadata(self, request: Request, key: str) -> Answer:
        person = caller(self._identity, request)
        told = _metadata(part(body(request), "metadata", dict, needed=True))
        with self._store.database.change():
            found = self._find(person, key)
            kept = {**found["metadata"], **told} if request.method == "POST" else told
            self._store.change(self._store.volumes, found, metadata=kept)
        return document({"metadata": kept})

    def _drop_metadatum(self, request: Request, key: str, name: str) -> Answer:
        person = caller(self._identity, request)
        with self._store.database.change():
            found = self._find(person, key)
            if name not in found["metadata"]:
                raise Refused(404, "Metadata key not found")
            kept = {word: it for word, it in found["metadata"].items() if word != name}
            self._store.change(self._store.volumes, found, metadata=kept)
        return Answer(204)

    # ---- snapshots and types

    def _snapshots(self, request: Request) -> Answer:
        person = caller(self._identity, request)
        found = [one for one in self._store.every(self._store.snapshots) if _owns(person, one)]
        return document({"snapshots": [_snapshot(request, one) for one in found]})

    def _snapshot_of(self, person: Person, key: str) -> Record:
        found = self._store.find(self._store.snapshots, key)
        if found is None or not _owns(person, found):
            raise Refused(404, f"Snapshot {key} not found")
        return found

    def _add_snapshot(self, request: Request) -> Answer:
        person = caller(self._identity, request)
        told = part(body(request), "snapshot", dict, needed=True)
        if told.get("volume_id") is None:
            raise Refused(400, "Malformed request. Missing attribute 'volume_id'.")
        volume = self._find(person, str(told["volume_id"]))
        kind = self._store.types.first(name=volume["volume_type"]) or {}
        if kind.get("template") != "ext_archipelago":
            raise Refused(
                400,
                "Cannot take a snapshot from a volume with volume type "
                f"'{kind.get('number')}' and '{kind.get('template')}' disk template",
            )
        fields = {
            "project_id": volume["project_id"], "user_id": person.user_id,
            "name": _worded(told, "display_name"),
            "description": _worded(told, "display_description") or "",
            "metadata": _metadata(part(told, "metadata", dict, {})),
        }  # fmt: skip
        with self._store.database.change():
            made = self._volumes.add_snapshot(volume, fields, is_forced=True)
        return document({"snapshot": _snapshot(request, made)}, 202)

    def _show_snapshot(self, request: Request, key: str) -> Answer:
        found = self._snapshot_of(caller(self._identity, request), key)
        return document({"snapshot": _snapshot(request, found)})

    def _change_snapshot(self, request: Request, key: str) -> Answer:
        found = self._snapshot_of(caller(self._identity, request), key)
        told = part(body(request), "snapshot", dict, needed=True)
        words = {"display_name": "name", "display_description": "description"}
        fields = {words[word]: _worded(told, word) for word in words if word in told}
        if not fields:
            raise Refused(400, "Nothing to update.")
        made = self._store.change(self._store.snapshots, found, **fields)
        return document({"snapshot": _snapshot(request, made)})

    def _remove_snapshot(self, request: Request, key: str) -> Answer:
        found = self._snapshot_of(caller(self._identity, request), key)
        self._volumes.remove_snapshot(found)
        return Answer(202)

    def _types(self, request: Request) -> Answer:
        caller(self._identity, request)
        found = [one for one in self._store.types.every() if one["family"] == "synnefo"]
        return document({"volume_types": [_type(one) for one in found]})

    def _type(self, request: Request, key: str) -> Answer:
        caller(self._identity, request)
        return document({"volume_type": _type(self._kind(key))})

    def _shape(self, request: Request, one: Record) -> dict[str, Any]:
        use = one["use"]
        uses = []
        if use is not None:
            uses.append({
                "server_id": use["server_number"], "device_index": use["index"],
                "volume_id": one["number"],
            })  # fmt: skip
        kind = self._store.types.first(name=one["volume_type"]) or {}
        ends = use["ends_with_server"] if use else one.get("ends_with_server", False)
        return {
            **_brief(request, one), "status": _status(one), "size": one["size"],
            "display_description": one["description"], "attachments": uses,
            "volume_type": kind.get("number"), "snapshot_id": one["snapshot_id"],
            "source_volid": one["source_volid"], "image_id": one["image_id"],
            "user_id": one["user_id"], "tenant_id": one["project_id"],
            "shared_to_project": False, "deleted": False, "delete_on_termination": ends,
            "created_at": moment(one["created"]), "metadata": one["metadata"],
        }  # fmt: skip


def _owns(person: Person, record: Mapping[str, Any]) -> bool:
    return bool(record["user_id"] == person.user_id)


def _status(one: Record) -> str:
    status: str = one["status"]
    return _STATUSES.get(status, status)


def _brief(request: Request, one: Record) -> dict[str, Any]:
    key = str(one["number"])
    return {
        "id": key, "display_name": one["name"], "links": links(request, "v2.0", "volumes", key)
    }  # fmt: skip


def _snapshot(request: Request, one: Record) -> dict[str, Any]:
    return {
        "id": one["id"], "display_name": one["name"], "display_description": one["description"],
        "status": one["status"], "size": one["size"], "volume_id": one["volume_number"],
        "user_id": one["user_id"], "tenant_id": one["project_id"], "metadata": one["metadata"],
        "created_at": moment(one["created"]), "deleted": False,
        "links": links(request, "v2.0", "snapshots", one["id"]),
    }  # fmt: skip


def _type(one: Record) -> dict[str, Any]:
    return {
        "id": one["number"], "name": one["name"], "deleted": False,
        "SNF:disk_template": one["template"], "SNF:detachable": one["is_detachable"],
    }  # fmt: skip


def _size(told: Mapping[str, Any]) -> int | None:
    value = told.get("size")
    if value is None:
        return None
    text = str(value)
    if isinstance(value, bool | float) or not (text.isascii() and text.isdigit()):
        raise Refused(400, "Invalid 'size' attribute. Expected value of type 'integer'")
    if not 1 <= int(text) <= 2**20:
        raise Refused(400, "Volume size must be a positive integer")
    return int(text)


def _text(told: Mapping[str, Any], name: str) -> str | None:
    value = told.get(name)
    return None if value is None else str(value)


def _worded(told: Mapping[str, Any], name: str) -> str | None:
    value = part(told, name, str)
    if value is not None and len(value) > _LONGEST:
        raise Refused(400, f"Value for '{name}' exceeds maximum length {_LONGEST}.")
    return None if value is None else str(value)


def _metadata(told: Mapping[str, Any]) -> dict[str, str]:
    for word, value in told.items():
        if not isinstance(value, str) or not 0 < len(word) <= _LONGEST or len(value) > _LONGEST:
            raise Refused(400, f"Malformed metadata: '{word}'")
    return dict(told)
