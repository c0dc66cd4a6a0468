"""Options that belong to the program: its settings, its version, its progress bars."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pelagos.cli import argument as own
from pelagos.cli.argument.program import Bars
from pelagos.compat.kamaki.cli.argument.base import Argument, FlagArgument
from pelagos.compat.kamaki.cli.config import Config
from pelagos.compat.kamaki.cli.errors import CLISyntaxError


class ConfigArgument(Argument):
    """The settings of the program: a `Config` of the named file."""

    def __init__(
        self,
        help: str | None = "Path to a configuration file",  # noqa: A002  # the ancestor's
        parsed_name: str | Sequence[str] = ("-c", "--config"),
        default: Any = None,
    ) -> None:
        super().__init__(1, help, parsed_name, default)
        self._config: Config | None = None

    @property
    def value(self) -> Config:
        """The settings."""
        if self._config is None:
            self._config = Config(self._value or self.default)
        return self._config

    @value.setter
    def value(self, config_file: Any) -> None:
        self._config = config_file if isinstance(config_file, Config) else None
        self._value = None if self._config else config_file

    def get(self, group: str, term: str) -> Any:
        """One setting."""
        return self.value.get(group, term)

    def get_global(self, option: str) -> Any:
        """A setting of the section `global`."""
        return self.value.get_global(option)

    def get_cloud(self, cloud: str, option: str) -> Any:
        """A setting of a cloud.

        Raises:
            KeyError: there is no such cloud, or it does not say that.
        """
        return self.value.get_cloud(cloud, option)

    @property
    def groups(self) -> list[str]:
        """The groups of commands, whose modules are configured."""
        return [name for name, _ in self.cli_specs]

    def get_groups(self) -> list[str]:
        """The same by the first versions' name."""
        return self.groups

    @property
    def cli_specs(self) -> list[tuple[str, str]]:
        """The groups and their modules."""
        settings = self.value
        found = {
            name.removesuffix("_cli"): str(module)
            for name, module in settings.items("global", include_defaults=True)
            if name.endswith("_cli")
        }
        former = {one: settings.get(one, "cli") for one in settings.apis()}
        return list(
            {**found, **{one: str(module) for one, module in former.items() if module}}.items()
        )


class RuntimeConfigArgument(Argument):
    """`-o section.name=value`, several times: what counts instead of what the settings say."""

    def __init__(
        self,
        config_arg: ConfigArgument,
        help: str = "",  # noqa: A002  # the ancestor's
        parsed_name: str | Sequence[str] | None = None,
        default: Any = None,
    ) -> None:
        super().__init__(-1, help, parsed_name, default)
        self._config_arg = config_arg

    @property
    def value(self) -> Any:
        """What was given."""
        return super().value

    @value.setter
    def value(self, options: Any) -> None:
        told = [options] if isinstance(options, str) else list(options or ())
        for option in told:
            path, equals, text = option.partition("=")
            if not equals:
                raise CLISyntaxError(f"{option!r} is no setting", ["write SECTION.NAME=VALUE"])
            section, dot, name = path.rpartition(".")
            self._config_arg.value.override(section if dot else "global", name, text)
        self._value = told or None


CmdLineConfigArgument = RuntimeConfigArgument


class VersionArgument(FlagArgument):
    """Prints the version."""

    @property
    def value(self) -> Any:
        """Whether it was printed."""
        return super().value

    @value.setter
    def value(self, newvalue: Any) -> None:
        from pelagos.compat.kamaki import __version__  # noqa: PLC0415  # which imports this

        self._value = newvalue
        if newvalue:
            sys.stdout.write(f"kamaki {__version__}\n")


class ProgressBarArgument(FlagArgument):
    """An option that keeps progress bars away."""

    def __init__(
        self,
        help: str = "",  # noqa: A002  # the ancestor's
        parsed_name: str | Sequence[str] | None = None,
        default: Any = True,
    ) -> None:
        super().__init__(help, parsed_name, default)
        self._bars: Bars | None = None

    def clone(self) -> ProgressBarArgument:
        """Another one like it, for another bar."""
        made = ProgressBarArgument(self.help, self.parsed_name, self.default)
        made._value = self._value
        return made

    def get_generator(
        self, message: str, message_len: int = 25, countdown: bool = False, timeout: float = 100
    ) -> Callable[[int], Iterator[None]] | None:
        """What makes a generator of so many steps, each `next` of which moves the bar.

        None when bars were not wanted, or nobody watches.

        Args:
            message: before the bar.
            message_len: columns for it.
            countdown: show the time that is left instead.
            timeout: seconds of that.
        """
        made = own.ProgressBarArgument(self.help).bars(self._value)
        if made is None:
            return None
        self._bars = made
        return made.get_generator(message, message_len, countdown, timeout)

    def finish(self) -> None:
        """End the line of the bar."""
        if self._bars is not None:
            self._bars.finish()
            self._bars = None
