"""What operators do: zones and their servers, plans of clusters, networks of groups, SQL."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pelagos.box.opennebula import tables
from pelagos.box.opennebula.cloud import Cloud
from pelagos.box.opennebula.daemon import Method
from pelagos.box.opennebula.errors import Code, Failure
from pelagos.box.opennebula.grammar import parse
from pelagos.box.opennebula.guard import check_unique, checked_name
from pelagos.box.opennebula.kinds import CLUSTER, GROUP, HOST, VM, ZONE
from pelagos.box.opennebula.rights import ADMIN, CREATE
from pelagos.box.opennebula.states import RUNNING
from pelagos.box.opennebula.world import Thing

_READY, _DONE = 0, 2  # of a plan
_ENABLED, _DISABLED = 0, 1  # of a zone
_RANGES = re.compile(r"\d{1,4}(-\d{1,4})?(,\d{1,4}(-\d{1,4})?)*", re.ASCII)


def methods(cloud: Cloud) -> Iterator[Method]:
    """The methods that only operators call."""
    calls = _Operators(cloud)
    yield Method.of("one.zone.allocate", "s", calls.allocate_zone)
    yield Method.of("one.zone.delete", "i", calls.delete_zone)
    yield Method.of("one.zone.enable", "ib", calls.enable_zone)
    yield Method.of("one.zone.addserver", "is", calls.add_server)
    yield Method.of("one.zone.delserver", "ii", calls.drop_server)
    yield Method.of("one.zone.resetserver", "ii", calls.reset_server)
    yield Method.of("one.cluster.optimize", "i", calls.optimize)
    yield Method.of("one.cluster.planexecute", "i", calls.execute)
    yield Method.of("one.cluster.plandelete", "i", calls.drop_plan)
    yield Method.of("one.group.vlan", "is", calls.vlan)
    yield Method.of("one.system.sqlquery", "s", calls.query)
    yield Method.of("one.system.sql", "sb", calls.statement)


class _Operators:
    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._world = cloud.world

    # ---- zones

    def allocate_zone(self, caller: int, text: str) -> int:
        self._cloud.guard.need_kind(caller, ZONE, CREATE)
        template = parse(text)
        name = checked_name(template.take("NAME"))
        check_unique(self._world, ZONE, name, caller)
        if not template.get("ENDPOINT"):
            raise Failure(Code.INTERNAL, "No ENDPOINT in template for Zone.")
        more: dict[str, Any] = {"servers": [], "state": _ENABLED}
        made = self._world.add(
            ZONE, lambda number: Thing(ZONE.word, number, name, template=template, more=more),
            ZONE.first,
        )  # fmt: skip
        return made.id

    def delete_zone(self, caller: int, number: int) -> int:
        zone = self._cloud.guard.need(caller, ZONE, number, ADMIN)
        if number == 0:
            raise Failure(Code.INTERNAL, "Cannot delete the zone of this server [0]")
        self._world.remove(zone)
        return number

    def enable_zone(self, caller: int, number: int, wished: bool) -> int:
        zone = self._zone(caller, number)
        zone.more["state"] = _ENABLED if wished else _DISABLED
        return number

    def add_server(self, caller: int, number: int, text: str) -> int:
        zone = self._zone(caller, number)
        wished = parse(text).vectors("SERVER")
        if not wished or not all(one.get("NAME") and one.get("ENDPOINT") for one in wished):
            raise Failure(Code.INTERNAL, "SERVER needs NAME and ENDPOINT")
        servers = zone.more.setdefault("servers", [])
        for one in wished:
            taken = [int(server["ID"]) for server in servers]
            servers.append({**one, "ID": str(max(taken, default=-1) + 1)})
        return number

    def drop_server(self, caller: int, number: int, server: int) -> int:
        zone = self._zone(caller, number)
        found = _server(zone, server)
        zone.more["servers"].remove(found)
        return number

    def reset_server(self, caller: int, number: int, server: int) -> int:
        _server(self._zone(caller, number), server)
        return number

    def _zone(self, caller: int, number: int) -> Thing:
        zone = self._cloud.guard.need(caller, ZONE, number, ADMIN)
        self._world.save(zone)
        return zone

    # ---- plans

    def optimize(self, caller: int, number: int) -> int:
        cluster = self._cluster(caller, number)
        moves = list(self._moves(number))
        cluster.more["plan"] = {
            "ID": number, "STATE": _READY,
            "ACTIONS": [
                {
                    "ID": at, "VM_ID": vm, "STATE": _READY, "OPERATION": "live-migrate",
                    "HOST_ID": host, "DS_ID": -1, "TIMESTAMP": int(self._world.now),
                }
                for at, (vm, host) in enumerate(moves)
            ],
        }  # fmt: skip
        return number

    def execute(self, caller: int, number: int) -> int:
        cluster = self._cluster(caller, number)
        plan = _plan(cluster)
        if plan["STATE"] != _READY:
            raise Failure(Code.ACTION, f"The plan of cluster [{number}] was carried out", number)
        for action in plan["ACTIONS"]:
            vm = self._world.find(VM, action["VM_ID"])
            host = self._world.find(HOST, action["HOST_ID"])
            if vm is not None and host is not None and _runs(vm):
                self._cloud.life.migrate(vm, host, caller, is_live=True)
            action["STATE"] = _DONE
        plan["STATE"] = _DONE
        return number

    def drop_plan(self, caller: int, number: int) -> int:
        cluster = self._cluster(caller, number)
        _plan(cluster)
        del cluster.more["plan"]
        return number

    def _moves(self, number: int) -> Iterator[tuple[int, int]]:
        """Machines and hosts, so that no host has two more than another."""
        loads = {
            host.id: [vm for vm in host.more["vms"] if _runs(self._world.get(VM, vm))]
            for host in self._world.all(HOST)
            if host.more["cluster"] == number
        }
        while loads:
            fullest = max(loads, key=lambda one: (len(loads[one]), -one))
            emptiest = min(loads, key=lambda one: (len(loads[one]), one))
            if len(loads[fullest]) - len(loads[emptiest]) < 2:  # noqa: PLR2004  # a move would not help
                return
            vm = loads[fullest].pop()
            loads[emptiest].insert(0, vm)
            yield vm, emptiest

    def _cluster(self, caller: int, number: int) -> Thing:
        cluster = self._cloud.guard.need(caller, CLUSTER, number, ADMIN)
        self._world.save(cluster)
        return cluster

    # ---- groups and the database

    def vlan(self, caller: int, number: int, text: str) -> int:
        group = self._cloud.guard.need(caller, GROUP, number, ADMIN)
        rules = parse(text).vectors("RULE") if text.strip() else []
        if not all(_RANGES.fullmatch(one.get("ID", "")) for one in rules):
            raise Failure(Code.INTERNAL, "RULE needs an ID that is a VLAN or a range of them")
        self._world.save(group)
        group.more["vlan_rules"] = rules
        return number

    def query(self, caller: int, sql: str) -> str:
        self._check_admin(caller)
        return tables.asked(self._world, self._cloud.shapes, sql)

    def statement(self, caller: int, sql: str, _federated: bool) -> int:
        self._check_admin(caller)
        tables.run(self._world, self._cloud.shapes, sql)
        return 0

    def _check_admin(self, caller: int) -> None:
        if not self._cloud.guard.who(caller).is_admin:
            raise Failure(
                Code.AUTHORIZATION, "SQL operations are restricted to users in the oneadmin group"
            )


def _runs(vm: Thing) -> bool:
    return (vm.more["state"], vm.more["lcm"]) == RUNNING


def _plan(cluster: Thing) -> dict[str, Any]:
    found: dict[str, Any] | None = cluster.more.get("plan")
    if found is None:
        raise Failure(Code.NO_EXISTS, f"Cluster [{cluster.id}] has no plan.", cluster.id)
    return found


def _server(zone: Thing, number: int) -> dict[str, str]:
    for one in zone.more.get("servers", ()):
        if one["ID"] == str(number):
            found: dict[str, str] = one
            return found
    raise Failure(Code.INTERNAL, f"Zone [{zone.id}] has no server {number}")
