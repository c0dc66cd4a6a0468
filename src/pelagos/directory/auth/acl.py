"""Whether the rights that a token carries allow what a request needs.

A right is a pattern over segments parted by dots, as wazo-auth defines them: `*` stands for any
text without a dot, `#` for any text, a leading `!` takes away what the other patterns give, and a
last segment `edit` is the same as `update`. `me` as a whole segment stands for the owner of the
token, or for the owner's tenant where a tenant is named.

Pure, and never slower than (length of the pattern) times (length of what is needed).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile
from string import Formatter
from typing import Any, NamedTuple

#: The argument that names a tenant; no person stands there.
TENANT = "tenant"

_SAME = ("edit", "update")
_SPECIAL = re.compile(r"([.*#])")
_SIGN = re.compile(r"[*#]")


@dataclass(frozen=True, slots=True)
class Access:
    """What one request needs.

    Attributes:
        text: segments parted by dots, such as `dird.directories.lookup.sales.read`.
        values: where the values of the URL begin in `text`, and what they were before their dots
            were replaced; so that `me` means one person, and no one whose name merely looks alike.
        tenants: those places at which a tenant is named, rather than a person.
    """

    text: str
    values: Mapping[int, str]
    tenants: frozenset[int] = frozenset()

    def __str__(self) -> str:
        return self.text


class _Owner(NamedTuple):
    """For whom `me` stands: a person by these names, of a tenant by these."""

    names: Collection[str]
    tenants: Collection[str]


def placeholders(template: str) -> tuple[str, ...]:
    """The names in braces of a template, in order.

    Raises:
        ValueError: the template has something else than plain names in its braces.
    """
    names = []
    for _, name, spec, conversion in Formatter().parse(template):
        if name is None:
            continue
        if not name.isidentifier() or spec or conversion:
            raise ValueError(
                f"{template!r} is no template of a right: {{{name}}} is no plain name"
            )
        names.append(name)
    return tuple(names)


def fill(template: str, values: Mapping[str, Any]) -> Access:
    """The access of a template such as `dird.directories.lookup.{profile}.read`.

    Dots inside of a value become `_`, so that a value is always one segment.

    Raises:
        KeyError: a placeholder has no value.
    """
    text = ""
    raw: dict[int, str] = {}
    tenants: set[int] = set()
    for literal, name, _, _ in Formatter().parse(template):
        text += literal
        if name is not None:
            value = str(values[name])
            raw[len(text)] = value
            if name == TENANT:
                tenants.add(len(text))
            text += value.replace(".", "_")
    return Access(text, raw, frozenset(tenants))


def is_allowed(
    patterns: Iterable[str],
    access: Access,
    owners: Collection[str] = (),
    *,
    tenants: Collection[str] = (),
) -> bool:
    """Whether the patterns of a token give this access; a denial wins over all that is given.

    Args:
        owners: the names for which `me` stands; empty ones stand for nobody.
        tenants: the same where a tenant is named.
    """
    owner = _Owner(owners, tenants)
    given = False
    for pattern in patterns:
        if pattern.startswith("!"):
            if _matches(pattern[1:], access, owner):
                return False
        else:
            given = given or _matches(pattern, access, owner)
    return given


def _matches(pattern: str, access: Access, owner: _Owner) -> bool:
    """Whether the whole text is one that the pattern stands for.

    All places of the text that the pattern may have reached are kept at once, so nothing is
    tried twice whatever the wildcards.
    """
    text = access.text
    beginning, pieces = _pieces(pattern)
    if not text.startswith(beginning):
        return False  # most patterns are about something else altogether
    reached = {0}
    for number, piece in enumerate(pieces):
        if piece == "#":
            reached = set(range(min(reached), len(text) + 1))
        elif piece == "*":
            reached = _within_segment(text, reached)
        else:
            is_last = number == len(pieces) - 1
            is_whole = (number == 0 or pieces[number - 1] == ".") and (
                is_last or pieces[number + 1] == "."
            )
            if is_whole and piece == "me":
                reached = _owned(access, reached, owner)
            else:
                words = _SAME if is_whole and is_last and piece in _SAME else (piece,)
                reached = {
                    place + len(word)
                    for place in reached
                    for word in words
                    if text.startswith(word, place)
                }
        if not reached:
            return False
    return len(text) in reached


@lru_cache(maxsize=4096)
def _pieces(pattern: str) -> tuple[str, tuple[str, ...]]:
    """The text with which all that a pattern stands for begins, and its words, dots and signs."""
    *segments, _ = pattern.split(".")  # the last may be `edit`
    plain = takewhile(lambda segment: segment != "me" and not _SIGN.search(segment), segments)
    beginning = "".join(f"{segment}." for segment in plain)
    return beginning, tuple(piece for piece in _SPECIAL.split(pattern) if piece)


def _within_segment(text: str, reached: set[int]) -> set[int]:
    """The places that are reached when a text without a dot, perhaps an empty one, is passed."""
    found: set[int] = set()
    for place in sorted(reached):
        if place in found:
            continue  # from there on the same segment was passed already
        end = text.find(".", place)
        found.update(range(place, (len(text) if end < 0 else end) + 1))
    return found


def _owned(access: Access, reached: set[int], owner: _Owner) -> set[int]:
    """The places behind `me`: an owner's name as a value, or the word itself in a template."""
    found = {
        place + len(value)
        for place, value in access.values.items()
        if value and place in reached
        if value in (owner.tenants if place in access.tenants else owner.names)
    }
    written = {p for p in reached - access.values.keys() if access.text.startswith("me", p)}
    return found | {place + len("me") for place in written}
