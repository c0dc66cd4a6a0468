"""Which keys the rows of a list may have, told before there is one: `Command.keys`.

A list that is empty shows none; what a line says of a key that no row could have must be refused
all the same, or a slip of the fingers looks like an empty answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any, get_args, get_type_hints

Keys = Sequence[str]
"""Names of keys, and "module:Class" for those of a dataclass, a TypedDict or the elements of an
answer of OpenNebula."""


def names_of(keys: Keys) -> list[str]:
    """All names, those inside of others left out."""
    names = [one for one in keys if not _is_kind(one)]
    return names + [name for kind in _kinds(keys) for name in _fields(kind)]


def may_be(keys: Keys, word: str) -> bool:
    """Whether rows with these keys may have this one; dots lead into what is nested."""
    head = word.partition(".")[0]
    return word in keys or head in keys or any(_leads(kind, word) for kind in _kinds(keys))


def _is_kind(one: str) -> bool:
    module, colon, _ = one.partition(":")
    return bool(colon) and "." in module


def _kinds(keys: Keys) -> Iterator[Any]:
    for one in keys:
        if _is_kind(one):
            module, _, name = one.partition(":")
            yield getattr(import_module(module), name)


def _leads(kind: Any, word: str) -> bool:
    if hasattr(kind, "__total__") and ":" in word:  # the extensions of clouds, which nobody lists
        return True
    fields = _fields(kind)
    head, dot, rest = word.partition(".")
    return word in fields or (head in fields and (not dot or _is_inside(fields[head], rest)))


def _is_inside(kind: Any, word: str) -> bool:
    """Whether the value of a field may have a key."""
    if kind in (Any, object):
        return True
    if isinstance(kind, type) and issubclass(kind, Mapping | str | int | float | None):
        return issubclass(kind, Mapping)
    if _fields(kind):
        return _leads(kind, word)
    parts = get_args(kind)
    if isinstance(getattr(kind, "__origin__", None), type):  # Mapping[str, X], list[X]
        return issubclass(kind.__origin__, Mapping)
    return any(_is_inside(part, word) for part in parts)


def _fields(kind: Any) -> Mapping[str, Any]:
    """The fields of a class, and what is in them; nothing when it has none."""
    if not isinstance(kind, type):
        return {}
    if not (hasattr(kind, "__dataclass_fields__") or hasattr(kind, "__total__")):
        return {name: Any for name in dir(kind) if name.isupper()}  # elements of OpenNebula
    names = getattr(kind, "__dataclass_fields__", kind.__annotations__)
    try:
        found = get_type_hints(kind)
    except NameError:  # a name that only the type checker reads
        found = {}
    return {name: found.get(name, Any) for name in names}
