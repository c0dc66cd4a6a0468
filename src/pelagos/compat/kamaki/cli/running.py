"""Runs one command of a group that a program's settings name: `[mygrp] cli = grps`."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from pelagos.clients.errors import ClientError
from pelagos.compat.kamaki.cli.argument import (
    Argument,
    ArgumentParseManager,
    ConfigArgument,
    FlagArgument,
    RuntimeConfigArgument,
    ValueArgument,
    VersionArgument,
)
from pelagos.compat.kamaki.cli.command_tree import Command, CommandTree
from pelagos.compat.kamaki.cli.config import DEFAULTS
from pelagos.compat.kamaki.cli.errors import CLIError, CLIUnknownCommand
from pelagos.compat.kamaki.cli.registration import asking
from pelagos.compat.python2 import told
from pelagos.core.errors import PelagosError

#: Where a module is looked for that is named without a package; last at the top.
_PACKAGES = ("kamaki.cli.commands", "kamaki.cli.cmds", "kamaki.commands", "kamaki.cli", "kamaki")
_OWN = frozenset(
    str(module) for name, module in DEFAULTS["global"].items() if name.endswith("_cli")
)


def run(argv: Sequence[str] | None = None) -> int:
    """Run a line; its exit code: 0, 1 when it failed, 2 when the line is wrong."""
    from pelagos.compat.kamaki import install  # noqa: PLC0415  # the modules of groups import kamaki

    install()
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        return _run(words)
    except CLIError as error:
        _tell(error)
        return 2 if error.importance == 1 else 1
    except ClientError as error:
        _tell(CLIError(f"({error.status}) {error}", error.details, 4))
        return 1
    except (PelagosError, SyntaxError) as error:
        known = told(error) if isinstance(error, SyntaxError) else error
        _tell(CLIError(str(known), (known.hint or "").splitlines()))
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("Canceled by user\n")
        return 1
    except Exception as error:  # somebody else's command: words, unless its author wants more
        if {"-d", "--debug"} & {*words}:
            raise
        _tell(CLIError(f"{type(error).__name__}: {error}", ["-d shows where it comes from"]))
        return 1


def _tell(error: CLIError) -> None:
    sys.stderr.write(str(error))
    for line in error.details:
        sys.stderr.write(f"|  {line}\n")


def _program_arguments() -> dict[str, Argument]:
    config = ConfigArgument()
    return {
        "config": config,
        "cloud": ValueArgument("Choose a cloud", "--cloud"),
        "debug": FlagArgument("Show where an unexpected error comes from", ("-d", "--debug")),
        "help": FlagArgument("Show help", ("-h", "--help")),
        "options": RuntimeConfigArgument(config, "Override a setting", ("-o", "--options")),
        "version": VersionArgument("Print the version", ("-V", "--version")),
    }


def _run(words: list[str]) -> int:
    arguments = _program_arguments()
    first = ArgumentParseManager("kamaki", arguments)
    terms = [word for word in first.parse(words) if not word.startswith("-")]
    if arguments["version"].value:
        return 0
    config = arguments["config"]
    specs = {
        group: module
        for group, module in (config.cli_specs if isinstance(config, ConfigArgument) else ())
        if module not in _OWN
    }
    if not terms:
        first.print_help()
        for group, module in specs.items():
            sys.stderr.write(f"  {group} (of {module})\n")
        return 0
    if terms[0] not in specs:
        raise CLIUnknownCommand(
            f"there is no group of commands {terms[0]}",
            [f"a section [{terms[0]}] with cli = MODULE makes one; pelagos has those of clouds"],
        )
    command, _ = _find(specs[terms[0]], terms)
    return _execute(command, words, arguments)


def _find(module: str, terms: list[str]) -> tuple[Command, list[str]]:
    with asking(terms, depth=len(terms) + 8):
        loaded = load(module)
    tree = CommandTree(terms[0])
    for one in [*getattr(loaded, "_commands", ()), *getattr(loaded, "namespaces", ())]:
        tree.add_tree(one)
    command, rest = tree.find_best_match(terms)
    if command is None:
        raise CLIUnknownCommand(f"{module} has no commands of the group {terms[0]}")
    if command.cmd_class is None:
        known = [one.line for one in command.get_subcommands()]
        raise CLIUnknownCommand(f"{command.line} is no command", known)
    return command, rest


def load(name: str) -> ModuleType:
    """The module of a group, by its name or the path of its file.

    Raises:
        CLIError: there is none. What its import raises is raised.
    """
    if name.endswith(".py") or "/" in name:
        return _load_file(Path(name).expanduser())
    for package in (*_PACKAGES, ""):
        whole = f"{package}.{name}" if package else name
        try:
            found = importlib.util.find_spec(whole)
        except ModuleNotFoundError:  # the package itself
            continue
        if found is not None:
            sys.modules.pop(whole, None)  # its classes are made for one line
            return importlib.import_module(whole)
    raise CLIError(f"there is no module {name}", ["look at `cli` of the group's section"], 3)


def _load_file(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise CLIError(f"there is no module {path}", ["look at `cli` of the group's section"], 3)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _execute(command: Command, words: list[str], arguments: Mapping[str, Argument]) -> int:
    cls: Any = command.cmd_class
    running = made(cls, arguments)
    parser = ArgumentParseManager(
        f"kamaki {command.line}",
        {**arguments, **running.arguments},
        getattr(running, "required", None),
        getattr(cls, "syntax", ""),
        f"{command.description} {command.long_help}".strip(),
        check_required=not arguments["help"].value,
    )
    if arguments["help"].value:
        parser.print_help(sys.stdout)
        return 0
    left = parser.parse(_again(words, parser))
    given = left[len(command.terms) :]
    if wrong := [word for word in given if word.startswith("-") and word != "-"]:
        raise _usage(parser, f"there is no option {wrong[0]}")
    _check(running.main, given, parser)
    return running.main(*given) or 0


def made(cls: Callable[..., Any], arguments: Mapping[str, Argument]) -> Any:
    """An object of a command's class, with the options of the program."""
    cloud = arguments["cloud"].value
    if "cloud" in inspect.signature(cls).parameters:
        return cls(dict(arguments), cloud=cloud)
    return cls(dict(arguments))


def _again(words: list[str], parser: ArgumentParseManager) -> list[str]:
    """The line once more: options that may be repeated are not to be counted twice."""
    for one in parser.arguments.values():
        if one.arity < 0 and not isinstance(one, RuntimeConfigArgument):
            one.value = None
    return words


def _check(main: Callable[..., Any], given: list[str], parser: ArgumentParseManager) -> None:
    try:
        inspect.signature(main).bind(*given)
    except TypeError as error:
        raise _usage(parser, str(error)) from error


def _usage(parser: ArgumentParseManager, why: str) -> CLIError:
    return CLIError(f"Syntax error: {why}", [f"usage: {parser.exe} {parser.syntax}"], 1)
