"""Hosts, clusters, datastores, zones and virtual data centres."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pelagos.box.opennebula import machine
from pelagos.box.opennebula.cloud import Cloud
from pelagos.box.opennebula.daemon import Method
from pelagos.box.opennebula.errors import Code, Failure
from pelagos.box.opennebula.grammar import Attributes, parse
from pelagos.box.opennebula.guard import check_unique, checked_name
from pelagos.box.opennebula.kinds import (
    CLUSTER,
    DATASTORE,
    GROUP,
    HOST,
    IMAGE,
    NETWORK,
    USER,
    VDC,
    Kind,
)
from pelagos.box.opennebula.markup import element
from pelagos.box.opennebula.rights import ADMIN, CREATE, MANAGE, USE
from pelagos.box.opennebula.world import Thing

_ENABLED, _DISABLED, _OFFLINE = 2, 4, 8
_STATUS = {0: _ENABLED, 1: _DISABLED, 2: _OFFLINE}
_KINDS = {"IMAGE_DS": 0, "SYSTEM_DS": 1, "FILE_DS": 2, "BACKUP_DS": 3}
_CPU, _MEMORY = 800, 16 * 1024 * 1024
_TOTAL = 20_480
_EVERYTHING = -10


def methods(cloud: Cloud) -> Iterator[Method]:
    """The methods of the places where machines and images are."""
    calls = _Places(cloud)
    yield Method.of("one.host.allocate", "sssi", calls.allocate_host)
    yield Method.of("one.host.delete", "i", calls.delete_host)
    yield Method.of("one.host.status", "ii", calls.status)
    yield Method.of("one.host.monitoring", "i", calls.monitoring)
    yield Method.of("one.hostpool.monitoring", "|i", calls.all_monitoring)
    yield Method.of("one.cluster.allocate", "s", calls.allocate_cluster)
    yield Method.of("one.cluster.delete", "i", calls.delete_cluster)
    yield Method.of("one.cluster.addhost", "ii", calls.add_host)
    yield Method.of("one.cluster.delhost", "ii", calls.drop_host)
    for word, kind in (("datastore", DATASTORE), ("vnet", NETWORK)):
        yield Method.of(f"one.cluster.add{word}", "ii", calls.link(kind))
        yield Method.of(f"one.cluster.del{word}", "ii", calls.unlink(kind))
    yield Method.of("one.datastore.allocate", "si", calls.allocate_datastore)
    yield Method.of("one.datastore.delete", "i", calls.delete_datastore)
    yield Method.of("one.datastore.enable", "ib", calls.enable_datastore)
    yield Method.of("one.vdc.allocate", "s", calls.allocate_vdc)
    yield Method.of("one.vdc.delete", "i", calls.delete_vdc)
    yield Method.of("one.vdc.addgroup", "ii", calls.add_group)
    yield Method.of("one.vdc.delgroup", "ii", calls.drop_group)
    for word in ("CLUSTER", "HOST", "DATASTORE", "VNET"):
        yield Method.of(f"one.vdc.add{word.lower()}", "iii", calls.give(word))
        yield Method.of(f"one.vdc.del{word.lower()}", "iii", calls.take(word))


def new_host(cloud: Cloud, name: str, drivers: tuple[str, str], cluster: int) -> Thing:
    """A host that is ready."""
    template = Attributes(
        [("ARCH", "x86_64"), ("HOSTNAME", name), ("HYPERVISOR", "dummy"), ("RESERVED_CPU", "")]
    )
    template.pairs += [("RESERVED_MEM", ""), ("TOTALCPU", str(_CPU))]
    more = {
        "state": _ENABLED, "im_mad": drivers[0], "vm_mad": drivers[1], "cluster": cluster,
        "vms": [], "cpu": _CPU, "mem": _MEMORY, "cpu_used": 0, "mem_used": 0,
    }  # fmt: skip
    return cloud.world.add(
        HOST, lambda number: Thing(HOST.word, number, name, template=template, more=more)
    )


class _Places:
    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._world = cloud.world

    def _name(self, kind: Kind, name: str) -> str:
        begin = f"Error allocating a new {kind.label}. "
        name = checked_name(name, code=Code.ALLOCATE, begin=begin)
        check_unique(self._world, kind, name, 0, code=Code.ALLOCATE, begin=begin)
        return name

    def allocate_host(self, caller: int, name: str, im_mad: str, vm_mad: str, cluster: int) -> int:
        self._cloud.guard.need_kind(caller, HOST, CREATE)
        name = self._name(HOST, name)
        place = self._cloud.guard.need(caller, CLUSTER, max(cluster, 0), ADMIN)
        return new_host(self._cloud, name, (im_mad, vm_mad), place.id).id

    def delete_host(self, caller: int, number: int) -> int:
        host = self._cloud.guard.need(caller, HOST, number, ADMIN)
        if host.more["vms"]:
            raise Failure(Code.ACTION, f"Can not remove host [{number}], it has running VMs")
        self._world.remove(host)
        return number

    def status(self, caller: int, number: int, status: int) -> int:
        host = self._cloud.guard.need(caller, HOST, number, ADMIN)
        if status not in _STATUS:
            raise Failure(Code.INTERNAL, f"Wrong status code for host [{number}]")
        self._world.save(host)
        host.more["state"] = _STATUS[status]
        return number

    def monitoring(self, caller: int, number: int) -> str:
        host = self._cloud.guard.need(caller, HOST, number, USE)
        return element("MONITORING_DATA", self._sample(host))

    def all_monitoring(self, caller: int, _seconds: int = -1) -> str:
        found = self._cloud.guard.visible(caller, HOST)
        return element("MONITORING_DATA", "".join(map(self._sample, found)))

    def _sample(self, host: Thing) -> str:
        said = self._cloud.shapes.host_sample(host)
        return element("MONITORING", said) if said else ""

    def allocate_cluster(self, caller: int, name: str) -> int:
        self._cloud.guard.need_kind(caller, CLUSTER, CREATE)
        name = self._name(CLUSTER, name)
        template = Attributes([("RESERVED_CPU", ""), ("RESERVED_MEM", "")])
        made = self._world.add(
            CLUSTER, lambda number: Thing(CLUSTER.word, number, name, template=template),
            CLUSTER.first,
        )  # fmt: skip
        return made.id

    def delete_cluster(self, caller: int, number: int) -> int:
        cluster = self._cloud.guard.need(caller, CLUSTER, number, ADMIN)
        if number == 0:
            raise Failure(Code.INTERNAL, "Cannot delete cluster. Cluster [0] is the default one")
        if any(one.more["cluster"] == number for one in self._world.all(HOST)):
            raise Failure(Code.ACTION, f"Cannot delete cluster. Cluster [{number}] is not empty")
        for kind in (DATASTORE, NETWORK):
            for one in self._world.all(kind):
                if number in one.more["clusters"]:
                    raise Failure(
                        Code.ACTION, f"Cannot delete cluster. Cluster [{number}] is not empty"
                    )
        self._world.remove(cluster)
        return number

    def add_host(self, caller: int, number: int, host_id: int) -> int:
        self._cloud.guard.need(caller, CLUSTER, number, ADMIN)
        host = self._cloud.guard.need(caller, HOST, host_id, ADMIN)
        self._world.save(host)
        host.more["cluster"] = number
        return number

    def drop_host(self, caller: int, number: int, host_id: int) -> int:
        self._cloud.guard.need(caller, CLUSTER, number, ADMIN)
        host = self._cloud.guard.need(caller, HOST, host_id, ADMIN)
        if host.more["cluster"] != number:
            raise Failure(Code.INTERNAL, f"HOST [{host_id}] is not in cluster [{number}]")
        self._world.save(host)
        host.more["cluster"] = 0
        return number

    def link(self, kind: Kind) -> Callable[..., object]:
        def add(caller: int, number: int, thing_id: int) -> int:
            self._cloud.guard.need(caller, CLUSTER, number, ADMIN)
            thing = self._cloud.guard.need(caller, kind, thing_id, ADMIN)
            self._world.save(thing)
            thing.more["clusters"] = sorted({*thing.more["clusters"], number})
            return number

        return add

    def unlink(self, kind: Kind) -> Callable[..., object]:
        def drop(caller: int, number: int, thing_id: int) -> int:
            self._cloud.guard.need(caller, CLUSTER, number, ADMIN)
            thing = self._cloud.guard.need(caller, kind, thing_id, ADMIN)
            if number not in thing.more["clusters"]:
                raise Failure(
                    Code.INTERNAL, f"{kind.right} [{thing_id}] is not in cluster [{number}]"
                )
            self._world.save(thing)
            thing.more["clusters"] = [one for one in thing.more["clusters"] if one != number]
            return number

        return drop

    def allocate_datastore(self, caller: int, text: str, cluster: int) -> int:
        template = machine.without_empty(parse(text).pairs)
        self._cloud.guard.need_kind(caller, DATASTORE, CREATE)
        name = checked_name(template.take("NAME"))
        check_unique(self._world, DATASTORE, name, caller)
        kind = template.get("TYPE", "IMAGE_DS").upper()
        if kind not in _KINDS:
            raise Failure(Code.INTERNAL, "Unknown datastore TYPE")
        if not template.get("TM_MAD"):
            raise Failure(Code.INTERNAL, "No TM_MAD in template.")
        if kind != "SYSTEM_DS" and not template.get("DS_MAD"):
            raise Failure(Code.INTERNAL, "No DS_MAD in template.")
        self._cloud.guard.need(caller, CLUSTER, max(cluster, 0), ADMIN)
        owner = self._world.get(USER, caller)
        more = {
            "type": _KINDS[kind], "state": 0, "total": _TOTAL, "clusters": [max(cluster, 0)],
        }  # fmt: skip
        made = self._world.add(
            DATASTORE,
            lambda number: Thing(
                DATASTORE.word, number, name, caller, owner.gid, "110100000",
                template=template, more=more,
            ),
            DATASTORE.first,
        )  # fmt: skip
        return made.id

    def delete_datastore(self, caller: int, number: int) -> int:
        datastore = self._cloud.guard.need(caller, DATASTORE, number, MANAGE)
        if any(one.more["datastore"] == number for one in self._world.all(IMAGE)):
            raise Failure(Code.ACTION, f"Datastore {number} is not empty.", number)
        self._world.remove(datastore)
        return number

    def enable_datastore(self, caller: int, number: int, wished: bool) -> int:
        datastore = self._cloud.guard.need(caller, DATASTORE, number, MANAGE)
        if datastore.more["type"] != _KINDS["SYSTEM_DS"]:
            raise Failure(Code.INTERNAL, "Only system datastores can be enabled or disabled")
        self._world.save(datastore)
        datastore.more["state"] = int(not wished)
        return number

    def allocate_vdc(self, caller: int, text: str) -> int:
        template = machine.without_empty(parse(text).pairs)
        self._cloud.guard.need_kind(caller, VDC, CREATE)
        name = checked_name(template.take("NAME"))
        check_unique(self._world, VDC, name, caller)
        more: dict[str, object] = {
            key: [] for key in ("groups", "CLUSTER", "HOST", "DATASTORE", "VNET")
        }
        made = self._world.add(
            VDC, lambda number: Thing(VDC.word, number, name, template=template, more=more),
            VDC.first,
        )  # fmt: skip
        return made.id

    def delete_vdc(self, caller: int, number: int) -> int:
        vdc = self._cloud.guard.need(caller, VDC, number, MANAGE)
        if number == 0:
            raise Failure(Code.INTERNAL, "System VDCs cannot be deleted")
        self._world.remove(vdc)
        return number

    def add_group(self, caller: int, number: int, group: int) -> int:
        vdc = self._cloud.guard.need(caller, VDC, number, ADMIN)
        self._world.get(GROUP, group)
        if group in vdc.more["groups"]:
            raise Failure(Code.INTERNAL, f"Group {group} is already in VDC {number}")
        self._world.save(vdc)
        vdc.more["groups"] = sorted([*vdc.more["groups"], group])
        return number

    def drop_group(self, caller: int, number: int, group: int) -> int:
        vdc = self._cloud.guard.need(caller, VDC, number, ADMIN)
        if group not in vdc.more["groups"]:
            raise Failure(Code.INTERNAL, f"Group {group} is not in VDC {number}")
        self._world.save(vdc)
        vdc.more["groups"].remove(group)
        return number

    def give(self, word: str) -> Callable[..., object]:
        kind = {"CLUSTER": CLUSTER, "HOST": HOST, "DATASTORE": DATASTORE, "VNET": NETWORK}[word]

        def give(caller: int, number: int, zone: int, thing: int) -> int:
            vdc = self._cloud.guard.need(caller, VDC, number, ADMIN)
            if thing != _EVERYTHING:
                self._world.get(kind, thing)
            if [zone, thing] in vdc.more[word]:
                raise Failure(Code.INTERNAL, f"{kind.right} {thing} is already in VDC {number}")
            self._world.save(vdc)
            vdc.more[word].append([zone, thing])
            return number

        return give

    def take(self, word: str) -> Callable[..., object]:
        def take(caller: int, number: int, zone: int, thing: int) -> int:
            vdc = self._cloud.guard.need(caller, VDC, number, ADMIN)
            if [zone, thing] not in vdc.more[word]:
                raise Failure(Code.INTERNAL, f"{word} {thing} is not in VDC {number}")
            self._world.save(vdc)
            vdc.more[word].remove([zone, thing])
            return number

        return take
