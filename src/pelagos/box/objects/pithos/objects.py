"""Objects of Pithos: uploaded by hash map or whole, read, told about, deleted."""

from __future__ import annotations

import contextlib
from typing import Any
from urllib.parse import quote

from pelagos.box.errors import Refused
from pelagos.box.identity.quotas import Quotas
from pelagos.box.objects.content import Content, Receiver
from pelagos.box.objects.hashmap import BLOCK_HASH, BLOCK_SIZE, EMPTY, block_count
from pelagos.box.objects.listing import Asked, listed
from pelagos.box.objects.pithos.call import Call, found
from pelagos.box.objects.pithos.containers import OCTETS
from pelagos.box.objects.pithos.copying import Copying
from pelagos.box.objects.pithos.headers import (
    check_conditions,
    kept_of,
    new_meta,
    object_headers,
    whole_number,
)
from pelagos.box.objects.pithos.keeping import Keeping
from pelagos.box.objects.pithos.reading import Gone, Reading
from pelagos.box.objects.pithos.sharing import Sharing
from pelagos.box.objects.pithos.updating import Growth, Span, Update, cut, span_of
from pelagos.box.objects.store import Container, ObjectStore, Told, Version
from pelagos.box.objects.tables import GONE
from pelagos.box.synnefo import XML_TYPE, document
from pelagos.box.web import Answer, Request
from pelagos.core import wire
from pelagos.core.wire import WireError

_ALLOWED = "HEAD,PUT,COPY,MOVE,POST,DELETE,GET"
_MISMATCH = "The object's size does not match with the object's hashmap length"
_TRIES = 20
_MISSING = "Object does not exist"
_LARGEST = 5 * 1024**3
_MOST_HASHES = 1_000_000


