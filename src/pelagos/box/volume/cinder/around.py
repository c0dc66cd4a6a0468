"""What stands around volumes of Cinder: types, quotas, limits, zones, transfers."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

from pelagos.box.errors import Refused
from pelagos.box.fields import anything, flag, key, mapping, text, whole
from pelagos.box.records import Record
from pelagos.box.volume.cinder.call import Call, Shown, moment
from pelagos.box.volume.cinder.routes import Routes
from pelagos.box.volume.store import DEFAULT_TYPE
from pelagos.box.volume.volumes import LIMITS, Volumes
from pelagos.box.web import Answer, json_answer

_SPECS = mapping(text(0, 255), r"[a-zA-Z0-9-_:. ]{1,255}")


class TypePart:
    """Resources at /types."""

    def __init__(self, volumes: Volumes) -> None:
        self._volumes = volumes
        self._store = volumes.store

    def routes(self, routes: Routes) -> None:
        """Take the places in the router."""
        routes.add("GET", "/types", self._list)
        routes.add("POST", "/types", self._add)
        routes.add("GET", "/types/{type_id}", self._show)
        routes.add("PUT", "/types/{type_id}", self._change)
        routes.add("DELETE", "/types/{type_id}", self._remove)
        routes.add("GET", "/types/{type_id}/extra_specs", self._specs)
        routes.add("POST", "/types/{type_id}/extra_specs", self._write_specs)
        routes.add("DELETE", "/types/{type_id}/extra_specs/{name}", self._remove_spec)

    def _list(self, call: Call) -> Answer:
        types = self._store.types.every()
        found = [one for one in types if one["is_public"] or call.is_admin]
        return call.listing(
            "volume_types", found, lambda one: _type(call, one), ("name",), "types"
        )

    def _show(self, call: Call, type_id: str) -> Answer:
        if type_id == "default":
            return json_answer({"volume_type": _type(call, self._volumes.type_of(DEFAULT_TYPE))})
        return json_answer({"volume_type": _type(call, self._find(type_id))})

    def _find(self, type_id: str) -> Record:
        found = self._store.types.get(type_id)
        if found is None:
            raise Refused(404, f"Volume type {type_id} could not be found.")
        return found

    def _add(self, call: Call) -> Answer:
        call.need_admin("volume_extension:type_create")
        told = call.told(
            "volume_type",
            {
                "name": text(1, 255, stripped=True), "description": text(0, 255, nullable=True),
                "extra_specs": _SPECS, "os-volume-type-access:is_public": flag(),
            },
            "name",
        )  # fmt: skip
        with self._store.database.change():
            if self._store.types.first(name=told["name"]):
                raise Refused(409, f"Volume Type {told['name']} already exists.")
            made = self._store.make(self._store.types, {
                "project_id": "", "name": told["name"], "family": "openstack",
                "description": told.get("description"), "extra_specs": told.get("extra_specs", {}),
                "is_public": told.get("os-volume-type-access:is_public", True),
            })  # fmt: skip
        return json_answer({"volume_type": _type(call, made)})

    def _change(self, call: Call, type_id: str) -> Answer:
        call.need_admin("volume_extension:type_update")
        told = call.told(
            "volume_type",
            {
                "name": text(1, 255, stripped=True), "description": text(0, 255, nullable=True),
                "is_public": flag(),
            },
        )  # fmt: skip
        with self._store.database.change():
            found = self._find(type_id)
            other = self._store.types.first(name=told.get("name", ""))
            if other and other["id"] != type_id:
                raise Refused(409, f"Volume Type {told['name']} already exists.")
            if "name" in told:
                for volume in self._store.volumes.every():
                    if volume["volume_type"] == found["name"]:
                        self._store.volumes.keep({**volume, "volume_type": told["name"]})
            made = self._store.change(self._store.types, found, **told)
        return json_answer({"volume_type": _type(call, made)})

    def _remove(self, call: Call, type_id: str) -> Answer:
        call.need_admin("volume_extension:type_delete")
        with self._store.database.change():
            found = self._find(type_id)
            volumes = self._store.every(self._store.volumes)
            if any(one["volume_type"] == found["name"] for one in volumes):
                raise Refused(400, "Target volume type is still in use.")
            if found["name"] == DEFAULT_TYPE:
                message = f"The volume type {type_id} is the default and cannot be deleted."
                raise Refused(400, message)
            self._store.types.remove(type_id)
        return Answer(202)

    def _specs(self, _call: Call, type_id: str) -> Answer:
        return json_answer({"extra_specs": self._find(type_id)["extra_specs"]})

    def _write_specs(self, call: Call, type_id: str) -> Answer:
        call.need_admin("volume_extension:types_extra_specs:create")
        told = _SPECS(call.request.document().get("extra_specs"), "extra_specs")
        with self._store.database.change():
            found = self._find(type_id)
            kept = {**found["extra_specs"], **told}
            self._store.change(self._store.types, found, extra_specs=kept)
        return json_answer({"extra_specs": told})

    def _remove_spec(self, call: Call, type_id: str, name: str) -> Answer:
        call.need_admin("volume_extension:types_extra_specs:delete")
        with self._store.database.change():
            found = self._find(type_id)
            if name not in found["extra_specs"]:
                message = f"Volume Type {type_id} has no extra specs with key {name}."
                raise Refused(404, message)
            kept = {word: it for word, it in found["extra_specs"].items() if word != name}
            self._store.change(self._store.types, found, extra_specs=kept)
        return Answer(202)


def _type(call: Call, one: Record) -> Shown:
    shown = {
        "id": one["id"], "name": one["name"], "description": one["description"],
        "is_public": one["is_public"], "os-volume-type-access:is_public": one["is_public"],
        "extra_specs": one["extra_specs"],
    }  # fmt: skip
    return {**shown, "qos_specs_id": None} if call.is_admin else shown


class QuotaPart:
    """Quotas, limits, zones, and what else is told of the service."""

    def __init__(self, volumes: Volumes) -> None:
        self._volumes = volumes

    def routes(self, routes: Routes) -> None:
        """Take the places in the router."""
        routes.add("GET", "/os-quota-sets/{project_id}", self._quotas)
        routes.add("PUT", "/os-quota-sets/{project_id}", self._set_quotas)
        routes.add("DELETE", "/os-quota-sets/{project_id}", self._reset_quotas)
        routes.add("GET", "/os-quota-sets/{project_id}/defaults", self._defaults)
        routes.add("GET", "/limits", self._limits)
        routes.add("GET", "/os-availability-zone", self._zones)
        routes.add("GET", "/extensions", self._extensions)

    def _used(self, project: str) -> dict[str, int]:
        store = self._volumes.store
        return {
            "volumes": len(store.every(store.volumes, project_id=project)),
            "snapshots": len(store.every(store.snapshots, project_id=project)),
            "gigabytes": store.gibibytes(project),
        }

    def _quotas(self, call: Call, project_id: str) -> Answer:
        if project_id != call.project_id:
            call.need_admin("volume_extension:quotas:show")
        shown: Shown = {"id": project_id, **self._volumes.limits.of(project_id)}
        if call.request.query.get("usage", "").lower() in {"true", "1"}:
            used = self._used(project_id)
            for name in LIMITS:
                shown[name] = {"limit": shown[name], "in_use": used.get(name, 0), "reserved": 0}
        return json_answer({"quota_set": shown})

    def _set_quotas(self, call: Call, project_id: str) -> Answer:
        call.need_admin("volume_extension:quotas:update")
        checks = dict.fromkeys(LIMITS, whole(-1))
        told = call.told(
            "quota_set", {**checks, "tenant_id": anything, "force": flag(), "id": anything}
        )
        amounts = {name: it for name, it in told.items() if name in LIMITS}
        self._volumes.limits.set(project_id, amounts)
        return json_answer({"quota_set": self._volumes.limits.of(project_id)})

    def _reset_quotas(self, call: Call, project_id: str) -> Answer:
        call.need_admin("volume_extension:quotas:delete")
        self._volumes.limits.reset(project_id)
        return Answer(200)

    def _defaults(self, _call: Call, project_id: str) -> Answer:
        return json_answer({"quota_set": {"id": project_id, **self._volumes.limits.defaults}})

    def _limits(self, call: Call) -> Answer:
        limits, used = self._volumes.limits.of(call.project_id), self._used(call.project_id)
        absolute = {
            "maxTotalVolumes": limits["volumes"], "totalVolumesUsed": used["volumes"],
            "maxTotalSnapshots": limits["snapshots"], "totalSnapshotsUsed": used["snapshots"],
            "maxTotalVolumeGigabytes": limits["gigabytes"],
            "totalGigabytesUsed": used["gigabytes"], "maxTotalBackups": limits["backups"],
            "totalBackupsUsed": 0, "maxTotalBackupGigabytes": limits["backup_gigabytes"],
            "totalBackupGigabytesUsed": 0,
        }  # fmt: skip
        return json_answer({"limits": {"rate": [], "absolute": absolute}})

    def _zones(self, _call: Call) -> Answer:
        zone = {"zoneName": "nova", "zoneState": {"available": True}}
        return json_answer({"availabilityZoneInfo": [zone]})

    def _extensions(self, _call: Call) -> Answer:
        return json_answer({"extensions": []})


class TransferPart:
    """Volumes that go from one project to another: /volume-transfers and /os-volume-transfer."""

    def __init__(self, volumes: Volumes) -> None:
        self._volumes = volumes
        self._store = volumes.store

    def routes(self, routes: Routes) -> None:
        """Take the places in the router."""
        for base, since in (("/os-volume-transfer", 0), ("/volume-transfers", 55)):
            routes.add("GET", base, self._list, since)
            routes.add("GET", f"{base}/detail", self._list, since)
            routes.add("POST", base, self._add, since)
            routes.add("GET", f"{base}/{{transfer_id}}", self._show, since)
            routes.add("DELETE", f"{base}/{{transfer_id}}", self._remove, since)
            routes.add("POST", f"{base}/{{transfer_id}}/accept", self._accept, since)

    def _list(self, call: Call) -> Answer:
        owner = {} if call.sees_all else {"project_id": call.project_id}
        found = self._store.transfers.every(**owner)
        return call.listing("transfers", found, lambda one: _transfer(call, one), ("name",))

    def _find(self, call: Call, key_: str) -> Record:
        found = self._store.transfers.get(key_)
        if found is None or not (call.is_admin or found["project_id"] == call.project_id):
            raise Refused(404, f"Transfer {key_} could not be found.")
        return found

    def _add(self, call: Call) -> Answer:
        call.need_writer()
        told = call.told(
            "transfer",
            {"volume_id": key(), "name": text(0, 255, nullable=True), "no_snapshots": flag()},
            "volume_id",
        )
        store = self._store
        with store.database.change():
            volume = self._volumes.volume(told["volume_id"], call.project_id)
            if volume["status"] != "available":
                message = "Invalid volume: status must be available"
                raise Refused(400, message)
            secret = secrets.token_hex(8)
            made = store.make(store.transfers, {
                "project_id": call.project_id, "volume_id": volume["id"],
                "name": told.get("name"), "key": _hash(secret),
            })  # fmt: skip
            store.change(store.volumes, volume, status="awaiting-transfer")
        return json_answer({"transfer": {**_transfer(call, made), "auth_key": secret}}, 202)

    def _show(self, call: Call, transfer_id: str) -> Answer:
        return json_answer({"transfer": _transfer(call, self._find(call, transfer_id))})

    def _remove(self, call: Call, transfer_id: str) -> Answer:
        call.need_writer()
        store = self._store
        with store.database.change():
            found = self._find(call, transfer_id)
            volume = store.find(store.volumes, found["volume_id"])
            if volume is not None:
                store.change(store.volumes, volume, status="available")
            store.transfers.remove(found["id"])
        return Answer(202)

    def _accept(self, call: Call, transfer_id: str) -> Answer:
        call.need_writer()
        told = call.told("accept", {"auth_key": text(1, 255)}, "auth_key")
        store = self._store
        with store.database.change():
            found = store.transfers.get(transfer_id)
            if found is None:
                raise Refused(404, f"Transfer {transfer_id} could not be found.")
            if not secrets.compare_digest(found["key"], _hash(told["auth_key"])):
                message = (
                    f"Invalid auth key: Attempt to transfer {transfer_id} with invalid auth key."
                )
                raise Refused(400, message)
            volume = store.find(store.volumes, found["volume_id"])
            if volume is None:
                raise Refused(404, f"Volume {found['volume_id']} could not be found.")
            self._volumes.check_room(call.project_id, volume["size"])
            owner = {"project_id": call.project_id, "user_id": call.token.user_id}
            store.change(store.volumes, volume, status="available", **owner)
            for snapshot in store.every(store.snapshots, volume_id=volume["id"]):
                store.change(store.snapshots, snapshot, **owner)
            store.transfers.remove(found["id"])
        return json_answer({"transfer": _transfer(call, found)}, 202)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _transfer(call: Call, one: Record) -> dict[str, Any]:
    return {
        "id": one["id"], "name": one["name"], "volume_id": one["volume_id"],
        "created_at": moment(one["created"]), "links": call.links("volume-transfers", one["id"]),
    }  # fmt: skip
