"""`@command(tree)`: a class becomes a command, by its name, its docstring and its `main`.

    _farm_commands = CommandTree("farm", "Animals and what they eat")

    @command(_farm_commands)
    class FarmFeed(Command):  # farm_feed says the same
        \"\"\"Feed animals.\"\"\"

        def main(self, *animals): ...

makes `pelagos farm feed ANIMALS…`. Nothing here may import what costs start-up time: every
command's module does.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from pelagos.cli.failures import CommandClassError
from pelagos.cli.tree import CommandTree, terms_of

_SIGNS = (("____", "[:"), ("___", ":"), ("__", "]"))
_WITHOUT_DOCSTRINGS = 2
"""What `python -OO` calls itself."""


class _Asked:
    """The words of a line, and how many of them a class has matched.

    Attributes:
        terms: the words.
        depth: how many terms further classes are wanted.
        best: the most terms that a class has matched yet.
    """

    def __init__(self, terms: Sequence[str], depth: int) -> None:
        self.terms = tuple(terms)
        self.depth = depth
        self.best = 0


_asked: ContextVar[_Asked | None] = ContextVar("pelagos.cli.asked", default=None)


@contextmanager
def asking(terms: Sequence[str], depth: int = 1) -> Iterator[None]:
    """While modules are loaded, register only what these words need and `depth` terms below."""
    token = _asked.set(_Asked(terms, depth))
    try:
        yield
    finally:
        _asked.reset(token)


def command(
    cmd_tree: CommandTree | None,
    prefix: str | Sequence[str] = "",
    descedants_depth: int | None = None,
    *,
    path: str = "",
) -> Callable[[type[Any]], Any]:
    """Register a class in a tree; where it does not match the prefix, its name is None.

    The class gets `description` (the first line of its docstring), `long_description` (the rest)
    and, unless it has one, `syntax` (its operands).

    Args:
        cmd_tree: of its group; None leaves the class as it is.
        prefix: terms, as a list or joined by "_"; of those that match most, and no others, are
            registered. "": those of the line that is run, or all.
        descedants_depth: how many terms below the prefix; of what is deeper, only the way to it.
        path: the words of the command, when the name of the class cannot say them:
            "security-group list".

    Raises:
        CommandClassError: the class has no docstring, or no `main`.
    """
    given = terms_of(prefix) if prefix else ()

    def register(cls: type[Any]) -> Any:
        if cmd_tree is None:
            return cls
        asked = cmd_tree.asked.setdefault(given, _Asked(given, 1)) if given else _asked.get()
        terms = terms_of(path) if path else words_of(cls.__name__)
        if asked is not None:
            matching = _common(terms, asked.terms)
            if matching < max(1, asked.best):
                return None
            asked.best = matching
            most = matching + (asked.depth if descedants_depth is None else descedants_depth)
            if len(terms) > most:
                cmd_tree.add_command(terms[:most])
                return None
        _describe(cls)
        cmd_tree.add_command(terms, cls.description, cls, cls.long_description)
        return cls

    return register


def words_of(class_name: str) -> tuple[str, ...]:
    """The terms that the name of a class says.

    >>> words_of("farm_feed_all"), words_of("FarmFeedAll")
    (('farm', 'feed', 'all'), ('farm', 'feed', 'all'))
    """
    if "_" in class_name or class_name.islower():
        return tuple(class_name.split("_"))
    split = "".join(f"_{one.lower()}" if one.isupper() else one for one in class_name)
    return tuple(split.strip("_").split("_"))


def _common(terms: Sequence[str], others: Sequence[str]) -> int:
    number = 0
    for one, other in zip(terms, others, strict=False):
        if one != other:
            break
        number += 1
    return number


def _describe(cls: type[Any]) -> None:
    lines = (cls.__doc__ or "").strip().split("\n")
    if not lines[0] and sys.flags.optimize < _WITHOUT_DOCSTRINGS:
        raise CommandClassError(
            f"the command {cls.__name__} has no docstring",
            hint="say in its first line what the command does",
        )
    if not callable(getattr(cls, "main", None)):
        raise CommandClassError(
            f"the command {cls.__name__} has no main",
            hint="write a method `main`: it does the work",
        )
    cls.description = lines[0].strip()
    cls.long_description = "\n".join(_dedented(lines[1:])).strip()
    if not hasattr(cls, "syntax"):
        cls.syntax = syntax_of(cls.main)


def _dedented(lines: list[str]) -> list[str]:
    margins = [len(line) - len(line.lstrip()) for line in lines if line.strip()]
    return [line[min(margins, default=0) :].rstrip() for line in lines]


def syntax_of(main: Any) -> str:
    """The operands of a command, by the names of its parameters.

    >>> def main(self, container___path, size=0, *names): ...
    >>> syntax_of(main)
    '<container:path> [size] <names ...>'
    >>> def main(self, container____path__): ...
    >>> syntax_of(main)
    '<container[:path]>'
    """
    words = []
    for parameter, is_required, is_rest in operands_of(main):
        name = _meant(parameter).replace("_", " ")
        words.append(f"<{name} ...>" if is_rest else f"<{name}>" if is_required else f"[{name}]")
    return " ".join(words)


def operands_of(main: Any) -> Iterator[tuple[str, bool, bool]]:
    """(name, whether it must be given, whether it takes all that is left) of each operand."""
    # The code object, because `inspect` would cost more than the whole start of the program.
    code = main.__code__
    names = code.co_varnames[1 : code.co_argcount]
    required = len(names) - len(main.__defaults__ or ())
    for position, name in enumerate(names):
        yield name, position < required, False
    if code.co_flags & 0x04:
        yield code.co_varnames[code.co_argcount + code.co_kwonlyargcount], False, True


def operand_word(parameter: str) -> str:
    """A parameter of `main` as the help writes it.

    >>> operand_word("container___path"), operand_word("computer_id")
    ('CONTAINER:PATH', 'COMPUTER-ID')
    """
    return _meant(parameter).upper().replace("_", "-")


def _meant(parameter: str) -> str:
    for signs, meaning in _SIGNS:
        parameter = parameter.replace(signs, meaning)
    return parameter
