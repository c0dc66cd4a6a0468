"""What is sent, as text that is safe on the wire: paths, queries and header fields. Pure.

A path is text or parts. In text, "/" separates and everything else that has a meaning in a URL is
percent-encoded; in parts, each is one segment, so that a "/" in it is encoded, too:

>>> encode_path("/AUTH_x/photos/a b/100%?.jpg")
'/AUTH_x/photos/a%20b/100%25%3F.jpg'
>>> encode_path(("servers", "../../etc"))
'/servers/..%2F..%2Fetc'

Segments that are "." or ".." are names like others here, and no steps:

>>> encode_path("/c/../x")
'/c/%2E%2E/x'
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from pelagos.clients.errors import ClientError

Path = str | int | Iterable[Any]

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_FORBIDDEN = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_DOTS = {".": "%2E", "..": "%2E%2E"}


def path4url(*parts: Any) -> str:
    """Join parts by "/", without doubled slashes and without one at the end; not encoded.

    What comes out is a path as text, as the verbs take it.

    >>> path4url("a", "/b/", 1)
    '/a/b/1'
    >>> path4url()
    ''
    """
    texts = (part.decode() if isinstance(part, bytes) else str(part) for part in parts)
    segments = [one for text in texts for one in text.split("/") if one]
    return "".join(f"/{one}" for one in segments)


def encode_path(path: Path) -> str:
    """The path as a URL has it; "" for nothing, else with "/" before it."""
    if isinstance(path, int):
        path = str(path)
    if isinstance(path, str):
        if not path:
            return ""
        return "/" + "/".join(map(_segment, path.removeprefix("/").split("/")))
    return "".join(f"/{_segment(str(part))}" for part in path)


def _segment(text: str) -> str:
    return _DOTS.get(text) or _quoted(text, "!$&'()*+,;=:@~")


def _quoted(text: str, safe: str) -> str:
    try:
        return quote(text, safe=safe)
    except UnicodeEncodeError as error:
        raise ClientError(
            f"{text!r} cannot be sent: it is no text that UTF-8 has bytes for"
        ) from error


def encode_query(params: Mapping[str, Any] | None, legacy: Mapping[str, Any] | None = None) -> str:
    """The query with "?" before it, or "".

    Args:
        params: None leaves a key out, "" sends the bare key, true and false are words, a list
            repeats the key.
        legacy: as the ancestor had it: None, False and "" send the bare key.

    >>> encode_query({"update": "", "marker": None, "all": True, "tag": ["a", "b"], "q": "ä&"})
    '?update&all=true&tag=a&tag=b&q=%C3%A4%26'
    """
    pairs = [one for name, value in (params or {}).items() for one in _pairs(name, value)]
    for name, value in (legacy or {}).items():
        pairs.append(_pair(name, "" if value is None or value is False else value))
    return "?" + "&".join(pairs) if pairs else ""


def _pairs(name: str, value: Any) -> list[str]:
    if value is None:
        return []
    if isinstance(value, bool):
        return [_pair(name, "true" if value else "false")]
    if isinstance(value, list | tuple | set | frozenset):
        return [one for item in value for one in _pairs(name, item)]
    return [_pair(name, value)]


def _pair(name: str, value: Any) -> str:
    key = _quoted(str(name), ":~")
    text = _quoted(str(value), ":~,/") if value != "" else ""
    return f"{key}={text}" if text else key


def encode_headers(headers: Mapping[str, Any]) -> dict[str, str]:
    """Header fields as HTTP sends them; None leaves one out, text that is not ASCII is UTF-8.

    Raises:
        ClientError: a name or a value would end the line and begin another.
    """
    ready: dict[str, str] = {}
    for name, value in headers.items():
        if value is None:
            continue
        text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
        if not _NAME.match(str(name)):
            raise ClientError(f"{str(name)[:80]!r} is no name of a header field")
        if _FORBIDDEN.search(text):
            raise ClientError(
                f"the value of {name} has a character that no header field can hold",
                hint="leave line ends and other control characters out of it",
            )
        ready[str(name)] = text if text.isascii() else _utf8(text)
    return ready


def _utf8(text: str) -> str:
    """UTF-8 as the library sends it, which has one byte for each character."""
    try:
        return text.encode().decode("latin-1")
    except UnicodeEncodeError as error:
        raise ClientError(f"{text!r} cannot be sent: UTF-8 has no bytes for it") from error


def quote_values(
    headers: Mapping[str, Any], names: Iterable[str] = (), prefixes: Iterable[str] = ()
) -> dict[str, Any]:
    """The same fields, values of the named and of those with such prefixes percent-encoded."""
    exact = {name.lower() for name in names}
    begins = tuple(prefix.lower() for prefix in prefixes)
    return {
        name: quote(str(value))
        if value is not None and (name.lower() in exact or name.lower().startswith(begins or "\0"))
        else value
        for name, value in headers.items()
    }
