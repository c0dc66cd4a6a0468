"""What a shell offers for the word that is being typed: `pelagos __complete WORD…`.

One proposal a line, with a tab and a few words about it; the line `:file` asks the shell for
names of files. Everything that goes wrong means no proposal: completion never disturbs who
types.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence

from pelagos.cli.failures import OK
from pelagos.cli.terminal import clean
from pelagos.cli.tree import Node, pelagos_tree
from pelagos.core.errors import PelagosError

TYPE_CHECKING = False
if TYPE_CHECKING:  # not for a cycle: groups are completed without a command
    from pelagos.cli.argument import Operand
    from pelagos.cli.command_base import Command


def complete(words: list[str]) -> int:
    """Print the proposals.

    Args:
        words: those of the line after the program's name; the last is the one being typed and
            may be empty.
    """
    # bash cuts words at "=": --output = js
    *before, current = [word for word in words if word != "="] or [""]
    if words and words[-1] == "=":
        before, current = [*before, current], ""
    option, equals, value = current.partition("=")
    if equals and option.startswith("--"):
        before, current = [*before, option], value
        prefix = f"{option}="
    else:
        prefix = ""
    is_known = False
    for name, text in proposals(before, current):
        if name == ":file" and not is_known:
            sys.stdout.write(":file\n")
        elif name != ":file" and name.startswith(current):
            is_known = True
            sys.stdout.write(f"{clean(prefix + name)}\t{clean(text)}".rstrip() + "\n")
    return OK


def proposals(before: list[str], current: str) -> Iterator[tuple[str, str]]:
    """Proposals for a word after these words, some of which may not fit what is typed already."""
    from pelagos.cli.extension import extend
    from pelagos.cli.main import resolve

    tree = pelagos_tree()
    node, leading, operands = resolve(tree, before)
    if not node.can_run and (operands or not node.terms):
        try:
            extend(tree, before)
        except PelagosError:
            return
        node, leading, operands = resolve(tree, before)
    if not node.can_run and leading[-1:] and leading[-1] in _PATHS:
        yield ":file", ""
        return
    if node.can_run:
        yield from _of_command(node, leading, operands, current)
    elif not operands:
        for word, child in node.subcommands.items():
            yield word, child.help


_PATHS = ("--data", "--config", "--token-file")


def _of_command(
    node: Node, leading: list[str], words: list[str], current: str
) -> Iterator[tuple[str, str]]:
    from pelagos.cli.command_base import parse
    from pelagos.cli.launch import load

    command = load(node)
    arguments = command.all_arguments()
    by_name = {name: one for one in arguments.values() for name in one.names}
    last = by_name.get(words[-1]) if words else None
    if last is not None and last.arity and "--" not in words:
        yield from _values(last.choices, last.complete, leading + words, current)
        return
    if current.startswith("-") and "--" not in words:
        yield from ((name, one.help) for one in arguments.values() for name in one.names)
        return
    try:
        _, given = parse(command, node.line, words)
    except PelagosError:
        return
    operand = _operand(command, len(given))
    if operand is not None:
        for found in _values(operand.choices, operand.complete, leading + words, current, given):
            if found[0] not in given:
                yield found


def _operand(command: type[Command], position: int) -> Operand | None:
    """What a word at a position stands for; None when it is too much."""
    wanted = list(command.signature())
    if position >= len(wanted):
        if not wanted or not wanted[-1][2]:
            return None
        position = len(wanted) - 1
    name = wanted[position][0]
    found = command.operands.get(name)
    if name == "more" and found is not None and not found.complete:  # further ones of its kind
        return command.operands.get(wanted[position - 1][0])
    return found


def _values(
    choices: tuple[str, ...], kind: str, words: list[str], current: str, given: Sequence[str] = ()
) -> Iterator[tuple[str, str]]:
    from pelagos.cli.plane_names import context_of, patience

    if choices:
        yield from ((choice, "") for choice in choices)
    elif kind == "key":
        from pelagos.core.config import settings
        from pelagos.plane.sections import SECTIONS

        yield from ((one.key, one.about) for one in settings(SECTIONS))
    elif kind == "cloud":
        from pelagos.clients.cloud.known import KnownClouds

        yield from ((name, "") for name in KnownClouds(os.environ).names())
    elif kind.startswith("one:"):
        from pelagos.cli.one.names import names

        yield from names(kind.removeprefix("one:"), words, os.environ, patience(context_of(words)))
    elif kind.startswith("cloud:"):
        from pelagos.cli.cloud.names import names as things

        yield from things(
            kind.removeprefix("cloud:"), words, current, os.environ, patience(context_of(words))
        )
    else:
        from pelagos.cli.plane_names import names as known

        if kind not in ("", "file"):
            context = context_of(words)
            yield from known(kind, context, words, given, patience(context))
        if kind in ("file", "release", "thing"):
            yield ":file", ""
