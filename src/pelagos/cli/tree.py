"""The command tree: groups, the commands in them, and what is said of each.

A module of commands has a tree for each of its groups, which `@command` fills when the module is
loaded. The program's own tree is made of the index instead, which is enough for help, completion
and finding a command: its class loads when it runs. Nothing here may import what costs start-up
time.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence

TYPE_CHECKING = False
if TYPE_CHECKING:  # not for a cycle: `--help` does not pay even for `typing`
    from typing import Any

Path = str | Sequence[str]
"""The terms of a node: in a list, or in a text with "_" or blanks between them."""


def terms_of(path: Path) -> tuple[str, ...]:
    """The terms of a path.

    >>> terms_of("service_list"), terms_of("security-group list")
    (('service', 'list'), ('security-group', 'list'))
    """
    return tuple(path.replace(" ", "_").split("_")) if isinstance(path, str) else tuple(path)


class Node:
    """A term of the tree: a group with nodes below it, or a command.

    Args:
        path: its terms from the top.
        help: one line for the list of commands.
        subcommands: the nodes one term further, by that term.
        cmd_class: what runs it.
        long_help: what is said besides.
        target: "module:Class" of what runs it and is not loaded yet.
    """

    __slots__ = ("cmd_class", "help", "long_help", "subcommands", "target", "terms")

    def __init__(
        self,
        path: Path,
        help: str = " ",  # noqa: A002  # the name that command modules know
        subcommands: dict[str, Node] | None = None,
        cmd_class: type[Any] | None = None,
        long_help: str = "",
        target: str | None = None,
    ) -> None:
        self.terms = terms_of(path)
        self.help = help or ""
        self.long_help = long_help
        self.subcommands: dict[str, Node] = dict(subcommands or {})
        self.cmd_class = cmd_class
        self.target = target

    @property
    def path(self) -> str:
        """The terms with "_" between them."""
        return "_".join(self.terms)

    @property
    def line(self) -> str:
        """The terms as typed, e.g. "service list"."""
        return " ".join(self.terms)

    @property
    def name(self) -> str:
        """The last term."""
        return self.terms[-1] if self.terms else ""

    @property
    def parent_path(self) -> str:
        """The path of what it is in; "" of a group at the top."""
        return "_".join(self.terms[:-1])

    @property
    def can_run(self) -> bool:
        """Whether a class is known that runs it."""
        return self.cmd_class is not None or self.target is not None

    @property
    def is_command(self) -> bool:
        """Whether it can be run, and nothing is below it."""
        return self.can_run and not self.subcommands

    @property
    def has_description(self) -> bool:
        """Whether anything is said of it."""
        return bool(self.help.strip())

    @property
    def description(self) -> str:
        """One line."""
        return self.help

    @property
    def subnames(self) -> list[str]:
        """The last terms of the nodes below."""
        return list(self.subcommands)

    def add_subcmd(self, cmd: Node) -> bool:
        """Add a node; False, and nothing done, when its place is not directly below this one."""
        if cmd.terms[:-1] != self.terms:
            return False
        self.subcommands[cmd.name] = cmd
        return True

    def get_subcmd(self, name: str) -> Node | None:
        """The node below with this last term."""
        return self.subcommands.get(name)

    def contains(self, name: str) -> bool:
        """Whether there is one."""
        return name in self.subcommands

    has_subname = contains

    def get_subnames(self) -> list[str]:
        """The last terms of the nodes below."""
        return self.subnames

    def get_subcommands(self) -> list[Node]:
        """The nodes below."""
        return list(self.subcommands.values())

    def sublen(self) -> int:
        """How many they are."""
        return len(self.subcommands)

    def set_class(self, cmd_class: type[Any]) -> None:
        """Say what runs it."""
        self.cmd_class = cmd_class

    def get_class(self) -> type[Any] | None:
        """What runs it, when that is loaded."""
        return self.cmd_class

    def parse_out(self, args: Sequence[str]) -> tuple[Node, list[str]]:
        """The deepest node that the words lead to, and the words that are left."""
        found: Node = self
        for number, term in enumerate(args):
            below = found.subcommands.get(term)
            if below is None:
                return found, list(args[number:])
            found = below
        return found, []

    def walk(self) -> Iterator[Node]:
        """All commands at and below this node, in order."""
        for node in self.nodes():
            if node.can_run:
                yield node

    def nodes(self) -> Iterator[Node]:
        """This node and all below it, groups too, in order."""
        yield self
        for child in self.subcommands.values():
            yield from child.nodes()

    def pretty_print(self, recursive: bool = False) -> None:
        """Print the nodes below, one a line; all of them, when recursive."""
        for one in self.subcommands.values():
            sys.stdout.write(f"{one.line}: {one.description}\n")
            if recursive:
                one.pretty_print(recursive)


class CommandTree:
    """The commands of a group, or of a whole program.

    Args:
        name: of the group, or of the program as typed.
        description: one line for the help.
        long_description: what is said besides.
        aliases: other names of the group.

    Attributes:
        root: what all groups are below; it has no terms.
        asked: what classes have matched of the prefixes with which they were decorated.
    """

    def __init__(
        self,
        name: str,
        description: str = "",
        long_description: str = "",
        aliases: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.description = description
        self.long_description = long_description
        self.aliases: dict[str, str] = dict.fromkeys(aliases, name)
        self.root = Node((), description)
        self.asked: dict[tuple[str, ...], Any] = {}

    @property
    def groups(self) -> dict[str, Node]:
        """The nodes at the top, by their names."""
        return self.root.subcommands

    def add_command(
        self,
        command_path: Path,
        description: str | None = None,
        cmd_class: type[Any] | None = None,
        long_description: str = "",
        *,
        target: str | None = None,
    ) -> Node:
        """Add a command, or a group (without a class and a target); what lies above it is made.

        A node that is there already keeps what is below it, and all that is not said anew.
        """
        node = self.root
        terms = terms_of(command_path)
        for position, term in enumerate(terms):
            below = node.subcommands.get(term)
            if below is None:
                is_own = position == 0 and term == self.name
                below = Node(terms[: position + 1], self.description if is_own else " ")
                node.subcommands[term] = below
            node = below
        if description is not None:
            node.help = description
        if cmd_class is not None:
            node.cmd_class = cmd_class
            node.long_help = long_description
        node.target = target or node.target
        return node

    def add_tree(self, new_tree: CommandTree) -> None:
        """Take over the commands of another tree, and what is said of its group."""
        for one in new_tree.root.nodes():
            if one.terms:
                said = one.help if one.has_description else None
                self.add_command(one.terms, said, one.cmd_class, one.long_help, target=one.target)
        if new_tree.name in self.groups and new_tree.description:
            self.groups[new_tree.name].help = new_tree.description
        self.aliases |= new_tree.aliases

    def exclude(self, groups_to_exclude: Iterable[str] = ()) -> None:
        """Forget groups."""
        for name in groups_to_exclude:
            self.groups.pop(name, None)

    def has_command(self, path: Path) -> bool:
        """Whether there is such a node."""
        return not self.root.parse_out(terms_of(path))[1]

    def get_command(self, path: Path) -> Node:
        """A node.

        Raises:
            KeyError: there is none.
        """
        node, left = self.root.parse_out(terms_of(path))
        if left:
            raise KeyError(path)
        return node

    def find_best_match(self, terms: Sequence[str]) -> tuple[Node | None, list[str]]:
        """The deepest node that the words lead to, and the words that are left."""
        node, left = self.root.parse_out(terms)
        return (node if node is not self.root else None), left

    def get_closest_ancestor_command(self, path: Path) -> Node | None:
        """The node itself, or the nearest above it that there is."""
        return self.find_best_match(terms_of(path))[0]

    def get_groups(self) -> list[Node]:
        """The nodes at the top."""
        return list(self.groups.values())

    def get_group_names(self) -> list[str]:
        """Their names."""
        return list(self.groups)

    def get_parent(self, path: Path) -> Node:
        """What a node is in.

        Raises:
            KeyError: it is in none.
        """
        terms = terms_of(path)[:-1]
        if not terms:
            raise KeyError(path)
        return self.get_command(terms)

    def get_subnames(self, path: Path | None = None) -> list[str]:
        """The last terms of the nodes below one; without a path, the groups'."""
        return self.get_command(path).subnames if path else self.get_group_names()

    def get_subcommands(self, path: Path | None = None) -> list[Node]:
        """The nodes below one; without a path, the groups."""
        return self.get_command(path).get_subcommands() if path else self.get_groups()

    def set_description(self, path: Path, description: str) -> None:
        """Say one line of a node."""
        self.get_command(path).help = description

    def get_description(self, path: Path) -> str:
        """That line."""
        return self.get_command(path).help

    def set_class(self, path: Path, cmd_class: type[Any]) -> None:
        """Say what runs a node."""
        self.get_command(path).cmd_class = cmd_class

    def get_class(self, path: Path) -> type[Any] | None:
        """What runs it, when that is loaded."""
        return self.get_command(path).cmd_class

    def pretty_print(self, group: str | None = None) -> None:
        """Print the commands, one a line."""
        for one in [self.get_command(group)] if group else self.get_groups():
            one.pretty_print(recursive=True)


def pelagos_tree() -> CommandTree:
    """Pelagos' own commands, none of them loaded."""
    from pelagos.cli import index

    tree = CommandTree("pelagos", "Ask for running services on the computers that you have")
    tree.aliases = dict(index.ALIASES)
    for line, target, text in index.COMMANDS:
        tree.add_command(line.split(), text, target=f"pelagos.cli.commands.{target}")
    for line, text in index.GROUPS.items():
        tree.add_command(line.split(), text)
    return tree
