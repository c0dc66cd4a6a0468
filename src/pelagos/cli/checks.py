"""How the commands that examine something show what they found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from pelagos.cli.command_base import Command
from pelagos.cli.failures import FAILED, OK
from pelagos.cli.output import Column
from pelagos.cli.terminal import clean, paint, wants_colour

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}
_COLUMNS = (Column("name"), Column("grade"), Column("message"), Column("mend"))


class Check(Protocol):
    """One thing that was examined."""

    @property
    def name(self) -> str:
        """What was examined."""

    @property
    def grade(self) -> str:
        """One of ok, warn, fail."""

    @property
    def message(self) -> str:
        """What was found."""

    @property
    def mend(self) -> str:
        """What to do about it; empty when nothing is to be done."""


def show_checks(command: Command, checks: Sequence[Check]) -> int:
    """Print them, each fault with its mend; the exit code: 1 when one fails."""
    output = command.context.output
    if output.is_table and command["columns"] is None and not output.is_selective:
        _print(command, checks)
    else:
        output.show_list(checks, _COLUMNS)
    return FAILED if any(check.grade == "fail" for check in checks) else OK


def _print(command: Command, checks: Sequence[Check]) -> None:
    stdout = command.context.stdout
    is_coloured = wants_colour(stdout, command.context.environ)
    margin = max(len(check.name) for check in checks)
    for check in checks:
        grade = f"{check.grade:4}"
        if is_coloured:
            grade = paint(grade, _COLOURS[check.grade])
        line = f"{grade}  {clean(check.name):{margin}}  {clean(check.message)}"
        stdout.write(line.rstrip() + "\n")
        if check.mend:
            stdout.write(f"{'':{margin + 8}}mend: {clean(check.mend)}\n")
