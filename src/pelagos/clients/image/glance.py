"""OpenStack's image service, Glance: fields travel as JSON, content is uploaded."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote, urlsplit

from pelagos.clients.base import Client
from pelagos.clients.base.bilingual import needed
from pelagos.clients.base.paging import records as all_records
from pelagos.clients.errors import ClientError, Unsupported, WrongAnswer
from pelagos.clients.image import records

_PARAMS = frozenset({"id", "store", "disk_format", "container_format", "is_public", "owner"})
_PATCH = {"Content-Type": "application/openstack-images-v2.1-json-patch"}
_BYTES = {"Content-Type": "application/octet-stream"}
_PAGE = 1000
_STATES = {"deactivated": "deactivate", "active": "reactivate", "available": "reactivate"}


class Glance:
    """What an `ImageClient` does on OpenStack. Immutable."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def list_images(self, _detail: bool, filters: Mapping[str, Any], order: str) -> list[Any]:
        """The images, whole, from all pages."""
        query = {**records.glance_filters(filters, order), "limit": _PAGE}
        found = all_records(self._client, ("images",), "images", query)
        return [records.from_glance(one) for one in found]

    def show(self, image_id: str) -> dict[str, Any]:
        """An image's record."""
        return records.from_glance(self._client.get(("images", image_id)).json)

    def register(
        self,
        name: str,
        location: Any,
        params: Mapping[str, Any],
        properties: Mapping[str, Any],
    ) -> dict[str, Any]:
        """Make an image: of nothing yet, of a file here, or of an address that Glance fetches."""
        if unknown := sorted(set(params) - _PARAMS):
            raise Unsupported(
                f"OpenStack finds {', '.join(unknown)} of an image out itself", 501,
                hint=f"what can be said is {', '.join(sorted(_PARAMS))}",
            )  # fmt: skip
        content = _content(location)
        fields = {name: value for name, value in params.items() if name != "store"}
        body = {
            **{name: str(value) for name, value in properties.items()},
            **records.to_glance({"name": name, **fields}),
        }
        made = self._client.post(("images",), json=body, success=201).json
        record = records.from_glance(made)
        if content is None:
            return record
        try:
            self._fill(record["id"], content, params.get("store"))
        except BaseException:
            with suppress(ClientError):  # what is told is why it has no content
                self.unregister(record["id"])
            raise
        return self.show(record["id"])

    def _fill(self, image_id: str, content: str | Path | IO[bytes], store: str | None) -> None:
        if isinstance(content, str):
            method = {"name": "web-download", "uri": content}
            body = {"method": method, **({"stores": [store]} if store else {})}
            self._client.post(("images", image_id, "import"), json=body, success=202)
        elif isinstance(content, Path):
            with content.open("rb") as file:
                self.upload(image_id, file, store=store)
        else:
            self.upload(image_id, content, store=store)

    def upload(
        self, image_id: str, source: IO[bytes] | bytes, *, store: str | None = None
    ) -> None:
        """Give an image its content."""
        headers = {**_BYTES, "X-Image-Meta-Store": store}
        path = ("images", image_id, "file")
        self._client.put(path, data=source, headers=headers, success=204)

    def download(self, image_id: str, destination: IO[bytes]) -> None:
        """Write an image's content; what comes must have the hash that the record says."""
        record = self.show(image_id)
        hashing = _hashing(record)
        path = ("images", image_id, "file")
        with self._client.get(path, stream=True, success={200, 204}) as reply:
            for piece in reply.iter_bytes():
                destination.write(piece)
                if hashing is not None:
                    hashing.update(piece)
        if hashing is not None and hashing.hexdigest() != record["os_hash_value"]:
            raise WrongAnswer(
                f"what came of image {image_id} is not what the service has",
                hint="throw it away and try again",
            )

    def unregister(self, image_id: str) -> Mapping[str, str]:
        """Remove an image with its content."""
        return self._client.delete(("images", image_id), success=204).headers

    def update(
        self, image_id: str, fields: Mapping[str, Any], properties: Mapping[str, Any]
    ) -> Mapping[str, str]:
        """Change fields that are not None, and properties; one that is None goes."""
        said = records.to_glance(fields)
        state = str(said.pop("status", "")).lower()
        if state and state not in _STATES:
            raise Unsupported(
                f"no image of OpenStack is made {state}",
                501,
                hint=f"there is {', '.join(_STATES)}",
            )
        patch: list[dict[str, Any]] = [
            {"op": "replace", "path": records.pointer(name), "value": value}
            for name, value in said.items()
        ]
        for name, value in properties.items():
            path = records.pointer(name)
            gone = {"op": "remove", "path": path}
            patch.append(
                gone if value is None else {"op": "add", "path": path, "value": str(value)}
            )
        headers: Mapping[str, str] = {}
        if patch or not state:
            reply = self._client.patch(("images", image_id), json=patch, headers=_PATCH)
            headers = reply.headers
        if state:
            path_ = ("images", image_id, "actions", _STATES[state])
            headers = self._client.post(path_, success=204).headers
        return headers

    def list_members(self, image_id: str) -> Any:
        """With whom an image is shared."""
        found = self._client.get(("images", image_id, "members")).listing("members")
        return [{"can_share": False, **one} for one in found]

    def add_member(self, image_id: str, member: str) -> Mapping[str, str]:
        """Share an image; 409 says that it is shared with him already."""
        path = ("images", image_id, "members")
        return self._client.post(path, json={"member": member}, success={200, 409}).headers

    def remove_member(self, image_id: str, member: str) -> Mapping[str, str]:
        """Share an image no longer."""
        return self._client.delete(("images", image_id, "members", member), success=204).headers

    def set_members(self, image_id: str, members: Iterable[str]) -> Mapping[str, str]:
        """Share an image with these, and nobody else: one request for each that changes."""
        wanted = list(dict.fromkeys(members))
        have = {one.get("member_id") for one in self.list_members(image_id)}
        headers: Mapping[str, str] = {}
        for one in wanted:
            if one not in have:
                headers = self.add_member(image_id, one)
        for one in sorted(have - set(wanted)):
            headers = self.remove_member(image_id, one)
        return headers

    def list_shared(self, member: str) -> list[dict[str, Any]]:
        """What others share with the token's project, which `member` must be."""
        query = {"visibility": "shared", "member_status": "all", "limit": _PAGE}
        found = all_records(self._client, ("images",), "images", query)
        return [
            {"image_id": needed(one, "id"), "can_share": False}
            for one in found
            if one.get("owner") != member
        ]


def _content(location: Any) -> str | Path | IO[bytes] | None:
    """Where an image's content comes from: an address, a file, an open file, or nowhere yet."""
    if location is None or location == "":
        return None
    if isinstance(location, Path) or hasattr(location, "read"):
        return location  # type: ignore[no-any-return]  # one of the two
    if isinstance(location, str):
        if records.is_web(location):
            return location
        parts = urlsplit(location)
        if parts.scheme == "file":
            return Path(unquote(parts.path))
        if not parts.scheme:
            return Path(location)
    raise Unsupported(
        f"OpenStack has no images at {location!r}",
        501,
        hint="give a file, or an address that begins with http:// or https://",
    )


def _hashing(record: Mapping[str, Any]) -> Any:
    name = record.get("os_hash_algo")
    return hashlib.new(name) if name and name in hashlib.algorithms_available else None
