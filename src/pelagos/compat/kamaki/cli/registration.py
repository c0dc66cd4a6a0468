"""`@command(tree)`: ours, with the ancestor's error about a class that is none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pelagos.cli import registration
from pelagos.cli.failures import CommandClassError
from pelagos.cli.registration import asking, syntax_of
from pelagos.cli.tree import CommandTree
from pelagos.compat.kamaki.cli.errors import CLICmdSpecError

__all__ = ["asking", "command", "syntax_of"]


def command(
    cmd_tree: CommandTree | None,
    prefix: str | Sequence[str] = "",
    descedants_depth: int | None = None,
) -> Callable[[type[Any]], Any]:
    """Register a class in a tree; see `pelagos.cli.registration.command`.

    Raises:
        CLICmdSpecError: the class has no docstring, or no `main`.
    """
    register = registration.command(cmd_tree, prefix, descedants_depth)

    def checked(cls: type[Any]) -> Any:
        try:
            return register(cls)
        except CommandClassError as error:
            raise CLICmdSpecError(error.message, error.hint or ()) from error

    return checked
