"""Lets callers do what they may."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from pelagos.box.opennebula.errors import Code, Failure
from pelagos.box.opennebula.kinds import DATASTORE, HOST, NETWORK, USER, Kind
from pelagos.box.opennebula.rights import NAMES, USE, Rule, What, Who, allowed
from pelagos.box.opennebula.world import Thing, World

_FORBIDDEN = re.compile(r"[&|:\\\";/'#{}$<>\t\n\v\f\r]")
_LONGEST = 128
_BLOCKED = {1: 1, 2: 2, 3: 4, 4: 1}  # a lock of this level blocks rights from here up
_PRIMARY, _MINE, _ALL, _MY_GROUPS = -4, -3, -2, -1


class Guard:
    """Knows who may do what to which thing."""

    def __init__(self, world: World) -> None:
        self._world = world

    def who(self, caller: int) -> Who:
        """A caller and his groups."""
        user = self._world.get(USER, caller)
        return Who(caller, tuple(user.more["groups"]))

    def need(
        self, caller: int, kind: Kind, number: int, right: int, *, ignores_lock: bool = False
    ) -> Thing:
        """The thing, when the caller has this right to it.

        Raises:
            Failure: there is none, he has not, or it is locked.
        """
        thing = self._world.get(kind, number)
        if not self.may(caller, kind, thing, right):
            raise Failure(
                Code.AUTHORIZATION,
                f"User [{caller}] : Not authorized to perform {NAMES[right]} {kind.right} "
                f"[{number}].",
            )
        if thing.lock and not ignores_lock and right >= _BLOCKED[thing.lock[0]]:
            raise Failure(
                Code.AUTHORIZATION, f"User [{caller}] : {kind.right} is locked. [{number}]."
            )
        return thing

    def need_kind(self, caller: int, kind: Kind, right: int) -> None:
        """Let a caller do something that needs a right to the kind itself.

        Raises:
            Failure: he has not.
        """
        if not allowed(self.who(caller), What(kind.bit), right, self.rules()):
            raise Failure(
                Code.AUTHORIZATION,
                f"User [{caller}] : Not authorized to perform {NAMES[right]} {kind.right}.",
            )

    def may(self, caller: int, kind: Kind, thing: Thing, right: int) -> bool:
        """Whether he has this right."""
        if kind == USER and thing.id == caller:
            return True
        mode = thing.mode if kind.is_owned else ""
        uid, gid = (thing.uid, thing.gid) if kind.is_owned else (-1, -1)
        what = What(kind.bit, thing.id, uid, gid, mode, _clusters(kind, thing))
        return allowed(self.who(caller), what, right, self.rules())

    def rules(self) -> Iterator[Rule]:
        """All access rules."""
        return (Rule(*one.more["rule"]) for one in self._world.all("acl"))

    def visible(self, caller: int, kind: Kind, flag: int = _ALL) -> list[Thing]:
        """What a list shows the caller, the newest first.

        Args:
            flag: -4 of his primary group, -3 his own, -2 all, -1 his own and his groups', others:
                of that user.

        Raises:
            Failure: the flag is none of these.
        """
        if flag < _PRIMARY:
            raise Failure(Code.RPC_API, "Incorrect filter_flag")
        who, rules = self.who(caller), list(self.rules())
        primary = self._world.get(USER, caller).gid
        return [
            thing
            for thing in sorted(self._world.all(kind), key=lambda one: -one.id)
            if _matches(thing, flag, who, primary) and self._sees(who, kind, thing, rules)
        ]

    def _sees(self, who: Who, kind: Kind, thing: Thing, rules: list[Rule]) -> bool:
        if who.is_admin or (kind == USER and thing.id == who.uid):
            return True
        if kind.word == "group" and thing.id in who.gids:
            return True
        mode = thing.mode if kind.is_owned else ""
        uid, gid = (thing.uid, thing.gid) if kind.is_owned else (-1, -1)
        what = What(kind.bit, thing.id, uid, gid, mode, _clusters(kind, thing))
        return allowed(who, what, USE, rules)


def _matches(thing: Thing, flag: int, who: Who, primary: int) -> bool:
    match flag:
        case -4:
            return thing.gid == primary
        case -3:
            return thing.uid == who.uid
        case -2:
            return True
        case -1:
            return thing.uid == who.uid or thing.gid in who.gids
    return thing.uid == flag


def _clusters(kind: Kind, thing: Thing) -> tuple[int, ...]:
    if kind == HOST:
        return (thing.more["cluster"],)
    if kind in {DATASTORE, NETWORK}:
        return tuple(thing.more["clusters"])
    return ()


def paged(things: Iterable[Thing], start: int, end: int) -> list[Thing]:
    """A page: of ids from start to end, or when `end` is below -1 so many rows from a row on."""
    rows = list(things)
    if end < -1:
        begin = max(start, 0)
        return rows[begin : begin - end]
    if start < 0:
        return rows
    return [one for one in rows if one.id >= start and (end < 0 or one.id <= end)]


def checked_name(name: str, *, code: Code = Code.INTERNAL, begin: str = "") -> str:
    """A name as it is kept.

    Raises:
        Failure: it is none.
    """
    name = name.strip()
    if not name:
        raise Failure(code, f"{begin}Invalid NAME, it cannot be empty")
    if found := _FORBIDDEN.search(name):
        raise Failure(code, f"{begin}Invalid NAME, char '{found[0]}' is not allowed")
    if len(name) > _LONGEST:
        raise Failure(code, f"{begin}Invalid NAME, max length is {_LONGEST} chars")
    return name


def check_unique(
    world: World, kind: Kind, name: str, uid: int, *, code: Code = Code.INTERNAL, begin: str = ""
) -> None:
    """Let a name be new where its kind wants that.

    Raises:
        Failure: it is taken.
    """
    if not kind.unique:
        return
    for one in world.named(kind, name, uid if kind.unique == "owner" else None):
        raise Failure(code, f"{begin}NAME is already taken by {kind.right} {one.id}.")
