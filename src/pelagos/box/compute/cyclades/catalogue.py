"""What servers of Cyclades are made of: flavours, images, keys."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pelagos.box import fields
from pelagos.box.compute.cyclades.shapes import (
    VERSION,
    flavor_brief,
    flavor_shown,
    image_shown,
)
from pelagos.box.compute.flavors import Flavor
from pelagos.box.compute.fleet import Fleet
from pelagos.box.compute.keys import Keypair
from pelagos.box.cyclades import body, caller, part
from pelagos.box.errors import Refused
from pelagos.box.image.sources import Sources
from pelagos.box.image.store import Image, ImageStore
from pelagos.box.synnefo import document
from pelagos.box.web import NO_ROUTE, Answer, Request, Router
from pelagos.core.ssh_key import new_pair

_FAMILY = "synnefo"
_KEYS = 100
_LETTERS = 255


class Catalogue:
    """flavors, images, os-keypairs, extensions."""

    def __init__(self, fleet: Fleet, images: ImageStore, sources: Sources) -> None:
        self._fleet = fleet
        self._images = images
        self._sources = sources

    def routes(self, router: Router) -> None:
        """Take the places in the router."""
        base = f"/{VERSION}"
        router.add("GET", f"{base}/flavors", self._flavors)
        router.add("GET", f"{base}/flavors/detail", self._flavors_detail)
        router.add("GET", f"{base}/flavors/{{flavor_id}}", self._flavor)
        router.add("GET", f"{base}/images", self._all_images)
        router.add("GET", f"{base}/images/detail", self._images_detail)
        router.add("GET", f"{base}/images/{{image_id}}", self._image)
        router.add("DELETE", f"{base}/images/{{image_id}}", self._remove_image)
        here = f"{base}/images/{{image_id}}/metadata"
        router.add("GET", here, self._metadata)
        router.add("POST", here, self._add_metadata)
        router.add("GET", f"{here}/{{key}}", self._metadatum)
        router.add("PUT", f"{here}/{{key}}", self._set_metadatum)
        router.add("DELETE", f"{here}/{{key}}", self._drop_metadatum)
        router.add("GET", f"{base}/os-keypairs", self._keys)
        router.add("POST", f"{base}/os-keypairs", self._add_key)
        router.add("GET", f"{base}/os-keypairs/{{name}}", self._key)
        router.add("DELETE", f"{base}/os-keypairs/{{name}}", self._drop_key)
        router.add("GET", f"{base}/extensions", self._extensions)

    def _extensions(self, request: Request) -> Answer:
        caller(self._fleet.identity, request)
        return document({"extensions": []})

    # flavours

    def _known_flavors(self, request: Request) -> list[Flavor]:
        person = caller(self._fleet.identity, request)
        wanted = request.query.get("SNF:is_public")
        found = [one for one in self._fleet.flavors.all(_FAMILY) if one.may_use(person.project_id)]
        if wanted is None:
            return found
        return [one for one in found if one.is_public == (wanted.lower() == "true")]

    def _flavors(self, request: Request) -> Answer:
        shown = [flavor_brief(request, one) for one in self._known_flavors(request)]
        return document({"flavors": shown})

    def _flavors_detail(self, request: Request) -> Answer:
        shown = [flavor_shown(request, one) for one in self._known_flavors(request)]
        return document({"flavors": shown})

    def _flavor(self, request: Request, flavor_id: str) -> Answer:
        person = caller(self._fleet.identity, request)
        if not (flavor_id.isascii() and flavor_id.isdigit()):
            raise Refused(404, NO_ROUTE)
        found = self._fleet.flavors.by_number(int(flavor_id[:18]))
        if found is None or not found.may_use(person.project_id):
            raise Refused(404, "Flavor not found.", name="itemNotFound")
        return document({"flavor": flavor_shown(request, found)})

    # images

    def _seen(self, request: Request) -> list[Image]:
        person = caller(self._fleet.identity, request)
        found = [
            one
            for one in self._images.all()
            if self._images.sees(one, person.project_id) and self._sources.exists(one)
        ]
        return sorted(found, key=lambda one: (one.created, one.id))

    def _all_images(self, request: Request) -> Answer:
        shown = [{"id": one.id, "name": one.name or ""} for one in self._seen(request)]
        return document({"images": shown})

    def _images_detail(self, request: Request) -> Answer:
        return document({"images": [image_shown(request, one) for one in self._seen(request)]})

    def _one(self, request: Request, image_id: str, *, own: bool = False) -> Image:
        person = caller(self._fleet.identity, request)
        if not fields.is_uuid(image_id):
            raise Refused(400, "", name="badRequest")
        found = self._images.find(image_id)
        if (
            found is None
            or not self._images.sees(found, person.project_id)
            or not self._sources.exists(found)
        ):
            raise Refused(404, "Image not found.", name="itemNotFound")
        if own and found.project_id != person.project_id:
            raise Refused(403, "Not allowed")
        return found

    def _image(self, request: Request, image_id: str) -> Answer:
        return document({"image": image_shown(request, self._one(request, image_id))})

    def _remove_image(self, request: Request, image_id: str) -> Answer:
        with self._images.database.change():
            self._images.remove(self._one(request, image_id, own=True))
        return Answer(204)

    def _metadata(self, request: Request, image_id: str) -> Answer:
        return document({"metadata": self._one(request, image_id).properties})

    def _add_metadata(self, request: Request, image_id: str) -> Answer:
        told = _texts(part(body(request), "metadata", dict, needed=True))
        with self._images.database.change():
            image = self._one(request, image_id, own=True)
            kept = {**image.properties, **told}
            self._images.change(image, properties=kept)
        return document({"metadata": kept}, 201)

    def _metadatum(self, request: Request, image_id: str, key: str) -> Answer:
        properties = self._one(request, image_id).properties
        return document({"meta": {key: _named(properties, key)}})

    def _set_metadatum(self, request: Request, image_id: str, key: str) -> Answer:
        told = _texts(part(body(request), "meta", dict, needed=True))
        if list(told) != [key]:
            raise Refused(400, "Malformed request")
        with self._images.database.change():
            image = self._one(request, image_id, own=True)
            self._images.change(image, properties={**image.properties, **told})
        return document({"meta": told}, 201)

    def _drop_metadatum(self, request: Request, image_id: str, key: str) -> Answer:
        with self._images.database.change():
            image = self._one(request, image_id, own=True)
            _named(image.properties, key)
            left = {name: one for name, one in image.properties.items() if name != key}
            self._images.change(image, properties=left)
        return Answer(204)

    # keys

    def _keys(self, request: Request) -> Answer:
        person = caller(self._fleet.identity, request)
        shown = [{"keypair": _key_shown(one)} for one in self._fleet.keys.all(person.user_id)]
        return document({"keypairs": shown})

    def _add_key(self, request: Request) -> Answer:
        person = caller(self._fleet.identity, request)
        told = part(body(request), "keypair", dict, needed=True)
        name, public = part(told, "name", str, needed=True), part(told, "public_key", str)
        if not name or len(name) > _LETTERS:
            raise Refused(400, "Key name is empty or too long")
        private = None
        if public is None:
            public, private = new_pair()
        with self._fleet.database.change():
            if self._fleet.keys.named(person.user_id, name) is not None:
                raise Refused(409, "A keypair with that name already exists")
            if len(self._fleet.keys.all(person.user_id)) >= _KEYS:
                raise Refused(413, "SSH keys limit exceeded", name="overLimit")
            made = self._fleet.keys.add(person.user_id, name, public)
        shown = _key_shown(made)
        if private is not None:
            shown["private_key"] = private
        return document({"keypair": shown}, 201)

    def _one_key(self, request: Request, name: str) -> Keypair:
        person = caller(self._fleet.identity, request)
        found = self._fleet.keys.named(person.user_id, name)
        if found is None:
            raise Refused(404, "Keypair not found.", name="itemNotFound")
        return found

    def _key(self, request: Request, name: str) -> Answer:
        return document({"keypair": _key_shown(self._one_key(request, name))})

    def _drop_key(self, request: Request, name: str) -> Answer:
        self._fleet.keys.remove(self._one_key(request, name))
        return Answer(204)


def _key_shown(key: Keypair) -> dict[str, Any]:
    made = datetime.fromtimestamp(key.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    return {
        "id": key.number,
        "name": key.name,
        "public_key": key.public_key,
        "fingerprint": key.fingerprint,
        "created_at": made,
        "updated_at": made,
        "deleted_at": None,
        "deleted": False,
    }


def _texts(told: dict[str, Any]) -> dict[str, str]:
    if any(not isinstance(value, str) or not key for key, value in told.items()):
        raise Refused(400, "Malformed request. Metadata have to be texts")
    return told


def _named(properties: dict[str, str], key: str) -> str:
    if key not in properties:
        raise Refused(404, "Metadata key not found.", name="itemNotFound")
    return properties[key]
