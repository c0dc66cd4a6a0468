"""What a line of the shell means at a place in the tree; pure, nothing is run here.

A group is a place: naming it alone enters it, and its commands can then be typed without it.
"""

from __future__ import annotations

from dataclasses import dataclass

from pelagos.cli.failures import UsageError
from pelagos.cli.main import resolve
from pelagos.cli.shell.words import split
from pelagos.cli.tree import CommandTree

Path = tuple[str, ...]

PROGRAM = "pelagos"

WORDS = {
    "GROUP": "go into a group: its commands then need no group before them",
    ".., exit, ^D": "leave the group; at the top, exit and ^D end the shell",
    "quit": "end the shell",
    "/LINE": "run a line from the top",
    "!COMMAND": "run a command of the system",
    "?LINE, help": "the help of a command, or of where you are",
    "history": "what was typed before",
}
"""What the shell itself understands, for its help."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """An empty line, or a comment."""


@dataclass(frozen=True, slots=True)
class Enter:
    """Go to a place; () is the top."""

    path: Path


@dataclass(frozen=True, slots=True)
class Quit:
    """End the session."""


@dataclass(frozen=True, slots=True)
class Help:
    """Show the help of the place."""


@dataclass(frozen=True, slots=True)
class System:
    """Run a command of the system."""

    command: str


@dataclass(frozen=True, slots=True)
class Run:
    """Run a command of the tree.

    Attributes:
        words: from the top.
    """

    words: tuple[str, ...]


Step = Nothing | Enter | Quit | Help | System | Run


def step(line: str, place: Path, tree: CommandTree) -> Step:
    """What the line means.

    Args:
        line: as typed.
        place: the group that the person is in; () at the top.
        tree: all commands.

    Raises:
        UsageError: it means nothing.
    """
    text = line.strip()
    if not text or text.startswith("#"):
        return Nothing()
    if text.startswith("!"):
        return _system(text[1:].strip())
    is_question = text.startswith("?")
    words = split(text[1:] if is_question else text)
    if is_question or words[:1] == ["help"]:
        return _help(words if is_question else words[1:], place)
    word = _own_word(words, place, tree)
    return word or _of_tree(*_from_top(words, place), place, tree)


def _system(command: str) -> System:
    if not command:
        raise UsageError("! runs a command of the system", hint="write for example: !ls")
    return System(command)


def _help(words: list[str], place: Path) -> Step:
    if not words:
        return Help()
    path, rest = _from_top(words, place)
    return Run((*path, *rest, "--help"))


def _own_word(words: list[str], place: Path, tree: CommandTree) -> Step | None:
    match words:
        case []:
            return Nothing()
        case ["exit" | "quit" | ".."] if words != ["quit"] and place:
            return Enter(place[:-1])
        case ["exit" | "quit"]:
            return Quit()
        case [".."]:
            return Nothing()
        case ["history"] if "history" in tree.groups:
            return Run(("history", "show"))
    return None


def _from_top(words: list[str], place: Path) -> tuple[Path, list[str]]:
    """From which place the words go, and the words; `/` and the program's name mean the top."""
    if words[:1] == [PROGRAM]:
        return (), words[1:]
    if words and words[0].startswith("/"):
        first = words[0][1:]
        return (), [first, *words[1:]] if first else words[1:]
    return place, words


def _of_tree(start: Path, words: list[str], place: Path, tree: CommandTree) -> Step:
    node, options, operands = resolve(tree, [*start, *words])
    if not node.can_run and not operands and not options:
        return Enter(node.terms)
    if not node.can_run and operands and start and node.terms == start == place:
        meant, _, _ = resolve(tree, words)
        if meant is not tree.root:
            raise UsageError(
                f"there is no command {node.line} {operands[0]}",
                hint=f"from the top: /{' '.join(words)}",
            )
    if not node.can_run and not operands and not {"-h", "--help", "-V", "--version"} & {*options}:
        raise UsageError(
            "options alone do nothing",
            hint="they hold for a whole session when it starts with them: pelagos shell --help",
        )
    if node.terms == ("shell",):
        raise UsageError("this is the shell already", hint="exit leaves it")
    return Run((*start, *words))
