"""`pelagos config import`: what another program was configured to do, in our configuration."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pelagos.cli.argument import FlagArgument, Operand
from pelagos.cli.command_base import Command
from pelagos.cli.failures import UsageError
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

if TYPE_CHECKING:  # not for a cycle: the help does not pay for the plane
    from pelagos.directory.migration import Remark
    from pelagos.plane.carry import Carried

_config_commands = CommandTree("config")

KINDS = ("kamaki", "clouds.yaml", "one", "slapos", "xivo-dird")


@command(_config_commands)
class ConfigImport(Command):
    """Take over the configuration of another program.

    kamaki: its clouds, from ~/.kamakirc. clouds.yaml: its clouds, with those of secure.yaml. one:
    the login of OpenNebula's tools, from ~/.one/one_auth. slapos: a computer or a person's way to
    the master, from slapos.cfg. xivo-dird: config.yml with its conf.d and sources.d.

    Secrets are kept in files of their own that only you can read. What could not be carried over
    is said on stderr, with what to do about it.
    """

    operands = {
        "kind": Operand(f"whose configuration it is: {', '.join(KINDS)}", choices=KINDS),
        "place": Operand("its file or folder; default: where that program looks", complete="file"),
    }
    arguments = {
        "dry_run": FlagArgument("print the settings, secrets as ***, and write none", "--dry-run"),
        "replace": FlagArgument("put them in the place of those that are there", "--replace"),
        "run_commands": FlagArgument(
            "run the commands of files that are made by one (!exec); xivo-dird", "--run-commands"
        ),
    }
    examples = (
        "pelagos config import kamaki --dry-run",
        "pelagos config import slapos /etc/opt/slapos/slapos.cfg",
        "pelagos config import xivo-dird /etc/xivo-dird --replace",
    )

    def main(self, kind: str, place: str = "") -> None:
        """Read, write, and say what was left out."""
        if self["run_commands"] and kind != "xivo-dird":
            raise UsageError(f"--run-commands is of xivo-dird; {kind} has no such files")
        file = Path(place or _where(kind, self.context.environ)).expanduser()
        if kind == "xivo-dird":
            self._import_directory(file)
        else:
            self._import(_reader(kind)(file))

    def _import(self, carried: Carried) -> None:
        from pelagos.plane.carry import as_table, keep

        path = self.context.config_path
        if self["dry_run"]:
            self._print(as_table(carried, path.parent))
        else:
            keep(carried, path, replace=self["replace"])
        self._tell(carried.remarks)
        settings = len(carried.values) + len(carried.files)
        found = {"cloud": len(carried.clouds), "setting": settings}
        self._finish(found, len(carried.remarks))

    def _import_directory(self, folder: Path) -> None:
        from pelagos.core.config import set_table
        from pelagos.directory.migration import carry_over, read_tree
        from pelagos.directory.settings.masking import masked
        from pelagos.plane.sections import SECTIONS

        tree = read_tree(folder, run_commands=self["run_commands"])
        carried = carry_over(tree)
        if self["dry_run"]:
            self._print({"directory": {"settings": masked(carried.settings)}})
        else:
            path = self.context.config_path
            set_table(
                SECTIONS, path, "directory.settings", carried.settings, replace=self["replace"]
            )
        self._tell(carried.remarks)
        found = {"file": len(tree.files), "source": len(carried.settings.get("sources", ()))}
        self._finish(found, len(carried.remarks))
        if not self["dry_run"]:
            self.context.say("pelagos source check asks each source once the directory runs")

    def _print(self, table: Mapping[str, Any]) -> None:
        from pelagos.core import toml

        for line in toml.dumps(table).splitlines():
            self.context.output.line(line)

    def _tell(self, remarks: Iterable[Remark]) -> None:
        for remark in remarks:
            self.context.say(str(remark))
            if remark.hint:
                self.context.say(f"    {remark.hint}")

    def _finish(self, found: Mapping[str, int], remarks: int) -> None:
        counts = {**found, "remark": remarks}.items()
        some = [f"{number} {what}{'s' * (number != 1)}" for what, number in counts if number]
        where = "not written" if self["dry_run"] else f"written to {self.context.config_path}"
        self.context.say(f"{', '.join(some) or 'nothing to take over'}; {where}")


def _reader(kind: str) -> Callable[[Path], Carried]:
    from pelagos.plane import carry

    return {
        "kamaki": carry.from_kamaki,
        "clouds.yaml": carry.from_clouds_yaml,
        "one": carry.from_one,
        "slapos": carry.from_slapos,
    }[kind]


def _where(kind: str, environ: Mapping[str, str]) -> str:
    """Where the other program looks for its configuration."""
    home = environ.get("HOME") or "~"
    if kind == "kamaki":
        return environ.get("KAMAKI_CONFIG") or f"{home}/.kamakirc"
    if kind == "one":
        return environ.get("ONE_AUTH") or f"{home}/.one/one_auth"
    if kind == "clouds.yaml":
        from pelagos.clients.cloud.clouds_yaml import CloudsYaml

        return environ.get("OS_CLIENT_CONFIG_FILE") or CloudsYaml(environ).place
    if kind == "slapos":
        client = environ.get("SLAPOS_CLIENT_CONFIGURATION") or f"{home}/.slapos/slapos-client.cfg"
        node = environ.get("SLAPOS_CONFIGURATION") or "/etc/opt/slapos/slapos.cfg"
        return node if Path(node).is_file() or not Path(client).is_file() else client
    return "/etc/xivo-dird"
