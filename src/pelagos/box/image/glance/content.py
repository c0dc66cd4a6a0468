"""The content of images of Glance: uploaded, staged and imported, downloaded."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from pelagos.box.errors import Refused
from pelagos.box.identity.identity import Identity
from pelagos.box.image.glance.images import image_of, own_image_of
from pelagos.box.image.sources import Sources
from pelagos.box.image.store import Image, ImageStore
from pelagos.box.objects import ranges
from pelagos.box.web import Answer, Request, Router
from pelagos.core.errors import PelagosError
from pelagos.core.http.transfer import Transfers

log = logging.getLogger(__name__)

_DIRECT, _WEB = "glance-direct", "web-download"
_OCTETS = "application/octet-stream"
_FETCH_SECONDS = 60.0


class Content:
    """v2/images/ID/{file, stage, import}.

    Args:
        fetches: whether images may be brought from elsewhere. That reaches whatever this computer
            reaches, so it is nothing for callers who are elsewhere.
    """

    def __init__(
        self, identity: Identity, store: ImageStore, sources: Sources, *, fetches: bool
    ) -> None:
        self.methods = (_DIRECT, _WEB) if fetches else (_DIRECT,)
        self._identity = identity
        self._store = store
        self._sources = sources

    def routes(self, router: Router) -> None:
        """Take the places in the router."""
        router.add("GET", "/v2/images/{image_id}/file", self._download)
        router.add("PUT", "/v2/images/{image_id}/file", self._upload)
        router.add("PUT", "/v2/images/{image_id}/stage", self._stage)
        router.add("POST", "/v2/images/{image_id}/import", self._import)

    # in

    def _upload(self, request: Request, image_id: str) -> Answer:
        image = self._begin(request, image_id, "saving")
        self._fill(image, self._body(request, image), "active")
        return Answer(204)

    def _stage(self, request: Request, image_id: str) -> Answer:
        image = self._begin(request, image_id, "uploading")
        self._fill(image, self._body(request, image), "uploading")
        return Answer(204)

    def _begin(self, request: Request, image_id: str, status: str) -> Image:
        token = self._identity.caller(request)
        kind = request.header("Content-Type").partition(";")[0].strip().lower()
        if kind != _OCTETS:
            raise Refused(415, f"Unsupported Content-Type: {kind}, which has to be {_OCTETS}")
        with self._store.database.change():
            image = own_image_of(self._store, token, image_id, "upload data to")
            if image.status != "queued":
                raise Refused(
                    409, f"Image status transition from {image.status} to {status} is not allowed"
                )
            _check_formats(image)
            return self._store.change(image, status=status)

    @staticmethod
    def _body(request: Request, image: Image) -> Iterator[bytes]:
        told = request.header("x-image-meta-size") or request.length
        size = 0
        for piece in request.pieces():
            size += len(piece)
            yield piece
        if told is not None and str(told).isdigit() and int(told) != size:
            message = f"{size} bytes came of image {image.id}, and {told} were announced"
            raise Refused(400, message)

    def _fill(self, image: Image, pieces: Iterable[bytes], status: str) -> None:
        try:
            self._store.fill(image, pieces, status)
        except BaseException:
            with suppress(Refused):  # it may have gone meanwhile
                self._store.change(image, status="queued")
            raise

    # import

    def _import(self, request: Request, image_id: str) -> Answer:
        token = self._identity.caller(request)
        method = request.document().get("method")
        if not isinstance(method, dict) or not isinstance(method.get("name"), str):
            raise Refused(400, "The import has to name its method")
        name = method["name"]
        if name not in self.methods:
            if name == _WEB:
                raise Refused(403, f"{_WEB} is off: others than this computer reach the box")
            raise Refused(400, f"Unknown import method name '{name}'.")
        with self._store.database.change():
            image = own_image_of(self._store, token, image_id, "import data to")
            wanted = "uploading" if name == _DIRECT else "queued"
            if image.status != wanted:
                raise Refused(
                    409, f"Only images with status '{wanted}' can be imported by {name};"
                    f" this one is '{image.status}'",
                )  # fmt: skip
            _check_formats(image)
            if name == _DIRECT:
                self._store.change(image, status="active")
                return Answer(202)
            address = _address(method)
            image = self._store.change(image, status="importing")
        worker = threading.Thread(
            target=self._fetch, args=(image, address), daemon=True, name=f"import {image.id}"
        )
        worker.start()
        return Answer(202)

    def _fetch(self, image: Image, address: str) -> None:
        """Bring an image from elsewhere; it is queued again when that fails."""
        try:
            self._store.fill(image, _fetched(address))
        except (PelagosError, OSError) as error:
            log.warning("image %s could not be fetched: %s", image.id, error)
            with suppress(PelagosError):
                self._store.change(image, status="queued")

    # out

    def _download(self, request: Request, image_id: str) -> Answer:
        token = self._identity.caller(request)
        image = image_of(self._store, token, image_id)
        if image.status == "deactivated" and not token.is_admin:
            raise Refused(403, "The requested image has been deactivated. Image data download is "
                          "forbidden.")  # fmt: skip
        if image.size is None or image.status not in {"active", "deactivated"}:
            return Answer(204)
        headers = {"Content-Type": _OCTETS, "Accept-Ranges": "bytes"}
        if image.md5 and not image.location:
            headers["Content-MD5"] = image.md5
        told = ranges.parse(request.header("Range")) if request.header("Range") else None
        if told is None:
            pieces = self._sources.pieces(image, 0, image.size)
            return Answer(200, headers, pieces, image.size)
        found = ranges.within(told, image.size)
        if len(found) != 1:
            message = f"Invalid range {request.header('Range')} for image of {image.size} bytes"
            raise Refused(416, message, headers={"Content-Range": f"bytes */{image.size}"})
        start, end = found[0]
        del headers["Accept-Ranges"]
        headers.pop("Content-MD5", None)
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{image.size}"
        return Answer(206, headers, self._sources.pieces(image, start, end), end - start)


def _check_formats(image: Image) -> None:
    missing = [
        name for name in ("disk_format", "container_format") if getattr(image, name) is None
    ]
    if missing:
        raise Refused(400, f"Properties {', '.join(missing)} must be set prior to saving data.")


def _address(method: dict[str, Any]) -> str:
    address = method.get("uri")
    if not isinstance(address, str) or not _is_web(address):
        raise Refused(400, "URI for web-download does not pass filtering: " + str(address)[:200])
    return address


def _is_web(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets or a port that are none
        return False


def _fetched(address: str) -> Iterator[bytes]:
    parts = urlsplit(address)
    transfers = Transfers(f"{parts.scheme}://{parts.netloc}", timeout=_FETCH_SECONDS)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    with transfers.get(unquote(parts.path), params=query) as incoming:
        if incoming.status != 200:  # noqa: PLR2004  # RFC 9110
            raise Refused(400, f"{address} answered with {incoming.status}")
        yield from incoming.pieces()
