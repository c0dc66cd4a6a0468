"""The kinds of things that Neutron has, and what may be done with each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from pelagos.box.errors import Refused
from pelagos.box.neighbours import Neighbours
from pelagos.box.network import attributes
from pelagos.box.network.attributes import Attribute
from pelagos.box.network.network import Network
from pelagos.box.network.neutron.bodies import forbidden
from pelagos.box.network.neutron.shapes import Shapes, Shown
from pelagos.box.network.ports import check_rights
from pelagos.box.network.store import Caller
from pelagos.box.records import Record, Records


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind.

    Attributes:
        name: of one; `plural` of several, also in paths.
        find: one by its id, as far as the caller sees it; else 404.
        every: those that the caller sees.
        add: make one of what is said.
        change: change one by what is said.
        remove: remove one.
        finish: what is only known when it is asked for.
    """

    name: str
    plural: str
    attributes: Mapping[str, Attribute]
    records: Records
    find: Callable[[str, Caller], Record]
    every: Callable[[Caller], Iterable[Record]]
    add: Callable[[Caller, dict[str, Any]], Record]
    change: Callable[[Caller, Record, dict[str, Any]], Record]
    remove: Callable[[Caller, Record], None]
    finish: Callable[[Iterable[Shown]], list[Shown]] = list

    @property
    def key(self) -> str:
        """Under which name several stand in a body."""
        return self.plural.replace("-", "_")


def kinds(network: Network, shapes: Shapes, neighbours: Neighbours) -> tuple[Kind, ...]:
    """All of them."""
    return (
        *_networks(network, shapes),
        *_ports(network, shapes, neighbours),
        *_routed(network, shapes),
        *_security(network, shapes),
    )


def _networks(network: Network, shapes: Shapes) -> tuple[Kind, ...]:
    store = network.store

    def add_subnet(caller: Caller, fields: dict[str, Any]) -> Record:
        home = store.network(fields["network_id"], caller)
        if not caller.owns(home):
            raise forbidden("rule:create_subnet")
        return network.subnets.add(home, fields)

    def subnets(caller: Caller) -> Iterable[Record]:
        shared = {one["id"] for one in store.networks.every() if one["shared"]}
        return (
            one for one in store.subnets.every() if caller.owns(one) or one["network_id"] in shared
        )

    return (
        Kind(
            "network", "networks", attributes.NETWORK, store.networks,
            store.network,
            lambda caller: filter(caller.sees, store.networks.every()),
            lambda _, fields: network.add_network(fields),
            lambda _, one, fields: network.change_network(one, fields),
            lambda _, one: network.remove_network(one),
            shapes.networks,
        ),
        Kind(
            "subnet", "subnets", attributes.SUBNET, store.subnets,
            store.subnet,
            subnets,
            add_subnet,
            lambda _, one, fields: network.subnets.change(one, fields),
            lambda _, one: network.subnets.remove(one),
        ),
    )  # fmt: skip


def _remove_port(network: Network, caller: Caller, one: Record) -> None:
    if not caller.is_admin and str(one["device_owner"]).startswith("compute:"):
        raise forbidden("rule:delete_port")  # since 2025 Nova alone removes those of servers
    network.ports.remove(one)


def _ports(network: Network, shapes: Shapes, neighbours: Neighbours) -> tuple[Kind, ...]:
    store = network.store

    def check(caller: Caller, home: Record, fields: dict[str, Any], *, verb: str) -> None:
        check_rights(caller, home, fields, verb=verb)
        key = fields.get("device_id")
        if not key or caller.is_admin:
            return
        guest = neighbours.servers.guest(key) if neighbours.servers else None
        owner = guest.project_id if guest else (store.routers.get(key) or {}).get("project_id")
        if owner not in {None, caller.project_id}:
            message = (
                f"The following device_id {key} is not owned by your tenant or matches another "
                "tenants router."
            )
            raise Refused(409, message, name="DeviceIDNotOwnedByTenant")

    def ports(caller: Caller) -> Iterable[Record]:
        own = {one["id"] for one in store.networks.every() if caller.owns(one)}
        return (one for one in store.live_ports() if caller.owns(one) or one["network_id"] in own)

    def add(caller: Caller, fields: dict[str, Any]) -> Record:
        home = store.network(fields["network_id"], caller)
        if not (caller.owns(home) or home["shared"]):
            message = f"Network {home['id']} could not be found."
            raise Refused(404, message, name="NetworkNotFound")
        check(caller, home, fields, verb="create")
        return network.ports.add(home, network.guarded(caller, home, fields))

    def change(caller: Caller, one: Record, fields: dict[str, Any]) -> Record:
        home = store.networks.get(one["network_id"]) or {}
        check(caller, home, fields, verb="update")
        network.check_guard(caller, {**one, **fields}, fields.get("security_groups"))
        return network.ports.change(one, fields)

    return (
        Kind(
            "port", "ports", attributes.PORT, store.ports, store.port, ports, add, change,
            partial(_remove_port, network), shapes.ports,
        ),
    )  # fmt: skip


def _routed(network: Network, shapes: Shapes) -> tuple[Kind, ...]:
    store = network.store
    return (
        Kind(
            "router", "routers", attributes.ROUTER, store.routers,
            _finder(store.routers, "Router {} could not be found", "RouterNotFound"),
            lambda caller: filter(caller.owns, store.routers.every()),
            network.routers.add,
            network.routers.change,
            lambda _, one: network.routers.remove(one),
        ),
        Kind(
            "floatingip", "floatingips", attributes.FLOATING_IP, store.floatingips,
            _finder(
                store.floatingips, "Floating IP {} could not be found", "FloatingIPNotFound"
            ),
            lambda caller: filter(caller.owns, store.floatingips.every()),
            network.floating.add,
            network.floating.change,
            lambda _, one: network.floating.remove(one),
            shapes.floating_ips,
        ),
    )  # fmt: skip


def _security(network: Network, shapes: Shapes) -> tuple[Kind, ...]:
    store = network.store

    def groups(caller: Caller) -> Iterable[Record]:
        network.security.default(caller.project_id, caller.user_id)
        return filter(caller.owns, store.groups.every())

    def add_group(caller: Caller, fields: dict[str, Any]) -> Record:
        network.security.default(fields["project_id"], caller.user_id)
        return network.security.add(fields)

    def add_rule(caller: Caller, fields: dict[str, Any]) -> Record:
        group = network.security.group(fields["security_group_id"], caller)
        if fields["remote_group_id"]:
            network.security.group(fields["remote_group_id"], caller)
        return network.security.add_rule(group, fields)

    return (
        Kind(
            "security_group", "security-groups", attributes.SECURITY_GROUP, store.groups,
            network.security.group, groups, add_group,
            lambda _, one, fields: network.security.change(one, fields),
            network.security.remove, shapes.groups,
        ),
        Kind(
            "security_group_rule", "security-group-rules", attributes.SECURITY_GROUP_RULE,
            store.rules,
            _finder(
                store.rules, "Security group rule {} does not exist", "SecurityGroupRuleNotFound"
            ),
            lambda caller: filter(caller.owns, store.rules.every()),
            add_rule,
            lambda _caller, one, fields: store.change(store.rules, one, **fields),
            lambda _, one: network.security.remove_rule(one),
        ),
    )  # fmt: skip


def _finder(records: Records, message: str, name: str) -> Callable[[str, Caller], Record]:
    def find(key: str, caller: Caller) -> Record:
        found = records.get(key)
        if found is None or not caller.owns(found):
            raise Refused(404, message.format(key), name=name)
        return found

    return find
