"""Files to Swift: small ones in one request, of large ones the segments that are missing.

The segments of an object stand in the container `NAME_segments`, under a name that says what the
whole content is. So an upload that broke off goes on where it was, and one of the same content
sends nothing; segments of former content are removed when the new one is there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, cast
from urllib.parse import quote

from pelagos.clients.base import records
from pelagos.clients.errors import BadRequest, ClientError, NotFound
from pelagos.clients.storage.local import Source, SourcePart
from pelagos.clients.storage.progress import Callback, Progress
from pelagos.clients.storage.transfer import as_done, in_order

if TYPE_CHECKING:
    from pelagos.clients.storage.client import StorageClient

#: Bytes up to which an object goes in one request, and bytes of a segment above.
WHOLE_LIMIT = 512 * 1024 * 1024
SEGMENT_SIZE = 128 * 1024 * 1024
#: Segments that a manifest has at the most; servers refuse more than 1000.
SEGMENT_LIMIT = 900

#: Bytes of a unit of progress of what goes in one request.
UNIT = 4 * 1024 * 1024

_PIECE = 1024 * 1024
_VERIFIED_BEFORE = 8 * _PIECE
_ROUNDS = 3
_KEPT = ("content-type", "content-encoding", "content-disposition", "x-object-meta-")


@dataclass(frozen=True, slots=True)
class Target:
    """Where an object goes.

    Attributes:
        headers: of the object: Content-Type, metadata, conditions.
    """

    account: str
    container: str
    name: str
    headers: Mapping[str, Any]

    @property
    def path(self) -> str:
        """The object's."""
        return f"/{self.account}/{self.container}/{self.name}"

    @property
    def segments(self) -> str:
        """The container of the segments."""
        return f"{self.container}_segments"


