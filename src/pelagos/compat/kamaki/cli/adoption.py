"""Commands that were written for the ancestor, as commands of ours.

What `pelagos.cli.group_module` asks of an ancestor: `install`, `as_command`, `told`. A class may
derive from the ancestor's bases or from nothing, as long as it takes `arguments` and has `main`.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from pelagos.cli import argument as own
from pelagos.cli.command_base import GLOBAL_ARGUMENTS, Command, Required
from pelagos.cli.registration import operands_of
from pelagos.compat import python2
from pelagos.compat.kamaki import install
from pelagos.compat.kamaki.cli.argument import Argument, ConfigArgument, ValueArgument
from pelagos.compat.kamaki.cli.running import made
from pelagos.core.errors import PelagosError

__all__ = ["as_command", "install", "told"]

_OF_ANCESTOR = "kamaki "
"""Before the names of its options: they may be called as ours are."""


def told(error: SyntaxError) -> PelagosError | None:
    """What of Python 2 a module has, where, and its modern form; None when that is not it."""
    said = python2.told(error)
    return said if "is Python 2" in said.message else None


def as_command(cls: type[Any]) -> type[Command] | None:
    """A class of the ancestor's commands as one of ours."""
    try:
        options = _options(made(cls, _program()))
    except TypeError:  # it cannot be made of `arguments`: it is something else
        return None
    about = {
        "__doc__": cls.__doc__,
        "arguments": {f"{_OF_ANCESTOR}{key}": _ours(one) for key, one in options.items()},
        "required": _renamed(getattr(cls, "required", None) or ()),
        "CLASS": cls,
    }
    return type(cls.__name__, (_Adopted,), about)


class _Adopted(Command):
    """A command of the ancestor.

    Attributes:
        CLASS: its class.
    """

    CLASS: type[Any]

    @classmethod
    def signature(cls) -> Any:
        """The operands of the ancestor's `main`."""
        return operands_of(cls.CLASS.main)

    @classmethod
    def all_arguments(cls) -> dict[str, own.Argument]:
        """Its options, and those of every command that are spelt otherwise."""
        taken = {name for one in cls.arguments.values() for name in one.names}
        found = dict(cls.arguments)
        for key, one in GLOBAL_ARGUMENTS.items():
            if names := [name for name in one.names if name not in taken]:
                found[key] = copy.copy(one)
                found[key].names = tuple(names)
        return found

    def main(self, *operands: str) -> int | None:
        """Run it with the values of its options."""
        program = _program()
        running = made(self.CLASS, program)
        for key, one in _options(running).items():
            one.value = None
            given = self[f"{_OF_ANCESTOR}{key}"]
            if given is not None and given is not False:
                one.value = given
        self._settle(program["config"].value)
        code = running.main(*operands)
        return code if isinstance(code, int) else None

    def _settle(self, config: Any) -> None:
        """Let the commands find what our configuration says of their groups."""
        for section, content in self.context.config.groups.items():
            for key, value in content.items():
                config.override(section, key, value)


def _program() -> dict[str, Argument]:
    return {"config": ConfigArgument(), "cloud": ValueArgument("name of the cloud", "--cloud")}


def _options(command: Any) -> dict[str, Argument]:
    arguments: Mapping[str, Any] = getattr(command, "arguments", {})
    return {
        key: one
        for key, one in arguments.items()
        if isinstance(one, Argument) and one.parsed_name and key != "config"
    }


def _ours(argument: Argument) -> own.Argument:
    """An option whose value is the text; the ancestor's own object converts that."""
    if argument.arity == 0:
        return own.FlagArgument(argument.help or "-", *argument.parsed_name)
    kind = own.ValueArgument if argument.arity > 0 else own.RepeatableArgument
    return kind(argument.help or "-", *argument.parsed_name, default=None)


def _renamed(required: Any) -> Required:
    if isinstance(required, str):
        return f"{_OF_ANCESTOR}{required}"
    names = [_renamed(one) for one in required]
    return names if isinstance(required, list) else tuple(names)
