"""Plankton's resources: images, members, what is shared with somebody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pelagos.box import fields
from pelagos.box.cyclades import Person, answering, body, caller
from pelagos.box.errors import Refused
from pelagos.box.identity.identity import Identity
from pelagos.box.image.plankton import shapes
from pelagos.box.image.sources import Sources, location_of
from pelagos.box.image.store import Image, ImageStore
from pelagos.box.objects.pithos.sharing import Sharing
from pelagos.box.objects.store import ObjectStore
from pelagos.box.service import Service, SynnefoOffer
from pelagos.box.synnefo import document
from pelagos.box.web import Answer, Request, Router

PREFIX = "/cyclades/image"
_FILTERS = ("name", "container_format", "disk_format", "status")
_SORT_KEYS = ("id", "name", "status", "size", "disk_format", "container_format", "created_at",
              "updated_at")  # fmt: skip
_PATH_PARTS = 2
_LETTERS = 256


def plankton(
    identity: Identity, store: ImageStore, sources: Sources, objects: ObjectStore
) -> Service:
    """The service."""
    router = Router()
    _Images(identity, store, sources, Sharing(objects)).routes(router)
    answer, shape = answering(identity, router)
    offer = SynnefoOffer("image", "cyclades_plankton", PREFIX, "v1.0", exposes_version=False)
    return Service((PREFIX,), answer, shape, synnefo_offers=(offer,))


class _Images:
    def __init__(
        self, identity: Identity, store: ImageStore, sources: Sources, sharing: Sharing
    ) -> None:
        self._identity = identity
        self._store = store
        self._sources = sources
        self._sharing = sharing

    def routes(self, router: Router) -> None:
        base = "/v1.0/images"
        router.add("GET", base, self._index)
        router.add("POST", base, self._register)
        router.add("GET", f"{base}/detail", self._detail)
        router.add("HEAD GET", f"{base}/{{image_id}}", self._show)
        router.add("PUT", f"{base}/{{image_id}}", self._update)
        router.add("DELETE", f"{base}/{{image_id}}", self._unregister)
        router.add("GET", f"{base}/{{image_id}}/members", self._members)
        router.add("PUT", f"{base}/{{image_id}}/members", self._set_members)
        router.add("PUT", f"{base}/{{image_id}}/members/{{member}}", self._add_member)
        router.add("DELETE", f"{base}/{{image_id}}/members/{{member}}", self._drop_member)
        router.add("GET", "/v1.0/shared-images/{member}", self._shared)

    # lists

    def _index(self, request: Request) -> Answer:
        return document({"images": [shapes.brief(one) for one in self._found(request)]})

    def _detail(self, request: Request) -> Answer:
        return document({"images": [shapes.shown(one) for one in self._found(request)]})

    def _found(self, request: Request) -> list[Image]:
        person = caller(self._identity, request)
        query = request.query
        found = [one for one in self._store.all() if self._sees(person, one)]
        for name in _FILTERS:
            if name in query:
                wanted = query[name].lower()
                found = [one for one in found if str(shapes.brief(one)[name]).lower() == wanted]
        for name, sign in (("size_min", 1), ("size_max", -1)):
            if name in query:
                if not (query[name].isascii() and query[name].isdigit()):
                    raise Refused(400, f"Malformed {name}")
                edge = int(query[name])
                found = [one for one in found if sign * ((one.size or 0) - edge) >= 0]
        key, way = query.get("sort_key", "created_at"), query.get("sort_dir", "desc")
        if key not in _SORT_KEYS:
            raise Refused(400, f"Invalid sort key '{key}'")
        if way not in {"asc", "desc"}:
            raise Refused(400, f"Invalid sort direction '{way}'")
        found.sort(key=lambda one: (shapes.shown(one)[key], one.id), reverse=way == "desc")
        return found

    def _sees(self, person: Person, image: Image) -> bool:
        return self._store.sees(image, person.project_id) and self._sources.exists(image)

    def _one(self, request: Request, image_id: str, *, own: bool = False) -> Image:
        person = caller(self._identity, request)
        if not fields.is_uuid(image_id):
            raise Refused(400, "", name="badRequest")
        found = self._store.find(image_id)
        if found is None or not self._sees(person, found):
            raise Refused(404, "Image not found", name="itemNotFound")
        if own and found.project_id != person.project_id:
            raise Refused(403, "Not allowed")
        return found

    # one

    def _show(self, request: Request, image_id: str) -> Answer:
        return Answer(200, shapes.headers(self._one(request, image_id)))

    def _register(self, request: Request) -> Answer:
        person = caller(self._identity, request)
        told = shapes.told_fields(request)
        name = told.get("name", "")
        if not name or len(name) > _LETTERS:
            raise Refused(400, "Image 'name' parameter is required")
        wanted = told.get("location", "")
        found = self._sources.find(wanted)
        if not wanted.startswith("pithos://") or wanted.count("/") < _PATH_PARTS + 2:
            raise Refused(400, f"Invalid location '{wanted}'")
        account = wanted.removeprefix("pithos://").partition("/")[0]
        if account != person.user_id:
            raise Refused(403, "Not allowed")
        if found is None:
            raise Refused(404, "Image not found", name="itemNotFound")
        container, version = found
        self._check_told(told, version.size, version.top)
        values = {
            "disk_format": "diskdump", "container_format": "bare", "visibility": "shared",
            **shapes.record_values(told), "id": version.uuid, "name": name, "status": "active",
            "size": version.size, "sha512": version.top, "properties": told["properties"],
            "location": location_of(account, container.name, version.name),
        }  # fmt: skip
        with self._store.database.change():
            former = self._store.find(version.uuid)
            if former is not None:
                if former.project_id != person.project_id or not former.location:
                    raise Refused(409, f"Image ID {former.id} already exists")
                image = self._store.change(former, **values)
            else:
                image = self._store.add(person.project_id, person.user_id, values)
            self._tell_sharing(image)
        return Answer(200, shapes.headers(image))

    @staticmethod
    def _check_told(told: Mapping[str, Any], size: int, checksum: str) -> None:
        if "size" in told and told["size"] != str(size):
            raise Refused(400, "Invalid size")
        if "checksum" in told and told["checksum"] != checksum:
            raise Refused(400, "Invalid checksum")

    def _tell_sharing(self, image: Image) -> None:
        """Let Pithos share an image's object with whom the image is shared."""
        found = self._sources.find(image.location)
        if found is not None:
            read = ["*"] if image.visibility == "public" else []
            read += [one.member for one in self._store.members(image)]
            container, version = found
            before = self._sharing.grant(container, version.name)
            self._sharing.share(
                container, version.name, read, list(before.write) if before else []
            )

    def _update(self, request: Request, image_id: str) -> Answer:
        told = shapes.told_fields(request)
        values = shapes.record_values(told)
        with self._store.database.change():
            image = self._one(request, image_id, own=True)
            properties = {**image.properties, **told["properties"]}
            image = self._store.change(image, **values, properties=properties)
            self._tell_sharing(image)
        return Answer(200, shapes.headers(image))

    def _unregister(self, request: Request, image_id: str) -> Answer:
        with self._store.database.change():
            image = self._one(request, image_id, own=True)
            self._store.remove(image)
        return Answer(204)

    # members

    def _members(self, request: Request, image_id: str) -> Answer:
        image = self._one(request, image_id)
        who = [one.member for one in self._store.members(image)]
        who += [image.project_id] if who else []
        shown = [{"member_id": one, "can_share": False} for one in who]
        return document({"members": shown})

    def _known(self, member: Any) -> str:
        if not isinstance(member, str) or self._identity.people.get("users", member) is None:
            raise Refused(400, f"Unknown user '{member}'")
        return member

    def _set_members(self, request: Request, image_id: str) -> Answer:
        told = body(request).get("memberships")
        if not isinstance(told, list) or not all(isinstance(one, dict) for one in told):
            raise Refused(400, "Malformed request. Missing 'memberships'.")
        wanted = [self._known(one.get("member_id")) for one in told]
        with self._store.database.change():
            image = self._one(request, image_id, own=True)
            for one in self._store.members(image):
                self._store.remove_member(image, one.member)
            for member in wanted:
                self._store.set_member(image, member, "accepted")
            self._tell_sharing(image)
        return Answer(204)

    def _add_member(self, request: Request, image_id: str, member: str) -> Answer:
        with self._store.database.change():
            image = self._one(request, image_id, own=True)
            self._store.set_member(image, self._known(member), "accepted")
            self._tell_sharing(image)
        return Answer(204)

    def _drop_member(self, request: Request, image_id: str, member: str) -> Answer:
        with self._store.database.change():
            image = self._one(request, image_id, own=True)
            if self._store.member(image, member) is None:
                raise Refused(404, "Member not found", name="itemNotFound")
            self._store.remove_member(image, member)
            self._tell_sharing(image)
        return Answer(204)

    def _shared(self, request: Request, member: str) -> Answer:
        """Images that are shared with somebody, and not public."""
        person = caller(self._identity, request)
        keys = self._store.shared_with(member)
        found = [
            one
            for one in self._store.all()
            if one.id in keys and one.visibility == "shared" and self._sees(person, one)
        ]
        shown = [{"image_id": one.id, "can_share": False} for one in found]
        return document({"shared_images": shown})
