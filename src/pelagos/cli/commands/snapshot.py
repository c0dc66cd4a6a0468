"""`pelagos snapshot …`: what volumes were at a moment."""

from __future__ import annotations

from typing import Any

from pelagos.cli.argument import FlagArgument, Operand, ValueArgument
from pelagos.cli.cloud.command import (
    CLOUD,
    NAMED,
    CloudCommand,
    Record,
    find_id,
    like,
    named,
)
from pelagos.cli.cloud.showing import show_record, since, when
from pelagos.cli.cloud.things import SNAPSHOT, VOLUME
from pelagos.cli.cloud.waiting import WAIT, wait_for, wait_gone
from pelagos.cli.failures import UsageError
from pelagos.cli.output import Column
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

_snapshot_commands = CommandTree("snapshot", "What volumes were at a moment")

_SNAPSHOT = Operand("id or name of the snapshot", complete="cloud:snapshot")


@command(_snapshot_commands)
class SnapshotList(CloudCommand):
    """List the snapshots of your project."""

    shows = True
    lists = True
    keys = ("pelagos.clients.blockstorage.types:Snapshot",)
    arguments = {
        **CLOUD,
        **NAMED,
        "volume": ValueArgument(
            "only those of this volume, by id or name", "--volume", complete="cloud:volume"
        ),
        "status": ValueArgument("only those in this status", "--status"),
    }

    def main(self) -> None:
        """Print them."""
        found = named(self, SNAPSHOT.listing(self.cloud))
        if self["volume"]:
            which = find_id(self.cloud, VOLUME, self["volume"])
            found = [one for one in found if str(one.get("volume_id")) == which]
        if self["status"]:
            found = like(found, "status", self["status"])
        columns = (
            Column("id"),
            Column("name"),
            Column("status"),
            Column("size", "size", lambda one: f"{one} GiB"),
            Column("volume_id", "volume"),
            since(self, "created_at", "created"),
        )
        self.context.output.show_list(found, columns, empty="there are no such snapshots")


@command(_snapshot_commands)
class SnapshotInfo(CloudCommand):
    """Show a snapshot."""

    shows = True
    arguments = CLOUD
    operands = {"snapshot": _SNAPSHOT}

    def main(self, snapshot: str) -> None:
        """Print it."""
        found = self.find(SNAPSHOT, snapshot)
        show_record(self, found, _head(self, found))


@command(_snapshot_commands)
class SnapshotCreate(CloudCommand):
    """Keep what a volume is now."""

    shows = True
    arguments = {
        **CLOUD,
        "name": ValueArgument("its name", "--name"),
        "description": ValueArgument("what it is for", "--description", metavar="TEXT"),
        "force": FlagArgument(
            "also while a server has the volume (OpenStack): what is on its way to the disk may "
            "be missing",
            "-f",
            "--force",
        ),
        **WAIT,
    }
    operands = {"volume": Operand("id or name of the volume", complete="cloud:volume")}
    examples = ("pelagos snapshot create data --name before-upgrade --wait",)

    def main(self, volume: str) -> None:
        """Make and print it."""
        client: Any = self.cloud.volume
        which = find_id(self.cloud, VOLUME, volume)
        texts = {"display_name": self["name"], "display_description": self["description"]}
        if self.cloud.dialect == "synnefo":
            if self["force"]:
                raise UsageError("--force: a Synnefo does that always")
            made = client.create_snapshot(which, **texts)
        else:
            made = client.create_snapshot(which, True if self["force"] else None, **texts)
        if self["wait"]:
            made = self._finished(made)
        show_record(self, made, _head(self, made))

    def _finished(self, snapshot: Record) -> Record:
        which, client = str(snapshot["id"]), self.cloud.volume
        return wait_for(
            self,
            _label(snapshot),
            lambda: client.get_snapshot_details(which),
            lambda one: str(one.get("status", "")).lower() == "available",
            goal="available",
            see=_see(self, which),
        )


@command(_snapshot_commands)
class SnapshotModify(CloudCommand):
    """Change a snapshot."""

    shows = True
    arguments = {
        **CLOUD,
        "name": ValueArgument("its new name", "--name", may_be_empty=True),
        "description": ValueArgument(
            "what it is for", "--description", metavar="TEXT", may_be_empty=True
        ),
    }
    required = ["name", "description"]
    operands = {"snapshot": _SNAPSHOT}

    def main(self, snapshot: str) -> None:
        """Change and print it."""
        which = find_id(self.cloud, SNAPSHOT, snapshot)
        made = self.cloud.volume.update_snapshot(which, self["name"], self["description"])
        show_record(self, made, _head(self, made))


@command(_snapshot_commands)
class SnapshotDelete(CloudCommand):
    """Delete snapshots; their volumes stay."""

    arguments = {**CLOUD, **WAIT}
    operands = {"snapshots": Operand("ids or names of snapshots", complete="cloud:snapshot")}

    def main(self, *snapshots: str) -> None:
        """Delete them."""
        if not snapshots:
            raise UsageError("no snapshot is named", hint="see: pelagos snapshot list")
        found = [self.find(SNAPSHOT, one) for one in snapshots]
        for one in found:
            self.cloud.volume.delete_snapshot(str(one["id"]))
            if not self["wait"]:
                self.context.say(f"{_label(one)} is being deleted")
        for one in found if self["wait"] else []:
            self._await(str(one["id"]), _label(one))
            self.context.say(f"{_label(one)} is gone")

    def _await(self, which: str, label: str) -> None:
        client = self.cloud.volume
        wait_gone(self, label, lambda: client.get_snapshot_details(which), _see(self, which))


def _label(snapshot: Record) -> str:
    return f"snapshot {snapshot.get('name') or snapshot.get('id')}"


def _see(command: CloudCommand, which: str) -> str:
    return f"pelagos snapshot info {which} --cloud {command.cloud.name}"


def _head(command: CloudCommand, snapshot: Record) -> dict[str, Any]:
    size = snapshot.get("size")
    return {
        "id": snapshot.get("id"),
        "name": snapshot.get("name"),
        "description": snapshot.get("description"),
        "status": snapshot.get("status"),
        "size": f"{size} GiB" if size is not None else None,
        "volume": snapshot.get("volume_id"),
        "metadata": snapshot.get("metadata"),
        "created": when(command, snapshot.get("created_at")),
    }
