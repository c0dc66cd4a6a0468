"""Headers of Pithos: read, checked, percent-coded both ways."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, unquote

from pelagos.box.errors import Refused
from pelagos.box.objects.store import Version
from pelagos.box.synnefo import http_date
from pelagos.box.web import Request

MAX_HEADERS = 90
MAX_NAME = 128
MAX_VALUE = 256
MAX_META = 32
_SAFE = '/=,:@; "'


def check_headers(request: Request) -> None:
    """See that the headers keep the rules of Pithos.

    Raises:
        Refused: they do not.
    """
    named = [key for key in request.environ if key.startswith("HTTP_")]
    if len(named) > MAX_HEADERS:
        raise Refused(400, "Too many headers.")
    for key in named:
        value = str(request.environ[key])
        if not value.isascii():
            raise Refused(400, "Bad character in headers.")
        if not key.startswith("HTTP_X_") or "_META_" not in key:
            continue
        if len(key) - len("HTTP_") > MAX_NAME:
            raise Refused(400, "Header name too large.")
        if len(value) > MAX_VALUE:
            raise Refused(400, "Header value too large.")


def told_meta(request: Request, level: str) -> dict[str, str]:
    """The metadata that a request brings, empty values among them."""
    found = request.headers_from(f"X-{level}-Meta-")
    return {_name(key): unquote(value.replace("~", "")) for key, value in found.items()}


def new_meta(request: Request, level: str, before: Mapping[str, str]) -> dict[str, str]:
    """The metadata after a request.

    Raises:
        Refused: it would be too many.
    """
    told = told_meta(request, level)
    merged = {**before, **told} if "update" in request.query else told
    kept = {key: value for key, value in merged.items() if value}
    if len(kept) > MAX_META:
        raise Refused(
            400,
            f"Pithos+ resources cannot have more than {MAX_META} metadata items per domain",
        )
    return kept


def meta_headers(level: str, meta: Mapping[str, str]) -> dict[str, str]:
    """The metadata as headers."""
    return {
        f"X-{level}-Meta-{quote(key, safe='')}": quote(value, safe=_SAFE)
        for key, value in meta.items()
    }


def coded(text: str) -> str:
    """A value as a header has it."""
    return quote(text, safe=_SAFE)


def object_headers(version: Version) -> dict[str, str]:
    """What is answered of a version, but for its length and who may do what."""
    headers = {
        "ETag": version.top,
        "Content-Type": coded(version.type),
        "Last-Modified": http_date(version.modified),
        "Available": "1",
        "X-Object-Hash": version.top,
        "X-Object-UUID": version.uuid,
        "X-Object-Version": str(version.serial),
        "X-Object-Version-Timestamp": http_date(version.modified),
        "X-Object-Modified-By": version.modified_by,
        **meta_headers("Object", version.meta),
    }
    for key, name in KEPT.items():
        if key in version.more:
            headers[name] = coded(version.more[key])
    return headers


#: What is kept of an object beside its metadata, and the header that says it.
KEPT = {
    "encoding": "Content-Encoding",
    "disposition": "Content-Disposition",
    "manifest": "X-Object-Manifest",
}


def kept_of(request: Request, before: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept beside the metadata after a request."""
    more = dict(before)
    for key, name in KEPT.items():
        if request.has_header(name):
            value = unquote(request.header(name))
            if value:
                more[key] = value
            else:
                more.pop(key, None)
    return more


def iso(seconds: float) -> str:
    """A time as listings have it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")


def whole_number(text: str | None) -> int | None:
    """A number from 0 up; None for anything else, which the original takes for nothing said."""
    return int(text) if text is not None and text.isascii() and text.isdigit() else None


def check_conditions(request: Request, version: Version | None) -> None:
    """See whether an object is as the request wants it.

    Raises:
        Refused: 304 or 412, it is not.
    """
    if version is not None:
        _check_times(request, version.modified)
    wanted, unwanted = request.header("If-Match"), request.header("If-None-Match")
    etag = version.top if version is not None else None
    if wanted:
        if version is None:
            raise Refused(412, "Resource does not exist")
        if "*" not in _etags(wanted) and etag not in _etags(wanted):
            raise Refused(412, "Resource ETag does not match")
    if unwanted and version is not None and ("*" in _etags(unwanted) or etag in _etags(unwanted)):
        if request.method in {"GET", "HEAD"}:
            raise Refused(304, "Resource exists or ETag matches", headers={"ETag": version.top})
        raise Refused(412, "Resource exists or ETag matches")


def _check_times(request: Request, modified: float) -> None:
    since = _date(request.header("If-Modified-Since"))
    if since is not None and int(modified) <= since:
        raise Refused(304, "Resource has not been modified")
    until = _date(request.header("If-Unmodified-Since"))
    if until is not None and int(modified) > until:
        raise Refused(412, "Resource has been modified")


def _etags(text: str) -> set[str]:
    return {word.strip().strip('"') for word in text.split(",")}


def _date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except (ValueError, TypeError):
        return None


def _name(key: str) -> str:
    """A name of metadata as it is kept: Capitals-And-Dashes, percent-coding undone."""
    return "-".join(word.capitalize() for word in unquote(key.replace("~", "")).split("-"))
