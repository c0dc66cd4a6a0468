"""`pelagos port …`: where servers join networks."""

from __future__ import annotations

from typing import Any

from pelagos.cli.argument import Operand, RepeatableArgument, ValueArgument
from pelagos.cli.cloud.command import CLOUD, NAMED, CloudCommand, find_id, like, named
from pelagos.cli.cloud.ports import (
    fixed_addresses,
    port_columns,
    port_label,
    wait_port_gone,
    watch_port,
)
from pelagos.cli.cloud.servers import join, leave
from pelagos.cli.cloud.showing import show_record, with_keys
from pelagos.cli.cloud.things import NETWORK, PORT, SECURITY_GROUP, SERVER
from pelagos.cli.cloud.waiting import TIMEOUT, WAIT
from pelagos.cli.failures import UsageError
from pelagos.cli.output import Column
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

_port_commands = CommandTree("port", "Where servers join networks")

_PORT = Operand("id or name of the port", complete="cloud:port")
_GROUPS = RepeatableArgument(
    "a security group of it, by id or name", "-g", "--security-group", metavar="GROUP"
)


@command(_port_commands)
class PortList(CloudCommand):
    """List the ports of your project."""

    shows = True
    lists = True
    keys = ("pelagos.clients.network.types:Port",)
    arguments = {
        **CLOUD,
        **NAMED,
        "network": ValueArgument(
            "only those of this network, by id or name", "--network", complete="cloud:network"
        ),
        "server": ValueArgument(
            "only those of this server, by id or name", "--server", complete="cloud:server"
        ),
        "status": ValueArgument("only those in this status", "--status"),
    }

    def main(self) -> None:
        """Print them."""
        found = named(self, PORT.listing(self.cloud))
        for option, kind, key in (
            ("network", NETWORK, "network_id"),
            ("server", SERVER, "device_id"),
        ):
            if self[option]:
                which = find_id(self.cloud, kind, self[option])
                found = [one for one in found if str(one.get(key)) == which]
        if self["status"]:
            found = like(found, "status", self["status"])
        made = with_keys(found, ips=lambda one: ", ".join(fixed_addresses(one)))
        columns = (
            Column("id"),
            Column("name"),
            Column("status"),
            Column("ips", "addresses"),
            Column("network_id", "network"),
            Column("device_id", "server"),
        )
        self.context.output.show_list(made, columns, empty="there are no such ports")


@command(_port_commands)
class PortInfo(CloudCommand):
    """Show a port."""

    shows = True
    arguments = CLOUD
    operands = {"port": _PORT}

    def main(self, port: str) -> None:
        """Print it."""
        found = self.find(PORT, port)
        show_record(self, found, port_columns(found))


@command(_port_commands)
class PortCreate(CloudCommand):
    """Make a port on a network; with --server it is plugged into a server."""

    shows = True
    arguments = {
        **CLOUD,
        "server": ValueArgument(
            "plug it into this server, by id or name", "--server", complete="cloud:server"
        ),
        "name": ValueArgument("its name", "--name"),
        "address": RepeatableArgument(
            "with this address, of this subnet if you say its id",
            "--address",
            metavar="IP[,SUBNET]",
        ),
        "group": _GROUPS,
        **WAIT,
    }
    operands = {"network": Operand("id or name of the network", complete="cloud:network")}
    examples = ("pelagos port create lan --server web --address 10.0.0.5 --wait",)

    def main(self, network: str) -> None:
        """Make and print it."""
        port = join(
            self,
            find_id(self.cloud, NETWORK, network),
            self["server"] and find_id(self.cloud, SERVER, self["server"]),
            name=self["name"],
            fixed_ips=[_fixed(one) for one in self["address"]] or None,
            security_groups=_groups(self),
        )
        if self["wait"]:
            port = watch_port(self, port)
        show_record(self, port, port_columns(port))


@command(_port_commands)
class PortModify(CloudCommand):
    """Change a port."""

    shows = True
    arguments = {
        **CLOUD,
        "name": ValueArgument("its new name", "--name", may_be_empty=True),
        "group": _GROUPS,
    }
    required = ["name", "group"]
    operands = {"port": _PORT}

    def main(self, port: str) -> None:
        """Change and print it."""
        found = self.find(PORT, port)
        made = self.cloud.network.update_port(
            str(found["id"]),
            str(found.get("network_id")),
            self["name"],
            security_groups=_groups(self),
        )
        show_record(self, made, port_columns(made))


@command(_port_commands)
class PortDelete(CloudCommand):
    """Delete ports; servers that they belong to leave the network."""

    arguments = {**CLOUD, **WAIT}
    operands = {"ports": Operand("ids or names of ports", complete="cloud:port")}

    def main(self, *ports: str) -> None:
        """Delete them."""
        if not ports:
            raise UsageError("no port is named", hint="see: pelagos port list")
        found = [self.find(PORT, one) for one in ports]
        for one in found:
            leave(self, one)
            if self["wait"]:
                wait_port_gone(self, one)
            self.context.say(f"{port_label(one)} is gone")


@command(_port_commands)
class PortWait(CloudCommand):
    """Wait until a port has a status, or has one no longer.

    Without --until and --while: until it is no longer being built.
    """

    shows = True
    arguments = {
        **CLOUD,
        "until": ValueArgument("until it is in this status, e.g. ACTIVE", "--until"),
        "while": ValueArgument("while it is in this status; default BUILD", "--while"),
        **TIMEOUT,
    }
    operands = {"port": _PORT}

    def main(self, port: str) -> None:
        """Wait, and print it."""
        if self["until"] and self["while"]:
            raise UsageError("--until and --while exclude each other")
        found = watch_port(
            self,
            self.find(PORT, port),
            (self["until"] or "").upper(),
            passing=(self["while"] or "BUILD").upper(),
        )
        show_record(self, found, port_columns(found))


def _fixed(text: str) -> dict[str, Any]:
    address, _, subnet = text.partition(",")
    if not address:
        raise UsageError(f"--address: {text!r} is not IP or IP,SUBNET")
    return {"ip_address": address, **({"subnet_id": subnet} if subnet else {})}


def _groups(command: CloudCommand) -> list[str] | None:
    if command.cloud.dialect == "synnefo":  # its groups can only be named by their ids
        return list(command["group"]) or None
    return [command.find_id(SECURITY_GROUP, one) for one in command["group"]] or None
