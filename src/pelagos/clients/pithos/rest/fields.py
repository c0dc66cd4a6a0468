"""What calls of Pithos say in queries and header fields. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import IO, Any
from urllib.parse import quote

from pelagos.clients.errors import ClientError

Body = bytes | IO[bytes] | None


def whole_seconds(until: Any) -> int | None:
    """A time as the server understands it.

    Anything but whole seconds it takes for no time at all, and deletes where it should purge.

    >>> whole_seconds(1400000000.7), whole_seconds("1400000000"), whole_seconds(None)
    (1400000000, 1400000000, None)
    """
    if until is None:
        return None
    try:
        seconds = int(until.timestamp() if isinstance(until, datetime) else float(until))
    except (TypeError, ValueError, OverflowError):
        seconds = -1
    if seconds < 0 or isinstance(until, bool):
        raise ClientError(f"{until!r} is no time; give seconds since 1970")
    return seconds


def bare_key(flag: bool) -> str | None:
    """A key without a value, or none."""
    return "" if flag else None


def place_field(place: str | None) -> str | None:
    """Container and object as a header field says them."""
    return None if not place else quote("/" + place.removeprefix("/"), safe="/")


def since_fields(modified: Any, unmodified: Any) -> dict[str, Any]:
    """Only if it changed since a time, or did not."""
    return {"If-Modified-Since": modified, "If-Unmodified-Since": unmodified}


def match_fields(etag: str | None, other: str | None) -> dict[str, Any]:
    """Only if it is that one, or is not."""
    return {"If-Match": etag, "If-None-Match": other}


def content_fields(kind: str | None, length: int | None, transfer: str | None) -> dict[str, Any]:
    """Type and length of a body; the length is not said of one in chunks."""
    headers: dict[str, Any] = {"Content-Type": kind, "Transfer-Encoding": transfer}
    return headers if transfer else {**headers, "Content-Length": length}
