"""Swift's objects: kept, read, copied, deleted; large ones that consist of others."""

from __future__ import annotations

import contextlib
import re
import secrets
from collections.abc import Callable, Iterator
from mimetypes import guess_type
from typing import Any
from urllib.parse import quote, unquote

from pelagos.box.errors import Refused
from pelagos.box.objects import ranges
from pelagos.box.objects.content import Content, Receiver
from pelagos.box.objects.store import Container, ObjectStore, Told, Version
from pelagos.box.objects.swift import large, versions
from pelagos.box.objects.swift.conditions import allows_new, check_conditions, check_etag
from pelagos.box.objects.swift.headers import (
    is_over,
    kept_headers,
    meta_of,
    object_headers,
    type_of,
)
from pelagos.box.objects.swift.large import Part
from pelagos.box.objects.swift.manner import date
from pelagos.box.objects.swift.place import Place
from pelagos.box.web import Answer, Request, json_answer

MAX_SIZE = 5_368_709_122
_TRIES = 20
_MISSING = "The resource could not be found."
_ALLOWED = "GET, HEAD, PUT, POST, DELETE, COPY"
_COPY_PATH = re.compile(r"/?([^/]+)/(.+)", re.DOTALL)


class Gone(Refused):
    """A version went while it was looked at."""


