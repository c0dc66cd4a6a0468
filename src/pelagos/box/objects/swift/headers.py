"""Metadata and other headers of Swift: what is kept of a request, and what is answered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from mimetypes import guess_type
from typing import Any
from urllib.parse import unquote

from pelagos.box.errors import Refused
from pelagos.box.objects.store import Version
from pelagos.box.objects.swift.manner import date
from pelagos.box.web import Request

MAX_NAME = 128
MAX_VALUE = 256
MAX_COUNT = 90
MAX_TOGETHER = 4096
#: Headers of an object that are kept beside its metadata.
KEPT = (
    "Content-Encoding",
    "Content-Disposition",
    "Content-Language",
    "Cache-Control",
    "Expires",
    "X-Robots-Tag",
    "X-Delete-At",
    "X-Object-Manifest",
)


def meta_of(request: Request, level: str) -> dict[str, str]:
    """The metadata that a request brings for an account, container or object.

    Raises:
        Refused: it is more than is allowed.
    """
    told = request.headers_from(f"X-{level}-Meta-")
    kept = {name: value for name, value in told.items() if value}
    for name, value in kept.items():
        if len(name) > MAX_NAME:
            raise Refused(400, f"Metadata name too long: X-{level}-Meta-{name}")
        if len(value) > MAX_VALUE:
            raise Refused(400, f"Metadata value longer than {MAX_VALUE}: X-{level}-Meta-{name}")
        _check_text(value)
    if len(kept) > MAX_COUNT:
        raise Refused(400, f"Too many metadata items; max {MAX_COUNT}")
    if sum(len(name) + len(value) for name, value in kept.items()) > MAX_TOGETHER:
        raise Refused(400, f"Total metadata too large; max {MAX_TOGETHER}")
    return kept


def merged(request: Request, level: str, before: Mapping[str, str]) -> dict[str, str]:
    """The metadata of an account or container after a request: what is empty goes."""
    told = meta_of(request, level)
    gone = {
        name for name, value in request.headers_from(f"X-{level}-Meta-").items() if not value
    } | set(request.headers_from(f"X-Remove-{level}-Meta-"))
    return {**{key: value for key, value in before.items() if key not in gone}, **told}


def kept_headers(request: Request, now: float, before: Mapping[str, Any]) -> dict[str, Any]:
    """The other headers of an object that a request brings.

    Args:
        before: what was kept, of which all stays that is no header.
    """
    more = {key: value for key, value in before.items() if key not in KEPT}
    for name in KEPT:
        if request.header(name):
            more[name] = request.header(name)
            _check_text(more[name])
    after = request.header("X-Delete-After")
    if after:
        more["X-Delete-At"] = str(int(now) + _number("X-Delete-After", after))
    if "X-Delete-At" in more and _number("X-Delete-At", more["X-Delete-At"]) <= now:
        raise Refused(400, "X-Delete-At in past")
    if "X-Object-Manifest" in more:
        container, _, prefix = unquote(more["X-Object-Manifest"]).lstrip("/").partition("/")
        if not container or not prefix or "?" in more["X-Object-Manifest"]:
            raise Refused(400, "X-Object-Manifest must be in the format container/prefix")
    return more


def object_headers(version: Version) -> dict[str, str]:
    """What is answered of an object, but for its length."""
    headers = {
        "Content-Type": version.type,
        "Etag": version.md5,
        "Last-Modified": date(version.modified),
        "X-Timestamp": timestamp(version.modified),
        "Accept-Ranges": "bytes",
    }
    headers.update({f"X-Object-Meta-{name}": value for name, value in version.meta.items()})
    headers.update({name: version.more[name] for name in KEPT if name in version.more})
    return headers


def timestamp(seconds: float) -> str:
    """A time as Swift's headers have it."""
    return f"{seconds:.5f}"


def iso(seconds: float) -> str:
    """A time as Swift's listings have it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")


def is_over(version: Version, now: float) -> bool:
    """Whether the object was to be deleted by now."""
    return "X-Delete-At" in version.more and int(version.more["X-Delete-At"]) <= now


def _number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise Refused(400, f"Non-integer {name}")
    return int(text)


def _check_text(value: str) -> None:
    try:
        value.encode("latin-1").decode("utf-8")
    except UnicodeError as error:
        raise Refused(400, "Metadata must be valid UTF-8") from error


def type_of(request: Request, name: str) -> str:
    """The type of content that a request says, or that the name tells."""
    told = request.header("Content-Type")
    detect = request.header("X-Detect-Content-Type").lower() in {"true", "1", "yes", "on"}
    if told and not detect:
        return told
    return guess_type(name)[0] or "application/octet-stream"
