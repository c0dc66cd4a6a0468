"""Commands by their paths: `group_sub_leaf` is a leaf of a tree, one tree for each group."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pelagos.compat.kamaki.cli.utils import print_list

__all__ = ["Command", "CommandTree"]


class Command:
    """A node: a command when it has a class, a group of others when it has children.

    Args:
        path: its terms, joined by "_".
        help: one line.
        subcommands: by their last terms.
        cmd_class: what runs it.
        long_help: what is said besides.
    """

    def __init__(
        self,
        path: str,
        help: str = " ",  # noqa: A002  # the ancestor's
        subcommands: dict[str, Command] | None = None,
        cmd_class: type[Any] | None = None,
        long_help: str = "",
    ) -> None:
        self.path = path
        self.help = help or ""
        self.long_help = long_help
        self.subcommands: dict[str, Command] = dict(subcommands or {})
        self.cmd_class = cmd_class

    @property
    def name(self) -> str:
        """The last term."""
        return self.path.rpartition("_")[2]

    @property
    def parent_path(self) -> str:
        """The path of what it is in; "" of a group."""
        return self.path.rpartition("_")[0]

    @property
    def is_command(self) -> bool:
        """Whether it can be run."""
        return self.cmd_class is not None and not self.subcommands

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
        """The last terms of its children."""
        return list(self.subcommands)

    def add_subcmd(self, cmd: Command) -> bool:
        """Add a child; False, and nothing done, when it is no direct one."""
        if cmd.parent_path != self.path:
            return False
        self.subcommands[cmd.name] = cmd
        return True

    def get_subcmd(self, name: str) -> Command | None:
        """A child by its last term."""
        return self.subcommands.get(name)

    def contains(self, name: str) -> bool:
        """Whether there is such a child."""
        return name in self.subcommands

    has_subname = contains

    def get_subnames(self) -> list[str]:
        """The last terms of its children."""
        return self.subnames

    def get_subcommands(self) -> list[Command]:
        """Its children."""
        return list(self.subcommands.values())

    def sublen(self) -> int:
        """How many."""
        return len(self.subcommands)

    def set_class(self, cmd_class: type[Any]) -> None:
        """Say what runs it."""
        self.cmd_class = cmd_class

    def get_class(self) -> type[Any] | None:
        """What runs it."""
        return self.cmd_class

    def parse_out(self, args: Sequence[str]) -> tuple[Command, list[str]]:
        """The deepest node that the words lead to, and the words that are left."""
        found: Command = self
        for number, term in enumerate(args):
            below = found.get_subcmd(term)
            if below is None:
                return found, list(args[number:])
            found = below
        return found, []

    def pretty_print(self, recursive: bool = False) -> None:
        """Print its children, and theirs."""
        for one in self.subcommands.values():
            print_list([f"{one.path.replace('_', ' ')}: {one.description}"])
            if recursive:
                one.pretty_print(recursive)


class CommandTree:
    """The commands of a group.

    Args:
        name: of the group.
        description: one line.
        long_description: what is said besides.
    """

    def __init__(self, name: str, description: str = "", long_description: str = "") -> None:
        self.name = name
        self.description = description
        self.long_description = long_description
        self.groups: dict[str, Command] = {}
        self._all_commands: dict[str, Command] = {}

    def add_command(
        self,
        command_path: str,
        description: str | None = None,
        cmd_class: type[Any] | None = None,
        long_description: str = "",
    ) -> Command:
        """Add a command or change one; what lies between it and its group is made."""
        terms = command_path.split("_")
        group = self.groups.get(terms[0])
        if group is None:
            about = self.description if terms[0] == self.name else " "
            group = self.groups[terms[0]] = self._all_commands[terms[0]] = Command(terms[0], about)
        found = group
        for term in terms[1:]:
            below = found.get_subcmd(term)
            if below is None:
                below = Command(f"{found.path}_{term}")
                found.add_subcmd(below)
                self._all_commands[below.path] = below
            found = below
        if description is not None:
            found.help = description
        if cmd_class is not None:
            found.cmd_class = cmd_class
            found.long_help = long_description
        return found

    def add_tree(self, new_tree: CommandTree) -> None:
        """Take over the commands of another tree."""
        for one in new_tree._all_commands.values():  # of this class
            self.add_command(one.path, one.help, one.cmd_class, one.long_help)
        if new_tree.name in self.groups:
            self.groups[new_tree.name].help = new_tree.description

    def exclude(self, groups_to_exclude: Iterable[str] = ()) -> None:
        """Forget groups."""
        for name in groups_to_exclude:
            self.groups.pop(name, None)
            for path in [one for one in self._all_commands if one.split("_")[0] == name]:
                del self._all_commands[path]

    def has_command(self, path: str) -> bool:
        """Whether there is such a node."""
        return path in self._all_commands

    def get_command(self, path: str) -> Command:
        """A node.

        Raises:
            KeyError: there is none.
        """
        return self._all_commands[path]

    def find_best_match(self, terms: Sequence[str]) -> tuple[Command | None, list[str]]:
        """The deepest node that the words lead to, and the words that are left."""
        group = self.groups.get(terms[0]) if terms else None
        return (None, list(terms)) if group is None else group.parse_out(terms[1:])

    def get_closest_ancestor_command(self, path: str) -> Command | None:
        """The node itself, or the nearest above it."""
        while path and path not in self._all_commands:
            path = path.rpartition("_")[0]
        return self._all_commands.get(path)

    def get_groups(self) -> list[Command]:
        """The groups."""
        return list(self.groups.values())

    def get_group_names(self) -> list[str]:
        """Their names."""
        return list(self.groups)

    def get_parent(self, path: str) -> Command:
        """What a node is in.

        Raises:
            KeyError: it is in none.
        """
        return self.get_command(path.rpartition("_")[0])

    def get_subnames(self, path: str | None = None) -> list[str]:
        """The last terms of a node's children; without a path, the groups'."""
        return self.get_command(path).subnames if path else self.get_group_names()

    def get_subcommands(self, path: str | None = None) -> list[Command]:
        """A node's children; without a path, the groups."""
        return self.get_command(path).get_subcommands() if path else self.get_groups()

    def set_description(self, path: str, description: str) -> None:
        """Say one line of a node."""
        self.get_command(path).help = description

    def get_description(self, path: str) -> str:
        """That line."""
        return self.get_command(path).help

    def set_class(self, path: str, cmd_class: type[Any]) -> None:
        """Say what runs a node."""
        self.get_command(path).cmd_class = cmd_class

    def get_class(self, path: str) -> type[Any] | None:
        """What runs it."""
        return self.get_command(path).cmd_class

    def pretty_print(self, group: str | None = None) -> None:
        """Print the commands."""
        for one in [self.get_command(group)] if group else self.get_groups():
            one.pretty_print(recursive=True)
