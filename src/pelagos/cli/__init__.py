"""The door for people: the `pelagos` command line, and what commands of others are made of.

    from pelagos.cli import Command, CommandTree, FlagArgument, command

Admission rule: what reads argv, prints, or words an answer for a person. Only this room does
that; what a command *does* is a call into `plane` or one of the parts.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:  # not for a cycle: each name is loaded when it is asked for
    from pelagos.cli.argument import Argument as Argument
    from pelagos.cli.argument import BooleanArgument as BooleanArgument
    from pelagos.cli.argument import ColumnsArgument as ColumnsArgument
    from pelagos.cli.argument import CommaSeparatedListArgument as CommaSeparatedListArgument
    from pelagos.cli.argument import ConfigArgument as ConfigArgument
    from pelagos.cli.argument import CountArgument as CountArgument
    from pelagos.cli.argument import DataSizeArgument as DataSizeArgument
    from pelagos.cli.argument import DateArgument as DateArgument
    from pelagos.cli.argument import FileArgument as FileArgument
    from pelagos.cli.argument import FileContentArgument as FileContentArgument
    from pelagos.cli.argument import FlagArgument as FlagArgument
    from pelagos.cli.argument import IntArgument as IntArgument
    from pelagos.cli.argument import KeyValueArgument as KeyValueArgument
    from pelagos.cli.argument import Operand as Operand
    from pelagos.cli.argument import ProgressBarArgument as ProgressBarArgument
    from pelagos.cli.argument import RepeatableArgument as RepeatableArgument
    from pelagos.cli.argument import SecondsArgument as SecondsArgument
    from pelagos.cli.argument import StatusArgument as StatusArgument
    from pelagos.cli.argument import ValueArgument as ValueArgument
    from pelagos.cli.argument import VersionArgument as VersionArgument
    from pelagos.cli.command_base import Command as Command
    from pelagos.cli.failures import CommandError as CommandError
    from pelagos.cli.failures import UsageError as UsageError
    from pelagos.cli.output import Column as Column
    from pelagos.cli.registration import command as command
    from pelagos.cli.tree import CommandTree as CommandTree
    from pelagos.cli.tree import Node as Node

_HOMES = {
    "Argument": "argument",
    "BooleanArgument": "argument",
    "Column": "output",
    "ColumnsArgument": "argument",
    "CommaSeparatedListArgument": "argument",
    "Command": "command_base",
    "CommandError": "failures",
    "CommandTree": "tree",
    "ConfigArgument": "argument",
    "CountArgument": "argument",
    "DataSizeArgument": "argument",
    "DateArgument": "argument",
    "FileArgument": "argument",
    "FileContentArgument": "argument",
    "FlagArgument": "argument",
    "IntArgument": "argument",
    "KeyValueArgument": "argument",
    "Node": "tree",
    "Operand": "argument",
    "ProgressBarArgument": "argument",
    "RepeatableArgument": "argument",
    "SecondsArgument": "argument",
    "StatusArgument": "argument",
    "UsageError": "failures",
    "ValueArgument": "argument",
    "VersionArgument": "argument",
    "command": "registration",
}
"""The module of each name."""


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    found = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = found
    return found
