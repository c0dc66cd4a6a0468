"""Versions of Swift's objects: kept where a container asks for it (`X-Versions-Enabled`)."""

from __future__ import annotations

from typing import Any

from pelagos.box.errors import Refused
from pelagos.box.objects.listing import Asked, history
from pelagos.box.objects.store import Container, ObjectStore, Version
from pelagos.box.objects.swift.headers import iso
from pelagos.box.objects.tables import CURRENT, GONE
from pelagos.box.web import Answer, Request

_HEADER = "X-Versions-Enabled"
_KEY = "versions"
_TRUE, _FALSE = {"true", "1", "yes", "on", "t", "y"}, {"false", "0", "no", "off", "f", "n"}
#: The content type of a version that says that something was deleted.
_MARKER = "application/x-deleted;swift_versions_deleted=1"


def policy(request: Request, before: dict[str, Any]) -> dict[str, Any]:
    """What a container is told of versions, where it is told something.

    Raises:
        Refused: 400, it is not clear what.
    """
    told = request.header(_HEADER).lower()
    if not told:
        return {}
    if told not in _TRUE | _FALSE:
        raise Refused(400, f"{_HEADER} must be true or false")
    if told in _FALSE and _KEY not in before:
        return {}
    return {_KEY: told in _TRUE}


def is_enabled(container: Container) -> bool:
    """Whether it keeps versions of what is replaced or deleted."""
    return container.policy.get(_KEY) is True


def keeps(container: Container, before: Version | None) -> bool:
    """Whether what was there stays as a version; None: nothing was there.

    It does so, too, when no new versions are wanted any more: it may be one that was.
    """
    return before is not None and _KEY in container.policy


def container_headers(container: Container) -> dict[str, str]:
    """What a container tells of versions."""
    if _KEY not in container.policy:
        return {}
    return {_HEADER: str(is_enabled(container))}


def told(container: Container, version: Version) -> dict[str, str]:
    """What an object tells of its version."""
    return {"X-Object-Version-Id": _id(version)} if is_enabled(container) else {}


def serial_of(request: Request) -> int | None:
    """The version that a request asks for; None for the current one.

    Raises:
        Refused: 400, it cannot be read.
    """
    text = request.query.get("version-id")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > 18:  # noqa: PLR2004  # an integer
        raise Refused(400, "Invalid version parameter")
    return int(text)


def check_put(request: Request, container: Container) -> None:
    """See whether a version may be made the current one.

    Raises:
        Refused: 400, the container has no versions, or something is sent along.
    """
    if _KEY not in container.policy:
        raise Refused(400, "version-aware operations require that the container is versioned")
    if request.length or (request.is_chunked and any(request.pieces())):
        raise Refused(400, "PUT version-id requests require a zero byte body")


def remove(store: ObjectStore, container: Container, name: str, serial: int) -> Answer:
    """Remove one version for good.

    Raises:
        Refused: 404, it is not there.
    """
    if not store.remove_version(container, name, serial):
        raise Refused(404, "The resource could not be found.")
    return Answer(204, {"X-Object-Version-Id": f"{serial:018d}"})


def has_any(store: ObjectStore, container: Container) -> bool:
    """Whether a container that keeps versions has some, so that it cannot go."""
    return _KEY in container.policy and bool(history(store.database, container))


def listed(store: ObjectStore, container: Container, asked: Asked) -> list[dict[str, Any]]:
    """A page of all versions, the youngest of a name first."""
    found: list[dict[str, Any]] = []
    latest = ""
    for version in history(store.database, container):
        is_latest, latest = version.name != latest, version.name
        fits = version.name.startswith(asked.prefix) and version.name > asked.after
        if not fits or (asked.before and version.name >= asked.before):
            continue
        found.append(_shown(version, is_latest=is_latest))
    if asked.is_reversed:
        found.reverse()
    return found[: asked.limit]


def _shown(version: Version, *, is_latest: bool) -> dict[str, Any]:
    is_gone = version.place == GONE
    return {
        "name": version.name,
        "bytes": version.more.get("slo_size", version.size),
        "hash": version.md5,
        "content_type": _MARKER if is_gone else version.type,
        "last_modified": iso(version.modified),
        "version_id": _id(version),
        "is_latest": is_latest and version.place in {CURRENT, GONE},
    }


def _id(version: Version) -> str:
    return f"{version.serial:018d}"
