"""Header fields of object storage: what people wrote, in names and in values. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

from pelagos.clients.errors import ClientError

_TEXTS = ("x-account-", "x-container-", "x-object-", "content-")
_NAMED = tuple(
    f"x-{kind}-{what}-"
    for kind in ("account", "container", "object")
    for what in ("meta", "group")
)
_SAFE = "/=,:@; *"


def metadata(prefix: str, pairs: Mapping[str, Any] | None, *, is_quoted: bool) -> dict[str, str]:
    """The fields that carry metadata or groups.

    Args:
        prefix: what their names begin with, up to the last dash.
        pairs: what people wrote; None and "" delete, where the request merges.
        is_quoted: percent-encode names and values, as Pithos wants it; Swift takes UTF-8.

    >>> metadata("X-Object-Meta-", {"Größe": "5 %"}, is_quoted=True)
    {'X-Object-Meta-Gr%C3%B6%C3%9Fe': '5 %25'}
    """
    return {
        prefix + _name(key, is_quoted=is_quoted): text_value(value, is_quoted=is_quoted)
        for key, value in (pairs or {}).items()
    }


def _name(key: str, *, is_quoted: bool) -> str:
    if not key:
        raise ClientError("metadata needs a key; it is empty")
    return quote(str(key), safe="") if is_quoted else str(key)


def text_value(value: Any, *, is_quoted: bool) -> str:
    """A value that holds text of people."""
    text = "" if value is None else str(value)
    return quote(text, safe=_SAFE) if is_quoted else text


def as_written(headers: Mapping[str, str], *, is_quoted: bool) -> dict[str, str]:
    """An answer's fields, names in lower case, what Pithos percent-encodes as people wrote it."""
    if not is_quoted:
        return {name.lower(): value for name, value in headers.items()}
    ready: dict[str, str] = {}
    for name, value in headers.items():
        low = name.lower()
        ready[unquote(low) if low.startswith(_NAMED) else low] = (
            unquote(value) if low.startswith(_TEXTS) else value
        )
    return ready


def filter_in(
    pairs: Mapping[str, Any], prefix: str, exactMatch: bool = False
) -> dict[str, Any]:  # the ancestor's name
    """Those whose names begin with a prefix, or are it; case does not matter, names stay whole."""
    low = prefix.lower()
    return {
        name: value
        for name, value in pairs.items()
        if (name.lower() == low if exactMatch else name.lower().startswith(low))
    }


def filter_out(
    pairs: Mapping[str, Any], prefix: str, exactMatch: bool = False
) -> dict[str, Any]:  # the ancestor's name
    """All but those that `filter_in` finds."""
    found = filter_in(pairs, prefix, exactMatch)
    return {name: value for name, value in pairs.items() if name not in found}
