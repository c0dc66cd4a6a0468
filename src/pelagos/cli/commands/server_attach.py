"""`pelagos server attach|detach|connect|disconnect`: volumes and networks of servers."""

from __future__ import annotations

from pelagos.cli.argument import Operand, RepeatableArgument, ValueArgument
from pelagos.cli.cloud.command import CLOUD, CloudCommand, Record
from pelagos.cli.cloud.ports import port_columns, wait_port_gone, watch_port
from pelagos.cli.cloud.servers import join, label, leave
from pelagos.cli.cloud.showing import show_record
from pelagos.cli.cloud.things import NETWORK, PORT, SERVER, VOLUME
from pelagos.cli.cloud.volumes import volume_label, wait_volume
from pelagos.cli.cloud.waiting import WAIT
from pelagos.cli.commands.server import WHICH
from pelagos.cli.failures import NOT_FOUND, CommandError
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

_server_commands = CommandTree("server")

_VOLUME = Operand("id or name of the volume", complete="cloud:volume")


@command(_server_commands)
class ServerAttach(CloudCommand):
    """Attach a volume to a server."""

    shows = True
    arguments = {**CLOUD, **WAIT}
    operands = {"server": WHICH, "volume": _VOLUME}
    examples = ("pelagos server attach web data --wait",)

    def main(self, server: str, volume: str) -> None:
        """Attach it, and print where."""
        found, disk = self.find(SERVER, server), self.find(VOLUME, volume)
        made = self.cloud.compute.attach_volume(str(found["id"]), str(disk["id"]))
        if self["wait"]:
            wait_volume(self, disk, "in-use")
        head = {
            "server": found.get("name"),
            "volume": volume_label(disk),
            "device": made.get("device"),
            "attachment": made.get("id"),
        }
        show_record(self, made, head)


@command(_server_commands)
class ServerDetach(CloudCommand):
    """Detach a volume from a server; what is on it stays."""

    arguments = {**CLOUD, **WAIT}
    operands = {"server": WHICH, "volume": _VOLUME}
    examples = ("pelagos server detach web data --wait",)

    def main(self, server: str, volume: str) -> None:
        """Detach it."""
        found, disk = self.find(SERVER, server), self.find(VOLUME, volume)
        gone = self.cloud.compute.detach_volume(str(found["id"]), str(disk["id"]))
        if not gone:
            raise CommandError(
                f"{volume_label(disk)} is not at {label(found)}",
                hint=f"see: pelagos server info {found['id']} --volumes",
                code=NOT_FOUND,
            )
        if self["wait"]:
            wait_volume(self, disk, "available")
        state = "is detached" if self["wait"] else "is being detached"
        self.context.say(f"{volume_label(disk)} {state}")


@command(_server_commands)
class ServerConnect(CloudCommand):
    """Put a server on a network, by a new port; prints the port."""

    shows = True
    arguments = {
        **CLOUD,
        "address": RepeatableArgument("with this address on it", "--address", metavar="IP"),
        "name": ValueArgument("name of the port", "--port-name", metavar="NAME"),
        "group": RepeatableArgument(
            "id of a security group of the port", "-g", "--security-group", metavar="ID"
        ),
        **WAIT,
    }
    operands = {
        "server": WHICH,
        "network": Operand("id or name of the network", complete="cloud:network"),
    }
    examples = ("pelagos server connect web lan --address 10.0.0.5 --wait",)

    def main(self, server: str, network: str) -> None:
        """Join it."""
        found = self.find_id(SERVER, server)
        port = join(
            self,
            self.find_id(NETWORK, network),
            found,
            name=self["name"],
            fixed_ips=[{"ip_address": one} for one in self["address"]] or None,
            security_groups=list(self["group"]) or None,
        )
        if self["wait"]:
            port = watch_port(self, port)
        show_record(self, port, port_columns(port))


@command(_server_commands)
class ServerDisconnect(CloudCommand):
    """Take a server off a network: the ports that join them are deleted."""

    arguments = {**CLOUD, **WAIT}
    operands = {
        "server": WHICH,
        "network": Operand("id or name of the network, or id of a port", complete="cloud:network"),
    }
    examples = ("pelagos server disconnect web lan",)

    def main(self, server: str, network: str) -> None:
        """Take it off."""
        found = self.find(SERVER, server)
        ports = self._ports(str(found["id"]), network)
        for port in ports:
            leave(self, port)
        for port in ports if self["wait"] else []:
            wait_port_gone(self, port)
        count = len(ports)
        self.context.say(f"{label(found)} has {count} port{'' if count == 1 else 's'} less")

    def _ports(self, which: str, network: str) -> list[Record]:
        here = [
            one for one in PORT.listing(self.cloud) if str(one.get("device_id") or "") == which
        ]
        ports = [one for one in here if network in {one.get("id"), one.get("name")}]
        if not ports:
            net = self.find_id(NETWORK, network)
            ports = [one for one in here if str(one.get("network_id")) == net]
        if not ports:
            raise CommandError(
                f"the server is not on {network}",
                hint=f"see: pelagos server info {which} --nics",
                code=NOT_FOUND,
            )
        return ports
