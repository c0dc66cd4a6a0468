"""`@command(tree)`: a class called `group_sub_leaf` becomes the command `group sub leaf`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from pelagos.compat.kamaki.cli.command_tree import CommandTree
from pelagos.compat.kamaki.cli.errors import CLICmdSpecError

_SIGNS = (("____", "[:"), ("___", ":"), ("__", "]"), ("_", " "))


@dataclass
class _Asked:
    """The words of a line, and how many of them a class has matched."""

    terms: tuple[str, ...]
    depth: int
    best: int = 0


#: Of prefixes that modules name themselves: what matched best so far.
_explicit: dict[tuple[str, ...], _Asked] = {}
_asked: ContextVar[_Asked | None] = ContextVar("pelagos.compat.kamaki.asked", default=None)


@contextmanager
def asking(terms: Sequence[str], depth: int = 1) -> Iterator[None]:
    """While modules are loaded, register only what these words need and `depth` terms below."""
    token = _asked.set(_Asked(tuple(terms), depth))
    try:
        yield
    finally:
        _asked.reset(token)


def command(
    cmd_tree: CommandTree | None,
    prefix: str | Sequence[str] = "",
    descedants_depth: int | None = None,
) -> Callable[[type[Any]], Any]:
    """Register a class in a tree; where it does not match the prefix, its name is None.

    Args:
        cmd_tree: of its group; None leaves the class as it is.
        prefix: terms, as a list or joined by "_"; of those that match most, and no others, are
            registered. "": those of the line that is run, or all.
        descedants_depth: how many terms below the prefix; of what is deeper, only the way to it.

    Raises:
        CLICmdSpecError: the class has no docstring, or no `main`.
    """
    given = tuple(prefix.split("_") if isinstance(prefix, str) else prefix) if prefix else ()
    asked = _explicit.setdefault(given, _Asked(given, 1)) if given else _asked.get()

    def register(cls: type[Any]) -> Any:
        if cmd_tree is None:
            return cls
        terms = cls.__name__.split("_")
        if asked is not None:
            matching = _common(terms, asked.terms)
            if matching < max(1, asked.best):
                return None
            asked.best = matching
            most = matching + (asked.depth if descedants_depth is None else descedants_depth)
            if len(terms) > most:
                cmd_tree.add_command("_".join(terms[:most]))
                return None
        _describe(cls)
        cmd_tree.add_command(cls.__name__, cls.description, cls, cls.long_description)
        return cls

    return register


def _common(terms: Sequence[str], others: Sequence[str]) -> int:
    number = 0
    for one, other in zip(terms, others, strict=False):
        if one != other:
            break
        number += 1
    return number


def _describe(cls: type[Any]) -> None:
    text = inspect.cleandoc(cls.__doc__ or "")
    if not text:
        raise CLICmdSpecError(f"the command {cls.__name__} has no docstring")
    if not callable(getattr(cls, "main", None)):
        raise CLICmdSpecError(f"the command {cls.__name__} has no main")
    cls.description, _, rest = text.partition("\n")
    cls.long_description = rest.strip()
    cls.syntax = syntax_of(cls.main)


def syntax_of(main: Callable[..., Any]) -> str:
    """The operands of a command, by the names of its arguments.

    >>> def main(self, container___path, size=0, *names): ...
    >>> syntax_of(main)
    '<container:path> [size] <names ...>'
    >>> def main(self, container____path__): ...
    >>> syntax_of(main)
    '<container[:path]>'
    """
    words = []
    for one in list(inspect.signature(main).parameters.values())[1:]:
        name = one.name
        for signs, meaning in _SIGNS:
            name = name.replace(signs, meaning)
        if one.kind is one.VAR_POSITIONAL:
            words.append(f"<{name} ...>")
        elif one.default is one.empty:
            words.append(f"<{name}>")
        else:
            words.append(f"[{name}]")
    return " ".join(words)
