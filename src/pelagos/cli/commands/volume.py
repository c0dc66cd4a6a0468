"""`pelagos volume …`: the volumes of a cloud."""

from __future__ import annotations

from typing import Any

from pelagos.cli.argument import (
    FlagArgument,
    IntArgument,
    KeyValueArgument,
    Operand,
    RepeatableArgument,
    ValueArgument,
)
from pelagos.cli.cloud.command import (
    CLOUD,
    NAMED,
    CloudCommand,
    Record,
    find_id,
    like,
    named,
)
from pelagos.cli.cloud.showing import names_of, show_record, since, with_keys
from pelagos.cli.cloud.things import IMAGE, SERVER, SNAPSHOT, VOLUME, VOLUME_TYPE
from pelagos.cli.cloud.volumes import (
    attached_to,
    volume_head,
    volume_label,
    wait_volume,
    wait_volume_gone,
)
from pelagos.cli.cloud.waiting import TIMEOUT, WAIT
from pelagos.cli.failures import CommandError, UsageError
from pelagos.cli.output import Column
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

_volume_commands = CommandTree("volume", "Volumes of a cloud")

_VOLUME = Operand("id or name of the volume", complete="cloud:volume")
_NONE = "there are no such volumes; make one: pelagos volume create NAME --size GIB"


@command(_volume_commands)
class VolumeList(CloudCommand):
    """List the volumes of your project."""

    shows = True
    lists = True
    keys = ("pelagos.clients.blockstorage.types:Volume",)
    arguments = {
        **CLOUD,
        **NAMED,
        "status": ValueArgument("only those in this status, e.g. available", "--status"),
        "server": ValueArgument(
            "only those at this server, by id or name", "--server", complete="cloud:server"
        ),
        "long": FlagArgument("with the names of their servers", "-l", "--long"),
    }

    def main(self) -> None:
        """Print them."""
        found = named(self, VOLUME.listing(self.cloud))
        if self["status"]:
            found = like(found, "status", self["status"])
        if self["server"]:
            which = find_id(self.cloud, SERVER, self["server"])
            found = [one for one in found if which in attached_to(one)]
        names = names_of(SERVER.listing(self.cloud)) if self["long"] else {}
        made = with_keys(
            found, at=lambda one: ", ".join(names.get(ids) or ids for ids in attached_to(one))
        )
        columns = (
            Column("id"),
            Column("name"),
            Column("status"),
            Column("size", "size", lambda one: f"{one} GiB"),
            Column("volume_type", "type"),
            Column("at", "at server"),
            since(self, "created_at", "created"),
        )
        self.context.output.show_list(made, columns, empty=_NONE)


@command(_volume_commands)
class VolumeInfo(CloudCommand):
    """Show a volume."""

    shows = True
    arguments = CLOUD
    operands = {"volume": _VOLUME}

    def main(self, volume: str) -> None:
        """Print it."""
        found = self.find(VOLUME, volume)
        show_record(self, found, volume_head(found))


