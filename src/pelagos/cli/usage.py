"""The help of groups and commands, in 80 columns, made of what the tree and the classes say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pelagos.cli.tree import CommandTree, Node

WIDTH = 80

PROGRAM_OPTIONS = (
    ("-h, --help", "show this help, or that of a command"),
    ("-V, --version", "print the version"),
)


def group_help(tree: CommandTree, node: Node) -> str:
    """The help of a group, or of the program itself (the root)."""
    name = f"{tree.name} {node.line}".rstrip()
    lines = [f"usage: {name} COMMAND …", ""]
    if node.has_description:
        lines += [node.help, ""]
    sections = [("commands", list(node.subcommands.values()))] if node.terms else _sections(node)
    margin = _margin(_shown_name(one) for _, section in sections for one in section)
    for title, section in sections:
        rows = [(_shown_name(one), one.help) for one in section]
        lines += [f"{title}:", *_rows(rows, margin), ""]
    if not node.terms:
        lines += ["options:", *_rows(PROGRAM_OPTIONS, margin), ""]
    lines.append(f"Help of a command: {name} COMMAND --help")
    return "\n".join(lines) + "\n"


def _sections(root: Node) -> list[tuple[str, list[Node]]]:
    """The commands of the program below their headings; those of others come last."""
    from pelagos.cli import index

    left = dict(root.subcommands)
    sections = [
        (title, [left.pop(name) for name in names if name in left])
        for title, names in index.SECTIONS.items()
    ]
    sections.append(("further commands", list(left.values())))
    return [(title, section) for title, section in sections if section]


def _shown_name(node: Node) -> str:
    return node.name + (" …" if node.subcommands else "")


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
        lines += [*_wrap(f"must be given: {needed}", WIDTH), ""]
    if command.examples:
        lines += ["examples:", *(f"  {line}" for line in command.examples), ""]
    return "\n".join(lines[:-1]) + "\n"


def _options(arguments: Mapping[str, object]) -> Iterable[tuple[str, str]]:
    from pelagos.cli.argument import Argument

    for argument in arguments.values():
        if isinstance(argument, Argument):
            names = ", ".join(argument.names)
            yield (f"{names} {argument.metavar}" if argument.arity else names), argument.help


def _margin(names: Iterable[str]) -> int:
    """Where what is said of names begins."""
    return min(26, 2 + max(map(len, names)))


def _rows(rows: Iterable[tuple[str, str]], margin: int | None = None) -> list[str]:
    rows = list(rows)
    margin = margin or _margin(left for left, _ in rows)
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
