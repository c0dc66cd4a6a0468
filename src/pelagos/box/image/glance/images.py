"""Images of Glance: lists, records, patches."""

from __future__ import annotations

from pelagos.box.errors import Refused
from pelagos.box.identity.identity import Identity
from pelagos.box.identity.tokens import Token
from pelagos.box.image.glance import listing
from pelagos.box.image.glance.fields import check_tag, new_values, patched, shown
from pelagos.box.image.sources import Sources
from pelagos.box.image.store import Image, ImageStore
from pelagos.box.web import Answer, Request, Router, json_answer
from pelagos.core import wire
from pelagos.core.wire import WireError

_PATCHES = (
    "application/openstack-images-v2.1-json-patch", "application/openstack-images-v2.0-json-patch",
)  # fmt: skip
_PUBLISH = "You are not authorized to complete publicize_image action."


def image_of(store: ImageStore, token: Token, image_id: str) -> Image:
    """An image that the caller sees.

    Raises:
        Refused: 404.
    """
    found = store.find(image_id)
    project = token.project_id or ""
    if found is None or not store.sees(found, project, is_admin=token.is_admin):
        raise Refused(404, f"No image found with ID {image_id}")
    return found


def own_image_of(store: ImageStore, token: Token, image_id: str, what: str) -> Image:
    """An image that is the caller's.

    Raises:
        Refused: 404, or 403 where he sees it and it is not his.
    """
    found = image_of(store, token, image_id)
    if found.project_id != token.project_id and not token.is_admin:
        raise Refused(403, f"You are not permitted to {what} this image.")
    return found


def project_of(token: Token) -> str:
    """The project that a token is for.

    Raises:
        Refused: 403, it is for none.
    """
    if token.project_id is None:
        raise Refused(403, "The token is for no project")
    return token.project_id


class Images:
    """Resources below v2/images, without content and members."""

    def __init__(self, identity: Identity, store: ImageStore, sources: Sources) -> None:
        self._identity = identity
        self._store = store
        self._sources = sources

    def routes(self, router: Router) -> None:
        """Take the places in the router."""
        router.add("GET", "/v2/images", self._index)
        router.add("POST", "/v2/images", self._create)
        router.add("GET", "/v2/images/{image_id}", self._show)
        router.add("PATCH", "/v2/images/{image_id}", self._patch)
        router.add("DELETE", "/v2/images/{image_id}", self._delete)
        router.add("PUT", "/v2/images/{image_id}/tags/{tag}", self._add_tag)
        router.add("DELETE", "/v2/images/{image_id}/tags/{tag}", self._remove_tag)
        router.add("POST", "/v2/images/{image_id}/actions/deactivate", self._deactivate)
        router.add("POST", "/v2/images/{image_id}/actions/reactivate", self._reactivate)

    def _index(self, request: Request) -> Answer:
        token = self._identity.caller(request)
        return json_answer(listing.page(self._store, token, request))

    def _create(self, request: Request) -> Answer:
        token = self._identity.caller(request)
        project = project_of(token)
        values = new_values(request.document())
        owner = values.pop("project_id", project)
        if owner != project and not token.is_admin:
            raise Refused(403, "You are not permitted to create images owned by another project.")
        self._check_visibility(token, values.get("visibility"))
        image = self._store.add(owner, token.user_id, values)
        answer = json_answer(shown(image), 201)
        answer.headers["Location"] = f"{request.host}/image/v2/images/{image.id}"
        answer.headers["OpenStack-image-import-methods"] = "glance-direct,web-download"
        return answer

    @staticmethod
    def _check_visibility(token: Token, visibility: str | None) -> None:
        if visibility == "public" and not token.is_admin:
            raise Refused(403, _PUBLISH)

    def _show(self, request: Request, image_id: str) -> Answer:
        token = self._identity.caller(request)
        return json_answer(shown(image_of(self._store, token, image_id)))

    def _patch(self, request: Request, image_id: str) -> Answer:
        token = self._identity.caller(request)
        kind = request.header("Content-Type").partition(";")[0].strip().lower()
        if kind not in _PATCHES:
            raise Refused(415, f"Unsupported Content-Type: {kind}")
        try:
            operations = wire.decode(request.body())
        except WireError as error:
            raise Refused(400, "Malformed JSON in request body.") from error
        with self._store.database.change():
            image = own_image_of(self._store, token, image_id, "modify")
            values = patched(image, operations)
            if values.get("visibility", image.visibility) != image.visibility:
                self._check_visibility(token, values.get("visibility"))
            for name in ("disk_format", "container_format"):
                kept = getattr(image, name)
                if image.status != "queued" and values.get(name, kept) != kept:
                    raise Refused(
                        403, f"Attribute {name} can be only replaced for a queued image."
                    )
            image = self._store.change(image, **values)
        return json_answer(shown(image))

    def _delete(self, request: Request, image_id: str) -> Answer:
        token = self._identity.caller(request)
        with self._store.database.change():
            image = own_image_of(self._store, token, image_id, "delete")
            if image.is_protected:
                raise Refused(
                    403, f"Image {image.id} is protected and cannot be deleted."
                )  # fmt: skip
            self._store.remove(image)
        return Answer(204)

    def _add_tag(self, request: Request, image_id: str, tag: str) -> Answer:
        token = self._identity.caller(request)
        check_tag(tag)
        with self._store.database.change():
            image = own_image_of(self._store, token, image_id, "modify")
            values = patched(image, [{"op": "add", "path": "/tags/-", "value": tag}])
            self._store.change(image, tags=values["tags"])
        return Answer(204)

    def _remove_tag(self, request: Request, image_id: str, tag: str) -> Answer:
        token = self._identity.caller(request)
        with self._store.database.change():
            image = own_image_of(self._store, token, image_id, "modify")
            if tag not in image.tags:
                raise Refused(404, f"Unable to find tag {tag} in {image.tags}.")
            self._store.change(image, tags=[one for one in image.tags if one != tag])
        return Answer(204)

    def _deactivate(self, request: Request, image_id: str) -> Answer:
        return self._set_status(request, image_id, "deactivated")

    def _reactivate(self, request: Request, image_id: str) -> Answer:
        return self._set_status(request, image_id, "active")

    def _set_status(self, request: Request, image_id: str, status: str) -> Answer:
        token = self._identity.caller(request)
        with self._store.database.change():
            image = own_image_of(self._store, token, image_id, "modify")
            if image.status not in {"active", "deactivated"}:
                message = f"Not allowed to {'deactivate' if status != 'active' else 'reactivate'}"
                raise Refused(403, f"{message} image in status '{image.status}'")
            self._store.change(image, status=status)
        return Answer(204)