class Objects:
    """The resources /v1/ACCOUNT/CONTAINER/OBJECT and /public/ID."""

    def __init__(
        self, store: ObjectStore, quotas: Quotas, sharing: Sharing, reading: Reading
    ) -> None:
        self._store = store
        self._sharing = sharing
        self._reading = reading
        self._keeping = Keeping(store, quotas, sharing)
        self._copying = Copying(store, sharing, self._keeping)
        self._methods = {
            "HEAD": self._head,
            "GET": self._get,
            "PUT": self._put,
            "POST": self._post,
            "DELETE": self._delete,
            "COPY": self._copying.copy,
            "MOVE": self._copying.move,
        }

    def answer(self, call: Call) -> Answer:
        """Answer a request about an object."""
        work = self._methods.get(call.request.method)
        if work is None:
            raise Refused(405, "Method not allowed", headers={"Allow": _ALLOWED})
        return work(call)

    # reading

    def public(self, request: Request, public_id: str) -> Answer:
        """Answer anybody who knows the address of what is public."""
        if request.method not in {"GET", "HEAD"}:
            raise Refused(405, "Method not allowed", headers={"Allow": "HEAD,GET"})
        place = self._sharing.published(public_id)
        version = self._store.current(*place) if place else None
        if place is None or version is None:
            raise Refused(404, _MISSING, name="itemNotFound")
        check_conditions(request, version)
        told = object_headers(version)
        headers = {name: told[name] for name in told if not name.startswith("X-Object")}
        return self._body(request, place[0], version, headers)

    def _body(
        self, request: Request, container: Container, version: Version, headers: dict[str, str]
    ) -> Answer:
        parts = self._reading.parts(container, version)
        if request.method == "HEAD":
            size = sum(part.size for part in parts)
            return Answer(200, {**headers, "Content-Length": str(size)})
        name = quote(version.name.rsplit("/", 1)[-1], safe=" ")
        headers.setdefault("Content-Disposition", f'inline; filename="{name}"')
        return self._reading.answer(request, parts, headers)

    def _readable(self, call: Call) -> tuple[Container, Version | None]:
        """Container and current version, for somebody who may read."""
        kept = self._store.container(call.account, call.container)
        if not call.is_owner and (
            kept is None or not self._sharing.allows(call.user_id, kept, call.name)
        ):
            raise Refused(403, "User does not have access to the object")
        if kept is None:
            raise Refused(404, _MISSING, name="itemNotFound")
        return kept, self._store.current(kept, call.name)

    def _version(self, call: Call) -> tuple[Container, Version]:
        kept, version = self._readable(call)
        asked = call.request.query.get("version")
        if asked is not None:
            serial = whole_number(asked)
            version = None if serial is None else self._store.version(kept, call.name, serial)
            if version is None:
                raise Refused(404, "Version does not exist", name="itemNotFound")
        if version is None:
            raise Refused(404, _MISSING, name="itemNotFound")
        return kept, version

    def _headers(self, call: Call, kept: Container, version: Version) -> dict[str, str]:
        headers = object_headers(version)
        grant = self._sharing.grant(kept, call.name)
        if grant is not None:
            headers["X-Object-Sharing"] = quote(grant.text, safe='/=,:@; "')
            if grant.name != call.name:
                headers["X-Object-Shared-By"] = quote(grant.path, safe='/=,:@; "')
        if not call.is_owner:
            headers["X-Object-Allowed-To"] = self._sharing.allows(call.user_id, kept, call.name)
        public = self._sharing.public_id(kept, call.name)
        if public and call.is_owner:
            headers["X-Object-Public"] = f"{call.request.host}/pithos/public/{public}"
        return headers

    def _head(self, call: Call) -> Answer:
        kept, version = self._version(call)
        check_conditions(call.request, version)
        return self._body(call.request, kept, version, self._headers(call, kept, version))

    def _get(self, call: Call) -> Answer:
        if call.request.query.get("version") == "list":
            return self._versions(call)
        for _ in range(_TRIES):
            with contextlib.suppress(Gone):  # it was replaced meanwhile
                return self._got(call)
        raise Refused(503, "The object changes too fast", headers={"Retry-After": "1"})

    def _got(self, call: Call) -> Answer:
        kept, version = self._version(call)
        check_conditions(call.request, version)
        headers = self._headers(call, kept, version)
        if call.has("hashmap"):
            return _hashmap(call, version, headers)
        return self._body(call.request, kept, version, headers)

    def _versions(self, call: Call) -> Answer:
        kept, _ = self._readable(call)
        every = self._store.versions(kept, call.name)
        if not every:
            raise Refused(404, _MISSING, name="itemNotFound")
        shown = [[one.serial, f"{one.modified:.6f}"] for one in every if one.place != GONE]
        return document({"versions": shown})

    # uploading

    def _put(self, call: Call) -> Answer:
        request = call.request
        if request.header("X-Copy-From") or request.header("X-Move-From"):
            return self._copying.put(call)
        kept, before = self._writable(call)
        check_conditions(request, before)
        if request.length is None and not request.is_chunked:
            raise Refused(411, "Missing or invalid Content-Length header")
        manifest = request.header("X-Object-Manifest")
        if not request.header("Content-Type") and not manifest:
            raise Refused(411, "Missing Content-Type header")
        sharing = self._keeping.told_sharing(call)
        public = self._keeping.told_public(call)
        if call.has("hashmap"):
            return self._put_map(call, kept, sharing, public)
        if (request.length or 0) > _LARGEST:
            raise Refused(413, "The request is too large")
        growth = self._keeping.growth(kept, before)
        growth(request.length or 0)
        with Receiver(self._store.blocks, growth) as receiver:
            content = receiver.take(request.pieces()).content()
            etag = request.header("ETag").strip('"').lower()
            if etag and etag != content.md5:
                raise Refused(422, "Object ETag does not match")
            return self._keep(call, content, sharing, public)

    def _writable(self, call: Call) -> tuple[Container, Version | None]:
        kept = self._store.container(call.account, call.container)
        if not call.is_owner and (
            kept is None or self._sharing.allows(call.user_id, kept, call.name) != "write"
        ):
            raise Refused(403, "User does not have write access to the object")
        kept = found(kept)
        return kept, self._store.current(kept, call.name)

    def _put_map(
        self,
        call: Call,
        kept: Container,
        sharing: tuple[list[str], list[str]] | None,
        public: bool | None,
    ) -> Answer:
        size, names = _read_map(call.request)
        known = [one.lower() for one in names]
        digests = [bytes.fromhex(one) for one in known]
        blocks = self._store.blocks
        with blocks.pinned(digests):
            missing = [
                name
                for name, digest in dict(zip(known, digests, strict=True)).items()
                if not blocks.has(digest)
            ]
            if missing:
                return document(missing, 409)
            before = self._store.current(kept, call.name)
            self._keeping.growth(kept, before)(size)
            return self._keep(call, Content.of(size, digests), sharing, public)

    def _keep(
        self,
        call: Call,
        content: Content,
        sharing: tuple[list[str], list[str]] | None,
        public: bool | None,
    ) -> Answer:
        request = call.request
        told = Told(
            request.header("Content-Type") or "application/octet-stream",
            new_meta(request, "Object", {}),
            kept_of(request, {}),
        )
        version = self._keeping.keep(call, content, told)
        self._keeping.tell(call, sharing, public)
        return Answer(201, {"ETag": version.top, "X-Object-Version": str(version.serial)})

    # changing

    def _post(self, call: Call) -> Answer:
        request = call.request
        sharing = self._keeping.told_sharing(call)
        kept, before = self._writable(call)
        if before is None:
            raise Refused(404, _MISSING, name="itemNotFound")
        check_conditions(request, before)
        public = self._keeping.told_public(call)
        source = request.header("X-Source-Object")
        if request.header("Content-Type") == OCTETS or source:
            return self._write(call, kept, before, source)
        headers = {}
        meta = before.meta
        more = kept_of(request, before.more)
        if request.headers_from("X-Object-Meta-") or "update" not in request.query:
            meta = new_meta(request, "Object", before.meta)
        if meta != before.meta or more != before.more:
            content = Content(before.size, tuple(before.digests), before.md5, before.top)
            version = self._keeping.keep(call, content, Told(before.type, meta, more))
            headers["X-Object-Version"] = str(version.serial)
        self._keeping.tell(call, sharing, public)
        return Answer(202, headers)

    def _write(self, call: Call, kept: Container, before: Version, source: str) -> Answer:
        request = call.request
        span = span_of(request.header("Content-Range"), before.size)
        if not source and request.length is None and not request.is_chunked:
            raise Refused(411, "Missing or invalid Content-Length header")
        if not self._store.hold(before):
            raise Refused(404, _MISSING, name="itemNotFound")
        try:
            with Receiver(self._store.blocks) as receiver, Receiver(self._store.blocks) as rest:
                update = Update(self._store, before, receiver)
                growth = self._keeping.growth(kept, before)
                if source:
                    content = self._from_source(call, update, span, growth)
                else:
                    content = self._from_body(call, update, span, growth)
                wanted = whole_number(request.header("X-Object-Bytes") or None)
                if wanted is not None:
                    content = cut(self._store, content, wanted, rest)
                told = Told(
                    before.type,
                    new_meta(request, "Object", before.meta),
                    kept_of(request, before.more),
                )
                version = self._keeping.keep(call, content, told, before)
        finally:
            self._store.release(before)
        return Answer(204, {"ETag": version.top, "X-Object-Version": str(version.serial)})

    def _from_body(self, call: Call, update: Update, span: Span, growth: Growth) -> Content:
        request = call.request
        length = request.length
        if span.length is not None and length is not None and span.length != length:
            raise Refused(400, "Content length does not match range length")
        return update.write(span.start, request.pieces(), length or 0, growth)

    def _from_source(self, call: Call, update: Update, span: Span, growth: Growth) -> Content:
        _, version = self._copying.source(call, call.request.header("X-Source-Object"))
        length = version.size if span.length is None else span.length
        if length > version.size:
            raise Refused(400, "Object length is smaller than range length")
        if not self._store.hold(version):
            raise Refused(404, _MISSING, name="itemNotFound")
        try:
            pieces = self._store.pieces(version, 0, length)
            return update.write(span.start, pieces, length, growth)
        finally:
            self._store.release(version)

    # deleting

    def _delete(self, call: Call) -> Answer:
        if not call.is_owner:
            raise Refused(403, "")
        kept = found(self._store.container(call.account, call.container))
        query = call.request.query
        until = whole_number(query.get("until"))
        if until is not None:
            self._store.purge(kept, until, call.name)
            return Answer(204)
        keeps = kept.policy["versioning"] == "auto"
        if not self._store.remove(kept, call.name, keeps_history=keeps, by=call.user_id):
            was = bool(self._store.versions(kept, call.name))
            message = "Object is deleted." if was else _MISSING
            raise Refused(404, message, name="itemNotFound")
        self._sharing.forget(kept, call.name)
        if query.get("delimiter"):
            below = Asked(prefix=call.name + query["delimiter"])
            for one in listed(self._store.database, kept, below):
                if isinstance(one, Version):
                    self._store.remove(kept, one.name, keeps_history=keeps, by=call.user_id)
                    self._sharing.forget(kept, one.name)
        return Answer(204)


