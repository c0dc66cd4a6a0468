"""What Glance says of itself: schemas of its documents, ways of import, usage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pelagos.box.identity.identity import Identity
from pelagos.box.image.glance.fields import CONTAINER_FORMATS, DISK_FORMATS, VISIBILITIES
from pelagos.box.image.glance.images import project_of
from pelagos.box.image.store import ImageStore
from pelagos.box.web import Answer, Request, Router, json_answer


def _text(description: str, **more: Any) -> dict[str, Any]:
    return {"type": "string", "description": description, **more}


def _known(description: str, kind: Any = "string", **more: Any) -> dict[str, Any]:
    return {"type": kind, "readOnly": True, "description": description, **more}


_MAYBE = ["null", "string"]
_IMAGE: dict[str, Any] = {
    "name": "image",
    "properties": {
        "id": _text("An identifier for the image", pattern="^[0-9a-fA-F-]{36}$"),
        "name": {"type": _MAYBE, "description": "Descriptive name", "maxLength": 255},
        "status": _known("Status of the image", enum=[
            "queued", "saving", "active", "killed", "deleted", "uploading", "importing",
            "pending_delete", "deactivated",
        ]),
        "visibility": _text("Scope of image accessibility", enum=list(VISIBILITIES)),
        "protected": {"type": "boolean", "description": "If true, it cannot be deleted."},
        "os_hidden": {"type": "boolean", "description": "If true, it is not in default lists."},
        "checksum": _known("md5 hash of image contents", _MAYBE, maxLength=32),
        "os_hash_algo": _known("Algorithm of os_hash_value", _MAYBE, maxLength=64),
        "os_hash_value": _known("Hash of image contents", _MAYBE, maxLength=128),
        "owner": {"type": _MAYBE, "description": "Owner of the image", "maxLength": 255},
        "size": _known("Size of image file in bytes", ["null", "integer"]),
        "virtual_size": _known("Virtual size of image in bytes", ["null", "integer"]),
        "container_format": {"type": _MAYBE, "enum": [None, *CONTAINER_FORMATS],
                             "description": "Format of the container"},
        "disk_format": {"type": _MAYBE, "enum": [None, *DISK_FORMATS],
                        "description": "Format of the disk"},
        "created_at": _known("Date and time of image registration"),
        "updated_at": _known("Date and time of the last image modification"),
        "tags": {"type": "array", "items": {"type": "string", "maxLength": 255},
                 "description": "List of strings related to the image"},
        "min_ram": {"type": "integer", "description": "Amount of ram (in MB) to boot image."},
        "min_disk": {"type": "integer", "description": "Amount of disk (in GB) to boot image."},
        "self": _known("An image self url"),
        "file": _known("An image file url"),
        "schema": _known("An image schema url"),
    },
    "additionalProperties": {"type": "string"},
    "links": [
        {"rel": "self", "href": "{self}"}, {"rel": "enclosure", "href": "{file}"},
        {"rel": "describedby", "href": "{schema}"},
    ],
}  # fmt: skip
_MEMBER: dict[str, Any] = {
    "name": "member",
    "properties": {
        "image_id": _text("An identifier for the image"),
        "member_id": _text("An identifier for the image member (tenantId)"),
        "status": _text("The status of this image member",
                        enum=["pending", "accepted", "rejected"]),
        "created_at": _text("Date and time of image member creation"),
        "updated_at": _text("Date and time of last modification of image member"),
        "schema": _known("A schema url"),
    },
}  # fmt: skip


def _several(name: str, one: dict[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = {
        name: {"type": "array", "items": one}, "schema": {"type": "string"},
        "first": {"type": "string"}, "next": {"type": "string"},
    }  # fmt: skip
    return {"name": name, "properties": properties, "links": []}


class Schemas:
    """v2/schemas and v2/info."""

    def __init__(self, identity: Identity, store: ImageStore, methods: Sequence[str]) -> None:
        self._methods = methods
        self._identity = identity
        self._store = store

    def routes(self, router: Router) -> None:
        """Take the places in the router."""
        documents = {
            "image": _IMAGE,
            "images": _several("images", _IMAGE),
            "member": _MEMBER,
            "members": _several("members", _MEMBER),
        }
        for name, document in documents.items():
            router.add("GET", f"/v2/schemas/{name}", self._telling(document))
        methods = {"type": "array", "description": "Import methods", "value": list(self._methods)}
        router.add("GET", "/v2/info/import", self._telling({"import-methods": methods}))
        router.add("GET", "/v2/info/usage", self._usage)

    def _telling(self, document: dict[str, Any]) -> Any:
        def answer(request: Request) -> Answer:
            self._identity.caller(request)
            return json_answer(document)

        return answer

    def _usage(self, request: Request) -> Answer:
        project = project_of(self._identity.caller(request))
        mib = 1024**2
        mine = [one for one in self._store.all() if one.project_id == project]
        going_on = sum(one.status in {"saving", "uploading", "importing"} for one in mine)
        used, limit = self._store.used(project) // mib, self._store.limit(project) // mib
        shown = {
            "image_size_total": {"limit": limit, "usage": used},
            "image_stage_total": {"limit": limit, "usage": 0},
            "image_count_total": {"limit": -1, "usage": len(mine)},
            "image_count_uploading": {"limit": -1, "usage": going_on},
        }
        return json_answer({"usage": shown})
