"""Networks: address ranges, leases, reservations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pelagos.box.opennebula import addresses, machine
from pelagos.box.opennebula.cloud import Cloud
from pelagos.box.opennebula.daemon import Method
from pelagos.box.opennebula.errors import Code, Failure
from pelagos.box.opennebula.grammar import Attributes, parse
from pelagos.box.opennebula.guard import check_unique, checked_name
from pelagos.box.opennebula.kinds import CLUSTER, NETWORK, USER
from pelagos.box.opennebula.rights import ADMIN, CREATE, MANAGE, USE
from pelagos.box.opennebula.world import Thing

_HELD = ("HOLD", -1)
_RECOVERIES = range(4)
_DELETE = 2


def methods(cloud: Cloud) -> Iterator[Method]:
    """The methods of networks that not all kinds have."""
    calls = _Networks(cloud)
    yield Method.of("one.vn.allocate", "si", calls.allocate)
    yield Method.of("one.vn.delete", "i", calls.delete)
    yield Method.of("one.vn.add_ar", "is", calls.add_range)
    yield Method.of("one.vn.update_ar", "is", calls.change_range)
    yield Method.of("one.vn.rm_ar", "ii|b", calls.drop_range)
    yield Method.of("one.vn.hold", "is", calls.hold)
    yield Method.of("one.vn.release", "is", calls.release)
    yield Method.of("one.vn.recover", "ii", calls.recover)
    yield Method.of("one.vn.free_ar", "ii", calls.free_range)
    yield Method.of("one.vn.reserve", "is", calls.reserve)


def new_network(cloud: Cloud, caller: int, template: Attributes, clusters: list[int]) -> Thing:
    """A network with the ranges of its template.

    Raises:
        Failure: the template or the name will not do.
    """
    name = checked_name(template.take("NAME"))
    check_unique(cloud.world, NETWORK, name, caller)
    if not template.get("VN_MAD"):
        raise Failure(Code.INTERNAL, "No VN_MAD in template for Virtual Network.")
    ranges = [addresses.made(one, at) for at, one in enumerate(template.vectors("AR"))]
    template.take("AR")
    if not template.has("SECURITY_GROUPS"):
        template.add("SECURITY_GROUPS", "0")
    owner = cloud.world.get(USER, caller)
    return cloud.world.add(
        NETWORK,
        lambda number: Thing(
            NETWORK.word, number, name, caller, owner.gid, template=template,
            more={"ars": ranges, "clusters": clusters, "next_ar": len(ranges)},
        ),
    )  # fmt: skip


class _Networks:
    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._world = cloud.world

    def allocate(self, caller: int, text: str, cluster: int) -> int:
        template = machine.without_empty(parse(text).pairs)
        self._cloud.guard.need_kind(caller, NETWORK, CREATE)
        if cluster >= 0:
            self._cloud.guard.need(caller, CLUSTER, cluster, ADMIN)
        return new_network(self._cloud, caller, template, [max(cluster, 0)]).id

    def delete(self, caller: int, number: int) -> int:
        network = self._cloud.guard.need(caller, NETWORK, number, MANAGE)
        if addresses.used(network.more["ars"]):
            raise Failure(
                Code.ACTION, f"Can not remove a virtual network with leases in use [{number}]",
                number,
            )  # fmt: skip
        parent = self._world.find(NETWORK, network.more.get("parent", -1))
        if parent is not None:
            addresses.release(parent.more["ars"], ("NET", number))
            self._world.save(parent)
        self._world.remove(network)
        return number

    def add_range(self, caller: int, number: int, text: str) -> int:
        network = self._cloud.guard.need(caller, NETWORK, number, ADMIN)
        self._world.save(network)
        for vector in parse(text).vectors("AR"):
            network.more["ars"].append(addresses.made(vector, network.more["next_ar"]))
            network.more["next_ar"] += 1
        return number

    def change_range(self, caller: int, number: int, text: str) -> int:
        network = self._cloud.guard.need(caller, NETWORK, number, ADMIN)
        self._world.save(network)
        for vector in parse(text).vectors("AR"):
            one = self._range(network, vector.get("AR_ID", ""))
            size = vector.get("SIZE", str(one["SIZE"]))
            highest = max(map(int, one["leases"]), default=-1)
            if not size.isdigit() or int(size) <= highest:
                raise Failure(Code.INTERNAL, "New size is too small for the leases in use")
            one |= {key: value for key, value in vector.items() if key not in {"AR_ID", "TYPE"}}
        return number

    def drop_range(self, caller: int, number: int, range_id: int, force: bool = False) -> int:
        network = self._cloud.guard.need(caller, NETWORK, number, ADMIN)
        one = self._range(network, str(range_id))
        if one["leases"] and not force:
            raise Failure(Code.INTERNAL, "Address Range has leases in use")
        self._world.save(network)
        network.more["ars"].remove(one)
        return number

    def free_range(self, caller: int, number: int, range_id: int) -> int:
        network = self._cloud.guard.need(caller, NETWORK, number, MANAGE)
        one = self._range(network, str(range_id))
        parent = self._world.find(NETWORK, network.more.get("parent", -1))
        if parent is None or "PARENT_NETWORK_AR_ID" not in one:
            raise Failure(Code.INTERNAL, f"Address Range {range_id} is not reserved")
        if one["leases"]:
            raise Failure(Code.INTERNAL, "Address Range has leases in use")
        addresses.release(parent.more["ars"], ("NET", number))
        self._world.save(parent)
        self._world.save(network)
        network.more["ars"].remove(one)
        return number

    def recover(self, caller: int, number: int, operation: int) -> int:
        if operation == _DELETE:
            return self.delete(caller, number)
        self._cloud.guard.need(caller, NETWORK, number, ADMIN)
        if operation not in _RECOVERIES:
            raise Failure(Code.ACTION, "Wrong recovery operation code")
        raise Failure(Code.ACTION, f"Virtual network [{number}] is in state READY", number)

    def hold(self, caller: int, number: int, text: str) -> int:
        network = self._cloud.guard.need(caller, NETWORK, number, MANAGE)
        self._world.save(network)
        for lease in _leases(text):
            addresses.take(network.more["ars"], _HELD, lease)
        return number

    def release(self, caller: int, number: int, text: str) -> int:
        network = self._cloud.guard.need(caller, NETWORK, number, MANAGE)
        self._world.save(network)
        for lease in _leases(text):
            if not addresses.release(network.more["ars"], _HELD, lease):
                raise Failure(Code.INTERNAL, f"IP {lease} is not on hold")
        return number

    def reserve(self, caller: int, number: int, text: str) -> int:
        network = self._cloud.guard.need(caller, NETWORK, number, USE)
        wished = parse(text)
        size = wished.get("SIZE")
        if not size.isdigit() or not int(size):
            raise Failure(Code.INTERNAL, "Reservation SIZE must be greater than 0")
        template = network.template.copy()
        template.put("NAME", wished.get("NAME"))
        self._world.save(network)
        made = new_network(self._cloud, caller, template, list(network.more["clusters"]))
        made.more["parent"] = number
        held = [addresses.take(network.more["ars"], ("NET", made.id)) for _ in range(int(size))]
        first = held[0]
        vector: dict[str, Any] = {key: first[key] for key in ("IP", "MAC") if key in first}
        kind = self._range(network, first["AR_ID"])["TYPE"]
        vector |= {"TYPE": kind, "SIZE": size}
        vector["PARENT_NETWORK_AR_ID"] = first["AR_ID"]
        made.more["ars"] = [addresses.made(vector, 0)]
        made.more["next_ar"] = 1
        return made.id

    def _range(self, network: Thing, number: str) -> addresses.Range:
        for one in network.more["ars"]:
            if one["AR_ID"] == number:
                found: addresses.Range = one
                return found
        raise Failure(Code.INTERNAL, f"Address Range {number} does not exist")


def _leases(text: str) -> Iterator[str]:
    found = parse(text).vectors("LEASES")
    if not found or not all(one.get("IP") for one in found):
        raise Failure(Code.INTERNAL, "The template has no LEASES with an IP")
    return (one["IP"] for one in found)
