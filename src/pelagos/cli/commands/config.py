"""`pelagos config …`: the configuration file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pelagos.cli.argument import Operand
from pelagos.cli.command_base import Command
from pelagos.cli.failures import UsageError
from pelagos.cli.output import Column
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree
from pelagos.cli.values import as_text, plain
from pelagos.core.errors import PelagosError

if TYPE_CHECKING:  # not for a cycle: the help does not pay for the settings
    from pelagos.core.setting import Setting

_config_commands = CommandTree("config", "The configuration file")

KEY = Operand("the setting, e.g. master.port", complete="key")

_PASSWORD = re.compile(r"(?<=://)[^/\s@]*(?=@)")


def shown(setting: Setting, value: Any) -> Any:
    """The value of a setting without its secrets: tables and groups name what is one."""
    if value and not setting.variable:
        from pelagos.directory.settings.masking import masked

        return masked({setting.name: plain(value)})[setting.name]
    return _PASSWORD.sub("***", value) if isinstance(value, str) else plain(value)


@command(_config_commands)
class ConfigList(Command):
    """List all settings: value, default, what set it, meaning. Secrets are hidden."""

    shows = True
    lists = True
    keys = ("default", "variable")

    def main(self) -> None:
        """Print them."""
        from pelagos.core.config import settings
        from pelagos.plane.sections import SECTIONS

        config = self.context.config
        rows = [
            {
                "key": one.key,
                "value": shown(one, config.get(one.key)),
                "default": plain(one.default),
                "origin": config.origins.get(one.key, "default"),
                "variable": one.variable,
                "about": one.about,
            }
            for one in (*settings(SECTIONS), *config.group_settings())
        ]
        columns = (
            Column("key"),
            Column(
                "value", show=lambda value: as_text(value) if value not in (None, "", {}) else "-"
            ),
            Column("origin", "set by"),
            Column("about"),
        )
        self.context.output.show_list(rows, columns)


@command(_config_commands)
class ConfigGet(Command):
    """Print the value of a setting: the environment's, else the file's, else the default."""

    operands = {"key": KEY}

    def main(self, key: str) -> None:
        """Print it."""
        self.context.output.line(as_text(plain(self.context.config.get(key))))


@command(_config_commands)
class ConfigSet(Command):
    """Write a setting to the configuration file; comments in the file stay."""

    operands = {"key": KEY, "value": Operand("its value; KEY=VALUE does, too")}
    examples = ("pelagos config set node.partitions 20", "pelagos config set node.partitions=20")

    def main(self, key: str, value: str | None = None) -> None:
        """Write it."""
        from pelagos.core.config import set_value, setting_in
        from pelagos.plane.config_meaning import check_meaning
        from pelagos.plane.sections import SECTIONS

        key, value = _said(key, value)
        setting = setting_in(SECTIONS, self.context.config_path, key)
        try:
            if setting.variable:  # the others are tables
                check_meaning(key, value)
        except PelagosError as error:
            raise UsageError(f"{key}: {error.message}", hint=error.hint) from error
        if setting.section not in SECTIONS:
            value = _of_group(setting, value)
        set_value(SECTIONS, self.context.config_path, key, value)
        if setting.variable and self.context.environ.get(setting.variable):
            stronger = f"{setting.variable} is set here and is stronger than the file"
            self.context.say(f"written; but {stronger}")


def _of_group(setting: Setting, value: str) -> str:
    """The value of a key of a group of commands; a path begins where it was typed.

    Raises:
        UsageError: it cannot name the commands of a group.
    """
    from pelagos.core import command_groups

    if setting.name != command_groups.SAYS:
        return value
    from pelagos.cli.group_module import settled

    return settled(setting.section, value)


def _said(key: str, value: str | None) -> tuple[str, str]:
    """Key and value, whether they were given as two words or as KEY=VALUE.

    Raises:
        UsageError: there is no value, or there are two.
    """
    name, equals, rest = key.partition("=")
    if value is None and equals:
        return name, rest
    if value is None:
        raise UsageError(f"{key}: its value is missing", hint=f"pelagos config set {key} VALUE")
    if equals:
        raise UsageError(f"{name} is given two values: {rest!r} and {value!r}")
    return key, value


@command(_config_commands)
class ConfigDelete(Command):
    """Remove a setting from the configuration file; its default holds then."""

    operands = {"key": KEY}

    def main(self, key: str) -> None:
        """Remove it."""
        from pelagos.core.config import delete_value
        from pelagos.plane.sections import SECTIONS

        if not delete_value(SECTIONS, self.context.config_path, key):
            self.context.say(f"{key} was not set in {self.context.config_path}")


@command(_config_commands)
class ConfigPath(Command):
    """Print the path of the configuration file; it need not exist."""

    def main(self) -> None:
        """Print it."""
        self.context.output.line(str(self.context.config_path))
