"""What a command is, and how its line is parsed: a class with a docstring, options and `main`.

    @command(_service_commands)
    class ServiceInfo(Command):
        \"\"\"Show all about one service.\"\"\"

        shows = True
        operands = {"service": Operand("name of the service", complete="service")}

        def main(self, service): ...

The signature of `main` says which operands there are and which may be left out; `arguments` are
the options.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pelagos.cli.argument import (
    Argument,
    ColumnsArgument,
    CountArgument,
    FlagArgument,
    Operand,
    ValueArgument,
    option_names,
)
from pelagos.cli.context import Context
from pelagos.cli.failures import UsageError, unknown
from pelagos.cli.registration import operand_word, operands_of
from pelagos.cli.selection import FilterArgument, SortArgument
from pelagos.core.errors import PelagosError

FORMATS = ("table", "json", "yaml", "csv", "value")

GLOBAL_ARGUMENTS: Mapping[str, Argument] = {
    "help": FlagArgument("show this help", "-h", "--help"),
    "verbose": CountArgument(
        "show each call to the plane or a cloud on stderr; -vv shows more", "-v", "--verbose"
    ),
    "data": ValueArgument("data folder", "--data", metavar="DIR", complete="file"),
    "config": ValueArgument("configuration file", "--config", metavar="FILE", complete="file"),
    "master_url": ValueArgument("URL of the master", "--master-url", metavar="URL"),
    "token_file": ValueArgument(
        "file that holds your token", "--token-file", metavar="FILE", complete="file"
    ),
}
"""Options that every command takes, before or after its words."""

SHOW_ARGUMENTS: Mapping[str, Argument] = {
    "output": ValueArgument(
        "how to print: table, json, yaml, csv or value",
        "-o",
        "--output",
        metavar="FORMAT",
        default="table",
        choices=FORMATS,
    ),
    "as_json": FlagArgument("the same as --output json", "-j"),
    "columns": ColumnsArgument("only these columns, in this order", "--columns", metavar="A,B,…"),
}
"""Options of every command that lists or shows."""

LIST_ARGUMENTS: Mapping[str, Argument] = {
    "conditions": FilterArgument(
        "only rows where KEY=VALUE (* is anything), KEY!=VALUE, or KEY~TEXT: has TEXT in it",
        "--filter",
        metavar="CONDITION",
    ),
    "sorting": SortArgument(
        "in the order of these keys; -KEY or KEY:desc: the largest first",
        "--sort",
        metavar="KEY,…",
    ),
    "no_pager": FlagArgument("print all at once, were it longer than the terminal", "--no-pager"),
}
"""Options of every command that lists."""


Required = str | Sequence["Required"]
"""The name of an option; a list of which one must be given, or a tuple of which all must be."""


class _Syntax:
    """The operands of a class as the help writes them: `REFERENCE URL [COMPUTER]`."""

    def __get__(self, _: Command | None, owner: type[Command]) -> str:
        words = []
        for name, is_required, is_rest in owner.signature():
            word = operand_word(name) + ("…" if is_rest else "")
            words.append(word if is_required else f"[{word}]")
        return " ".join(words)


class Command:
    """Base of all commands.

    Args:
        context: what the command works with.
        values: values of the options, by their names in `arguments`.

    Attributes:
        arguments: the options, by the name under which `self[name]` finds the value.
        operands: help for the positional parameters of `main`, by name.
        shows: whether the command lists or shows, and so takes --output and --columns.
        lists: whether it prints a list of many, also by an option only, and so takes --filter and
            --sort, too.
        keys: which keys its rows may have besides the columns of the table, by their names or as
            "module:Class", so that another is an error in an empty list, too; None = only the
            answer tells.
        is_apart: whether the shell gives it a process of its own, because it runs until it is
            ended, ends the process, or becomes another program.
        converses: whether it talks with the person as long as it runs, and so wants no line about
            its being at work.
        examples: lines for the help.
        syntax: its operands as the help writes them.
        required: names of options that must be given: one of a list, all of a tuple; a list or a
            tuple may stand in the other for a name.
    """

    arguments: Mapping[str, Argument] = {}
    operands: Mapping[str, Operand] = {}
    shows = False
    lists = False
    keys: tuple[str, ...] | None = None
    is_apart = False
    converses = False
    examples: tuple[str, ...] = ()
    syntax = _Syntax()
    required: Required = ()

    def __init__(self, context: Context, values: Mapping[str, Any]) -> None:
        self.context = context
        self._values = values

    def __getitem__(self, name: str) -> Any:
        """The value of an option."""
        return self._values[name]

    main: Any
    """Does the work; takes the operands as text and returns an exit code, or None for 0."""

    def explained(self, error: PelagosError) -> PelagosError:
        """An error that `main` let out, as a person is to read it."""
        return error

    @classmethod
    def all_arguments(cls) -> dict[str, Argument]:
        """The options with those that every (showing) command has."""
        shown = SHOW_ARGUMENTS if cls.shows else {}
        listed = LIST_ARGUMENTS if cls.lists else {}
        return {**cls.arguments, **shown, **listed, **GLOBAL_ARGUMENTS}

    @classmethod
    def signature(cls) -> Iterator[tuple[str, bool, bool]]:
        """(name, whether it must be given, whether it takes all that is left) of each operand."""
        return operands_of(cls.main)

    @classmethod
    def check_operands(cls, words: list[str], name: str) -> None:
        """See whether these words fit `main`.

        Raises:
            UsageError: there are too few or too many, or one is not among the choices.
        """
        wanted = list(cls.signature())
        usage = f"usage: pelagos {name} {cls.syntax}".rstrip()
        missing = [one for one, is_required, _ in wanted[len(words) :] if is_required]
        if missing:
            what = " and ".join(operand_word(one) for one in missing)
            verb = "is" if len(missing) == 1 else "are"
            raise UsageError(f"{name}: {what} {verb} missing", hint=usage)
        if len(words) > len(wanted) and not any(is_rest for _, _, is_rest in wanted):
            extra = " ".join(words[len(wanted) :])
            raise UsageError(f"{name}: {extra!r} is too much", hint=usage)
        if "" in words:
            raise UsageError(f"{name}: an argument is empty", hint=usage)
        for (one, _, _), word in zip(wanted, words, strict=False):
            operand = cls.operands.get(one)
            if operand and operand.choices and word not in operand.choices:
                raise unknown(one.replace("_", " "), word, operand.choices)

    @classmethod
    def check_required(cls, values: Mapping[str, Any], name: str) -> None:
        """See whether the options that must be given are.

        Raises:
            UsageError: one is missing.
        """
        arguments = cls.all_arguments()
        if cls.required and not _is_given(cls.required, values, arguments):
            words = required_words(cls.required, arguments)
            usage = f"usage: pelagos {name} {cls.syntax}".rstrip()
            raise UsageError(f"{name}: give {words}", hint=f"{usage} [options]")


def required_words(required: Required, arguments: Mapping[str, Argument]) -> str:
    """What must be given, in words: `--a and (--b or --c)`."""
    if isinstance(required, str):
        return arguments[required].name
    words = []
    for one in required:
        text = required_words(one, arguments)
        is_compound = not isinstance(one, str) and len(one) > 1
        words.append(f"({text})" if is_compound else text)
    return (" or " if isinstance(required, list) else " and ").join(words)


def _is_given(
    required: Required, values: Mapping[str, Any], arguments: Mapping[str, Argument]
) -> bool:
    if isinstance(required, str):
        value, argument = values[required], arguments[required]
        if argument.arity == 0:
            return bool(value)
        if value in ("", [""]):
            return argument.may_be_empty
        return value not in (None, (), [], {})  # an option may say `false`
    judge = any if isinstance(required, list) else all
    return judge(_is_given(one, values, arguments) for one in required)


def parse(command: type[Command], name: str, words: list[str]) -> tuple[dict[str, Any], list[str]]:
    """Split a command's line into the values of its options and its operands.

    A negative whole number is an operand: no option is named so.

    Raises:
        UsageError: an option is unknown or lacks its value, or a value cannot be used.
    """
    import argparse

    class Parser(argparse.ArgumentParser):
        def error(self, message: str) -> Any:
            said = message.removeprefix("argument ")
            raise UsageError(said.replace("expected one argument", "its value is missing"))

    arguments = command.all_arguments()
    parser = Parser(
        prog=f"pelagos {name}",
        add_help=False,
        allow_abbrev=False,
        # Told the width, argparse does not look for it: that alone would cost 5 ms.
        formatter_class=lambda prog: argparse.HelpFormatter(prog, width=80),
    )
    for key, argument in arguments.items():
        if argument.arity == 0:
            parser.add_argument(*argument.names, dest=key, action="count", default=0)
        else:
            parser.add_argument(*argument.names, dest=key, action="append")
    before, dashes, after = _split_at_dashes(words)
    before = _with_values(before, arguments.values())
    found, rest = parser.parse_known_args(before)
    for word in rest:
        if word.startswith("-") and word != "-" and not word[1:].isdecimal():
            option = word.partition("=")[0]
            raise unknown(
                "option",
                option,
                option_names(arguments.values()),
                hint=f"see: pelagos {name} --help",
            )
    values = {key: _value(argument, getattr(found, key)) for key, argument in arguments.items()}
    if values.get("as_json"):
        values["output"] = "json"
    return values, rest + after if dashes else rest


def _split_at_dashes(words: list[str]) -> tuple[list[str], bool, list[str]]:
    if "--" not in words:
        return words, False, []
    position = words.index("--")
    return words[:position], True, words[position + 1 :]


def _with_values(words: list[str], arguments: Iterable[Argument]) -> list[str]:
    """The words, in which a value that begins with a dash is joined to its option."""
    names = {name for one in arguments if one.may_begin_with_dash for name in one.names}
    joined: list[str] = []
    for word in words:
        if joined and joined[-1] in names:
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined


def _value(argument: Argument, given: Any) -> Any:
    if isinstance(argument, CountArgument):
        return given
    if argument.arity == 0:
        return bool(given)
    return argument.default if given is None else argument.parse(given)
