"""Commands by their paths, under the name of the last versions."""

from pelagos.compat.kamaki.cli.command_tree import Command, CommandTree

__all__ = ["Command", "CommandTree"]
