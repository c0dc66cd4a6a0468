"""`pelagos router …`: what joins subnets to each other and to the outside. OpenStack's."""

from __future__ import annotations

from typing import Any

from pelagos.cli.argument import FlagArgument, Operand, ValueArgument
from pelagos.cli.cloud.command import (
    CLOUD,
    NAMED,
    CloudCommand,
    Record,
    find_id,
    named,
    not_both,
)
from pelagos.cli.cloud.ports import fixed_addresses
from pelagos.cli.cloud.showing import show_record
from pelagos.cli.cloud.things import NETWORK, ROUTER, SUBNET
from pelagos.cli.failures import CommandError, UsageError
from pelagos.cli.output import Column
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

_router_commands = CommandTree("router", "What joins subnets to the outside")

_ROUTER = Operand("id or name of the router", complete="cloud:router")
_SUBNET = Operand("id or name of the subnet", complete="cloud:subnet")
_EMPTY = "there are no such routers; make one: pelagos router create NAME --gateway NETWORK"


@command(_router_commands)
class RouterList(CloudCommand):
    """List the routers of your project."""

    shows = True
    lists = True
    keys = ("pelagos.clients.network.types:Router",)
    arguments = {**CLOUD, **NAMED}

    def main(self) -> None:
        """Print them."""
        columns = (
            Column("id"),
            Column("name"),
            Column("status"),
            Column("admin_state_up", "up"),
            Column("external_gateway_info.network_id", "gateway"),
        )
        found = named(self, ROUTER.listing(self.cloud))
        self.context.output.show_list(found, columns, empty=_EMPTY)


@command(_router_commands)
class RouterInfo(CloudCommand):
    """Show a router, and which subnets it joins."""

    shows = True
    arguments = CLOUD
    operands = {"router": _ROUTER}

    def main(self, router: str) -> None:
        """Print it."""
        found = self.find(ROUTER, router)
        show_record(self, found, {**_head(found), "joins": self._joined(found)})

    def _joined(self, router: Record) -> list[str]:
        ports = self.cloud.network.list_ports(device_id=str(router["id"]))
        return [
            f"{address} ({port.get('network_id')})"
            for port in ports
            if "router_interface" in str(port.get("device_owner"))
            for address in fixed_addresses(port)
        ]


@command(_router_commands)
class RouterCreate(CloudCommand):
    """Make a router; with --gateway, networks that it joins reach the outside."""

    shows = True
    arguments = {
        **CLOUD,
        "gateway": ValueArgument(
            "the external network, by id or name", "--gateway", metavar="NETWORK"
        ),
    }
    operands = {"name": Operand("name of the new router")}
    examples = ("pelagos router create edge --gateway public",)

    def main(self, name: str) -> None:
        """Make and print it."""
        gateway = self["gateway"] and find_id(self.cloud, NETWORK, self["gateway"])
        made = self.cloud.network.create_router(name, gateway or None)
        show_record(self, made, _head(made))


@command(_router_commands)
class RouterModify(CloudCommand):
    """Change a router."""

    shows = True
    arguments = {
        **CLOUD,
        "name": ValueArgument("its new name", "--name", may_be_empty=True),
        "gateway": ValueArgument(
            "the external network, by id or name", "--gateway", metavar="NETWORK"
        ),
        "no_gateway": FlagArgument("without a way to the outside", "--no-gateway"),
    }
    required = ["name", "gateway", "no_gateway"]
    operands = {"router": _ROUTER}

    def main(self, router: str) -> None:
        """Change and print it."""
        not_both(self, "gateway", "no_gateway")
        which = self.find_id(ROUTER, router)
        gateway = self["gateway"] and find_id(self.cloud, NETWORK, self["gateway"])
        made = self.cloud.network.update_router(
            which, self["name"], "" if self["no_gateway"] else gateway or None
        )
        show_record(self, made, _head(made))


@command(_router_commands)
class RouterDelete(CloudCommand):
    """Delete routers; one that joins a subnet stays."""

    arguments = CLOUD
    operands = {"routers": Operand("ids or names of routers", complete="cloud:router")}

    def main(self, *routers: str) -> None:
        """Delete them."""
        from pelagos.clients.errors import Conflict

        if not routers:
            raise UsageError("no router is named", hint="see: pelagos router list")
        for one in [self.find(ROUTER, one) for one in routers]:
            which = str(one["id"])
            try:
                self.cloud.network.delete_router(which)
            except Conflict as error:
                raise CommandError(
                    f"{_label(one)} joins subnets",
                    hint=f"see them: pelagos router info {which}; "
                    f"then: pelagos router disconnect {which} SUBNET",
                ) from error
            self.context.say(f"{_label(one)} is gone")


@command(_router_commands)
class RouterConnect(CloudCommand):
    """Let a router join a subnet, at the address of its gateway."""

    arguments = CLOUD
    operands = {"router": _ROUTER, "subnet": _SUBNET}
    examples = ("pelagos router connect edge lan-subnet",)

    def main(self, router: str, subnet: str) -> None:
        """Join it."""
        found, goal = self.find(ROUTER, router), self.find(SUBNET, subnet)
        self.cloud.network.add_router_interface(str(found["id"]), str(goal["id"]))
        self.context.say(f"{_label(found)} joins {goal.get('cidr')}")


@command(_router_commands)
class RouterDisconnect(CloudCommand):
    """Let a router leave a subnet; one to which floating addresses lead stays."""

    arguments = CLOUD
    operands = {"router": _ROUTER, "subnet": _SUBNET}

    def main(self, router: str, subnet: str) -> None:
        """Take it off."""
        found, goal = self.find(ROUTER, router), self.find(SUBNET, subnet)
        self.cloud.network.remove_router_interface(str(found["id"]), str(goal["id"]))
        self.context.say(f"{_label(found)} has left {goal.get('cidr')}")


def _label(router: Record) -> str:
    return f"the router {router.get('name') or router['id']}"


def _head(router: Record) -> dict[str, Any]:
    gateway = router.get("external_gateway_info") or {}
    return {
        "id": router.get("id"),
        "name": router.get("name"),
        "description": router.get("description"),
        "status": router.get("status"),
        "up": router.get("admin_state_up"),
        "gateway": gateway.get("network_id"),
        "address": fixed_addresses({"fixed_ips": gateway.get("external_fixed_ips")}),
        "lets out": gateway.get("enable_snat"),
        "routes": [
            f"{one.get('destination')} by {one.get('nexthop')}"
            for one in router.get("routes") or []
            if isinstance(one, dict)
        ],
        "project": router.get("project_id") or router.get("tenant_id"),
    }
