"""`pelagos db …`: the master's database."""

from __future__ import annotations

from pelagos.cli.argument import Operand
from pelagos.cli.command_base import Command
from pelagos.cli.output import Column
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

_db_commands = CommandTree("db", "The master's database")

_COLUMNS = (
    Column("table"),
    Column("rows", show=lambda count: f"{count:,}"),
    Column("sha256", show=lambda digest: digest[:16]),
)


@command(_db_commands)
class DbCopy(Command):
    """Copy a site's state into another database; the two are compared row by row.

    The master has to be down, and the target empty; it stays empty when anything fails. The
    source is left as it is.
    """

    shows = True
    operands = {
        "source": Operand("URL of a database, or path of a SQLite file", complete="file"),
        "target": Operand("the same, of an empty database", complete="file"),
    }
    examples = (
        "pelagos db copy plane.db postgresql://pelagos@db.example.org/site",
        "pelagos db copy postgresql://pelagos@db.example.org/site /tmp/plane.db",
    )

    def main(self, source: str, target: str) -> None:
        """Copy, and print what was copied."""
        from pelagos.cli.status_line import StatusLine
        from pelagos.plane import db_copy

        with StatusLine(self.context.stderr, self.context.clock, "copying") as line:

            def progress(table: str, rows: int, total: int) -> None:
                line.show(f"{table}: {rows:,} of {total:,}")

            copied = db_copy.run(source, target, progress)
        self.context.output.show_list(copied, _COLUMNS)
