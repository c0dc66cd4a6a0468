"""Images as Nova passed them on until 2.35, their metadata until 2.38."""

from __future__ import annotations

from typing import Any

from pelagos.box.compute.nova.bodies import METADATA
from pelagos.box.compute.nova.call import Call, Routes, iso, page_size
from pelagos.box.errors import Refused
from pelagos.box.fields import record
from pelagos.box.image.store import Image, ImageStore
from pelagos.box.web import Answer, json_answer

_LAST, _LAST_METADATA = 35, 38
_STATUSES = {"active": "ACTIVE", "queued": "SAVING", "saving": "SAVING", "killed": "ERROR"}


class ImagesPart:
    """Resources below images."""

    def __init__(self, store: ImageStore) -> None:
        self._store = store

    def routes(self, routes: Routes) -> None:
        """Take the places in the router."""
        here = "/images/{image_id}"
        routes.add("GET", "/images", self._index, until=_LAST)
        routes.add("GET", "/images/detail", self._detail, until=_LAST)
        routes.add("GET", here, self._show, until=_LAST)
        routes.add("DELETE", here, self._remove, until=_LAST)
        routes.add("GET", f"{here}/metadata", self._metadata, until=_LAST_METADATA)
        routes.add("POST", f"{here}/metadata", self._add_metadata, until=_LAST_METADATA)
        routes.add("PUT", f"{here}/metadata", self._replace_metadata, until=_LAST_METADATA)
        routes.add("GET", f"{here}/metadata/{{key}}", self._metadatum, until=_LAST_METADATA)
        routes.add("PUT", f"{here}/metadata/{{key}}", self._set_metadatum, until=_LAST_METADATA)
        routes.add("DELETE", f"{here}/metadata/{{key}}", self._drop, until=_LAST_METADATA)

    def _found(self, call: Call) -> tuple[list[Image], dict[str, Any]]:
        query = call.request.query
        found = [one for one in self._store.all() if self._store.sees(one, call.project_id)]
        if "name" in query:
            found = [one for one in found if one.name == query["name"]]
        if "status" in query:
            wanted = query["status"].upper()
            found = [one for one in found if _STATUSES.get(one.status) == wanted]
        if query.get("marker"):
            ids = [one.id for one in found]
            if query["marker"] not in ids:
                raise Refused(400, f"marker [{query['marker']}] not found")
            found = found[ids.index(query["marker"]) + 1 :]
        limit = page_size(query)
        if len(found) <= limit:
            return found, {}
        href = f"{call.url('images')}?limit={limit}&marker={found[limit - 1].id}"
        return found[:limit], {"images_links": [{"rel": "next", "href": href}]}

    def _index(self, call: Call) -> Answer:
        found, links = self._found(call)
        shown = [
            {"id": one.id, "name": one.name, "links": call.links("images", one.id)}
            for one in found
        ]
        return json_answer({"images": shown, **links})

    def _detail(self, call: Call) -> Answer:
        found, links = self._found(call)
        return json_answer({"images": [_shown(call, one) for one in found], **links})

    def _one(self, call: Call, image_id: str, *, own: bool = False) -> Image:
        found = self._store.find(image_id)
        sees = found is not None and self._store.sees(
            found, call.project_id, is_admin=call.is_admin
        )
        if found is None or not sees:
            raise Refused(404, "Image not found.")
        if own and found.project_id != call.project_id and not call.is_admin:
            raise Refused(403, "You are not allowed to change the image.")
        return found

    def _show(self, call: Call, image_id: str) -> Answer:
        return json_answer({"image": _shown(call, self._one(call, image_id))})

    def _remove(self, call: Call, image_id: str) -> Answer:
        with self._store.database.change():
            image = self._one(call, image_id, own=True)
            if image.is_protected:
                raise Refused(403, "You are not allowed to delete the image.")
            self._store.remove(image)
        return Answer(204)

    # metadata

    def _metadata(self, call: Call, image_id: str) -> Answer:
        return json_answer({"metadata": self._one(call, image_id).properties})

    def _write(self, call: Call, image_id: str, told: dict[str, str], *, keeps: bool) -> Answer:
        with self._store.database.change():
            image = self._one(call, image_id, own=True)
            kept = {**image.properties, **told} if keeps else told
            self._store.change(image, properties=kept)
        return json_answer({"metadata": kept})

    def _told(self, call: Call) -> dict[str, str]:
        check = record({"metadata": METADATA}, required=("metadata",))
        told: dict[str, str] = check(call.request.document(), "")["metadata"]
        return told

    def _add_metadata(self, call: Call, image_id: str) -> Answer:
        return self._write(call, image_id, self._told(call), keeps=True)

    def _replace_metadata(self, call: Call, image_id: str) -> Answer:
        return self._write(call, image_id, self._told(call), keeps=False)

    def _metadatum(self, call: Call, image_id: str, key: str) -> Answer:
        return json_answer({"meta": {key: _named(self._one(call, image_id), key)}})

    def _set_metadatum(self, call: Call, image_id: str, key: str) -> Answer:
        check = record({"meta": METADATA}, required=("meta",))
        told = check(call.request.document(), "")["meta"]
        if list(told) != [key]:
            raise Refused(400, "Request body and URI mismatch")
        self._write(call, image_id, told, keeps=True)
        return json_answer({"meta": told})

    def _drop(self, call: Call, image_id: str, key: str) -> Answer:
        with self._store.database.change():
            image = self._one(call, image_id, own=True)
            _named(image, key)
            left = {name: one for name, one in image.properties.items() if name != key}
            self._store.change(image, properties=left)
        return Answer(204)


def _named(image: Image, key: str) -> str:
    if key not in image.properties:
        raise Refused(404, "Metadata item was not found")
    return image.properties[key]


def _shown(call: Call, image: Image) -> dict[str, Any]:
    return {
        "id": image.id,
        "name": image.name,
        "status": _STATUSES.get(image.status, "UNKNOWN"),
        "progress": 100 if image.status == "active" else 25,
        "minRam": image.min_ram,
        "minDisk": image.min_disk,
        "metadata": image.properties,
        "created": iso(image.created),
        "updated": iso(image.updated),
        "OS-EXT-IMG-SIZE:size": image.size or 0,
        "links": call.links("images", image.id),
    }
