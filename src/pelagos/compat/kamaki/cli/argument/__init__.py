"""Options of commands: how words of a line become values."""

from pelagos.compat.kamaki.cli.argument.base import (
    Argument,
    FlagArgument,
    KeyValueArgument,
    RepeatableArgument,
    ValueArgument,
)
from pelagos.compat.kamaki.cli.argument.converted import (
    BooleanArgument,
    CommaSeparatedListArgument,
    DataSizeArgument,
    DateArgument,
    FileContentArgument,
    IntArgument,
    PithosLocationArgument,
    StatusArgument,
    UserAccountArgument,
)
from pelagos.compat.kamaki.cli.argument.parsing import ArgumentParseManager
from pelagos.compat.kamaki.cli.argument.settings import (
    CmdLineConfigArgument,
    ConfigArgument,
    ProgressBarArgument,
    RuntimeConfigArgument,
    VersionArgument,
)

__all__ = [
    "Argument",
    "ArgumentParseManager",
    "BooleanArgument",
    "CmdLineConfigArgument",
    "CommaSeparatedListArgument",
    "ConfigArgument",
    "DataSizeArgument",
    "DateArgument",
    "FileContentArgument",
    "FlagArgument",
    "IntArgument",
    "KeyValueArgument",
    "PithosLocationArgument",
    "ProgressBarArgument",
    "RepeatableArgument",
    "RuntimeConfigArgument",
    "StatusArgument",
    "UserAccountArgument",
    "ValueArgument",
    "VersionArgument",
]
