"""Synnefo's image service, whose images are objects of Pithos: fields travel in headers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pelagos.clients.base import Client
from pelagos.clients.errors import Unsupported, WrongAnswer
from pelagos.clients.image import records

_PARAMS = frozenset(
    {"id", "store", "disk_format", "container_format", "size", "checksum", "is_public", "owner"}
)
_EMPTY = {"Content-Length": "0"}


class Plankton:
    """What an `ImageClient` does on Synnefo. Immutable."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def list_images(self, detail: bool, filters: Mapping[str, Any], order: str) -> list[Any]:
        """The images, as the service filters and orders them."""
        query = {name: value for name, value in filters.items() if value not in (None, "")}
        if order:
            query["sort_dir"] = "desc" if order.startswith("-") else "asc"
            query["sort_key"] = order.removeprefix("-")
        reply = self._client.get(("images", "detail" if detail else ""), params=query)
        found = reply.json if isinstance(reply.json, list) else reply.member("images")
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise WrongAnswer(f"{reply.url} did not answer with a list of images", reply.status)
        return found

    def show(self, image_id: str) -> dict[str, Any]:
        """An image's record."""
        return records.from_headers(self._client.head(("images", image_id)).headers)

    def register(
        self,
        name: str,
        location: Any,
        params: Mapping[str, Any],
        properties: Mapping[str, Any],
    ) -> dict[str, Any]:
        """Make an image of an object."""
        if unknown := sorted(set(params) - _PARAMS):
            raise ValueError(f"{', '.join(unknown)}: not among {', '.join(sorted(_PARAMS))}")
        if not isinstance(location, str | tuple | list):
            raise Unsupported(
                "Synnefo makes images of objects only",
                501,
                hint="upload the file to object storage, and register pithos://USER/CONTAINER/PATH",
            )
        fields = {"name": name, "location": records.pithos_location(location), **params}
        headers = {**records.to_headers(fields, properties), **_EMPTY}
        return records.from_headers(self._client.post(("images", ""), headers=headers).headers)

    def unregister(self, image_id: str) -> Mapping[str, str]:
        """Remove an image; its object stays."""
        return self._client.delete(("images", image_id), success=204).headers

    def update(
        self, image_id: str, fields: Mapping[str, Any], properties: Mapping[str, Any]
    ) -> Mapping[str, str]:
        """Change fields that are not None, and properties."""
        if any(value is None for value in properties.values()):
            raise Unsupported(
                "Synnefo does not remove properties of an image", 501, hint='set it to ""'
            )
        headers = {**records.to_headers(fields, properties), **_EMPTY}
        return self._client.put(("images", image_id), headers=headers).headers

    def list_members(self, image_id: str) -> Any:
        """With whom an image is shared."""
        return self._client.get(("images", image_id, "members")).listing("members")

    def add_member(self, image_id: str, member: str) -> Mapping[str, str]:
        """Share an image."""
        path = ("images", image_id, "members", member)
        return self._client.put(path, headers=_EMPTY, success=204).headers

    def remove_member(self, image_id: str, member: str) -> Mapping[str, str]:
        """Share an image no longer."""
        return self._client.delete(("images", image_id, "members", member), success=204).headers

    def set_members(self, image_id: str, members: Iterable[str]) -> Mapping[str, str]:
        """Share an image with these, and nobody else."""
        body = {"memberships": [{"member_id": one} for one in members]}
        return self._client.put(("images", image_id, "members"), json=body, success=204).headers

    def list_shared(self, member: str) -> Any:
        """What is shared with somebody."""
        return self._client.get(("shared-images", member)).listing("shared_images")
