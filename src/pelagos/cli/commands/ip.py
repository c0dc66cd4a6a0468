"""`pelagos ip …`: floating addresses, which are led to one server after another."""

from __future__ import annotations

from typing import Any

from pelagos.cli.argument import FlagArgument, Operand, ValueArgument
from pelagos.cli.cloud.command import CLOUD, CloudCommand, Record, find_id, like
from pelagos.cli.cloud.ports import fixed_addresses, port_columns, wait_port_gone, watch_port
from pelagos.cli.cloud.servers import join, label, leave
from pelagos.cli.cloud.showing import show_record
from pelagos.cli.cloud.things import IP, NETWORK, PORT, SERVER
from pelagos.cli.cloud.waiting import WAIT
from pelagos.cli.commands.network import is_external
from pelagos.cli.failures import NOT_FOUND, CommandError, UsageError
from pelagos.cli.output import Column
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

_ip_commands = CommandTree("ip", "Floating addresses, led to one server after another")

_IP = Operand("the address, or its id", complete="cloud:ip")


@command(_ip_commands)
class IpList(CloudCommand):
    """List your floating addresses."""

    shows = True
    lists = True
    keys = ("pelagos.clients.network.types:FloatingIp",)
    arguments = {
        **CLOUD,
        "free": FlagArgument("only those that lead nowhere", "--free"),
        "address": ValueArgument(
            "only such addresses; * stands for anything", "--address", metavar="PATTERN"
        ),
    }

    def main(self) -> None:
        """Print them."""
        found = list(IP.listing(self.cloud))
        if self["free"]:
            found = [one for one in found if not _is_led(one)]
        if self["address"]:
            found = like(found, "floating_ip_address", self["address"])
        columns = [
            Column("id"),
            Column("floating_ip_address", "address"),
            Column("fixed_ip_address", "leads to"),
            Column("port_id", "port"),
            Column("floating_network_id", "network"),
        ]
        if self.cloud.dialect == "synnefo":
            columns.insert(2, Column("instance_id", "server"))
        empty = "there are none; take one: pelagos ip create"
        self.context.output.show_list(found, columns, empty=empty)


@command(_ip_commands)
class IpInfo(CloudCommand):
    """Show a floating address."""

    shows = True
    arguments = CLOUD
    operands = {"ip": _IP}

    def main(self, ip: str) -> None:
        """Print it."""
        found = self.find(IP, ip)
        show_record(self, found, _head(found))


@command(_ip_commands)
class IpCreate(CloudCommand):
    """Take a floating address."""

    shows = True
    arguments = {
        **CLOUD,
        "address": ValueArgument("a certain one", "--address", metavar="IP"),
        "project": ValueArgument(
            "id of the project that it is charged to (Synnefo)",
            "--project",
            complete="cloud:project-id",
        ),
    }
    operands = {
        "network": Operand(
            "id or name of the network; default: the only external one", complete="cloud:network"
        )
    }

    def main(self, network: str = "") -> None:
        """Take and print it."""
        client: Any = self.cloud.network
        address = self["address"] or ""
        which = find_id(self.cloud, NETWORK, network) if network else None
        if self.cloud.dialect == "synnefo":
            made = client.create_floatingip(which, address, self["project"])
        else:
            if self["project"]:
                raise UsageError("--project: an OpenStack charges the project of the login")
            made = client.create_floatingip(which or self._external(), address)
        show_record(self, made, _head(made))

    def _external(self) -> str:
        found = [one for one in NETWORK.listing(self.cloud) if is_external(one)]
        if len(found) == 1:
            return str(found[0]["id"])
        if not found:
            raise CommandError(
                f"the cloud {self.cloud.name} has no network for floating addresses",
                hint="ask its operator for one",
                code=NOT_FOUND,
            )
        names = ", ".join(str(one.get("name") or one["id"]) for one in found)
        raise UsageError(
            f"there are {len(found)} networks for floating addresses",
            hint=f"name one of: {names}",
        )


