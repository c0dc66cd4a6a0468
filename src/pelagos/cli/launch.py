"""Runs one command: loads its class, parses its line, gives it its context."""

from __future__ import annotations

import sys
from importlib import import_module

from pelagos.cli.command import Command, parse
from pelagos.cli.context import Context
from pelagos.cli.failures import OK, UNREACHABLE, exit_code
from pelagos.cli.tree import Node
from pelagos.core.errors import PelagosError


def load(node: Node) -> type[Command]:
    """The class of a command."""
    module, _, name = (node.target or "").partition(":")
    found: type[Command] = getattr(import_module(module), name)
    return found


def launch(node: Node, words: list[str]) -> int:
    """Run a command with the words of its line, its own words left out.

    Raises:
        PelagosError: it cannot do what it was asked.
    """
    command = load(node)
    values, operands = parse(command, node.name, words)
    if values["help"]:
        from pelagos.cli.usage import command_help

        sys.stdout.write(command_help(node, command))
        return OK
    command.check_operands(operands, node.name)
    if values["verbose"]:
        _log(values["verbose"])
    context = Context(values)
    return execute(command, context, operands)


def execute(command: type[Command], context: Context, operands: list[str]) -> int:
    """Run a command in a context and return its exit code."""
    try:
        return command(context, context.options).main(*operands) or OK
    except PelagosError as error:
        if exit_code(error) == UNREACHABLE and context.is_own_plane and context.endpoints:
            error.hint = f"the plane of {context.data} does not answer; start it: pelagos up"
        raise


def _log(verbosity: int) -> None:
    import logging

    from pelagos.core import logs

    logs.configure(logging.INFO if verbosity == 1 else logging.DEBUG)
