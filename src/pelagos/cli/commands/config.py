"""`pelagos config …`: the configuration file."""

from __future__ import annotations

import re
from typing import Any

from pelagos.cli.argument import Operand
from pelagos.cli.command_base import Command
from pelagos.cli.failures import UsageError
from pelagos.cli.output import Column
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree
from pelagos.cli.values import as_text, plain
from pelagos.core.errors import PelagosError

_config_commands = CommandTree("config", "The configuration file")

KEY = Operand("the setting, e.g. master.port", complete="key")

_ADDRESSES = frozenset({"plane.master_url", "plane.directory_url", "master.public_url"})
_PASSWORD = re.compile(r"(?<=://)[^/\s@]*(?=@)")


def shown(value: Any) -> Any:
    """The value of a setting with the password in a URL hidden."""
    return _PASSWORD.sub("***", value) if isinstance(value, str) else plain(value)


@command(_config_commands)
class ConfigList(Command):
    """List all settings: value, default, what set it, meaning. Passwords in URLs are hidden."""

    shows = True
    lists = True

    def main(self) -> None:
        """Print them."""
        from pelagos.core.config import settings
        from pelagos.plane.sections import SECTIONS

        config = self.context.config
        rows = [
            {
                "key": one.key,
                "value": shown(config.get(one.key)),
                "default": plain(one.default),
                "origin": config.origins.get(one.key, "default"),
                "variable": one.variable,
                "about": one.about,
            }
            for one in settings(SECTIONS)
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

    operands = {"key": KEY, "value": Operand("its value")}
    examples = ("pelagos config set node.partitions 20",)

    def main(self, key: str, value: str) -> None:
        """Write it."""
        from pelagos.core.config import find_setting, set_value
        from pelagos.plane.sections import SECTIONS

        try:
            _check_meaning(key, value)
        except PelagosError as error:
            raise UsageError(f"{key}: {error.message}", hint=error.hint) from error
        set_value(SECTIONS, self.context.config_path, key, value)
        variable = find_setting(SECTIONS, key).variable
        if variable and self.context.environ.get(variable):
            self.context.say(f"written; but {variable} is set here and is stronger than the file")


def _check_meaning(key: str, value: str) -> None:
    """Refuse at once what only a start, or a call, would find wrong.

    Raises:
        PelagosError: the value has a wrong form.
    """
    if key in _ADDRESSES and value:
        from pelagos.core.http import HttpClient

        HttpClient(value).close()
    elif key == "master.https":
        from pelagos.plane.https import speaks_https

        speaks_https("127.0.0.1", value)
    elif key == "bus.url" and value:
        from pelagos.messaging import connect

        connect(value)  # opens nothing yet


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
