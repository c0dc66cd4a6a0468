"""What can be done to things of every kind: info, list, update, rename, permissions, locks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pelagos.box.opennebula.cloud import Cloud
from pelagos.box.opennebula.daemon import Method
from pelagos.box.opennebula.errors import Code, Failure
from pelagos.box.opennebula.grammar import Attributes, parse
from pelagos.box.opennebula.guard import check_unique, checked_name, paged
from pelagos.box.opennebula.kinds import (
    BACKUPJOB,
    DOCUMENT,
    GROUP,
    HOOK,
    IMAGE,
    KINDS,
    MARKETAPP,
    NETWORK,
    TEMPLATE,
    USER,
    VM,
    VMGROUP,
    VNTEMPLATE,
    VROUTER,
    Kind,
)
from pelagos.box.opennebula.rights import ADMIN, MANAGE, USE

_LOCKED = (
    VM, IMAGE, NETWORK, TEMPLATE, DOCUMENT, VNTEMPLATE, VMGROUP, VROUTER, MARKETAPP, HOOK,
    BACKUPJOB,
)  # fmt: skip
_NOT_RENAMED = (USER, GROUP)
_LEVELS = range(1, 5)
_BITS = 9
_LEAVE = -1


def methods(cloud: Cloud) -> Iterator[Method]:
    """The methods that all kinds have, or all of some."""
    for kind in KINDS:
        word = kind.word
        if kind != VM:
            yield Method.of(f"one.{word}.info", _info_types(kind), _info(cloud, kind))
            yield _listed(cloud, kind)
        yield Method.of(f"one.{word}.update", "is|i", _update(cloud, kind))
        if kind not in _NOT_RENAMED:
            yield Method.of(f"one.{word}.rename", "is", _rename(cloud, kind))
        if kind.is_owned:
            more = "|b" if kind == TEMPLATE else ""
            yield Method.of(f"one.{word}.chmod", "i" * (_BITS + 1) + more, _chmod(cloud, kind))
            yield Method.of(f"one.{word}.chown", "iii", _chown(cloud, kind))
        if kind in _LOCKED:
            yield Method.of(f"one.{word}.lock", "ii|b", _lock(cloud, kind))
            yield Method.of(f"one.{word}.unlock", "i", _unlock(cloud, kind))


def _info_types(kind: Kind) -> str:
    if kind == BACKUPJOB:
        return "i"
    return "i|bb" if kind == TEMPLATE else "i|b"


def _info(cloud: Cloud, kind: Kind) -> Callable[..., object]:
    def info(caller: int, number: int, *_: bool) -> str:
        if number == -1 and kind in {USER, GROUP}:
            number = caller if kind == USER else cloud.world.get(USER, caller).gid
        thing = cloud.guard.need(caller, kind, number, USE, ignores_lock=True)
        return cloud.shapes.one(kind, thing)

    return info


def _listed(cloud: Cloud, kind: Kind) -> Method:
    def everything(caller: int) -> str:
        return cloud.shapes.listed(kind, cloud.guard.visible(caller, kind))

    def page(caller: int, flag: int, start: int, end: int, *of_type: int) -> str:
        found = cloud.guard.visible(caller, kind, flag)
        if of_type:
            found = [one for one in found if one.more["type"] == of_type[0]]
        return cloud.shapes.listed(kind, paged(found, start, end))

    if not kind.is_paged:
        return Method.of(f"one.{kind.pool}.info", "", everything)
    return Method.of(f"one.{kind.pool}.info", "iiii" if kind == DOCUMENT else "iii", page)


def _update(cloud: Cloud, kind: Kind) -> Callable[..., object]:
    def update(caller: int, number: int, text: str, append: int = 0) -> int:
        thing = cloud.guard.need(caller, kind, number, MANAGE)
        if append not in {0, 1}:
            raise Failure(Code.RPC_API, "Wrong update type")
        newer = parse(text)
        newer.take("NAME")
        cloud.world.save(thing)
        kept: Attributes = thing.more["user"] if kind == VM else thing.template
        if append:
            kept.merge(newer)
        else:
            kept.pairs = [pair for pair in newer.pairs if pair[1] != {}]
        return number

    return update


def _rename(cloud: Cloud, kind: Kind) -> Callable[..., object]:
    def rename(caller: int, number: int, name: str) -> int:
        thing = cloud.guard.need(caller, kind, number, MANAGE)
        name = checked_name(name)
        if name != thing.name:
            check_unique(cloud.world, kind, name, thing.uid)
        cloud.world.save(thing)
        thing.name = name
        return number

    return rename


def _chmod(cloud: Cloud, kind: Kind) -> Callable[..., object]:
    def chmod(caller: int, number: int, *bits: int) -> int:
        wished = bits[:_BITS]
        admin = any(bit != _LEAVE for bit in wished[2::3])
        thing = cloud.guard.need(caller, kind, number, ADMIN if admin else MANAGE)
        if any(bit not in {_LEAVE, 0, 1} for bit in wished):
            raise Failure(Code.INTERNAL, "New permissions must be -1, 0 or 1")
        cloud.world.save(thing)
        thing.mode = "".join(
            old if new == _LEAVE else str(new) for old, new in zip(thing.mode, wished, strict=True)
        )
        return number

    return chmod


def _chown(cloud: Cloud, kind: Kind) -> Callable[..., object]:
    def chown(caller: int, number: int, uid: int, gid: int) -> int:
        right = ADMIN if uid != _LEAVE else MANAGE
        thing = cloud.guard.need(caller, kind, number, right)
        if uid != _LEAVE:
            cloud.world.get(USER, uid)
            if uid != thing.uid:
                check_unique(cloud.world, kind, thing.name, uid)
        if gid != _LEAVE:
            cloud.guard.need(caller, GROUP, gid, USE)
        cloud.world.save(thing)
        thing.uid = thing.uid if uid == _LEAVE else uid
        thing.gid = thing.gid if gid == _LEAVE else gid
        return number

    return chown


def _lock(cloud: Cloud, kind: Kind) -> Callable[..., object]:
    def lock(caller: int, number: int, level: int, test: bool = False) -> int:
        thing = cloud.guard.need(caller, kind, number, MANAGE, ignores_lock=True)
        if level not in _LEVELS:
            raise Failure(Code.RPC_API, "Wrong lock level specified")
        if thing.lock and test:
            raise Failure(Code.ACTION, str(thing.lock[2]))
        if thing.lock and thing.lock[1] != caller and not cloud.guard.who(caller).is_admin:
            raise Failure(
                Code.AUTHORIZATION, f"User [{caller}] : {kind.right} is locked. [{number}]."
            )
        cloud.world.save(thing)
        thing.lock = (1 if level == _LEVELS[-1] else level, caller, int(cloud.world.now))
        return number

    return lock


def _unlock(cloud: Cloud, kind: Kind) -> Callable[..., object]:
    def unlock(caller: int, number: int) -> int:
        thing = cloud.guard.need(caller, kind, number, MANAGE, ignores_lock=True)
        if thing.lock and thing.lock[1] != caller and not cloud.guard.who(caller).is_admin:
            raise Failure(
                Code.AUTHORIZATION, f"User [{caller}] : {kind.right} is locked. [{number}]."
            )
        cloud.world.save(thing)
        thing.lock = None
        return number

    return unlock
