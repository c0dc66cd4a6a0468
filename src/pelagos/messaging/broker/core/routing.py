"""Which bindings take a message. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

#: How the headers of a binding are compared: all of them or any, and whether those that begin
#: with x- take part.
HEADER_MATCHES = ("all", "any", "all-with-x", "any-with-x")


def _words(text: str) -> list[str]:
    return text.split(".") if text else []  # the empty key has no words, not one empty word


def topic_matches(pattern: str, key: str) -> bool:
    """Whether a topic binding takes this routing key.

    Words are separated by dots; `*` is exactly one word (also an empty one) and `#` any number of
    words, none included. The time is at most the product of the two lengths.

    >>> topic_matches("computer.*.wake", "computer.c1.wake")
    True
    >>> topic_matches("computer.#", "computer"), topic_matches("computer.*", "computer")
    (True, False)
    """
    wanted, given = _words(pattern), _words(key)
    at, position, retry_at, retry_position = 0, 0, -1, 0
    while position < len(given):
        if at < len(wanted) and wanted[at] == "#":
            retry_at, retry_position = at, position
            at += 1
        elif at < len(wanted) and wanted[at] in ("*", given[position]):
            at, position = at + 1, position + 1
        elif retry_at >= 0:
            retry_position += 1
            at, position = retry_at + 1, retry_position
        else:
            return False
    return all(word == "#" for word in wanted[at:])


def frozen(value: Any) -> Hashable:
    """A value of a table in a form that compares type and content, so that 1 is not true.

    >>> frozen({"a": [1]}) == frozen({"a": [True]})
    False
    """
    if isinstance(value, Mapping):
        items = ((str(key), frozen(inner)) for key, inner in value.items())
        return ("table", tuple(sorted(items, key=lambda item: item[0])))
    if isinstance(value, list | tuple):
        return ("array", tuple(frozen(inner) for inner in value))
    return (type(value).__name__, value if isinstance(value, Hashable) else repr(value))


def headers_match(wanted: Mapping[str, Any], headers: Mapping[str, Any]) -> bool:
    """Whether a binding of a headers exchange takes a message with these headers.

    A wanted value None asks only that the header is there. A binding without anything to compare
    takes every message when it wants all, and none when it wants any.

    >>> headers_match({"x-match": "any", "a": 1, "b": 2}, {"a": 1})
    True
    >>> headers_match({"a": 1, "b": None}, {"a": True, "b": 0})
    False
    """
    how = wanted.get("x-match", "all")
    with_x = how in ("all-with-x", "any-with-x")
    found = (
        name in headers and (value is None or frozen(value) == frozen(headers[name]))
        for name, value in wanted.items()
        if name != "x-match" and (with_x or not name.startswith("x-"))
    )
    return any(found) if how in ("any", "any-with-x") else all(found)
