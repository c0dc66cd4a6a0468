"""Options and operands of commands: how text from the command line becomes a value.

Admission rule: a class for each kind of value that a command may want, whatever it does with it.
`base` has those that nearly all commands need; the others load when they are asked for.
"""

from __future__ import annotations

from pelagos.cli.argument.base import Argument as Argument
from pelagos.cli.argument.base import ColumnsArgument as ColumnsArgument
from pelagos.cli.argument.base import CommaSeparatedListArgument as CommaSeparatedListArgument
from pelagos.cli.argument.base import CountArgument as CountArgument
from pelagos.cli.argument.base import FlagArgument as FlagArgument
from pelagos.cli.argument.base import IntArgument as IntArgument
from pelagos.cli.argument.base import KeyValueArgument as KeyValueArgument
from pelagos.cli.argument.base import Operand as Operand
from pelagos.cli.argument.base import RepeatableArgument as RepeatableArgument
from pelagos.cli.argument.base import SecondsArgument as SecondsArgument
from pelagos.cli.argument.base import ValueArgument as ValueArgument
from pelagos.cli.argument.base import option_names as option_names

TYPE_CHECKING = False
if TYPE_CHECKING:  # not for a cycle: few commands need these
    from pelagos.cli.argument.program import ConfigArgument as ConfigArgument
    from pelagos.cli.argument.program import ProgressBarArgument as ProgressBarArgument
    from pelagos.cli.argument.program import VersionArgument as VersionArgument
    from pelagos.cli.argument.values import BooleanArgument as BooleanArgument
    from pelagos.cli.argument.values import DataSizeArgument as DataSizeArgument
    from pelagos.cli.argument.values import DateArgument as DateArgument
    from pelagos.cli.argument.values import FileArgument as FileArgument
    from pelagos.cli.argument.values import FileContentArgument as FileContentArgument
    from pelagos.cli.argument.values import StatusArgument as StatusArgument

_HOMES = {
    "BooleanArgument": "values",
    "ConfigArgument": "program",
    "DataSizeArgument": "values",
    "DateArgument": "values",
    "FileArgument": "values",
    "FileContentArgument": "values",
    "ProgressBarArgument": "program",
    "StatusArgument": "values",
    "VersionArgument": "program",
}
"""The module of each name that loads when it is asked for."""


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