@command(_ip_commands)
class IpAttach(CloudCommand):
    """Lead a floating address to a server."""

    shows = True
    arguments = {
        **CLOUD,
        "port": ValueArgument(
            "to this port of it, by id or name (OpenStack); default: its only one", "--port"
        ),
        **WAIT,
    }
    operands = {"ip": _IP, "server": Operand("id or name of the server", complete="cloud:server")}
    examples = ("pelagos ip attach 203.0.113.7 web",)

    def main(self, ip: str, server: str) -> None:
        """Lead it there."""
        found, goal = self.find(IP, ip), self.find(SERVER, server)
        if self.cloud.dialect == "synnefo":
            fixed = [{"ip_address": str(found["floating_ip_address"])}]
            network = str(found["floating_network_id"])
            port = join(self, network, str(goal["id"]), fixed_ips=fixed)
            if self["wait"]:
                port = watch_port(self, port)
            show_record(self, port, port_columns(port))
            return
        which = str(self._port(goal)["id"])
        made = self.cloud.network.update_floatingip(str(found["id"]), port_id=which)
        show_record(self, made, _head(made))

    def _port(self, server: Record) -> Record:
        if self["port"]:
            return self.find(PORT, self["port"])
        which = str(server["id"])
        ports = [one for one in PORT.listing(self.cloud) if str(one.get("device_id")) == which]
        usable = [one for one in ports if any("." in ip for ip in fixed_addresses(one))]
        if len(usable) == 1:
            return usable[0]
        if not usable:
            raise CommandError(
                f"{label(server)} has no port with an IPv4 address",
                hint=f"put it on a network: pelagos server connect {which} NETWORK",
            )
        ids = ", ".join(str(one["id"]) for one in usable)
        raise UsageError(
            f"{label(server)} has {len(usable)} ports", hint=f"say which with --port: {ids}"
        )


@command(_ip_commands)
class IpDetach(CloudCommand):
    """Lead a floating address nowhere; it stays yours."""

    arguments = {**CLOUD, **WAIT}
    operands = {"ip": _IP}

    def main(self, ip: str) -> None:
        """Take it off."""
        found = self.find(IP, ip)
        address = found.get("floating_ip_address")
        if not _is_led(found):
            self.context.say(f"{address} leads nowhere already")
            return
        if self.cloud.dialect == "synnefo":
            port = PORT.record(self.cloud, str(found["port_id"]))
            leave(self, port)
            if self["wait"]:
                wait_port_gone(self, port)
        else:
            self.cloud.network.update_floatingip(str(found["id"]), port_id=None)
        self.context.say(f"{address} leads nowhere now")


@command(_ip_commands)
class IpModify(CloudCommand):
    """Charge a floating address to another project (Synnefo)."""

    arguments = {
        **CLOUD,
        "project": ValueArgument(
            "id of the project", "--project", metavar="ID", complete="cloud:project-id"
        ),
    }
    required = "project"
    operands = {"ip": _IP}

    def main(self, ip: str) -> None:
        """Charge it there."""
        if self.cloud.dialect != "synnefo":
            raise UsageError("an OpenStack's addresses stay with their project")
        found = self.find(IP, ip)
        client: Any = self.cloud.network
        client.reassign_floating_ip(str(found["id"]), self["project"])
        self.context.say(f"{found.get('floating_ip_address')} is charged to {self['project']}")


@command(_ip_commands)
class IpDelete(CloudCommand):
    """Give floating addresses back."""

    arguments = CLOUD
    operands = {"ips": Operand("addresses, or their ids", complete="cloud:ip")}

    def main(self, *ips: str) -> None:
        """Give them back."""
        if not ips:
            raise UsageError("no address is named", hint="see: pelagos ip list")
        found = [self.find(IP, one) for one in ips]
        for one in found:
            self.cloud.network.delete_floatingip(str(one["id"]))
            self.context.say(f"{one.get('floating_ip_address')} is given back")


def _is_led(ip: Record) -> bool:
    return bool(ip.get("port_id") or ip.get("instance_id"))


def _head(ip: Record) -> dict[str, Any]:
    return {
        "id": ip.get("id"),
        "address": ip.get("floating_ip_address"),
        "leads to": ip.get("fixed_ip_address"),
        "port": ip.get("port_id"),
        "server": ip.get("instance_id"),
        "network": ip.get("floating_network_id"),
        "router": ip.get("router_id"),
        "status": ip.get("status"),
        "project": ip.get("project_id") or ip.get("tenant_id"),
    }
