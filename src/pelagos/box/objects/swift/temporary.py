"""Addresses of objects that need no token: signed with a key of the account or container."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from urllib.parse import quote

from pelagos.box.errors import Refused
from pelagos.box.objects.store import Container
from pelagos.box.web import Answer, Request

DIGESTS = ("sha256", "sha512")
METHODS = ("GET", "HEAD", "PUT", "POST", "DELETE")
_KEYS = ("Temp-Url-Key", "Temp-Url-Key-2")
_LENGTHS = {64: "sha256", 128: "sha512"}
#: A HEAD is allowed to whoever may do one of these.
_SEEING = ("HEAD", "GET", "PUT", "POST")
_FORBIDDEN = ("X-Object-Manifest", "X-Copy-From", "X-Symlink-Target")


def is_signed(request: Request) -> bool:
    """Whether a request comes by such an address."""
    return any(word in request.query for word in ("temp_url_sig", "temp_url_expires"))


def check(
    request: Request,
    account: Mapping[str, str],
    container: Container | None,
    name: str,
    now: float,
) -> None:
    """See whether the signature allows the request.

    Args:
        account: the account's metadata.
        name: of the object.
        now: seconds since the epoch.

    Raises:
        Refused: 401, it does not; 400, it asks for what signatures never allow.
    """
    query = request.query
    expires = _moment(query.get("temp_url_expires", ""))
    told = _digest(query.get("temp_url_sig", ""))
    prefix = query.get("temp_url_prefix")
    fits = (
        expires is not None
        and expires >= now
        and told is not None
        and request.method in METHODS
        and (prefix is None or name.startswith(prefix))
        and _is_near(request, query.get("temp_url_ip_range"))
    )
    if not fits or told is None or container is None:
        raise _invalid()
    kind, signature = told
    keys = [meta[key] for meta in (account, container.meta) for key in _KEYS if meta.get(key)]
    texts = list(_texts(request, container, name, prefix, int(expires or 0)))
    if not any(_is_made_of(signature, kind, key, texts) for key in keys):
        raise _invalid()
    for header in _FORBIDDEN:
        if request.header(header):
            message = f"The header '{header}' is not allowed in this tempurl"
            raise Refused(400, message)


def dressed(request: Request, name: str, answer: Answer) -> Answer:
    """The answer as a browser is to take it: a file of this name, unless it is shown."""
    query = request.query
    if request.method not in {"GET", "HEAD"} or answer.status >= 300:  # noqa: PLR2004  # RFC 9110
        return answer
    named = query.get("filename") or name.rstrip("/").rsplit("/", 1)[-1]
    plain = quote(named, safe=" !#$&+.^_`|~-()[]{}@,;=")
    way = "inline" if "inline" in query else "attachment"
    text = f"{way}; filename=\"{plain}\"; filename*=UTF-8''{quote(named, safe='')}"
    if way == "inline" and not query.get("filename"):
        text = "inline"
    for header in [*answer.headers]:
        word = header.lower()
        if word.startswith("x-object-meta-") and not word.startswith("x-object-meta-public-"):
            del answer.headers[header]
    answer.headers["Content-Disposition"] = text
    expires = _moment(query.get("temp_url_expires", ""))
    told = datetime.fromtimestamp(expires or 0, UTC)
    answer.headers["Expires"] = told.strftime("%a, %d %b %Y %H:%M:%S GMT")
    return answer


def _moment(text: str) -> int | None:
    if text.isascii() and text.isdigit() and len(text) < 12:  # noqa: PLR2004  # far enough
        return int(text)
    try:
        return int(datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp())
    except ValueError:
        return None


def _digest(text: str) -> tuple[str, bytes] | None:
    """The kind of a signature, and its bytes."""
    kind, found, rest = text.partition(":")
    try:
        if found and kind in DIGESTS:
            padded = rest + "=" * (-len(rest) % 4)
            return kind, base64.urlsafe_b64decode(padded.replace("+", "-").replace("/", "_"))
        if not found and len(text) in _LENGTHS:
            return _LENGTHS[len(text)], bytes.fromhex(text)
    except (ValueError, binascii.Error):
        return None
    return None


def _is_near(request: Request, told: str | None) -> bool:
    if told is None:
        return True
    try:
        return ip_address(str(request.environ.get("REMOTE_ADDR", ""))) in ip_network(told)
    except ValueError:
        return False


def _texts(
    request: Request, container: Container, name: str, prefix: str | None, expires: int
) -> Iterator[str]:
    """What may be signed: by the path of Swift, or that by which the caller knows it."""
    methods = _SEEING if request.method == "HEAD" else (request.method,)
    told = request.query.get("temp_url_ip_range")
    begin = f"ip={told}\n" if told is not None else ""
    tail = f"/v1/{container.account}/{container.name}/{name if prefix is None else prefix}"
    word = "" if prefix is None else "prefix:"
    for method in methods:
        for path in (tail, request.prefix + tail):
            yield f"{begin}{method}\n{expires}\n{word}{path}"


def _is_made_of(signature: bytes, kind: str, key: str, texts: Iterable[str]) -> bool:
    made = (hmac.new(key.encode(), one.encode(), getattr(hashlib, kind)).digest() for one in texts)
    return sum(hmac.compare_digest(one, signature) for one in made) > 0


def _invalid() -> Refused:
    return Refused(401, "Temp URL invalid")
