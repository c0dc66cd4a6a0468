"""`pelagos subnet …`: the addresses of networks."""

from __future__ import annotations

from typing import Any

from pelagos.cli.argument import FlagArgument, Operand, RepeatableArgument, ValueArgument
from pelagos.cli.cloud.command import (
    CLOUD,
    NAMED,
    CloudCommand,
    Record,
    find_id,
    named,
    not_both,
)
from pelagos.cli.cloud.showing import show_record
from pelagos.cli.cloud.things import NETWORK, SUBNET
from pelagos.cli.failures import UsageError
from pelagos.cli.output import Column
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

_subnet_commands = CommandTree("subnet", "Addresses of networks")

_SUBNET = Operand("id or name of the subnet", complete="cloud:subnet")
_POOL = RepeatableArgument(
    "give out these addresses, from the first to the last", "--pool", metavar="START,END"
)
_DHCP = {
    "dhcp": FlagArgument("tell machines their addresses", "--dhcp"),
    "no_dhcp": FlagArgument("tell machines nothing", "--no-dhcp"),
}
_GATEWAY = {
    "gateway": ValueArgument(
        "address of the router; default: the cloud chooses", "--gateway", metavar="IP"
    ),
    "no_gateway": FlagArgument("without a router", "--no-gateway"),
}


@command(_subnet_commands)
class SubnetList(CloudCommand):
    """List the subnets."""

    shows = True
    lists = True
    keys = ("pelagos.clients.network.types:Subnet",)
    arguments = {
        **CLOUD,
        **NAMED,
        "network": ValueArgument(
            "only those of this network, by id or name", "--network", complete="cloud:network"
        ),
    }

    def main(self) -> None:
        """Print them."""
        found = named(self, SUBNET.listing(self.cloud))
        if self["network"]:
            network = find_id(self.cloud, NETWORK, self["network"])
            found = [one for one in found if one.get("network_id") == network]
        columns = (
            Column("id"),
            Column("name"),
            Column("network_id", "network"),
            Column("cidr"),
            Column("gateway_ip", "gateway"),
            Column("enable_dhcp", "dhcp"),
        )
        self.context.output.show_list(found, columns, empty="there are no such subnets")


@command(_subnet_commands)
class SubnetInfo(CloudCommand):
    """Show a subnet."""

    shows = True
    arguments = CLOUD
    operands = {"subnet": _SUBNET}

    def main(self, subnet: str) -> None:
        """Print it."""
        found = self.find(SUBNET, subnet)
        show_record(self, found, _head(found))


@command(_subnet_commands)
class SubnetCreate(CloudCommand):
    """Give a network addresses."""

    shows = True
    arguments = {
        **CLOUD,
        "name": ValueArgument("its name", "--name"),
        "pool": _POOL,
        **_GATEWAY,
        **_DHCP,
    }
    operands = {
        "network": Operand("id or name of the network", complete="cloud:network"),
        "cidr": Operand("its addresses: 10.0.0.0/24, or fd00::/64"),
    }
    examples = ("pelagos subnet create lan 10.0.0.0/24 --pool 10.0.0.10,10.0.0.99",)

    def main(self, network: str, cidr: str) -> None:
        """Make and print it."""
        import ipaddress

        try:
            version = ipaddress.ip_network(cidr).version
        except ValueError as error:
            raise UsageError(f"{cidr} is no range of addresses: {error}") from error
        made = self.cloud.network.create_subnet(
            find_id(self.cloud, NETWORK, network),
            cidr,
            self["name"],
            _pools(self["pool"]),
            gateway_ip=_gateway(self),
            ipv6=version != 4 or None,  # noqa: PLR2004  # the IP version
            enable_dhcp=_dhcp(self),
        )
        show_record(self, made, _head(made))


@command(_subnet_commands)
class SubnetModify(CloudCommand):
    """Change a subnet; a Synnefo changes the name only."""

    shows = True
    arguments = {
        **CLOUD,
        "name": ValueArgument("its new name", "--name", may_be_empty=True),
        "pool": _POOL,
        **_GATEWAY,
        **_DHCP,
    }
    required = [name for name in arguments if name != "cloud"]
    operands = {"subnet": _SUBNET}

    def main(self, subnet: str) -> None:
        """Change and print it."""
        if self.cloud.dialect == "synnefo" and any(
            self[name] for name in self.arguments if name not in {"cloud", "name"}
        ):
            raise UsageError("a Synnefo changes only the --name of a subnet")
        made = self.cloud.network.update_subnet(
            find_id(self.cloud, SUBNET, subnet),
            self["name"],
            _pools(self["pool"]),
            _gateway(self),
            enable_dhcp=_dhcp(self),
        )
        show_record(self, made, _head(made))


@command(_subnet_commands)
class SubnetDelete(CloudCommand):
    """Delete subnets (OpenStack; a Synnefo's go with their networks)."""

    arguments = CLOUD
    operands = {"subnets": Operand("ids or names of subnets", complete="cloud:subnet")}

    def main(self, *subnets: str) -> None:
        """Delete them."""
        if not subnets:
            raise UsageError("no subnet is named", hint="see: pelagos subnet list")
        found = [self.find(SUBNET, one) for one in subnets]
        for one in found:
            self.cloud.network.delete_subnet(str(one["id"]))
            self.context.say(f"the subnet {one.get('name') or one['id']} is gone")


def _pools(texts: Any) -> list[Any] | None:
    pools = []
    for text in texts:
        start, comma, end = text.partition(",")
        if not (start and comma and end):
            raise UsageError(
                f"--pool: {text!r} is not START,END", hint="for example: 10.0.0.10,10.0.0.99"
            )
        pools.append({"start": start.strip(), "end": end.strip()})
    return pools or None


def _gateway(command: CloudCommand) -> str | None:
    not_both(command, "gateway", "no_gateway")
    return "" if command["no_gateway"] else command["gateway"]


def _dhcp(command: CloudCommand) -> bool | None:
    not_both(command, "dhcp", "no_dhcp")
    return True if command["dhcp"] else False if command["no_dhcp"] else None


def _head(subnet: Record) -> dict[str, Any]:
    pools = subnet.get("allocation_pools") or []
    return {
        "id": subnet.get("id"),
        "name": subnet.get("name"),
        "network": subnet.get("network_id"),
        "cidr": subnet.get("cidr"),
        "gateway": subnet.get("gateway_ip"),
        "gives out": [f"{one.get('start')} to {one.get('end')}" for one in pools],
        "dhcp": subnet.get("enable_dhcp"),
        "name servers": subnet.get("dns_nameservers"),
        "routes": [
            f"{one.get('destination')} by {one.get('nexthop')}"
            for one in subnet.get("host_routes") or []
            if isinstance(one, dict)
        ],
    }
