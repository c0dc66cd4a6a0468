"""The help of groups and commands, in 80 columns, made of what the tree and the classes say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pelagos.cli.tree import CommandTree, Node

WIDTH = 80


def group_help(tree: CommandTree, node: Node) -> str:
    """The help of a group, or of the program itself (the root)."""
    name = f"{tree.name} {node.line}".rstrip()
    lines = [f"usage: {name} COMMAND …", ""]
    if node.has_description:
        lines += [node.help, ""]
    rows = []
    for child in node.subcommands.values():
        is_group = bool(child.subcommands)
        rows.append((child.name + (" …" if is_group else ""), child.help))
    lines += ["commands:", *_rows(rows), ""]
    if not node.terms:
        lines += ["options:", *_rows([("-h, --help", "show this help, or that of a command")])]
        lines += [*_rows([("-V, --version", "print the version")]), ""]
    lines.append(f"Help of a command: {name} COMMAND --help")
    return "\n".join(lines) + "\n"


def command_help(node: Node, command: type) -> str:
    """The help of a command."""
    from pelagos.cli.command_base import (
        GLOBAL_ARGUMENTS,
        LIST_ARGUMENTS,
        SHOW_ARGUMENTS,
        Command,
        required_words,
    )
    from pelagos.cli.registration import operand_word

    if not issubclass(command, Command):
        raise TypeError(command)
    usage = f"pelagos {node.line} {command.syntax}".rstrip() + " [options]"
    lines = [f"usage: {usage}", "", *_paragraphs(command.__doc__ or node.help), ""]
    operands = [
        (operand_word(name), command.operands[name].help)
        for name, _, _ in command.signature()
        if name in command.operands
    ]
    if operands:
        lines += ["arguments:", *_rows(operands), ""]
    shown = SHOW_ARGUMENTS if command.shows else {}
    for title, arguments in (
        ("options:", command.arguments),
        ("output:", {**SHOW_ARGUMENTS, **LIST_ARGUMENTS} if command.lists else shown),
        ("options of every command:", GLOBAL_ARGUMENTS),
    ):
        if arguments:
            lines += [title, *_rows(_options(arguments)), ""]
    if command.required:
        needed = required_words(command.required, command.all_arguments())
        lines += [f"must be given: {needed}", ""]
    if command.examples:
        lines += ["examples:", *(f"  {line}" for line in command.examples), ""]
    return "\n".join(lines[:-1]) + "\n"


def _options(arguments: Mapping[str, object]) -> Iterable[tuple[str, str]]:
    from pelagos.cli.argument import Argument

    for argument in arguments.values():
        if isinstance(argument, Argument):
            names = ", ".join(argument.names)
            yield (f"{names} {argument.metavar}" if argument.arity else names), argument.help


def _rows(rows: Iterable[tuple[str, str]]) -> list[str]:
    rows = list(rows)
    margin = min(26, 2 + max(len(left) for left, _ in rows))
    lines = []
    for left, right in rows:
        wrapped = _wrap(right, WIDTH - margin - 2) or [""]
        if len(left) + 2 > margin:
            lines.append(f"  {left}")
        else:
            lines.append(f"  {left:{margin}}{wrapped.pop(0)}".rstrip())
        lines += [f"  {'':{margin}}{line}" for line in wrapped]
    return lines


def _paragraphs(doc: str) -> list[str]:
    """A docstring with its paragraphs filled anew."""
    lines: list[str] = []
    for paragraph in doc.strip().split("\n\n"):
        lines += ["", *_wrap(" ".join(paragraph.split()), WIDTH)]
    return lines[1:]


def _wrap(text: str, width: int) -> list[str]:
    # Its own few lines, because `textwrap` costs more to import than all of the help to write.
    lines: list[str] = []
    for word in text.split():
        if lines and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines
