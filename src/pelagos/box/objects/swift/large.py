"""Large objects of Swift: manifests that name others, and what these are together."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from pelagos.box.errors import Refused
from pelagos.box.objects import ranges
from pelagos.box.objects.listing import Asked, listed
from pelagos.box.objects.store import ObjectStore, Version
from pelagos.box.objects.swift.headers import iso
from pelagos.box.objects.swift.place import Place
from pelagos.core import wire
from pelagos.core.wire import WireError

MAX_SEGMENTS = 1000
_MAX_DEPTH = 5
_BAD = "Invalid SLO Manifest File"


@dataclass(frozen=True, slots=True)
class Part:
    """The bytes of a version from start to end."""

    version: Version
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """A static large object: its text as it is kept, and what its segments are together."""

    text: bytes
    etag: str
    size: int


def is_large(version: Version) -> bool:
    """Whether it consists of others."""
    return bool(version.more.get("slo")) or "X-Object-Manifest" in version.more


def etag(version: Version, parts: list[Part]) -> str:
    """The ETag of a large object: over those of its segments."""
    if version.more.get("slo"):
        return str(version.more["slo_etag"])
    joined = "".join(part.version.md5 for part in parts)
    return hashlib.md5(joined.encode(), usedforsecurity=False).hexdigest()


def read_manifest(store: ObjectStore, place: Place, sent: bytes) -> Manifest:
    """What somebody wants to be a large object, checked against its segments.

    Raises:
        Refused: it is no manifest, or a segment is not as it is said to be.
    """
    try:
        told = wire.decode(sent)
    except WireError as error:
        raise Refused(400, _BAD) from error
    if not isinstance(told, list) or not told or not all(isinstance(one, dict) for one in told):
        raise Refused(400, _BAD)
    if len(told) > MAX_SEGMENTS:
        raise Refused(413, f"Number of segments must be <= {MAX_SEGMENTS}")
    kept, errors, total = [], [], 0
    joined = hashlib.md5(usedforsecurity=False)
    for one in told:
        segment, why = _segment(store, place, one)
        if why:
            errors.append(f"{one.get('path')}, {why}")
            continue
        total += segment.pop("length")
        joined.update(segment.pop("etag_text").encode())
        kept.append(segment)
    if errors:
        raise Refused(400, "Errors:\n" + "\n".join(errors))
    return Manifest(wire.encode(kept), joined.hexdigest(), total)


def _segment(store: ObjectStore, place: Place, told: dict[str, Any]) -> tuple[dict[str, Any], str]:
    path = told.get("path")
    if not isinstance(path, str) or "/" not in path.lstrip("/"):
        raise Refused(400, _BAD)
    container, _, name = path.lstrip("/").partition("/")
    version = store.current(place.reach(container), name)
    if version is None:
        return {}, "404 Not Found"
    size = int(version.more.get("slo_size", version.size))
    tag = str(version.more.get("slo_etag", version.md5))
    if told.get("size_bytes") not in {None, size, str(size)}:
        return {}, "Size Mismatch"
    if told.get("etag") not in {None, "", tag}:
        return {}, "Etag Mismatch"
    segment: dict[str, Any] = {
        "name": f"/{container}/{name}",
        "bytes": size,
        "hash": tag,
        "content_type": version.type,
        "last_modified": iso(version.modified),
    }
    if version.more.get("slo"):
        segment["sub_slo"] = True
    wanted = f"bytes={told['range']}" if told.get("range") else "bytes=0-"
    asked = ranges.within(ranges.parse(wanted) or [], size)
    if len(asked) != 1:
        return {}, "Unsatisfiable Range or Too Small; each segment must be at least 1 byte."
    start, end = asked[0]
    text = tag
    if told.get("range"):
        segment["range"] = f"{start}-{end - 1}"
        text = f"{tag}:{segment['range']};"
    return {**segment, "length": end - start, "etag_text": text}, ""


def segments(store: ObjectStore, version: Version) -> list[tuple[str, str]]:
    """Container and name of each segment of a static large object."""
    return [_place(one["name"]) for one in _kept(store, version)]


def parts(store: ObjectStore, place: Place, version: Version, depth: int = 0) -> list[Part]:
    """What a large object consists of.

    Raises:
        Refused: 409, a segment is gone or changed.
    """
    if not is_large(version):
        return [Part(version, 0, version.size)]
    if depth >= _MAX_DEPTH:
        raise Refused(409, "Manifests are nested too deep")
    if "X-Object-Manifest" in version.more:
        return _by_prefix(store, place, version, depth)
    found: list[Part] = []
    for one in _kept(store, version):
        container, name = _place(one["name"])
        segment = store.current(place.reach(container), name)
        tag = segment.more.get("slo_etag", segment.md5) if segment else None
        if segment is None or tag != one["hash"]:
            raise Refused(409, "A segment of the large object is gone or was changed")
        inner = parts(store, place, segment, depth + 1)
        found += _cut(inner, one.get("range")) if one.get("range") else inner
    return found


def _by_prefix(store: ObjectStore, place: Place, version: Version, depth: int) -> list[Part]:
    where = unquote(str(version.more["X-Object-Manifest"])).lstrip("/")
    container, _, prefix = where.partition("/")
    found: list[Part] = []
    for one in listed(store.database, place.reach(container), Asked(prefix)):
        if isinstance(one, Version) and one.serial != version.serial:
            found += parts(store, place, one, depth + 1)
    return found


def _cut(found: list[Part], text: Any) -> list[Part]:
    size = sum(part.end - part.start for part in found)
    start, end = ranges.within(ranges.parse(f"bytes={text}") or [], size)[0]
    kept, at = [], 0
    for part in found:
        length = part.end - part.start
        low, high = max(start, at), min(end, at + length)
        if low < high:
            kept.append(Part(part.version, part.start + low - at, part.start + high - at))
        at += length
    return kept


def _kept(store: ObjectStore, version: Version) -> list[dict[str, Any]]:
    if not store.hold(version):
        raise Refused(404, "The resource could not be found.")
    try:
        read: list[dict[str, Any]] = wire.decode(b"".join(store.pieces(version, 0, version.size)))
    finally:
        store.release(version)
    return read


def _place(path: str) -> tuple[str, str]:
    container, _, name = path.lstrip("/").partition("/")
    return container, name
