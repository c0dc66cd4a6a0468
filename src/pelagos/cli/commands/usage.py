"""`pelagos usage`: what services and computers used, in units that a person reads."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pelagos.cli.argument import IntArgument, Operand, ValueArgument
from pelagos.cli.command_base import Command
from pelagos.cli.failures import UsageError
from pelagos.cli.moment import local
from pelagos.cli.output import Column
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree
from pelagos.cli.values import plain

if TYPE_CHECKING:  # not for a cycle: the help does not pay for the model
    from pelagos.slap.tio import UsageRow

_usage_commands = CommandTree("usage")

_UNITS = {"min": 60.0, "h": 3600.0, "d": 86_400.0, "w": 7 * 86_400.0}
_SINCE = re.compile(r"(\d+(?:\.\d+)?)(min|h|d|w)")
_DATE = "%Y-%m-%d"
_MOST = 10_000


_COLUMNS = (
    Column("stop", "until", local),
    Column("computer_id", "computer"),
    Column("service", show=lambda name: name or "(computer)"),
    Column("resource", "what"),
    Column("quantity", "amount"),
)


@command(_usage_commands)
class Usage(Command):
    """Print what was used: processor time, memory, disk, and what services report themselves.

    Amounts are those of one report; a computer reports once an hour unless told otherwise. A
    service stands for all that it is made of.
    """

    shows = True
    lists = True
    keys = ("pelagos.slap.tio:UsageRow",)
    arguments = {
        "computer": ValueArgument(
            "only on this computer", "--computer", metavar="COMPUTER", complete="computer"
        ),
        "since": ValueArgument(
            "only what ended later: 90min, 12h, 7d, 4w ago, or a date as 2026-07-14",
            "--since",
            metavar="TIME",
        ),
        "number": IntArgument(
            "only the last N amounts that --filter leaves; default 100",
            "-n",
            "--number",
            least=1,
            most=_MOST,
            default=100,
        ),
    }
    operands = {"service": Operand("only of this service and all below it", complete="service")}
    examples = ("pelagos usage hello --since 7d", "pelagos usage --computer COMP-1 -o json")

    def main(self, service: str | None = None) -> None:
        """Print them, the newest last."""
        from pelagos.cli.commands.service import not_found
        from pelagos.slap.errors import NotFoundError

        output = self.context.output
        try:
            found = self.context.master.usage(
                service=service,
                computer_id=self["computer"] or None,
                since=self._since(),
                limit=_MOST if output.is_selective else self["number"],
            )
        except NotFoundError as error:
            if not service:
                raise
            raise not_found(self.context, service, error) from error
        if output.is_selective:  # -n counts what --filter leaves
            found = [one for one in found if output.admits(one, _COLUMNS)][: self["number"]]
        rows: list[Any] = list(reversed(found))
        if output.is_table and not self["columns"] and not output.is_selective:
            rows = [{**plain(row), "quantity": amount(row)} for row in rows]
        output.show_list(
            rows,
            _COLUMNS,
            empty="nothing was reported yet; computers report once an hour",
        )

    def _since(self) -> float | None:
        text = self["since"]
        if not text:
            return None
        ago = _SINCE.fullmatch(text)
        if ago:
            return self.context.clock.time() - float(ago[1]) * _UNITS[ago[2]]
        import time

        try:
            return time.mktime(time.strptime(text, _DATE))
        except (ValueError, OverflowError) as error:
            raise UsageError(
                f"--since does not know the time {text!r}",
                hint="write 90min, 12h, 7d, 4w, or a date as 2026-07-14",
            ) from error


def amount(row: UsageRow) -> str:
    """A quantity in a unit that a person reads.

    >>> from pelagos.slap.tio import UsageRow
    >>> amount(UsageRow("C", "cpu", 3700.0, 0.0)), amount(UsageRow("C", "disk", 5e9, 0.0))
    ('1.0 h', '4.7 GiB')
    >>> amount(UsageRow("C", "mails", 7.0, 0.0))
    '7'
    """
    if row.resource == "cpu":
        return _duration(row.quantity)
    if row.resource in {"memory", "disk"}:
        return _bytes(row.quantity)
    return f"{row.quantity:g}"


def _duration(seconds: float) -> str:
    for limit, unit, name in ((60.0, 1.0, "s"), (3600.0, 60.0, "min")):
        if seconds < limit:
            return f"{seconds / unit:.1f} {name}"
    return f"{seconds / 3600.0:.1f} h"


def _bytes(size: float) -> str:
    for name in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:  # noqa: PLR2004 - the step between units
            return f"{size:.0f} {name}" if name == "B" else f"{size:.1f} {name}"
        size /= 1024
    return f"{size:.1f} TiB"