@command(_volume_commands)
class VolumeCreate(CloudCommand):
    """Make a volume: empty, or with the content of an image, a snapshot or a volume."""

    shows = True
    arguments = {
        **CLOUD,
        "size": IntArgument("its size in GiB", "--size", metavar="GIB", least=1),
        "description": ValueArgument("what it is for", "--description", metavar="TEXT"),
        "image": ValueArgument(
            "with the content of this image", "--image", complete="cloud:image"
        ),
        "snapshot": ValueArgument(
            "with the content of this snapshot", "--snapshot", complete="cloud:snapshot"
        ),
        "source": ValueArgument("with the content of this volume (OpenStack)", "--source"),
        "type": ValueArgument("of this type, by id or name", "--type"),
        "metadata": KeyValueArgument("a text that is kept with it", "-m", "--metadata"),
        "bootable": FlagArgument("servers may start from it (OpenStack)", "--bootable"),
        "zone": ValueArgument("availability zone (OpenStack)", "--zone"),
        "server": ValueArgument(
            "at this server from the start (Synnefo)", "--server", complete="cloud:server"
        ),
        "project": ValueArgument(
            "id of the project that it is charged to (Synnefo)",
            "--project",
            complete="cloud:project-id",
        ),
        **WAIT,
    }
    required = ["size", "snapshot", "source"]
    operands = {"name": Operand("name of the new volume")}
    examples = ("pelagos volume create data --size 10 --wait",)

    def main(self, name: str) -> None:
        """Make and print it."""
        made = self._made(name)
        if self["wait"]:
            made = wait_volume(self, made, "available", "in-use")
        show_record(self, made, volume_head(made))

    def _made(self, name: str) -> Record:
        size = self["size"]
        sources = [one for one in ("image", "snapshot", "source") if self[one]]
        if len(sources) > 1:
            raise UsageError(f"--{sources[0]} and --{sources[1]} exclude each other")
        if size is None:
            size = self._size_of_source()
        cloud = self.cloud
        client: Any = cloud.volume
        fields: dict[str, Any] = {
            "display_name": name,
            "display_description": self["description"],
            "imageRef": self["image"] and find_id(cloud, IMAGE, self["image"]),
            "snapshot_id": self["snapshot"] and find_id(cloud, SNAPSHOT, self["snapshot"]),
            "volume_type": self["type"] and find_id(cloud, VOLUME_TYPE, self["type"]),
            "metadata": self["metadata"] or None,
        }
        is_synnefo = cloud.dialect == "synnefo"
        for option in ("source", "bootable", "zone") if is_synnefo else ("server", "project"):
            if self[option]:
                family = "Synnefo" if is_synnefo else "OpenStack"
                raise UsageError(f"--{option}: a {family} cannot do that when it makes a volume")
        if is_synnefo:
            fields["server_id"] = self["server"] and find_id(cloud, SERVER, self["server"])
            fields["project"] = self["project"]
        else:
            fields["source_volid"] = self["source"] and find_id(cloud, VOLUME, self["source"])
            fields["bootable"] = True if self["bootable"] else None
            fields["availability_zone"] = self["zone"]
        return client.create_volume(size, **fields)  # type: ignore[no-any-return]  # typed there

    def _size_of_source(self) -> int:
        """As large as what it is made of, when that has a size in GiB."""
        option, kind = ("snapshot", SNAPSHOT) if self["snapshot"] else ("source", VOLUME)
        return int(self.find(kind, self[option]).get("size") or 0)


@command(_volume_commands)
class VolumeModify(CloudCommand):
    """Change a volume."""

    shows = True
    arguments = {
        **CLOUD,
        "name": ValueArgument("its new name", "--name", may_be_empty=True),
        "description": ValueArgument(
            "what it is for", "--description", metavar="TEXT", may_be_empty=True
        ),
        "set": KeyValueArgument("set this in its metadata", "--metadata-set"),
        "del": RepeatableArgument(
            "take this out of its metadata", "--metadata-del", metavar="KEY"
        ),
        "ends": ValueArgument(
            "whether it goes with its server (Synnefo): true or false",
            "--delete-on-termination",
            choices=("true", "false"),
        ),
        "project": ValueArgument(
            "charge it to this project, by id (Synnefo)", "--project", complete="cloud:project-id"
        ),
    }
    required = [name for name in arguments if name != "cloud"]
    operands = {"volume": _VOLUME}

    def main(self, volume: str) -> None:
        """Change and print it."""
        if self["project"] and self.cloud.dialect != "synnefo":
            raise UsageError("--project: an OpenStack's volumes stay with their project")
        found, client = self.find(VOLUME, volume), self.cloud.volume
        which = str(found["id"])
        metadata = None
        if self["set"] or self["del"]:
            metadata = {**(found.get("metadata") or {}), **(self["set"] or {})}
            metadata = {key: one for key, one in metadata.items() if key not in self["del"]}
        made: Record = client.update_volume(
            which,
            self["name"],
            self["description"],
            None if self["ends"] is None else self["ends"] == "true",
            metadata,
        )
        if self["project"]:
            synnefo: Any = client
            synnefo.reassign_volume(which, self["project"])
        show_record(self, made, volume_head(made))


