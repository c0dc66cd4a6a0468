"""`pelagos db backup|backups|restore`: the master's database in object storage."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from pelagos.cli.argument import IntArgument, Operand, ValueArgument
from pelagos.cli.cloud_showing import size
from pelagos.cli.clouds import CLOUD, CloudCommand
from pelagos.cli.failures import UsageError
from pelagos.cli.moment import clock_and_ago
from pelagos.cli.output import Column
from pelagos.cli.status_line import StatusLine
from pelagos.cli.storage import count_of, read_spot

if TYPE_CHECKING:  # not for a cycle: the help does not pay for the plane
    from pelagos.plane.cloud_place import CloudStorage

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


class DbBackup(_Backup):
    """Put a backup of the master's database into object storage; the master may run meanwhile.

    It holds connection parameters, passwords among them. Sealed with a key it can be read with
    that key only, which must be kept elsewhere: without it the backup is worth nothing.
    """

    shows = True
    makes_key = True
    arguments = {
        **CLOUD,
        "key": _KEY,
        "database": ValueArgument(
            "URL or path of the database; default: that of the configuration", "--database",
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
        from pelagos.plane import backup

        storage = self.storage(place)
        with StatusLine(self.context.stderr, self.context.clock, "backup") as line:

            def progress(table: str, rows: int, total: int) -> None:
                line.show(f"{table}: {rows:,} of {total:,}")

            made, tables = backup.back_up(
                self._database(), storage, self.context.clock.time(), progress, self.key
            )
        rows = sum(table.rows for table in tables)
        self.context.say(f"{count_of(rows, 'row')} of {len(tables)} tables")
        self.show([made])
        if self["keep"] is not None:
            gone = backup.forget(storage, self["keep"])
            if gone:
                self.context.say(f"{count_of(len(gone), 'older backup')} removed")

    def _database(self) -> str:
        from urllib.parse import quote

        from pelagos.plane.data_folder import DataFolder
        from pelagos.plane.sections import MasterConfig

        configured = self["database"] or self.context.config.of(MasterConfig).database
        return configured or f"sqlite:///{quote(str(DataFolder(self.context.data).database))}"


class DbBackups(_Backup):
    """List the backups of a place, the newest first."""

    shows = True
    arguments = CLOUD
    operands = {"place": _PLACE}

    def main(self, place: str) -> None:
        """Print them."""
        from pelagos.plane import backup

        self.show(list(backup.backups(self.storage(place))))


class DbRestore(_Backup):
    """Bring a backup into an empty database, and compare the two row by row.

    The target stays empty when anything fails. A master then runs on it with `master.database`,
    or when it is `plane.db` in the data folder.
    """

    shows = True
    arguments = {**CLOUD, "key": _KEY}
    operands = {
        "place": _PLACE,
        "backup": Operand("name of the backup, or latest"),
        "target": Operand(
            "URL of an empty database, or path of a SQLite file to be made", complete="file"
        ),
    }
    examples = ("pelagos db restore backups/plane latest /var/lib/pelagos/plane.db",)

    def main(self, place: str, backup: str, target: str) -> None:
        """Restore, and print what there is."""
        from pelagos.plane import backup as backups

        storage = self.storage(place)
        with StatusLine(self.context.stderr, self.context.clock, "restoring") as line:

            def progress(table: str, rows: int, total: int) -> None:
                line.show(f"{table}: {rows:,} of {total:,}")

            restored = backups.restore(storage, backup, target, progress, self.key)
        columns = (
            Column("table"),
            Column("rows", show=lambda count: f"{count:,}"),
            Column("sha256", show=lambda digest: digest[:16]),
        )
        self.context.output.show_list(restored, columns)