class Objects:
    """The objects of all accounts."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._methods = {
            "GET": self._get,
            "HEAD": self._get,
            "PUT": self._put,
            "POST": self._post,
            "DELETE": self._delete,
            "COPY": self._copy,
        }

    def answer(self, place: Place) -> Answer:
        """Answer a request.

        Raises:
            Refused: it cannot be done.
        """
        work = self._methods.get(place.request.method)
        if work is None:
            raise Refused(405, "The method is not allowed", headers={"Allow": _ALLOWED})
        return work(place)

    # reading

    def _find(self, container: Container, name: str) -> Version:
        version = self._store.current(container, name)
        if version is None or is_over(version, self._store.clock.time()):
            raise Refused(404, _MISSING)
        return version

    def _asked(self, place: Place) -> Version:
        """The version that is asked for: the current one, or that of `version-id`."""
        serial = versions.serial_of(place.request)
        if serial is None:
            return self._find(place.container, place.name)
        found = self._store.version(place.container, place.name, serial)
        if found is None:
            raise Refused(404, _MISSING)
        return found

    def _get(self, place: Place) -> Answer:
        for _ in range(_TRIES):
            with contextlib.suppress(Gone):  # it was replaced meanwhile
                return self._got(place)
        raise Refused(503, "The object changes too fast", headers={"Retry-After": "1"})

    def _got(self, place: Place) -> Answer:
        request = place.request
        version = self._asked(place)
        headers = {**object_headers(version), **versions.told(place.container, version)}
        wants_manifest = request.query.get("multipart-manifest") == "get"
        if version.more.get("slo"):
            headers["X-Static-Large-Object"] = "True"
            headers["X-Manifest-Etag"] = version.md5
        parts = [Part(version, 0, version.size)]
        if wants_manifest and version.more.get("slo"):
            return self._manifest(request, version, headers)
        if large.is_large(version) and not wants_manifest:
            parts = large.parts(self._store, place, version)
            headers["Etag"] = f'"{large.etag(version, parts)}"'
        size = sum(part.end - part.start for part in parts)
        check_conditions(request, version, headers)
        return self._body(request, parts, size, headers)

    def _manifest(self, request: Request, version: Version, headers: dict[str, str]) -> Answer:
        headers["Content-Type"] = "application/json; charset=utf-8"
        return self._body(request, [Part(version, 0, version.size)], version.size, headers)

    def _body(
        self, request: Request, parts: list[Part], size: int, headers: dict[str, str]
    ) -> Answer:
        told = ranges.parse(request.header("Range")) if request.method == "GET" else None
        asked = [(0, size)] if told is None else ranges.within(told, size)
        if told is not None and not asked:
            raise Refused(
                416,
                "The Range requested is not available.",
                headers={**headers, "Content-Range": f"bytes */{size}"},
            )
        if request.method == "HEAD":
            return Answer(200, {**headers, "Content-Length": str(size)})
        if len(asked) > 1:
            return self._several(parts, asked, size, headers)
        start, end = asked[0]
        if told is not None:
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        status = 200 if told is None else 206
        return Answer(status, headers, self._read(parts, [(b"", start, end)]), end - start)

    def _several(
        self, parts: list[Part], asked: list[ranges.Range], size: int, headers: dict[str, str]
    ) -> Answer:
        boundary = secrets.token_hex(16)
        kind = headers["Content-Type"]
        headers["Content-Type"] = f"multipart/byteranges;boundary={boundary}"
        pieces = []
        for number, (start, end) in enumerate(asked):
            head = (
                f"{chr(13) + chr(10) if number else ''}--{boundary}\r\nContent-Type: {kind}\r\n"
                f"Content-Range: bytes {start}-{end - 1}/{size}\r\n\r\n"
            )
            pieces.append((head.encode("latin-1"), start, end))
        tail = f"\r\n--{boundary}--".encode()
        pieces.append((tail, 0, 0))
        length = sum(len(head) + end - start for head, start, end in pieces)
        return Answer(206, headers, self._read(parts, pieces), length)

    def _read(self, parts: list[Part], pieces: list[tuple[bytes, int, int]]) -> Iterator[bytes]:
        """The pieces: some bytes, then those of the object from start to end."""
        for part in parts:
            if not self._store.hold(part.version):
                for held in parts[: parts.index(part)]:
                    self._store.release(held.version)
                raise Gone(404, _MISSING)
        return self._flow(parts, pieces)

    def _flow(self, parts: list[Part], pieces: list[tuple[bytes, int, int]]) -> Iterator[bytes]:
        try:
            for head, start, end in pieces:
                if head:
                    yield head
                at = 0
                for part in parts:
                    length = part.end - part.start
                    low, high = max(start, at), min(end, at + length)
                    if low < high:
                        offset = part.start - at
                        yield from self._store.pieces(part.version, low + offset, high + offset)
                    at += length
        finally:
            for part in parts:
                self._store.release(part.version)

    # writing

    def _put(self, place: Place) -> Answer:
        request = place.request
        if request.header("X-Copy-From"):
            return self._put_copy(place)
        if request.length is None and not request.is_chunked:
            raise Refused(411, "Missing Content-Length header.")
        if versions.serial_of(request) is not None:
            return self._put_version(place)
        if (request.length or 0) > MAX_SIZE:
            raise Refused(413, "Your request is too large.")
        meta = meta_of(request, "Object")
        more = kept_headers(request, self._store.clock.time(), {})
        allows_new(request, self._store.current(place.container, place.name))
        if request.query.get("multipart-manifest") == "put":
            return self._put_large(place, meta, more)
        _quota(place.container)(request.length or 0)
        with Receiver(self._store.blocks, _quota(place.container)) as receiver:
            content = receiver.take(request.pieces()).content()
            if request.length is not None and content.size != request.length:
                raise Refused(499, "The client ended the request early.")
            check_etag(request, content.md5)
            version = self._keep(place, place.container, place.name, content, meta, more)
        return _created(version, version.md5, place.container)

    def _put_version(self, place: Place) -> Answer:
        """Make a version the current one again, as a further version of the same content."""
        versions.check_put(place.request, place.container)
        source = self._asked(place)
        if not self._store.hold(source):
            raise Refused(404, _MISSING)
        try:
            content = Content(source.size, tuple(source.digests), source.md5, source.top)
            _quota(place.container)(content.size)
            told = (source.meta, source.more, source.type)
            version = self._keep(place, place.container, place.name, content, *told)
        finally:
            self._store.release(source)
        return _created(version, version.md5, place.container)

    def take(self, place: Place, pieces: Iterator[bytes], told: dict[str, str]) -> None:
        """Keep an object of these bytes; told: its metadata, and its `Content-Type`."""
        meta = {name: it for name, it in told.items() if name != "Content-Type"}
        kind = told.get("Content-Type") or guess_type(place.name)[0] or "application/octet-stream"
        with Receiver(self._store.blocks, _quota(place.container)) as receiver:
            content = receiver.take(pieces).content()
            self._keep(place, place.container, place.name, content, meta, {}, kind)

    def _put_copy(self, place: Place) -> Answer:
        found = _COPY_PATH.fullmatch(unquote(place.request.header("X-Copy-From")))
        if found is None:
            raise Refused(412, "X-Copy-From header must be of the form <container>/<object>")
        if place.request.length:
            raise Refused(400, "Copy requests require a zero byte body")
        source = place.reach(found[1])
        return self._copied(place, source, found[2], place.container, place.name)

    def _put_large(self, place: Place, meta: dict[str, str], more: dict[str, Any]) -> Answer:
        manifest = large.read_manifest(self._store, place, place.request.body())
        check_etag(place.request, manifest.etag)
        with Receiver(self._store.blocks) as receiver:
            content = receiver.take([manifest.text]).content()
            told = {"slo": True, "slo_etag": manifest.etag, "slo_size": manifest.size}
            version = self._keep(
                place, place.container, place.name, content, meta, {**more, **told}
            )
        return _created(version, f'"{manifest.etag}"', place.container)

    def _keep(
        self,
        place: Place,
        container: Container,
        name: str,
        content: Content,
        meta: dict[str, str],
        more: dict[str, Any],
        kind: str = "",
    ) -> Version:
        with self._store.database.change():
            again = self._store.container(container.account, container.name)
            if again is None:
                raise Refused(404, _MISSING)
            allows_new(place.request, self._store.current(again, name))
            token = place.rights.token
            return self._store.put(
                again,
                name,
                content,
                Told(kind or type_of(place.request, name), meta, more),
                modified_by=token.user_id if token else "",
                keeps_history=versions.keeps(again, self._store.current(again, name)),
            )

    def _post(self, place: Place) -> Answer:
        request = place.request
        if versions.serial_of(request) is not None:
            raise Refused(400, "POST to a specific version is not allowed")
        version = self._find(place.container, place.name)
        kept = {key: value for key, value in version.more.items() if key.startswith("slo")}
        if "X-Object-Manifest" in version.more:
            kept["X-Object-Manifest"] = version.more["X-Object-Manifest"]
        more = {**kept_headers(request, self._store.clock.time(), {}), **kept}
        kind = request.header("Content-Type") or version.type
        self._store.retell(version, Told(kind, meta_of(request, "Object"), more))
        return Answer(202, {"Content-Type": "text/html; charset=UTF-8"})

    def _delete(self, place: Place) -> Answer:
        serial = versions.serial_of(place.request)
        if serial is not None:
            return versions.remove(self._store, place.container, place.name, serial)
        version = self._find(place.container, place.name)
        if place.request.query.get("multipart-manifest") == "delete" and version.more.get("slo"):
            gone, missing = 0, 0
            for container, name in [
                *large.segments(self._store, version),
                (place.container.name, place.name),
            ]:
                kept = self._store.container(place.container.account, container)
                was = kept and self._store.remove(kept, name, keeps_history=False, by="")
                gone, missing = gone + bool(was), missing + (not was)
            return json_answer(
                {
                    "Number Deleted": gone,
                    "Number Not Found": missing,
                    "Response Status": "200 OK",
                    "Response Body": "",
                    "Errors": [],
                }
            )
        keeps = versions.keeps(place.container, version)
        self._store.remove(place.container, place.name, keeps_history=keeps, by="")
        return Answer(204)

    def _copy(self, place: Place) -> Answer:
        found = _COPY_PATH.fullmatch(unquote(place.request.header("Destination")))
        if found is None:
            raise Refused(412, "Destination header must be of the form <container>/<object>")
        if not place.rights.may_rule:
            raise Refused(403, "Access was denied to this resource.")
        return self._copied(place, place.container, place.name, place.reach(found[1]), found[2])

    def _copied(
        self, place: Place, source: Container, name: str, into: Container, as_name: str
    ) -> Answer:
        request = place.request
        version = self._find(source, name)
        if large.is_large(version) and request.query.get("multipart-manifest") != "get":
            parts = large.parts(self._store, place, version)
            with Receiver(self._store.blocks, _quota(into)) as receiver:
                size = sum(part.end - part.start for part in parts)
                content = receiver.take(self._read(parts, [(b"", 0, size)])).content()
                return self._copy_as(
                    place, version, content, into, as_name, is_whole=True, from_name=source.name
                )
        if not self._store.hold(version):
            raise Refused(404, _MISSING)
        try:
            content = Content(version.size, tuple(version.digests), version.md5, version.top)
            _quota(into)(content.size)
            return self._copy_as(
                place, version, content, into, as_name, is_whole=False, from_name=source.name
            )
        finally:
            self._store.release(version)

    def _copy_as(
        self,
        place: Place,
        source: Version,
        content: Content,
        into: Container,
        name: str,
        *,
        is_whole: bool,
        from_name: str,
    ) -> Answer:
        request = place.request
        fresh = request.header("X-Fresh-Metadata").lower() in {"true", "1", "yes"}
        meta = {**({} if fresh else source.meta), **meta_of(request, "Object")}
        before = {} if fresh else dict(source.more)
        if is_whole:
            before = {
                key: value
                for key, value in before.items()
                if not key.startswith("slo") and key != "X-Object-Manifest"
            }
        more = {**before, **kept_headers(request, self._store.clock.time(), {})}
        kind = request.header("Content-Type") or source.type
        version = self._keep(place, into, name, content, meta, more, kind)
        answer = _created(version, version.md5, into)
        answer.headers |= {
            **{f"X-Object-Meta-{key}": value for key, value in version.meta.items()},
            "X-Copied-From": quote(f"{from_name}/{source.name}"),
            "X-Copied-From-Account": quote(place.container.account),
            "X-Copied-From-Last-Modified": date(source.modified),
        }
        return answer


def _created(version: Version, etag: str, container: Container) -> Answer:
    told = versions.told(container, version)
    return Answer(201, {"Etag": etag, "Last-Modified": date(version.modified), **told})


def _quota(container: Container) -> Callable[[int], None]:
    limit = container.meta.get("Quota-Bytes", "")
    count = container.meta.get("Quota-Count", "")
    most = int(limit) - container.bytes if limit.isdigit() else MAX_SIZE
    if count.isdigit() and container.objects >= int(count):
        raise Refused(413, "Upload exceeds quota.")

    def check(size: int) -> None:
        if size > min(most, MAX_SIZE):
            raise Refused(413, "Upload exceeds quota." if most < MAX_SIZE else "Too large.")

    return check
