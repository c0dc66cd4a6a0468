"""`pelagos doctor`: is all in order here, and if not, how to mend it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from pelagos.cli.command import Command
from pelagos.cli.failures import FAILED, OK, NoPlaneError
from pelagos.cli.output import Column
from pelagos.cli.terminal import clean, paint, wants_colour
from pelagos.core.errors import PelagosError

if TYPE_CHECKING:  # not for a cycle: the help does not pay for the plane
    from pelagos.plane.doctor import Check

T = TypeVar("T")

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}
_COLUMNS = (Column("name"), Column("grade"), Column("message"), Column("mend"))


class Doctor(Command):
    """Check this installation, its plane and its configuration; each fault comes with its mend.

    Ends with exit code 1 when a check fails.
    """

    shows = True

    def main(self) -> int:
        """Check and print."""
        checks = self._checks()
        output = self.context.output
        if output.is_table and self["columns"] is None:
            self._print(checks)
        else:
            output.show_list(checks, _COLUMNS)
        return FAILED if any(check.grade == "fail" for check in checks) else OK

    def _checks(self) -> list[Check]:
        from pelagos.core import logs
        from pelagos.plane import doctor
        from pelagos.plane.data_folder import DataFolder
        from pelagos.plane.sections import BusConfig, NodeConfig

        logs.mute()  # what the checks meet is their answer
        checks: list[Check] = []
        if self._found("configuration", checks, lambda: self.context.config) is None:
            return checks
        where = self.context.config_path
        said = f"{where} is well-formed" if where.exists() else "none; the defaults hold"
        checks.append(doctor.Check("configuration", doctor.Grade.OK, said))
        url = self._found("address", checks, lambda: self.context.master_url)
        token = self._found("token file", checks, lambda: self.context.token)
        return checks + doctor.run(
            DataFolder(self.context.data),
            url or "",
            token,
            authority=self.context.plane.authority,
            poll_interval=self.context.config.of(NodeConfig).poll_interval,
            clock=self.context.clock,
            bus=self.context.config.of(BusConfig),
        )

    def _found(self, name: str, checks: list[Check], find: Callable[[], T]) -> T | None:
        """What the context finds; what it cannot find becomes a failed check."""
        from pelagos.plane.doctor import Check, Grade

        try:
            return find()
        except NoPlaneError:  # the check of the plane says so
            return None
        except PelagosError as error:
            checks.append(Check(name, Grade.FAIL, error.message, error.hint or ""))
            return None

    def _print(self, checks: list[Check]) -> None:
        colour = wants_colour(self.context.stdout, self.context.environ)
        margin = max(len(check.name) for check in checks)
        for check in checks:
            grade = f"{check.grade:4}"
            if colour:
                grade = paint(grade, _COLOURS[check.grade])
            line = f"{grade}  {clean(check.name):{margin}}  {clean(check.message)}"
            self.context.stdout.write(line.rstrip() + "\n")
            if check.mend:
                self.context.stdout.write(f"{'':{margin + 8}}mend: {clean(check.mend)}\n")
