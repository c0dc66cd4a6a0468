"""`pelagos network …`: the networks of a cloud."""

from __future__ import annotations

from typing import Any

from pelagos.cli.argument import FlagArgument, Operand, ValueArgument
from pelagos.cli.cloud.command import CLOUD, NAMED, CloudCommand, Record, like, named
from pelagos.cli.cloud.showing import show_record
from pelagos.cli.cloud.things import NETWORK, SUBNET
from pelagos.cli.failures import CommandError, UsageError
from pelagos.cli.output import Column
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

_network_commands = CommandTree("network", "Networks of a cloud")

WHICH = Operand("id or name of the network", complete="cloud:network")
_TYPES = ("MAC_FILTERED", "CUSTOM", "IP_LESS_ROUTED", "PHYSICAL_VLAN")


@command(_network_commands)
class NetworkList(CloudCommand):
    """List the networks that you can use."""

    shows = True
    lists = True
    keys = ("pelagos.clients.network.types:Network",)
    arguments = {
        **CLOUD,
        **NAMED,
        "status": ValueArgument("only those in this status", "--status"),
        "external": FlagArgument("only those that floating addresses are of", "--external"),
        "owner": ValueArgument("only those of this project or user, by id", "--owner"),
    }

    def main(self) -> None:
        """Print them."""
        found = named(self, NETWORK.listing(self.cloud))
        if self["status"]:
            found = like(found, "status", self["status"])
        if self["external"]:
            found = [one for one in found if is_external(one)]
        if self["owner"]:
            found = [one for one in found if self["owner"] in owners(one)]
        columns = [
            Column("id"),
            Column("name"),
            Column("status"),
            Column("subnets", show=lambda ids: str(len(ids or ()))),
            Column("shared" if self.cloud.dialect != "synnefo" else "public"),
        ]
        if self.cloud.dialect == "synnefo":
            columns.append(Column("type"))
        else:
            columns.append(Column("router:external", "external"))
        self.context.output.show_list(found, columns, empty="there are no such networks")


@command(_network_commands)
class NetworkInfo(CloudCommand):
    """Show a network and its subnets."""

    shows = True
    arguments = CLOUD
    operands = {"network": WHICH}

    def main(self, network: str) -> None:
        """Print it."""
        found = self.find(NETWORK, network)
        show_record(self, found, self._head(found))

    def _head(self, network: Record) -> dict[str, Any]:
        of_it = [
            f"{one.get('cidr')} ({one.get('name') or one.get('id')})"
            for one in SUBNET.listing(self.cloud)
            if one.get("network_id") == network.get("id")
        ]
        return {**network_head(network), "subnets": of_it}


@command(_network_commands)
class NetworkCreate(CloudCommand):
    """Make a network, and with --cidr a subnet of it.

    When the subnet cannot be made, the network is removed again.
    """

    shows = True
    arguments = {
        **CLOUD,
        "cidr": ValueArgument("with a subnet of these addresses", "--cidr", metavar="10.0.0.0/24"),
        "shared": FlagArgument("for all projects to use", "--shared"),
        "type": ValueArgument(
            "CUSTOM, MAC_FILTERED (the default), IP_LESS_ROUTED or PHYSICAL_VLAN; of a Synnefo",
            "--type",
            choices=_TYPES,
        ),
        "project": ValueArgument(
            "id of the project that it is charged to", "--project", complete="cloud:project-id"
        ),
    }
    operands = {"name": Operand("name of the new network")}
    examples = ("pelagos network create lan --cidr 10.0.0.0/24",)

    def main(self, name: str) -> None:
        """Make and print it."""
        made = self._made(name)
        head = network_head(made)
        if self["cidr"]:
            head["subnets"] = [self._subnet(made).get("cidr")]
            made = NETWORK.record(self.cloud, str(made["id"]))
        show_record(self, made, head)

    def _made(self, name: str) -> Record:
        network: Any = self.cloud.network
        shared = True if self["shared"] else None
        if self.cloud.dialect == "synnefo":
            kind = self["type"] or _TYPES[0]
            return network.create_network(kind, name, shared, self["project"])  # type: ignore[no-any-return]  # typed there
        for option in ("type", "project"):
            if self[option]:
                raise UsageError(f"--{option}: an OpenStack's networks have no such thing")
        return network.create_network(name, shared=shared)  # type: ignore[no-any-return]  # typed there

    def _subnet(self, network: Record) -> Record:
        try:
            return self.cloud.network.create_subnet(str(network["id"]), self["cidr"])
        except BaseException:
            self.cloud.network.delete_network(str(network["id"]))
            self.context.say(f"the network {network.get('name')} was removed again")
            raise


@command(_network_commands)
class NetworkModify(CloudCommand):
    """Change a network."""

    shows = True
    arguments = {
        **CLOUD,
        "name": ValueArgument("its new name", "--name", may_be_empty=True),
        "project": ValueArgument(
            "charge it to this project, by id (Synnefo)", "--project", complete="cloud:project-id"
        ),
    }
    required = ["name", "project"]
    operands = {"network": WHICH}

    def main(self, network: str) -> None:
        """Change and print it."""
        if self["project"] and self.cloud.dialect != "synnefo":
            raise UsageError("--project: an OpenStack's networks stay with their project")
        which, client = self.find_id(NETWORK, network), self.cloud.network
        if self["name"] is not None:
            client.update_network(which, self["name"])
        if self["project"]:
            synnefo: Any = client
            synnefo.reassign_network(which, self["project"])
        found = NETWORK.record(self.cloud, which)
        show_record(self, found, network_head(found))


@command(_network_commands)
class NetworkDelete(CloudCommand):
    """Delete networks, with their subnets; one to which something is joined stays."""

    arguments = CLOUD
    operands = {"networks": Operand("ids or names of networks", complete="cloud:network")}

    def main(self, *networks: str) -> None:
        """Delete them."""
        from pelagos.clients.errors import Conflict

        if not networks:
            raise UsageError("no network is named", hint="see: pelagos network list")
        found = [self.find(NETWORK, one) for one in networks]
        for one in found:
            name = one.get("name") or one["id"]
            try:
                self.cloud.network.delete_network(str(one["id"]))
            except Conflict as error:
                hint = f"see what is joined to it: pelagos port list --network {one['id']}"
                raise CommandError(f"the network {name} is in use", hint=hint) from error
            self.context.say(f"the network {name} is gone")


def network_head(network: Record) -> dict[str, Any]:
    """What a person reads of a network."""
    return {
        "id": network.get("id"),
        "name": network.get("name"),
        "status": network.get("status"),
        "type": network.get("type"),
        "external": is_external(network),
        "shared": bool(network.get("shared") or network.get("public")),
        "up": network.get("admin_state_up"),
        "subnets": network.get("subnets"),
        "mtu": network.get("mtu"),
        "project": network.get("project_id") or network.get("tenant_id"),
    }


def is_external(network: Record) -> bool:
    """Whether floating addresses are of this network."""
    return bool(network.get("router:external") or network.get("SNF:floating_ip_pool"))


def owners(thing: Record) -> set[str]:
    """To whom a thing of the network service belongs: ids of project and user."""
    return {str(thing[key]) for key in ("project_id", "tenant_id", "user_id") if thing.get(key)}
