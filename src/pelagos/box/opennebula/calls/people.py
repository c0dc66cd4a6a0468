"""Users, groups, quotas, access rules, login tokens."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Iterator

from pelagos.box.opennebula import quotas, shapes
from pelagos.box.opennebula.cloud import Cloud
from pelagos.box.opennebula.daemon import Method
from pelagos.box.opennebula.errors import Code, Failure
from pelagos.box.opennebula.grammar import Attributes, parse
from pelagos.box.opennebula.guard import check_unique, checked_name
from pelagos.box.opennebula.kinds import GROUP, RESOURCES, USER, VDC, ZONE, Kind
from pelagos.box.opennebula.markup import element
from pelagos.box.opennebula.rights import ADMIN, CREATE, MANAGE, Rule
from pelagos.box.opennebula.world import Thing, World

ONEADMIN, USERS = 0, 1
_FOREVER = -1
_HEX = re.compile(r"(0x)?[0-9a-fA-F]{1,16}", re.ASCII)
_EVERY_ZONE = 0x400000000
_ACL = Kind("acl", "ACL", "ACL", "ACL", "acl", 0x80)
_BLANK = re.compile(r"[\s:]")


def methods(cloud: Cloud) -> Iterator[Method]:
    """The methods of users, groups and rules that not all kinds have."""
    calls = _People(cloud)
    yield Method.of("one.user.allocate", "sss|a", calls.allocate_user)
    yield Method.of("one.user.delete", "i", calls.delete_user)
    yield Method.of("one.user.passwd", "is", calls.password)
    yield Method.of("one.user.chauth", "iss", calls.driver)
    yield Method.of("one.user.chgrp", "ii", calls.primary_group)
    yield Method.of("one.user.addgroup", "ii", calls.join)
    yield Method.of("one.user.delgroup", "ii", calls.leave)
    yield Method.of("one.user.enable", "ib", calls.enable)
    yield Method.of("one.user.login", "ssi|i", calls.login)
    yield Method.of("one.group.allocate", "s", calls.allocate_group)
    yield Method.of("one.group.delete", "i", calls.delete_group)
    yield Method.of("one.group.addadmin", "ii", calls.add_admin)
    yield Method.of("one.group.deladmin", "ii", calls.drop_admin)
    for kind in (USER, GROUP):
        yield Method.of(f"one.{kind.word}.quota", "is", calls.limit(kind))
        yield Method.of(f"one.{kind.word}quota.info", "", calls.default_limits(kind))
        yield Method.of(f"one.{kind.word}quota.update", "s", calls.change_defaults(kind))
    yield Method.of("one.acl.info", "", calls.rules)
    yield Method.of("one.acl.addrule", "sss|s", calls.add_rule)
    yield Method.of("one.acl.delrule", "i", calls.drop_rule)


def hashed(secret: str) -> str:
    """How a password is kept."""
    return hashlib.sha256(secret.encode()).hexdigest()


def new_user(world: World, name: str, password: str, driver: str, groups: list[int]) -> Thing:
    """A user; the first group is the primary one."""
    template = Attributes([("TOKEN_PASSWORD", secrets.token_hex(32))])
    more = {
        "groups": sorted(groups), "password": password, "driver": driver, "enabled": 1,
        "tokens": [], "quotas": {}, "used": {},
    }  # fmt: skip
    return world.add(
        USER,
        lambda number: Thing(
            USER.word, number, name, number, groups[0], template=template, more=more
        ),
    )


def new_rule(world: World, rule: Rule) -> Thing:
    """An access rule."""
    return world.add("acl", lambda number: Thing("acl", number, "", more={"rule": list(rule)}))


class _People:
    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._world = cloud.world

    def allocate_user(
        self, caller: int, name: str, secret: str, driver: str, groups: list[int] | None = None
    ) -> int:
        self._cloud.guard.need_kind(caller, USER, CREATE)
        begin = "Error allocating a new user. "
        name = checked_name(name, code=Code.ALLOCATE, begin=begin)
        if _BLANK.search(name):
            raise Failure(Code.ALLOCATE, f"{begin}Invalid NAME, blanks are not allowed")
        check_unique(self._world, USER, name, 0, code=Code.ALLOCATE, begin=begin)
        if not secret or re.search(r"\s", secret):
            raise Failure(Code.ALLOCATE, f"{begin}Invalid password, it has blanks or is empty")
        for group in groups or ():
            self._cloud.guard.need(caller, GROUP, group, MANAGE)
        kept = hashed(secret) if driver in {"", "core"} else secret
        user = new_user(self._world, name, kept, driver or "core", groups or [USERS])
        user.more["groups"] = sorted(set(user.more["groups"]))
        return user.id

    def delete_user(self, caller: int, number: int) -> int:
        user = self._cloud.guard.need(caller, USER, number, ADMIN)
        if number in {ONEADMIN, caller}:
            raise Failure(Code.INTERNAL, "Cannot delete user. oneadmin cannot be deleted.")
        self._world.remove(user)
        return number

    def password(self, caller: int, number: int, secret: str) -> int:
        user = self._cloud.guard.need(caller, USER, number, MANAGE)
        if not secret or re.search(r"\s", secret):
            raise Failure(Code.INTERNAL, "Invalid password, it has blanks or is empty")
        self._world.save(user)
        user.more["password"] = hashed(secret)
        user.more["tokens"] = []
        return number

    def driver(self, caller: int, number: int, driver: str, secret: str) -> int:
        self._cloud.guard.need_kind(caller, USER, ADMIN)
        user = self._world.get(USER, number)
        self._world.save(user)
        user.more["driver"] = driver
        if secret:
            user.more["password"] = hashed(secret) if driver == "core" else secret
        return number

    def primary_group(self, caller: int, number: int, group: int) -> int:
        self._cloud.guard.need(caller, GROUP, group, MANAGE)
        user = self._cloud.guard.need(caller, USER, number, MANAGE)
        self._world.save(user)
        old, user.gid = user.gid, group
        user.more["groups"] = sorted({*user.more["groups"], group} - ({old} - {group}))
        return number

    def join(self, caller: int, number: int, group: int) -> int:
        self._cloud.guard.need(caller, GROUP, group, MANAGE)
        user = self._cloud.guard.need(caller, USER, number, MANAGE)
        if group in user.more["groups"]:
            raise Failure(Code.INTERNAL, "User is already in this group")
        self._world.save(user)
        user.more["groups"] = sorted([*user.more["groups"], group])
        return number

    def leave(self, caller: int, number: int, group: int) -> int:
        self._cloud.guard.need(caller, GROUP, group, MANAGE)
        user = self._cloud.guard.need(caller, USER, number, MANAGE)
        if group == user.gid or group not in user.more["groups"]:
            raise Failure(Code.INTERNAL, "User is not in this group, or it is the primary one")
        self._world.save(user)
        user.more["groups"].remove(group)
        return number

    def enable(self, caller: int, number: int, wished: bool) -> int:
        self._cloud.guard.need_kind(caller, USER, ADMIN)
        user = self._world.get(USER, number)
        if number == ONEADMIN and not wished:
            raise Failure(Code.INTERNAL, "Cannot disable oneadmin")
        self._world.save(user)
        user.more["enabled"] = int(wished)
        return number

    def login(self, caller: int, name: str, token: str, seconds: int, group: int = -1) -> str:
        user = self._world.get(USER, caller)
        if user.name != name:
            raise Failure(
                Code.AUTHORIZATION, f"User [{caller}] : A token is made by the user himself"
            )
        now = int(self._world.now)
        self._world.save(user)
        kept = [one for one in user.more["tokens"] if one[1] == _FOREVER or one[1] > now]
        if seconds == 0:
            user.more["tokens"] = [one for one in kept if token and one[0] != token]
            return ""
        token = token or secrets.token_hex(32)
        ends = _FOREVER if seconds < 0 else now + seconds
        user.more["tokens"] = [*kept, [token, ends, group]]
        return token

    def allocate_group(self, caller: int, name: str) -> int:
        self._cloud.guard.need_kind(caller, GROUP, CREATE)
        begin = "Error allocating a new group. "
        name = checked_name(name, code=Code.ALLOCATE, begin=begin)
        check_unique(self._world, GROUP, name, 0, code=Code.ALLOCATE, begin=begin)
        group = self._world.add(
            GROUP,
            lambda number: Thing(
                GROUP.word, number, name, more={"admins": [], "quotas": {}, "used": {}}
            ),
            GROUP.first,
        )
        vdc = self._world.get(VDC, 0)
        self._world.save(vdc)
        vdc.more["groups"] = sorted([*vdc.more["groups"], group.id])
        whose = 0x200000000 | group.id
        for resource, rights in ((0x2400000000, 2), (0x4400000000, 1), (0x100400000000, 1)):
            new_rule(self._world, Rule(whose, resource, rights, 0x100000000))
        return group.id

    def delete_group(self, caller: int, number: int) -> int:
        group = self._cloud.guard.need(caller, GROUP, number, ADMIN)
        if number in {ONEADMIN, USERS}:
            raise Failure(Code.INTERNAL, "System groups cannot be deleted.")
        if any(number in one.more["groups"] for one in self._world.all(USER)):
            raise Failure(Code.INTERNAL, f"Cannot delete group. Group {number} is not empty.")
        for one in list(self._world.all("acl")):
            if one.more["rule"][0] == 0x200000000 | number:
                self._world.remove(one)
        vdc = self._world.get(VDC, 0)
        self._world.save(vdc)
        vdc.more["groups"] = [one for one in vdc.more["groups"] if one != number]
        self._world.remove(group)
        return number

    def add_admin(self, caller: int, number: int, user: int) -> int:
        group = self._cloud.guard.need(caller, GROUP, number, ADMIN)
        if number not in self._world.get(USER, user).more["groups"]:
            raise Failure(Code.INTERNAL, f"User {user} is not part of Group {number}.")
        self._world.save(group)
        group.more["admins"] = sorted({*group.more["admins"], user})
        return number

    def drop_admin(self, caller: int, number: int, user: int) -> int:
        group = self._cloud.guard.need(caller, GROUP, number, ADMIN)
        if user not in group.more["admins"]:
            raise Failure(Code.INTERNAL, f"User {user} is not an administrator of the group.")
        self._world.save(group)
        group.more["admins"].remove(user)
        return number

    def limit(self, kind: Kind) -> Callable[..., object]:
        def quota(caller: int, number: int, text: str) -> int:
            self._cloud.guard.need_kind(caller, kind, ADMIN)
            holder = self._world.get(kind, number)
            wished = parse(text)
            self._world.save(holder)
            holder.more["quotas"] = quotas.changed(holder.more["quotas"], wished)
            return number

        return quota

    def default_limits(self, kind: Kind) -> Callable[..., object]:
        def info(_: int) -> str:
            return self._cloud.shapes.default_quotas(kind)

        return info

    def change_defaults(self, kind: Kind) -> Callable[..., object]:
        def update(caller: int, text: str) -> str:
            self._cloud.guard.need_kind(caller, kind, ADMIN)
            zone = self._world.get(ZONE, 0)
            wished = parse(text)
            self._world.save(zone)
            key = f"{kind.word}quota"
            zone.more[key] = quotas.changed(zone.more.get(key, {}), wished)
            return self._cloud.shapes.default_quotas(kind)

        return update

    def rules(self, _: int) -> str:
        found = sorted(self._world.all("acl"), key=lambda one: (one.more["rule"][0], one.id))
        return element(
            "ACL_POOL", "".join(shapes.rule(one.id, Rule(*one.more["rule"])) for one in found)
        )

    def add_rule(self, caller: int, user: str, resource: str, rights: str, zone: str = "") -> int:
        self._cloud.guard.need_kind(caller, _ACL, CREATE)
        parts = [user, resource, rights, zone or f"{_EVERY_ZONE:x}"]
        if not all(_HEX.fullmatch(part) for part in parts):
            raise Failure(Code.INTERNAL, "Wrong hexadecimal number in rule")
        rule = Rule(*(int(part, 16) for part in parts))
        kinds = rule.resource >> 36
        if not rule.rights & 0xF or not rule.user >> 32 or kinds & sum(RESOURCES) != kinds:
            raise Failure(Code.INTERNAL, "The rule is malformed")
        if any(Rule(*one.more["rule"]) == rule for one in self._world.all("acl")):
            raise Failure(Code.INTERNAL, f"Rule {rule.text} already exists")
        return new_rule(self._world, rule).id

    def drop_rule(self, caller: int, number: int) -> int:
        self._cloud.guard.need_kind(caller, _ACL, MANAGE)
        found = self._world.find("acl", number)
        if found is None:
            raise Failure(Code.NO_EXISTS, f"Error getting ACL [{number}].", number)
        self._world.remove(found)
        return number
