"""What of a line may be kept: no password and no token.

One rule, led by the parser: the value of an option or an operand whose name is that of a secret
(`--password`, TOKEN) is left out, and so is what follows such a name in KEY=VALUE, in JSON, or as
the next word (`config set cloud.named.x.token …`), and whatever log files hide, too. A line that
the parser does not understand is not kept: nobody can tell what in it is secret. Of a command of
the system only what is said with such names, and NAME:PASSWORD after -u, can be known.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence

from pelagos.cli.argument import Argument
from pelagos.cli.command_base import Command, parse
from pelagos.cli.failures import UsageError
from pelagos.cli.launch import load
from pelagos.cli.main import resolve
from pelagos.cli.shell.step import Nothing, Run, Step, System
from pelagos.cli.shell.words import split
from pelagos.cli.tree import CommandTree
from pelagos.core.errors import PelagosError
from pelagos.core.logs import hide
from pelagos.core.secret_names import is_secret

LEFT_OUT = "..."

_LOGINS = ("-u", "-U", "--user", "--proxy-user")
_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*", re.DOTALL)
_INSIDE = re.compile(r"([\w.-]+)([\"']?\s*[:=]\s*)(?=\S)")


def discreet(line: str, step: Step, tree: CommandTree) -> str | None:
    """The line as it may be kept; None: not at all.

    Args:
        line: as it was typed, to be kept so when it has no secret.
        step: what it means.
        tree: all commands.
    """
    if line.startswith(" "):  # as in other shells: whoever types a blank wants it forgotten
        return None
    if isinstance(step, Run):
        return _kept(line, step, tree)
    if isinstance(step, System):
        return _of_system(line, step.command)
    return None if isinstance(step, Nothing) else line.strip()  # a comment may be any line


def _kept(line: str, step: Run, tree: CommandTree) -> str | None:
    node, options, rest = resolve(tree, list(step.words))
    words = [*options, *rest]
    if not node.can_run:
        return None if rest else line.strip()
    try:
        command = load(node)
        _, operands = parse(command, node.line, words)
    except PelagosError:
        return None
    if _are_too_many(operands, command):
        return None
    safe = list(_without_secrets(words, command))
    return line.strip() if safe == words else f"/{shlex.join((*node.terms, *safe))}"


def _are_too_many(operands: Sequence[str], command: type[Command]) -> bool:
    """Whether a word may be what somebody took for the value of a flag, as of `--password`."""
    wanted = list(command.signature())
    return len(operands) > len(wanted) and not any(is_rest for _, _, is_rest in wanted)


def _of_system(line: str, command: str) -> str | None:
    try:
        words = split(command)
    except UsageError:
        return None
    safe = list(_without_secrets(words, None))
    return line.strip() if safe == words else f"!{shlex.join(safe)}"


def _without_secrets(words: Sequence[str], command: type[Command] | None) -> Iterator[str]:
    arguments = command.all_arguments() if command else {}
    known = {name: one for one in arguments.values() for name in one.names}
    operands = _names_of_operands(command)
    before, is_value, has_options = "", False, True
    for word in words:
        if is_value:  # of the option before
            yield _of_option(before, word)
            before, is_value = "", False
        elif word == "--" or not has_options or not _is_option(word):
            has_options = has_options and word != "--"
            name = "" if word == "--" else next(operands)
            yield LEFT_OUT if is_secret(name) or is_secret(before) else _without_pairs(word)
            before = word
        else:
            name, equals, value = word.partition("=")
            yield f"{name}={_of_option(name, value)}" if equals else _without_pairs(word)
            is_value = not equals and _takes_value(name, known)
            before = name if is_value else ""


def _is_option(word: str) -> bool:
    return word.startswith("-") and word != "-"


def _takes_value(name: str, known: Mapping[str, Argument]) -> bool:
    return bool(known[name].arity) if name in known else is_secret(name) or name in _LOGINS


def _of_option(name: str, value: str) -> str:
    if is_secret(name):
        return LEFT_OUT
    user, colon, _ = value.partition(":")
    return f"{user}:{LEFT_OUT}" if colon and name in _LOGINS else _without_pairs(value)


def _names_of_operands(command: type[Command] | None) -> Iterator[str]:
    for name, _, is_rest in command.signature() if command else ():
        yield name
        while is_rest:
            yield name
    while True:
        yield ""


def _without_pairs(word: str) -> str:
    for pair in _INSIDE.finditer(word):
        if is_secret(pair[1]):
            return word[: pair.end()] + LEFT_OUT
    return _KEY.sub(LEFT_OUT, hide(word))
