"""`pelagos doctor`: is all in order here, and if not, how to mend it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from pelagos.cli.checks import show_checks
from pelagos.cli.command_base import Command
from pelagos.cli.failures import NoPlaneError
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree
from pelagos.core.errors import PelagosError

if TYPE_CHECKING:  # not for a cycle: the help does not pay for the plane
    from pelagos.plane.doctor import Check

_doctor_commands = CommandTree("doctor")

T = TypeVar("T")


@command(_doctor_commands)
class Doctor(Command):
    """Check this installation, its plane and its configuration; each fault comes with its mend.

    Ends with exit code 1 when a check fails.
    """

    shows = True
    lists = True
    keys = ("name", "grade", "message", "mend")

    def main(self) -> int:
        """Check and print."""
        return show_checks(self, self._checks())

    def _checks(self) -> list[Check]:
        from pelagos.core import logs
        from pelagos.plane import doctor
        from pelagos.plane.data_folder import DataFolder
        from pelagos.plane.directory_config import check_settings
        from pelagos.plane.sections import BusConfig, DirectoryConfig, NodeConfig

        logs.mute()  # what the checks meet is their answer
        checks: list[Check] = []
        if self._found("configuration", checks, lambda: self.context.config) is None:
            return checks
        where = self.context.config_path
        said = f"{where} is well-formed" if where.exists() else "none; the defaults hold"
        settings = self.context.config.of(DirectoryConfig).settings
        if self._found("configuration", checks, lambda: check_settings(settings)) is not None:
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
