"""Commands by their paths: the tree is ours, and what its nodes are is called `Command`."""

from pelagos.cli.tree import CommandTree
from pelagos.cli.tree import Node as Command

__all__ = ["Command", "CommandTree"]
