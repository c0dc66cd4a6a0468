"""Rights by role, for tokens that say who somebody is and not what they may do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

#: Everything.
ALL = ("#",)

#: What a person of the house may do: look up, keep favorites and contacts of their own, and read
#: the phonebooks of their own tenant. What other tenants keep is none of their business.
PERSON = (
    "dird.directories.lookup.*.read",
    "dird.directories.lookup.*.headers.read",
    "dird.directories.lookup.*.me.read",
    "dird.directories.input.*.me.read",
    "dird.directories.menu.*.me.read",
    "dird.directories.reverse.*.me.read",
    "dird.directories.favorites.#",
    "dird.directories.personal.*.read",
    "dird.directories.*.sources.read",
    "dird.personal.#",
    "dird.phonebooks.#.read",
    "dird.phonebooks.read",
    "dird.tenants.me.phonebooks.#.read",
    "dird.tenants.me.phonebooks.read",
    "dird.displays.read",
    "dird.profiles.read",
    "dird.status.read",
)

#: The phonebooks of a whole plane: its people find what is in them by a lookup, too.
_OF_ALL = ("dird.tenants.default.phonebooks.#.read", "dird.tenants.default.phonebooks.read")

#: The roles of a plane's people.
PLANE = MappingProxyType({"operator": ALL, "tenant": (*PERSON, *_OF_ALL)})

#: The roles that every Keystone has from its start.
KEYSTONE = MappingProxyType({"admin": ALL, "member": PERSON, "reader": PERSON})


def rights_of(roles: Iterable[str], rights: Mapping[str, Iterable[str]]) -> list[str]:
    """The patterns of all these roles; a role that has none adds nothing."""
    return list(dict.fromkeys(pattern for role in roles for pattern in rights.get(role, ())))