def upload(  # what a caller may choose
    client: StorageClient,
    target: Target,
    source: Source,
    *,
    workers: int,
    whole_limit: int = WHOLE_LIMIT,
    segment_size: int = SEGMENT_SIZE,
    hash_cb: Callback | None = None,
    upload_cb: Callback | None = None,
) -> dict[str, str]:
    """Send a file; the headers of the last answer.

    Raises:
        ClientError: it is not there now, or not as the file is.
    """
    former = former_segments(client, target)
    if source.size <= whole_limit:
        answer = _put_whole(client, target, source, hash_cb, upload_cb)
        kept: frozenset[str] = frozenset()
    else:
        large = _Large(
            client, target, source, max(segment_size, -(-source.size // SEGMENT_LIMIT)), workers
        )
        answer = large.upload(hash_cb, upload_cb)
        kept = frozenset(large.names)
    forget(client, target, former - kept)
    return answer


# ---- in one request


def _put_whole(
    client: StorageClient,
    target: Target,
    source: Source,
    hash_cb: Callback | None,
    upload_cb: Callback | None,
) -> dict[str, str]:
    units = max(1, -(-source.size // UNIT))
    hashed, sent = Progress(hash_cb, units), Progress(upload_cb, units)
    timeout = client.time_for(source.size)
    headers = dict(target.headers)
    if source.size <= _VERIFIED_BEFORE:
        data = source.read(0, source.size) if source.size else b""
        hashed.advance(units)
        headers["ETag"] = headers.get("ETag") or _md5(data)
        reply = client.put(target.path, data=data, headers=headers, success=201, timeout=timeout)
    else:
        body = _Hashed(source, hashed, sent)
        headers["Content-Length"] = source.size
        reply = client.put(
            target.path,
            data=cast("IO[bytes]", body),
            headers=headers,
            success=201,
            timeout=timeout,
        )
        if (etag := _etag(reply.headers)) and etag != body.digest():
            client.delete(target.path, success=(204, 404))
            raise ClientError(
                f"{target.name} did not arrive as it was sent, and was removed again",
                hint="send it again; if it stays so, the file changes or the way is broken",
            )
    sent.advance(units if source.size <= _VERIFIED_BEFORE else 0)
    return dict(reply.headers)


class _Hashed(SourcePart):
    """A source that is hashed while it is sent; from its start again when it is sent again."""

    def __init__(self, source: Source, *told: Progress) -> None:
        super().__init__(source, 0, source.size)
        self._told = told
        self._units = 0
        self._hash = hashlib.md5(usedforsecurity=False)
        self._hashed = 0

    def read(self, size: int | None = -1) -> bytes:
        at = self.tell()
        data = super().read(size)
        if at == 0:
            self._hash, self._hashed = hashlib.md5(usedforsecurity=False), 0
        if at == self._hashed:
            self._hash.update(data)
            self._hashed += len(data)
        units = -(-self._hashed // UNIT) if self._hashed == self._length else self._hashed // UNIT
        for progress in self._told if units > self._units else ():
            progress.advance(units - self._units)
        self._units = max(units, self._units)
        return data

    def digest(self) -> str:
        return self._hash.hexdigest()


# ---- in segments


class _Large:
    """One upload in segments."""

    def __init__(
        self, client: StorageClient, target: Target, source: Source, size: int, workers: int
    ) -> None:
        self._client = client
        self._target = target
        self._source = source
        self._size = size
        self._workers = workers
        self._hashes: list[str] = []
        self.names: list[str] = []

    def upload(self, hash_cb: Callback | None, upload_cb: Callback | None) -> dict[str, str]:
        count = -(-self._source.size // self._size)
        hashed, sent = Progress(hash_cb, count), Progress(upload_cb, count)
        for _, digest in in_order(self._hash, range(count), self._workers):
            self._hashes.append(digest)
            hashed.advance()
        whole = _md5("".join(self._hashes).encode())
        folder = f"{self._target.name}/slo/{whole}/{self._source.size}/{self._size}/"
        self.names = [f"{folder}{index:08d}" for index in range(count)]
        segments = f"/{self._target.account}/{self._target.segments}"
        self._client.put(segments, success=(201, 202))
        done = 0
        for attempt in range(1, _ROUNDS + 1):
            missing = self._missing(segments, folder)
            sent.advance(count - len(missing) - done)
            for _ in as_done(self._send, missing, self._workers):
                sent.advance()
            done = count
            try:
                return self._put_manifest()
            except BadRequest:  # one was removed meanwhile, by who replaced the object
                if attempt == _ROUNDS or not self._missing(segments, folder):
                    raise
        raise AssertionError("the last round returns or raises")

    def _hash(self, index: int) -> str:
        digest = hashlib.md5(usedforsecurity=False)
        for piece in self._pieces(index):
            digest.update(piece)
        return digest.hexdigest()

    def _pieces(self, index: int) -> Iterator[bytes]:
        start, length = self._place(index)
        for offset in range(0, length, _PIECE):
            yield self._source.read(start + offset, min(_PIECE, length - offset))

    def _place(self, index: int) -> tuple[int, int]:
        start = index * self._size
        return start, min(self._size, self._source.size - start)

    def _missing(self, segments: str, folder: str) -> list[int]:
        found = records(
            self._client, segments, None, {"format": "json", "prefix": folder}, success=(200, 204)
        )
        there = {
            one.get("name"): (one.get("hash"), one.get("bytes"))
            for one in found
            if isinstance(one, dict)
        }
        return [
            index
            for index, name in enumerate(self.names)
            if there.get(name) != (self._hashes[index], self._place(index)[1])
        ]

    def _send(self, index: int) -> None:
        start, length = self._place(index)
        self._client.put(
            f"/{self._target.account}/{self._target.segments}/{self.names[index]}",
            data=cast("IO[bytes]", self._source.part(start, length)),
            headers={
                "ETag": self._hashes[index],
                "Content-Length": length,
                "Content-Type": "application/octet-stream",
            },
            success=201,
            timeout=self._client.time_for(length),
        )

    def _put_manifest(self) -> dict[str, str]:
        parts = [
            {
                "path": f"/{self._target.segments}/{name}",
                "etag": digest,
                "size_bytes": self._place(index)[1],
            }
            for index, (name, digest) in enumerate(zip(self.names, self._hashes, strict=True))
        ]
        headers = {"Content-Type": "application/octet-stream", **self._target.headers}
        reply = self._client.put(
            self._target.path,
            json=parts,
            params={"multipart-manifest": "put"},
            headers=headers,
            success=201,
            timeout=self._client.time_for(self._source.size),
        )
        return dict(reply.headers)


# ---- copies


def copy(client: StorageClient, source: Target, target: Target) -> dict[str, str] | None:
    """Copy a large object with segments of its own, on the server; None when it is not large.

    Raises:
        ClientError: it is not copied.
    """
    parts = manifest(client, source.path)
    if not parts or any("range" in part or part.get("sub_slo") for part in parts):
        return None
    former = former_segments(client, target)
    whole = _md5("".join(str(part.get("hash")) for part in parts).encode())
    size = sum(int(part.get("bytes") or 0) for part in parts)
    folder = f"{target.name}/slo/{whole}/{size}/{parts[0].get('bytes')}/"
    names = [f"{folder}{index:08d}" for index in range(len(parts))]
    client.put(f"/{target.account}/{target.segments}", success=(201, 202))

    def bring(index: int) -> None:
        client.put(
            f"/{target.account}/{target.segments}/{names[index]}",
            headers={"X-Copy-From": quote(str(parts[index]["name"]), safe="/")},
            data=b"",
            success=201,
            timeout=client.time_for(int(parts[index].get("bytes") or 0)),
        )

    for _ in as_done(bring, range(len(parts)), client.MAX_THREADS):
        pass
    found = client.head(source.path, success=(200, 204)).headers
    headers = {name: value for name, value in found.items() if name.startswith(_KEPT)}
    body = [
        {"path": f"/{target.segments}/{name}", "etag": part["hash"], "size_bytes": part["bytes"]}
        for name, part in zip(names, parts, strict=True)
    ]
    reply = client.put(
        target.path,
        json=body,
        params={"multipart-manifest": "put"},
        headers={**headers, **target.headers},
        success=201,
        timeout=client.time_for(size),
    )
    forget(client, target, former - frozenset(names))
    return dict(reply.headers)


# ---- what was there before


def manifest(client: StorageClient, path: str) -> list[dict[str, Any]] | None:
    """The segments of a large object; None when it is no such object, or not there."""
    try:
        head = client.head(path, success=(200, 204))
        if head.headers.get("x-static-large-object", "").lower() != "true":
            return None
        reply = client.get(path, params={"multipart-manifest": "get", "format": "json"})
    except NotFound:
        return None
    found = reply.json
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else None


def _segment_names(target: Target, parts: Sequence[Mapping[str, Any]] | None) -> frozenset[str]:
    """Those of the segments that are this object's own, as `upload` makes them."""
    begin = f"/{target.segments}/"
    own = f"{begin}{target.name}/slo/"
    names = [str(part.get("name")) for part in parts or ()]
    return frozenset(name.removeprefix(begin) for name in names if name.startswith(own))


def former_segments(client: StorageClient, target: Target) -> frozenset[str]:
    """Those of the segments that the object has now which are removed with it."""
    if not client.has_segments(target.account, target.container):
        return frozenset()
    return _segment_names(target, manifest(client, target.path))


def forget(client: StorageClient, target: Target, names: frozenset[str]) -> None:
    """Remove segments that no manifest of this object names any more."""
    if not names:
        return
    used = _segment_names(target, manifest(client, target.path))
    paths = [f"/{target.account}/{target.segments}/{name}" for name in sorted(names - used)]
    for _ in as_done(lambda path: client.delete(path, success=(204, 404)), paths, 4):
        pass


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _etag(headers: Mapping[str, str]) -> str:
    return headers.get("etag", "").strip('"').lower()
