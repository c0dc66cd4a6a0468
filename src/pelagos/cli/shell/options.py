"""The options that a session was started with hold for each of its lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pelagos.cli.command_base import GLOBAL_ARGUMENTS
from pelagos.cli.launch import load
from pelagos.cli.main import resolve
from pelagos.cli.tree import CommandTree
from pelagos.core.errors import PelagosError


class SessionOptions:
    """Options as words, put into a line that does not say otherwise.

    Args:
        values: of the options of every command.
        own: (name, value) of options that only some commands take, by their key in `arguments`.
    """

    def __init__(self, values: Mapping[str, Any], own: Mapping[str, tuple[str, str]]) -> None:
        self._leading: list[str] = []
        for key, argument in GLOBAL_ARGUMENTS.items():
            value = values.get(key)
            if key == "help" or not value:
                continue
            if argument.arity:
                self._leading += [argument.name, str(value)]
            else:
                self._leading += [argument.name] * int(value)
        self._own = own

    def put(self, words: Sequence[str], tree: CommandTree) -> list[str]:
        """The words of a line with the options of the session before those that it has itself."""
        node, options, rest = resolve(tree, list(words))
        if not node.can_run:
            return [*self._leading, *words]
        try:
            arguments = load(node).all_arguments()
        except PelagosError:  # running it will tell
            arguments = {}
        own = [
            word
            for key, (name, value) in self._own.items()
            if key in arguments and name in arguments[key].names
            for word in (name, value)
        ]
        return [*self._leading, *node.terms, *own, *options, *rest]
