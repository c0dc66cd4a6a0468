"""The base of commands for the first versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pelagos.compat.kamaki.cli.argument import Argument, ConfigArgument

__all__ = ["_command_init"]


class _command_init:  # noqa: N801  # the ancestor's
    """A command; a class of a program adds options to `self.arguments`, and has `main`.

    Args:
        arguments: the options of the program by their names, `config` among them.
    """

    def __init__(self, arguments: Mapping[str, Argument] | None = None) -> None:
        self.arguments: dict[str, Argument] = {
            **getattr(self, "arguments", {}),
            **(arguments or {}),
        }
        config = self.arguments.get("config")
        self.config = config.value if isinstance(config, ConfigArgument) else None

    def get_argument(self, argterm: str) -> Any:
        """What was given for an option.

        Raises:
            KeyError: there is no such option.
        """
        return self.arguments[argterm].value

    def __getitem__(self, argterm: str) -> Any:
        return self.get_argument(argterm)

    def __setitem__(self, argterm: str, argument: Argument) -> None:
        self.arguments[argterm] = argument
