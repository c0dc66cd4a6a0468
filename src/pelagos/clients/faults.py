"""What a body says of a fault, in whatever shape its service says it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pelagos.core import plain_json

_TEXT_LIMIT = 2_000
_TAG = re.compile(
    r"<(?:script|style|head)\b.*?</(?:script|style|head)\s*>|<[^>]*>", re.DOTALL | re.IGNORECASE
)
_TITLE = re.compile(r"<title[^>]*>(.*?)</title", re.DOTALL | re.IGNORECASE)
_SPACE = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
#: A digested message must not look as if it held a fault that is still to be parsed.
_NO_BRACES = str.maketrans("{}", "()")


def split(text: str) -> tuple[str, tuple[str, dict[str, Any]] | None]:
    """What stands before a fault, and the fault (name, facts); None when there is none."""
    lead, brace, rest = text.partition("{")
    if not brace:
        return text, None
    try:
        data = plain_json.decode(brace + rest)
    except plain_json.WireError:
        return text, None
    if not isinstance(data, dict):
        return text, None
    name, facts = next(iter(data.items()), ("", None))
    return (lead, (str(name), facts)) if isinstance(facts, dict) else (text, None)


def digest(text: str, content_type: str) -> tuple[str, str, list[str]]:
    """The fault's name, what follows the status line in a message, and details."""
    stripped = text.strip()
    if stripped[:1] in {"{", "["}:
        try:
            data = plain_json.decode(stripped)
        except plain_json.WireError:
            return "", _short(stripped).translate(_NO_BRACES), []
        return _digest_data(data)
    if "html" in content_type or "xml" in content_type or stripped[:1] == "<":
        stripped = _plain(stripped)
    return "", _short(stripped).translate(_NO_BRACES), []


def _digest_data(data: Any) -> tuple[str, str, list[str]]:
    found = next(_faults(data), None)
    if found is None:
        return "", _short(plain_json.encode(data).decode()).translate(_NO_BRACES), []
    name, facts = found
    said = _first(facts, "message", "title", "faultstring", "msg", "detail", "type")
    said = _short(_plain(said)).translate(_NO_BRACES)
    details = [_short(_plain(one)) for one in _texts(facts)]
    details += [one for text in _texts(facts) for one in _inner(text)]
    body = f"{name} ({said})" if name and said else (name or said)
    return name, body.translate(_NO_BRACES), details


def _faults(data: Any, depth: int = 5) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The faults in a body: (name, facts), the name "" where the shape has none."""
    if isinstance(data, list) and depth:
        for one in data:
            yield from _faults(one, depth - 1)
    elif isinstance(data, dict) and depth:
        # Placement, and others that follow the API guidelines
        yield from _faults(data.get("errors"), depth - 1)
        yield from _named(data)


def _named(data: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    flat = ("message", "title", "faultstring", "detail")
    if any(isinstance(data.get(key), str) for key in flat):  # Glance's JSON, WSME
        yield "", data
    for name, facts in data.items():
        if isinstance(facts, dict):
            yield str(name), facts
        elif isinstance(facts, str) and len(data) == 1:
            yield from _stated(str(name), facts)


def _stated(name: str, said: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """A fault whose facts are a text, which may be JSON once more (`error_message`)."""
    try:
        again = plain_json.decode(said) if said.lstrip()[:1] == "{" else None
    except plain_json.WireError:
        again = None
    found = next(_faults(again), None)
    yield found or (name, {"message": said})


def _inner(text: str) -> Iterator[str]:
    """What another service said, when a detail is that one's whole answer as text."""
    if text.lstrip()[:1] == "{":
        try:
            found = next(_faults(plain_json.decode(text)), None)
        except plain_json.WireError:
            return
        if found:
            said = _first(found[1], "message", "title", "detail")
            yield _short(f"{found[0]} ({said})" if said else found[0])


def _texts(facts: Mapping[str, Any]) -> Iterator[str]:
    for key in ("details", "detail", "debuginfo"):
        for one in as_list(facts.get(key)):
            yield one if isinstance(one, str) else str(one)


def _first(facts: Mapping[str, Any], *keys: str) -> str:
    return next((value for key in keys if isinstance(value := facts.get(key), str) and value), "")


def _plain(text: str) -> str:
    """The words of a page of HTML or XML."""
    if "<" not in text:
        return text
    from html import unescape  # noqa: PLC0415  # only pages in place of answers pay for it

    title = _TITLE.search(text[:_TEXT_LIMIT])
    words = _SPACE.sub(" ", unescape(_TAG.sub(" ", text[: 16 * _TEXT_LIMIT]))).strip()
    named = _SPACE.sub(" ", unescape(title[1])).strip() if title else ""
    return words if not named or named in words else f"{named}: {words}".rstrip(": ")


def _short(text: str) -> str:
    text = _SPACE.sub(" ", text[: 2 * _TEXT_LIMIT]).strip()
    return text if len(text) <= _TEXT_LIMIT else text[:_TEXT_LIMIT] + " …"


def as_list(value: Any) -> list[Any]:
    """One or many, as a list: bytes and mappings as texts; [] for nothing."""
    if value is None or value in ("", []):
        return []
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        return [value if isinstance(value, str) else str(value)]
    return list(value)


def number(value: Any) -> int:
    """A status that somebody sent; what is no number counts as 0."""
    if isinstance(value, bool):
        return 0
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return 0
