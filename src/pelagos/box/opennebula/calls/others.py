"""Security groups, documents, network templates, machine groups, and the system itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from pelagos.box.opennebula import machine
from pelagos.box.opennebula.calls.networks import new_network
from pelagos.box.opennebula.cloud import Cloud
from pelagos.box.opennebula.daemon import Method
from pelagos.box.opennebula.errors import Code, Failure
from pelagos.box.opennebula.grammar import Attributes, parse
from pelagos.box.opennebula.guard import check_unique, checked_name
from pelagos.box.opennebula.kinds import (
    DOCUMENT,
    GROUP,
    NETWORK,
    SECGROUP,
    USER,
    VMGROUP,
    VNTEMPLATE,
    Kind,
)
from pelagos.box.opennebula.rights import ADMIN, CREATE, MANAGE, USE
from pelagos.box.opennebula.world import Thing

#: The release whose behaviour this is.
VERSION = "7.5.80"
_RAFT = "<RAFT><SERVER_ID>-1</SERVER_ID><STATE>0</STATE><TERM>0</TERM><VOTEDFOR>-1</VOTEDFOR>"
_RAFT += "<COMMIT>0</COMMIT><LOG_INDEX>-1</LOG_INDEX><LOG_TERM>-1</LOG_TERM>"
_RAFT += "<FEDLOG_INDEX>-1</FEDLOG_INDEX></RAFT>"


def methods(cloud: Cloud) -> Iterator[Method]:
    """What is left."""
    calls = _Others(cloud)
    for kind in (SECGROUP, VNTEMPLATE, VMGROUP):
        yield Method.of(f"one.{kind.word}.allocate", "s", calls.allocate(kind))
    yield Method.of("one.document.allocate", "si", calls.allocate(DOCUMENT))
    for kind in (SECGROUP, VNTEMPLATE, DOCUMENT):
        yield Method.of(f"one.{kind.word}.clone", "is", calls.clone(kind))
    for kind in (SECGROUP, VNTEMPLATE, VMGROUP, DOCUMENT):
        yield Method.of(f"one.{kind.word}.delete", "i", calls.delete(kind))
    yield Method.of("one.secgroup.commit", "ib", calls.commit)
    yield Method.of("one.vntemplate.instantiate", "iss", calls.instantiate)
    yield Method.of("one.vmgroup.roleadd", "is", calls.add_role)
    yield Method.of("one.vmgroup.roledelete", "ii", calls.drop_role)
    yield Method.of("one.vmgroup.roleupdate", "iis", calls.change_role)
    yield Method.of("one.system.version", "", calls.version)
    yield Method.of("one.system.config", "", calls.config)
    yield Method.of("one.zone.raftstatus", "", calls.raft)


def new_thing(
    cloud: Cloud, caller: int, kind: Kind, template: Attributes, more: dict[str, Any]
) -> Thing:
    """A thing that is nothing but a template with a name.

    Raises:
        Failure: the name will not do.
    """
    name = checked_name(template.take("NAME"))
    check_unique(cloud.world, kind, name, caller)
    owner = cloud.world.get(USER, caller)
    kept = {"time": int(cloud.world.now), "vms": [], "roles": [], **more}
    return cloud.world.add(
        kind,
        lambda number: Thing(
            kind.word, number, name, caller, owner.gid, template=template, more=kept
        ),
        kind.first,
    )


class _Others:
    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._world = cloud.world

    def allocate(self, kind: Kind) -> Callable[..., object]:
        def allocate(caller: int, text: str, number: int = 0) -> int:
            template = machine.without_empty(parse(text).pairs)
            self._cloud.guard.need_kind(caller, kind, CREATE)
            more: dict[str, Any] = {"type": number}
            if kind == VMGROUP:
                more["roles"] = [_role(one, at) for at, one in enumerate(template.vectors("ROLE"))]
                template.take("ROLE")
            return new_thing(self._cloud, caller, kind, template, more).id

        return allocate

    def clone(self, kind: Kind) -> Callable[..., object]:
        def clone(caller: int, number: int, name: str) -> int:
            source = self._cloud.guard.need(caller, kind, number, USE)
            self._cloud.guard.need_kind(caller, kind, CREATE)
            template = source.template.copy()
            template.put("NAME", name)
            more = {"type": source.more["type"]} if kind == DOCUMENT else {}
            return new_thing(self._cloud, caller, kind, template, more).id

        return clone

    def delete(self, kind: Kind) -> Callable[..., object]:
        def delete(caller: int, number: int) -> int:
            thing = self._cloud.guard.need(caller, kind, number, MANAGE)
            if kind == SECGROUP and number == 0:
                raise Failure(Code.INTERNAL, "The default security group (0) cannot be deleted.")
            if kind == SECGROUP and thing.more["vms"]:
                raise Failure(Code.ACTION, "The security group has VMs associated to it")
            self._world.remove(thing)
            return number

        return delete

    def commit(self, caller: int, number: int, _recovery: bool) -> int:
        self._cloud.guard.need(caller, SECGROUP, number, MANAGE)
        return number

    def instantiate(self, caller: int, number: int, name: str, extra: str) -> int:
        source = self._cloud.guard.need(caller, VNTEMPLATE, number, USE)
        self._cloud.guard.need_kind(caller, NETWORK, CREATE)
        template = machine.merged(source.template, parse(extra) if extra else Attributes())
        template.put("NAME", name or f"{source.name}-{number}")
        return new_network(self._cloud, caller, template, [0]).id

    def add_role(self, caller: int, number: int, text: str) -> int:
        group = self._cloud.guard.need(caller, VMGROUP, number, MANAGE)
        self._world.save(group)
        for vector in parse(text).vectors("ROLE"):
            taken = [int(one["ID"]) for one in group.more["roles"]]
            group.more["roles"].append(_role(vector, max(taken, default=-1) + 1))
        return number

    def drop_role(self, caller: int, number: int, role: int) -> int:
        group = self._cloud.guard.need(caller, VMGROUP, number, MANAGE)
        found = _found_role(group, role)
        self._world.save(group)
        group.more["roles"].remove(found)
        return number

    def change_role(self, caller: int, number: int, role: int, text: str) -> int:
        group = self._cloud.guard.need(caller, VMGROUP, number, MANAGE)
        found = _found_role(group, role)
        self._world.save(group)
        for vector in parse(text).vectors("ROLE"):
            found.update({key: value for key, value in vector.items() if key != "ID"})
        return number

    def version(self, _: int) -> str:
        return VERSION

    def config(self, caller: int) -> str:
        if not self._cloud.guard.who(caller).is_admin:
            raise Failure(
                Code.AUTHORIZATION,
                "The oned configuration can only be retrieved by users in the oneadmin group",
            )
        inside = Attributes([("API_LIST_ORDER", "DESC"), ("MAX_CONN", "15"), ("PORT", "2633")])
        inside.add("DB", {"BACKEND": "sqlite"})
        return inside.xml("OPENNEBULA_CONFIGURATION")

    def raft(self, caller: int) -> str:
        self._cloud.guard.need_kind(caller, GROUP, ADMIN)
        return _RAFT


def _role(vector: dict[str, str], number: int) -> dict[str, str]:
    return {**vector, "ID": str(number), "NAME": checked_name(vector.get("NAME", ""))}


def _found_role(group: Thing, number: int) -> dict[str, str]:
    for one in group.more["roles"]:
        if one["ID"] == str(number):
            found: dict[str, str] = one
            return found
    raise Failure(Code.INTERNAL, f"Role {number} does not exist")
