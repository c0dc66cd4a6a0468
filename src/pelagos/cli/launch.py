"""Runs one command: loads its class, parses its line, gives it its context."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from pelagos.cli.command_base import Command, parse
from pelagos.cli.context import Context
from pelagos.cli.failures import (
    OK,
    UNREACHABLE,
    CommandError,
    EnoughSeen,
    answers_otherwise,
    exit_code,
)
from pelagos.cli.garbage import look_as_before
from pelagos.cli.tree import Node
from pelagos.core.errors import PelagosError

_NO_PLANE = ("pelagos.messaging.", "pelagos.clients.", "pelagos.one.")
"""Whose silence says nothing of the plane."""

MakeContext = Callable[[Mapping[str, Any]], Context]


def load(node: Node) -> type[Command]:
    """The class of a command.

    Raises:
        CommandError: a command of another package cannot be loaded.
    """
    module, _, name = (node.target or "").partition(":")
    if module.startswith("pelagos."):
        own: type[Command] = getattr(import_module(module), name)
        return own
    found = node.cmd_class or load_target(node)
    if isinstance(found, type) and issubclass(found, Command):
        return found
    from pelagos.cli.group_module import adopted

    made = adopted(found) if isinstance(found, type) else None
    if made is None:
        raise CommandError(f"the command {node.line} {node.help} is not a pelagos.cli.Command")
    return made


def load_target(node: Node) -> Any:
    """What the entry point of another package names.

    Raises:
        CommandError: it cannot be loaded.
    """
    from pelagos.core import logs

    module, _, name = (node.target or "").partition(":")
    logs.mute()
    try:
        return getattr(import_module(module), name)
    except Exception as error:  # other people's code, whatever it does
        raise CommandError(
            f"the command {node.line} {node.help} cannot be loaded: {error!r}",
            hint="mend or remove that package",
        ) from error


def launch(node: Node, words: list[str], make_context: MakeContext | None = None) -> int:
    """Run a command with the words of its line, its own words left out.

    Args:
        node: the command.
        words: options and operands.
        make_context: makes the context from the values of the options.

    Raises:
        PelagosError: it cannot do what it was asked.
    """
    command = load(node)
    try:
        return _launched(command, node, words, make_context)
    except PelagosError as error:
        if not error.hint:
            from pelagos.cli.advice import advice

            error.hint = advice(error, node.line)
        raise


def _launched(
    command: type[Command], node: Node, words: list[str], make_context: MakeContext | None
) -> int:
    values, operands = parse(command, node.line, words)
    for key, argument in command.all_arguments().items():
        if (text := argument.instead(values[key])) is not None:
            sys.stdout.write(f"{text}\n")
            return OK
    if values.get("help"):
        from pelagos.cli.usage import command_help

        sys.stdout.write(command_help(node, command))
        return OK
    command.check_operands(operands, node.line)
    command.check_required(values, node.line)
    if values.get("verbose"):
        _log(values["verbose"])
    if command.is_apart or command.converses:
        look_as_before()
    context = (make_context or Context)(values)
    is_own = command.__module__.startswith("pelagos.cli.")  # others may print past the context
    if not is_own or command.is_apart or command.converses or values.get("verbose"):
        return execute(command, context, operands)
    from pelagos.cli.patience import patience

    with patience(context, node.line):
        return execute(command, context, operands)


def execute(command: type[Command], context: Context, operands: list[str]) -> int:
    """Run a command in a context and return its exit code."""
    context.keys = command.keys
    running = command(context, context.options)
    try:
        return running.main(*operands) or OK
    except EnoughSeen:
        return OK
    except PelagosError as told:
        error = running.explained(told)
        is_master = not type(told).__module__.startswith(_NO_PLANE)
        is_silent = is_master and exit_code(error) == UNREACHABLE and not answers_otherwise(error)
        if is_silent and context.is_own_plane and context.is_known:
            error.hint = _how_to_wake(context, told)
        if error is told:
            raise
        raise error from told
    finally:
        for close in context.closers:
            close()


def _how_to_wake(context: Context, error: PelagosError) -> str | None:
    """What to do about a silent master: here it can be started only when it is here."""
    from pelagos.core.http.errors import HttpTimeout
    from pelagos.plane.data_folder import DataFolder
    from pelagos.plane.membership import has_joined

    folder = DataFolder(context.data)
    if has_joined(folder):
        return (
            f"this computer works for the plane at {context.master_url}, which does not answer: "
            "see that it runs there, and that the network lets this computer through"
        )
    if isinstance(error.__cause__, HttpTimeout):
        from pelagos.plane.doctor_process import is_stopped, wake_or_end

        for pid in folder.pids():
            if is_stopped(pid):
                return f"its process {pid} is stopped: {wake_or_end(folder, pid)}"
        return error.hint
    return f"the plane of {context.data} does not answer; start it: pelagos up"


def _log(verbosity: int) -> None:
    import logging

    from pelagos.core import logs

    # The clients say headers and bodies one above DEBUG; the name goes on meaning DEBUG itself.
    for level in (logging.DEBUG + 1, logging.DEBUG):
        logging.addLevelName(level, "DEBUG")
    logs.configure(logging.INFO if verbosity == 1 else logging.DEBUG)
    logging.getLogger("pelagos").setLevel(logging.DEBUG)