@command(_volume_commands)
class VolumeExtend(CloudCommand):
    """Make a volume larger, also one at a server (OpenStack); what is on it stays."""

    shows = True
    arguments = {
        **CLOUD,
        "size": IntArgument("its new size in GiB", "--size", metavar="GIB", least=1),
        **WAIT,
    }
    required = "size"
    operands = {"volume": _VOLUME}
    examples = ("pelagos volume extend data --size 20 --wait",)

    def main(self, volume: str) -> None:
        """Make it larger and print it."""
        size = self["size"]
        found = self.find(VOLUME, volume)
        which, is_used = str(found["id"]), bool(attached_to(found))
        self.cloud.volume.extend_volume(which, size, while_in_use=is_used)
        made = VOLUME.record(self.cloud, which)
        if self["wait"]:
            made = wait_volume(self, made, passing="extending")
        show_record(self, made, volume_head(made))


@command(_volume_commands)
class VolumeDelete(CloudCommand):
    """Delete volumes with what is on them."""

    arguments = {**CLOUD, **WAIT}
    operands = {"volumes": Operand("ids or names of volumes", complete="cloud:volume")}
    examples = ("pelagos volume delete data --wait",)

    def main(self, *volumes: str) -> None:
        """Delete them."""
        if not volumes:
            raise UsageError("no volume is named", hint="see: pelagos volume list")
        found = [self.find(VOLUME, one) for one in volumes]
        used = [one for one in found if attached_to(one)]
        if used:
            at = ", ".join(attached_to(used[0]))
            raise CommandError(
                f"{volume_label(used[0])} is at the server {at}",
                hint=f"detach it first: pelagos server detach {at} {used[0]['id']} --wait",
            )
        for one in found:
            self.cloud.volume.delete_volume(str(one["id"]))
            if not self["wait"]:
                self.context.say(f"{volume_label(one)} is being deleted")
        for one in found if self["wait"] else []:
            wait_volume_gone(self, one)
            self.context.say(f"{volume_label(one)} is gone")


@command(_volume_commands)
class VolumeWait(CloudCommand):
    """Wait until a volume has a status, or has one no longer.

    Without --until and --while: until it is no longer being made.
    """

    shows = True
    arguments = {
        **CLOUD,
        "until": ValueArgument("until it is in this status, e.g. available", "--until"),
        "while": ValueArgument("while it is in this status; default creating", "--while"),
        **TIMEOUT,
    }
    operands = {"volume": _VOLUME}

    def main(self, volume: str) -> None:
        """Wait, and print it."""
        if self["until"] and self["while"]:
            raise UsageError("--until and --while exclude each other")
        found = self.find(VOLUME, volume)
        wanted = (self["until"],) if self["until"] else ()
        last = wait_volume(self, found, *wanted, passing=self["while"] or "creating")
        show_record(self, last, volume_head(last))


@command(_volume_commands)
class VolumeTypes(CloudCommand):
    """List the types of volumes."""

    shows = True
    lists = True
    keys = ("pelagos.clients.blockstorage.types:VolumeType",)
    arguments = CLOUD

    def main(self) -> None:
        """Print them."""
        columns = [Column("id"), Column("name"), Column("description")]
        if self.cloud.dialect == "synnefo":
            columns[2] = Column("SNF:disk_template", "template")
        found = VOLUME_TYPE.listing(self.cloud)
        self.context.output.show_list(found, columns, empty="the cloud tells of no types")