def _read_map(request: Request) -> tuple[int, list[str]]:
    """Size and hashes of a hash map.

    Raises:
        Refused: it is none, or the two do not fit.
    """
    try:
        read: Any = wire.decode(request.body(limit=_MOST_HASHES * 68))
    except WireError as error:
        raise Refused(400, "Invalid data formatting") from error
    names = read.get("hashes", ()) if isinstance(read, dict) else None
    if not isinstance(read, dict) or not isinstance(names, list | None):
        raise Refused(400, "Invalid data formatting")
    names = names or []
    try:
        size = int(read["bytes"])
    except (KeyError, TypeError, ValueError) as error:
        raise Refused(400, "Invalid data formatting") from error
    if size == 0 and names == [EMPTY.hex()]:
        return 0, []
    if size < 0 or block_count(size) != len(names):
        raise Refused(400, _MISMATCH)
    for name in names:
        if not isinstance(name, str) or not _is_hex(name):
            raise Refused(400, f"Invalid hash: {name}")
    return size, names


def _is_hex(name: str) -> bool:
    try:
        return len(name) <= 128 and bytes.fromhex(name) != b"" and " " not in name  # noqa: PLR2004
    except ValueError:
        return False


def _hashmap(call: Call, version: Version, headers: dict[str, str]) -> Answer:
    names = [digest.hex() for digest in version.digests] or [EMPTY.hex()]
    if call.format == "xml":
        lines = "".join(f"  <hash>{name}</hash>\n" for name in names)
        title = quote(version.name, safe="/ ")
        text = (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<object name="{title}" bytes="{version.size}" block_size="{BLOCK_SIZE}"'
            f' block_hash="{BLOCK_HASH}">\n{lines}</object>'
        )
        return Answer(200, {"Content-Type": XML_TYPE, **headers}, text.encode())
    told = {
        "block_hash": BLOCK_HASH,
        "block_size": BLOCK_SIZE,
        "bytes": version.size,
        "hashes": names,
    }
    answer = document(told)
    answer.headers.update(headers)
    return answer
