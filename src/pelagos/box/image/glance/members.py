"""With which projects images of Glance are shared."""

from __future__ import annotations

from typing import Any

from pelagos.box.errors import Refused
from pelagos.box.identity.identity import Identity
from pelagos.box.identity.tokens import Token
from pelagos.box.image.glance.fields import iso
from pelagos.box.image.glance.images import image_of, own_image_of
from pelagos.box.image.store import Image, ImageStore, Member
from pelagos.box.web import Answer, Request, Router, json_answer

_STATUSES = ("pending", "accepted", "rejected")
_MOST = 128


class Members:
    """v2/images/ID/members."""

    def __init__(self, identity: Identity, store: ImageStore) -> None:
        self._identity = identity
        self._store = store

    def routes(self, router: Router) -> None:
        """Take the places in the router."""
        here = "/v2/images/{image_id}/members"
        router.add("GET", here, self._index)
        router.add("POST", here, self._add)
        router.add("GET", f"{here}/{{member}}", self._show)
        router.add("PUT", f"{here}/{{member}}", self._answer)
        router.add("DELETE", f"{here}/{{member}}", self._remove)

    def _seen(self, token: Token, image: Image) -> list[Member]:
        """The members that somebody sees: the owner all, a member himself."""
        found = self._store.members(image)
        if token.is_admin or image.project_id == token.project_id:
            return found
        return [one for one in found if one.member == token.project_id]

    def _shared(self, token: Token, image_id: str) -> Image:
        image = own_image_of(self._store, token, image_id, "modify members of")
        if image.visibility != "shared":
            raise Refused(403, "Only shared images have members.")
        return image

    def _index(self, request: Request, image_id: str) -> Answer:
        token = self._identity.caller(request)
        image = image_of(self._store, token, image_id)
        if image.visibility != "shared":
            raise Refused(403, "Only shared images have members.")
        found = [_shown(one) for one in self._seen(token, image)]
        return json_answer({"members": found, "schema": "/v2/schemas/members"})

    def _add(self, request: Request, image_id: str) -> Answer:
        token = self._identity.caller(request)
        member = request.document().get("member")
        if not isinstance(member, str) or not member or len(member) > 255:  # noqa: PLR2004
            raise Refused(400, "Member to be added not specified")
        with self._store.database.change():
            image = self._shared(token, image_id)
            if self._store.member(image, member) is not None:
                message = f"Member {member} is duplicated for image {image.id}"
                raise Refused(409, message)
            if len(self._store.members(image)) >= _MOST:
                raise Refused(413, "The limit has been exceeded on the number of allowed image "
                              f"members for this image: {_MOST}")  # fmt: skip
            made = self._store.set_member(image, member)
        return json_answer(_shown(made))

    def _one(self, token: Token, image_id: str, member: str) -> tuple[Image, Member]:
        image = image_of(self._store, token, image_id)
        found = next((one for one in self._seen(token, image) if one.member == member), None)
        if found is None:
            raise Refused(404, f"{member} not found in the member list of the image {image.id}.")
        return image, found

    def _show(self, request: Request, image_id: str, member: str) -> Answer:
        _, found = self._one(self._identity.caller(request), image_id, member)
        return json_answer(_shown(found))

    def _answer(self, request: Request, image_id: str, member: str) -> Answer:
        token = self._identity.caller(request)
        status = request.document().get("status")
        if status not in _STATUSES:
            raise Refused(400, f"Member status has to be one of {', '.join(_STATUSES)}")
        with self._store.database.change():
            image, found = self._one(token, image_id, member)
            if member != token.project_id and not token.is_admin:
                raise Refused(403, "The owner of an image may not answer for a member.")
            made = self._store.set_member(image, found.member, status)
        return json_answer(_shown(made))

    def _remove(self, request: Request, image_id: str, member: str) -> Answer:
        token = self._identity.caller(request)
        with self._store.database.change():
            image = self._shared(token, image_id)
            self._one(token, image_id, member)
            self._store.remove_member(image, member)
        return Answer(204)


def _shown(member: Member) -> dict[str, Any]:
    return {
        "image_id": member.image_id,
        "member_id": member.member,
        "status": member.status,
        "created_at": iso(member.created),
        "updated_at": iso(member.updated),
        "schema": "/v2/schemas/member",
    }
