"""Who may do what: owners' permission bits and access rules; pure.

A rule has four numbers. The low 32 bits of user, resource and zone are an id, the flags above say
whose: one user or object (#), those of a group (@), all (*), those of a cluster (%).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from pelagos.box.opennebula.kinds import RESOURCES

USE, MANAGE, ADMIN, CREATE = 1, 2, 4, 8
NAMES = {USE: "USE", MANAGE: "MANAGE", ADMIN: "ADMIN", CREATE: "CREATE"}

ONE, GROUP, ALL, CLUSTER = 1 << 32, 2 << 32, 4 << 32, 8 << 32
_ID = (1 << 32) - 1
_TYPES = 36  # the bits of the kinds begin here
_BITS = {USE: 0, MANAGE: 1, ADMIN: 2}


class Rule(NamedTuple):
    """An access rule."""

    user: int
    resource: int
    rights: int
    zone: int

    @property
    def text(self) -> str:
        """As people write it: `@100 VM+NET/* USE+MANAGE *`."""
        kinds = "+".join(
            name for bit, name in sorted(RESOURCES.items()) if self.resource >> _TYPES & bit
        )
        rights = "+".join(name for bit, name in NAMES.items() if self.rights & bit)
        return f"{_whose(self.user)} {kinds}/{_whose(self.resource)} {rights} {_whose(self.zone)}"


def _whose(number: int) -> str:
    for flag, sign in ((ALL, "*"), (ONE, "#"), (GROUP, "@"), (CLUSTER, "%")):
        if number & flag:
            return sign if flag == ALL else f"{sign}{number & _ID}"
    return "?"


@dataclass(frozen=True, slots=True)
class Who:
    """Who asks."""

    uid: int
    gids: Collection[int]

    @property
    def is_admin(self) -> bool:
        """Whether everything is allowed."""
        return self.uid == 0 or 0 in self.gids


@dataclass(frozen=True, slots=True)
class What:
    """What is asked for: an object, or with an id below 0 a kind.

    Attributes:
        bit: of the kind.
        mode: nine permission bits; empty: only rules count.
    """

    bit: int
    id: int = -1
    uid: int = -1
    gid: int = -1
    mode: str = ""
    clusters: Collection[int] = ()


def allowed(who: Who, what: What, right: int, rules: Iterable[Rule]) -> bool:
    """Whether somebody may do something."""
    if who.is_admin:
        return True
    if what.mode and right in _BITS and _by_mode(who, what, _BITS[right]):
        return True
    return any(
        rule.rights & right and _is_of(rule.user, who) and _covers(rule.resource, what)
        for rule in rules
    )


def _by_mode(who: Who, what: What, bit: int) -> bool:
    owner, group, other = what.mode[bit], what.mode[3 + bit], what.mode[6 + bit]
    return (
        (what.uid == who.uid and owner == "1")
        or (what.gid in who.gids and group == "1")
        or other == "1"
    )


def _is_of(user: int, who: Who) -> bool:
    number = user & _ID
    return bool(
        user & ALL or (user & ONE and number == who.uid) or (user & GROUP and number in who.gids)
    )


def _covers(resource: int, what: What) -> bool:
    if not resource >> _TYPES & what.bit:
        return False
    number = resource & _ID
    return bool(
        resource & ALL
        or (resource & ONE and number == what.id)
        or (resource & GROUP and number == what.gid)
        or (resource & CLUSTER and number in what.clusters)
    )
