"""`pelagos server …`: the servers of a cloud, looked at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pelagos.cli.argument import (
    FlagArgument,
    IntArgument,
    KeyValueArgument,
    Operand,
    ValueArgument,
)
from pelagos.cli.cloud.command import CLOUD, NAMED, CloudCommand, Record, find_id, named
from pelagos.cli.cloud.servers import is_in, label, see
from pelagos.cli.cloud.showing import (
    addresses,
    addresses_text,
    first_of,
    names_of,
    show_record,
    since,
    when,
    with_keys,
)
from pelagos.cli.cloud.things import FLAVOR, IMAGE, SERVER
from pelagos.cli.cloud.waiting import TIMEOUT, fault_of, has_failed, state_of, wait_for
from pelagos.cli.failures import UsageError
from pelagos.cli.output import Column
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

_server_commands = CommandTree("server", "Servers of a cloud")

WHICH = Operand("id or name of the server", complete="cloud:server")
_NARROWING = ("name", "id", "status", "flavor", "image", "metadata", "since")
_NONE = "there are no servers; make one: pelagos server create NAME --flavor F --image I"


@command(_server_commands)
class ServerList(CloudCommand):
    """List the servers of your project."""

    shows = True
    lists = True
    keys = ("pelagos.clients.compute.types:Server",)
    arguments = {
        **CLOUD,
        **NAMED,
        "status": ValueArgument("only those in this status, e.g. ACTIVE", "--status"),
        "flavor": ValueArgument(
            "only those of this flavour, by id or name", "--flavor", complete="cloud:flavor"
        ),
        "image": ValueArgument(
            "only those of this image, by id or name", "--image", complete="cloud:image"
        ),
        "metadata": KeyValueArgument("only those with this in their metadata", "--metadata"),
        "since": ValueArgument(
            "only what changed since this time, deleted ones too", "--since", metavar="ISO8601"
        ),
        "limit": IntArgument("at the most so many", "-n", "--limit", least=1),
        "long": FlagArgument("with the names of flavours and images", "-l", "--long"),
    }
    examples = ("pelagos server list", "pelagos server list --name 'web-*' --status ACTIVE -j")

    def main(self) -> None:
        """Print them."""
        found = self._asked()
        rows = [one for one in named(self, found) if self._is_meant(one)]
        made = with_keys(rows, ips=addresses_text)
        columns = [
            Column("id"),
            Column("name"),
            Column("status"),
            Column("ips", "addresses"),
            *self._of_what(),
            since(self, "created"),
        ]
        empty = "there are no such servers" if any(map(self.__getitem__, _NARROWING)) else _NONE
        self.context.output.show_list(made, columns, empty=empty, limit=self["limit"])

    def _asked(self) -> list[Any]:
        """What the cloud filters itself; names, which clouds compare differently, are ours."""
        is_whole = not any(self[key] for key in ("name", "id", "metadata"))
        is_whole = is_whole and not self.context.output.is_selective
        cloud = self.cloud
        return cloud.compute.list_servers(
            detail=True,
            changes_since=self["since"],
            status=self["status"] and self["status"].upper(),
            flavor=self["flavor"] and find_id(cloud, FLAVOR, self["flavor"]),
            image=self["image"] and find_id(cloud, IMAGE, self["image"]),
            limit=self["limit"] if is_whole else None,
        )

    def _is_meant(self, server: Record) -> bool:
        has: Mapping[str, Any] = server.get("metadata") or {}
        return all(str(has.get(key)) == value for key, value in (self["metadata"] or {}).items())

    def _of_what(self) -> list[Column]:
        if not self["long"]:
            return []
        flavors = names_of(FLAVOR.listing(self.cloud))
        images = names_of(IMAGE.listing(self.cloud))
        return [
            Column("flavor", show=lambda one: _flavor_name(one, flavors)),
            Column("image", show=lambda one: _name(one, images)),
        ]


@command(_server_commands)
class ServerInfo(CloudCommand):
    """Show all about one server: with the names of its flavour and its image."""

    shows = True
    lists = True
    keys = ("pelagos.clients.compute.types:Attachment",)
    arguments = {
        **CLOUD,
        "nics": FlagArgument("list its cards instead: networks and addresses", "--nics"),
        "volumes": FlagArgument("list the volumes at it instead", "--volumes"),
        "diagnostics": FlagArgument("show how it does instead", "--diagnostics"),
        "stats": FlagArgument("show where pictures of its load are instead (Synnefo)", "--stats"),
    }
    operands = {"server": WHICH}
    examples = ("pelagos server info web", "pelagos server info web --nics")

    def main(self, server: str) -> None:
        """Print it."""
        asked = [one for one in ("nics", "volumes", "diagnostics", "stats") if self[one]]
        if len(asked) > 1:
            both = " and ".join(f"--{one}" for one in asked)
            raise UsageError(f"{both} exclude each other")
        if asked:
            getattr(self, f"_{asked[0]}")(self.find_id(SERVER, server))
            return
        found = dict(self.find(SERVER, server))
        if "tags" not in found:
            found["tags"] = self._tags(found)
        show_record(self, found, server_head(self, found))

    def _tags(self, server: Record) -> list[str]:
        from pelagos.clients.errors import ClientError

        try:
            said = self.cloud.compute.list_tags(str(server["id"]))
        except ClientError:  # a service from before there were tags
            return []
        return said.get("tags", []) if isinstance(said, Mapping) else list(said or [])

    def _nics(self, which: str) -> None:
        columns = (
            Column("id", "port"),
            Column("network_id", "network"),
            Column("ipv4"),
            Column("ipv6"),
            Column("mac_address", "mac"),
        )
        found = self.cloud.compute.list_server_nics(which)
        self.context.output.show_list(found, columns, empty="it is on no network")

    def _volumes(self, which: str) -> None:
        columns = (Column("volumeId", "volume"), Column("device"), Column("id", "attachment"))
        found = self.cloud.compute.list_volume_attachments(which)
        keys = ("pelagos.clients.compute.types:VolumeAttachment",)
        self.context.output.show_list(found, columns, empty="no volume is at it", keys=keys)

    def _diagnostics(self, which: str) -> None:
        found = self.cloud.compute.get_server_diagnostics(which)
        if isinstance(found, Mapping):
            self.context.output.show_one(found)
            return
        columns = (Column("created"), Column("level"), Column("message"))
        self.context.output.show_list(found or [], columns, empty="nothing is said of it", keys=())

    def _stats(self, which: str) -> None:
        compute: Any = self.cloud.compute
        if self.cloud.dialect != "synnefo":
            raise UsageError(
                "an OpenStack has no pictures of a server's load", hint="use --diagnostics"
            )
        self.context.output.show_one(compute.get_server_stats(which))


@command(_server_commands)
class ServerWait(CloudCommand):
    """Wait until a server has a status, or has one no longer.

    Without --until and --while: until it is no longer being built.
    """

    shows = True
    arguments = {
        **CLOUD,
        "until": ValueArgument("until it is in this status, e.g. ACTIVE", "--until"),
        "while": ValueArgument("while it is in this status; default BUILD", "--while"),
        **TIMEOUT,
    }
    operands = {"server": WHICH}
    examples = ("pelagos server wait web --until ACTIVE --timeout 10m",)

    def main(self, server: str) -> None:
        """Wait, and print it."""
        from pelagos.clients.compute.words import same_status

        if self["until"] and self["while"]:
            raise UsageError("--until and --while exclude each other")
        found = self.find(SERVER, server)
        which, compute = str(found["id"]), self.cloud.compute
        passing = (self["while"] or "BUILD").upper()
        if self["until"]:
            goal = self["until"].upper()
            is_done = is_in(goal)
        else:
            goal = f"other than {passing}"

            def is_done(one: Record) -> bool:
                return not same_status(str(one.get("status")), passing) and not has_failed(one)

        last = wait_for(
            self,
            label(found),
            lambda: compute.get_server_details(which),
            is_done,
            goal=goal,
            see=see(self, found),
        )
        show_record(self, last, {"server": last.get("name"), "status": state_of(last)})


@command(_server_commands)
class ServerConsole(CloudCommand):
    """Tell how to get at the screen of a server: a URL, or host, port and password."""

    shows = True
    arguments = {
        **CLOUD,
        "type": ValueArgument(
            "vnc, vnc-ws or vnc-wss; on OpenStack also novnc, spice, serial, rdp",
            "--type",
            default="vnc",
        ),
    }
    operands = {"server": WHICH}

    def main(self, server: str) -> None:
        """Print it."""
        which = self.find_id(SERVER, server)
        self.context.output.show_one(self.cloud.compute.get_server_console(which, self["type"]))


# ---- how a server is worded


def server_head(command: CloudCommand, server: Record) -> dict[str, Any]:
    """What a person reads of a server."""
    volumes = server.get("os-extended-volumes:volumes_attached") or server.get("volumes") or []
    return {
        "id": server.get("id"),
        "name": server.get("name"),
        "status": state_of(server),
        "fault": fault_of(server),
        "flavor": _of(command, FLAVOR, server.get("flavor")),
        "image": _of(command, IMAGE, server.get("image")),
        **{f"on {network}": cards for network, cards in addresses(server).items()},
        "key": first_of(server, ("key_name", "SNF:key_names")),
        "password": server.get("adminPass"),
        "volumes": [one.get("id") if isinstance(one, Mapping) else one for one in volumes],
        "metadata": server.get("metadata"),
        "tags": server.get("tags"),
        "security groups": [
            one.get("name") for one in server.get("security_groups") or [] if one.get("name")
        ],
        "name in DNS": server.get("SNF:fqdn"),
        "zone": server.get("OS-EXT-AZ:availability_zone"),
        "created": when(command, server.get("created")),
        "changed": when(command, server.get("updated")),
    }


def _of(command: CloudCommand, kind: Any, ref: Any) -> str:
    """A flavour or an image as name and id; the id alone when it is gone."""
    from pelagos.clients.errors import ClientError

    if not isinstance(ref, Mapping):
        return str(ref or "")
    which = ref.get("id")
    if which is None:  # told whole, without an id, by later versions of the interface
        return str(ref.get("original_name") or "")
    try:
        return f"{kind.record(command.cloud, str(which)).get('name')} ({which})"
    except ClientError:
        return str(which)


def _flavor_name(ref: Any, names: Mapping[str, str]) -> str:
    is_whole = isinstance(ref, Mapping) and ref.get("original_name")
    return str(ref["original_name"]) if is_whole else _name(ref, names)


def _name(ref: Any, names: Mapping[str, str]) -> str:
    which = str(ref.get("id") if isinstance(ref, Mapping) else ref or "")
    return names.get(which) or which
