"""Write src/pelagos/cli/index.py: which words name which command, and a line about each.

python tools/write_commands.py          writes it
python tools/write_commands.py --check  says whether it differs and ends with 1

The commands are the classes with `@command(tree)` in the modules of `pelagos.cli.commands`.
"""

from __future__ import annotations

import pkgutil
import re
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from pelagos.cli import commands
from pelagos.cli.tree import CommandTree, Node

INDEX = Path(__file__).parents[1] / "src" / "pelagos" / "cli" / "index.py"
HEAD = '''"""The index of the commands: all that help and completion need before one is loaded.

Made by tools/write_commands.py from the classes; change it there.
"""

# fmt: off
# ruff: noqa: E501

'''
SECTIONS = {
    "services": (
        "up", "down", "supply", "request", "apply", "service", "software", "why", "events",
        "usage",
    ),
    "computers and people": ("computer", "capacity", "node", "person", "join", "db"),
    "the directory": (
        "lookup", "reverse", "favorite", "contact", "phonebook", "directory", "source",
    ),
    "messages": ("bus",),
    "clouds": (
        "cloud", "box", "server", "flavor", "keypair", "image", "network", "subnet", "port", "ip",
        "router", "security-group", "volume", "snapshot", "container", "object", "quota",
        "project", "membership", "user", "group", "role", "commission", "endpoint", "one",
    ),
    "this program": ("doctor", "config", "shell", "history", "completion"),
}  # fmt: skip
"""The commands in the order of the program's help, below what they are about there."""
_CLAUSE = re.compile(r"; |: |\. ")


def whole_tree() -> CommandTree:
    """All own commands, loaded.

    Raises:
        SystemExit: two commands have the same words, a command is a group as well, or its words
            do not begin with the name of its tree.
    """
    found = CommandTree("pelagos")
    names = sorted(one.name for one in pkgutil.iter_modules(commands.__path__))
    for name in names:
        module = import_module(f"{commands.__name__}.{name}")
        things = [getattr(module, one) for one in dir(module)]  # some are made when asked for
        for tree in things:
            if isinstance(tree, CommandTree):
                check(tree, found)
                found.add_tree(tree)
    for node in found.root.nodes():
        if node.can_run and node.subcommands:
            raise SystemExit(f"{node.line}: there are commands below this command")
    return found


def check_sections(tree: CommandTree) -> None:
    """See that each command of the program's help stands below a heading.

    Raises:
        SystemExit: one does not, or a heading names one that is not there.
    """
    named = {name for section in SECTIONS.values() for name in section}
    for name in sorted(named ^ set(tree.root.subcommands)):
        raise SystemExit(f"{name}: SECTIONS and the commands differ")


def check(tree: CommandTree, found: CommandTree) -> None:
    """See that a tree goes with those that were found before.

    Raises:
        SystemExit: it does not.
    """
    for node in tree.root.walk():
        if node.terms[0] != tree.name:
            raise SystemExit(f"{node.line}: its words do not begin with {tree.name}; say path=")
        former = found.get_class(node.terms) if found.has_command(node.terms) else None
        if former not in (None, node.cmd_class):
            raise SystemExit(f"{node.line}: both {former} and {node.cmd_class} are this command")


def ordered(tree: CommandTree) -> Iterator[Node]:
    """All nodes, in the order of the help."""
    names = [name for section in SECTIONS.values() for name in section]
    ranks = {name: number for number, name in enumerate(names)}
    for group in sorted(tree.get_groups(), key=lambda one: ranks.get(one.name, len(ranks))):
        yield from _below(group)


def _below(node: Node) -> Iterator[Node]:
    yield node
    # First the module that is called as the group, then the others; in each as it is written.
    own = node.terms[0].replace("-", "_")
    for child in sorted(
        node.get_subcommands(), key=lambda one: (one.sublen() > 0, _place(one, own))
    ):
        yield from _below(child)


def _place(node: Node, own: str) -> tuple[bool, str, str]:
    module = _module(next(node.walk(), node))
    # Classes that are made when they are asked for come in no order of their own.
    home = sys.modules[node.cmd_class.__module__] if node.cmd_class else None
    name = node.cmd_class.__name__ if node.cmd_class and hasattr(home, "__getattr__") else ""
    return module != own, module, name


def _module(node: Node) -> str:
    return (
        node.cmd_class.__module__.removeprefix(f"{commands.__name__}.") if node.cmd_class else ""
    )


def brief(text: str) -> str:
    """The first clause of what is said: enough for a line of help.

    >>> brief("Stop servers; their disks stay.")
    'Stop servers'
    """
    return _CLAUSE.split(text, maxsplit=1)[0].removesuffix(".")


def source(tree: CommandTree) -> str:
    """The text of the index."""
    nodes = list(ordered(tree))
    lines = [f"ALIASES = {_shown(tree.aliases)}", '"""Other names of groups."""', "", "GROUPS = {"]
    lines += [f"    {_quoted(one.line)}: {_quoted(one.help)}," for one in nodes if one.sublen()]
    lines += ["}", '"""A line about each group."""', "", "SECTIONS = {"]
    for title, names in SECTIONS.items():
        end = "," if len(names) == 1 else ""
        lines.append(f"    {_quoted(title)}: ({', '.join(map(_quoted, names))}{end}),")
    lines += ["}", '"""What the help of the program shows below which heading."""']
    lines += ["", "COMMANDS = ("]
    for one in nodes:
        if one.cmd_class is not None:
            target = f"{_module(one)}:{one.cmd_class.__name__}"
            said = ", ".join(_quoted(text) for text in (one.line, target, brief(one.help)))
            lines.append(f"    ({said}),")
    lines += [")", '"""The words of each command, its module and class, and a line about it."""']
    return HEAD + "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _shown(names: dict[str, str]) -> str:
    return "{" + ", ".join(f"{_quoted(one)}: {_quoted(two)}" for one, two in names.items()) + "}"


def main(words: list[str]) -> int:
    """Write the index, or compare."""
    tree = whole_tree()
    check_sections(tree)
    text = source(tree)
    if words == ["--check"]:
        is_same = INDEX.read_text() == text
        sys.stdout.write("" if is_same else f"{INDEX}: run tools/write_commands.py\n")
        return 0 if is_same else 1
    INDEX.write_text(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
