"""`pelagos db backup|backups|restore`: a plane in object storage."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from pelagos.cli.argument import IntArgument, Operand, ValueArgument
from pelagos.cli.cloud.command import CLOUD, CloudCommand
from pelagos.cli.cloud.showing import size
from pelagos.cli.cloud.storage import count_of, read_spot
from pelagos.cli.failures import UsageError
from pelagos.cli.moment import clock_and_ago
from pelagos.cli.output import Column
from pelagos.cli.registration import command
from pelagos.cli.status_line import StatusLine
from pelagos.cli.tree import CommandTree

if TYPE_CHECKING:  # not for a cycle: the help does not pay for the plane
    from pelagos.plane.cloud_place import CloudStorage
    from pelagos.plane.data_folder import DataFolder

_db_commands = CommandTree("db")

_PLACE = Operand("CONTAINER or CONTAINER/FOLDER of object storage")
_KEY = ValueArgument(
    "file with the key that seals backups; `db backup` makes one when it is missing", "--key",
    metavar="FILE", complete="file",
)  # fmt: skip


class _Backup(CloudCommand):
    """What the commands share."""

    def storage(self, place: str) -> CloudStorage:
        """The place of the backups."""
        from pelagos.plane.cloud_place import CloudPlace, CloudStorage

        spot = read_spot(place.rstrip("/"))
        if spot.account is not None:
            raise UsageError("backups are in your own account", hint="name the container alone")
        prefix = f"{spot.name}/" if spot.name else ""
        where = CloudPlace(self.cloud.name or "", spot.container, prefix)
        return CloudStorage(self.cloud, where)

    @cached_property
    def key(self) -> bytes | None:
        """What --key names."""
        from pathlib import Path

        from pelagos.plane.backup import read_key

        path = self["key"]
        return read_key(Path(path).expanduser(), make=self.makes_key) if path else None

    makes_key = False

    @property
    def folder(self) -> DataFolder:
        """Of the plane."""
        from pelagos.plane.data_folder import DataFolder

        return DataFolder(self.context.data)

    def database(self) -> str:
        """The master's, as configured."""
        from urllib.parse import quote

        from pelagos.plane.sections import MasterConfig

        configured = self.context.config.of(MasterConfig).database
        return configured or f"sqlite:///{quote(str(self.folder.database))}"

    def show(self, rows: list[Any]) -> None:
        """Print backups."""
        now = self.context.clock.time()
        columns = (
            Column("name", "backup"),
            Column("made", show=lambda at: clock_and_ago(at, now)),
            Column("size", show=size),
            Column("is_sealed", "sealed"),
        )
        empty = "no backups yet; make one: pelagos db backup"
        self.context.output.show_list(rows, columns, empty=empty)


@command(_db_commands)
class DbBackup(_Backup):
    """Put a backup of the plane into object storage; the plane may run meanwhile.

    It holds the master's and the directory's databases, the book of machines and, sealed with a
    key, the administrator's token and the authority's keys. It can then be read with that key
    only, which must be kept elsewhere: without it the backup is worth nothing.
    """

    shows = True
    makes_key = True
    arguments = {
        **CLOUD,
        "key": _KEY,
        "database": ValueArgument(
            "URL or path of a master's database, which is kept alone; default: the whole plane of "
            "the data folder", "--database",
            metavar="URL", complete="file",
        ),
        "keep": IntArgument(
            "remove all older backups there but so many of the newest", "--keep", least=1,
            default=None,
        ),
    }  # fmt: skip
    operands = {"place": _PLACE}
    examples = ("pelagos db backup backups/plane --cloud work --key ~/plane.key --keep 14",)

    def main(self, place: str) -> None:
        """Back up, and print what was made."""
        from pelagos.plane import backup, backup_content

        storage = self.storage(place)
        with StatusLine(self.context.stderr, self.context.clock, "backup") as line:

            def progress(table: str, rows: int, total: int) -> None:
                line.show(f"{table}: {rows:,} of {total:,}")

            given, now = self["database"], self.context.clock.time()
            folder = None if given else self.folder
            made, tables = backup.back_up(
                given or self.database(), storage, now, progress, self.key, folder=folder
            )
        rows = sum(table.rows for table in tables)
        self.context.say(f"{count_of(rows, 'row')} of {len(tables)} tables")
        lacks = backup_content.left_out(folder) if folder is not None and not self.key else []
        if lacks:
            self.context.say(f"not in it, for want of a key that seals it: {', '.join(lacks)}")
        self.show([made])
        if self["keep"] is not None:
            gone = backup.forget(storage, self["keep"])
            if gone:
                self.context.say(f"{count_of(len(gone), 'older backup')} removed")


@command(_db_commands)
class DbBackups(_Backup):
    """List the backups of a place, the newest first."""

    shows = True
    lists = True
    keys = ("pelagos.plane.backup:Backup",)
    arguments = CLOUD
    operands = {"place": _PLACE}

    def main(self, place: str) -> None:
        """Print them."""
        from pelagos.plane import backup

        self.show(list(backup.backups(self.storage(place))))


@command(_db_commands)
class DbRestore(_Backup):
    """Bring a backup into an empty data folder; the databases are compared row by row.

    With a target its database alone is brought there. Folder and database stay empty when
    anything fails. A plane whose configuration names a database gets that one.
    """

    shows = True
    arguments = {**CLOUD, "key": _KEY}
    operands = {
        "place": _PLACE,
        "backup": Operand("name of the backup, or latest"),
        "target": Operand(
            "for the database alone: URL of an empty one, or path of a file to be made",
            complete="file",
        ),
    }
    examples = (
        "pelagos db restore backups/plane latest --key ~/plane.key",
        "pelagos db restore backups/plane latest /tmp/plane.db",
    )

    def main(self, place: str, backup: str, target: str | None = None) -> None:
        """Restore, and print what there is."""
        from pelagos.plane import backup as backups

        storage = self.storage(place)
        with StatusLine(self.context.stderr, self.context.clock, "restoring") as line:

            def progress(table: str, rows: int, total: int) -> None:
                line.show(f"{table}: {rows:,} of {total:,}")

            files: list[str] = []
            if target is None:
                restored, files = backups.restore_plane(
                    storage, backup, self.folder, self.database(), progress, self.key
                )
            else:
                restored = backups.restore(storage, backup, target, progress, self.key)
        if target is None:
            self.context.say(f"{self.folder.path} has {', '.join(['the database', *files])}")
        columns = (
            Column("table"),
            Column("rows", show=lambda count: f"{count:,}"),
            Column("sha256", show=lambda digest: digest[:16]),
        )
        self.context.output.show_list(restored, columns)
