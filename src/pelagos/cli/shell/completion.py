"""What TAB offers at a place: commands, options, live values, files, and the shell's own words."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from pelagos.cli.complete import proposals
from pelagos.cli.main import resolve
from pelagos.cli.shell.options import SessionOptions
from pelagos.cli.shell.step import PROGRAM
from pelagos.cli.shell.step import Path as Place
from pelagos.cli.shell.words import Typed, quoted, typed
from pelagos.cli.tree import pelagos_tree
from pelagos.core.errors import PelagosError

_OWN = (
    ("..", "leave the group"),
    ("exit", "leave the group, or the shell"),
    ("help", "show help"),
    ("quit", "end the shell"),
)
BLANKS = " \t\n"
_NOT_PLAIN = re.compile(r"([^\w@%+=:,./~-])")


class Offer(NamedTuple):
    """What the word that is being typed may become.

    Attributes:
        word: the whole of it, without quotes.
        about: a few words for the person.
        is_open: whether more of it may follow, as of a folder.
    """

    word: str
    about: str = ""
    is_open: bool = False


class Completion:
    """Knows what to offer.

    Args:
        options: of the session.
    """

    def __init__(self, options: SessionOptions) -> None:
        self._options = options
        #: Where the person is.
        self.place: Place = ()

    def offers(self, line: str) -> list[Offer]:
        """What the last word of a line may become.

        Args:
            line: up to the cursor.
        """
        if line.startswith("!"):
            return list(files(typed(line[1:]).word))
        now = typed(line.removeprefix("?"))
        try:
            return list(_fitting(self._proposed(now), now.word))
        except (PelagosError, OSError):  # it never disturbs who types
            return []

    def usage(self, line: str) -> str:
        """How the command of a line is written, for who has no other offer; "" for none."""
        words = typed(line.removeprefix("?")).before
        start, rest, _ = self._begin([*words, ""])
        tree = pelagos_tree()
        node, _, _ = resolve(tree, [*start, *rest[:-1]])
        if not node.can_run:
            return ""
        from pelagos.cli.launch import load

        try:
            return f"usage: {node.line} {load(node).syntax}".rstrip()
        except PelagosError:
            return ""

    def _proposed(self, now: Typed) -> Iterator[Offer]:
        start, (*before, current), prefix = self._begin([*now.before, now.word])
        if not now.before and not prefix:
            yield from (Offer(*one) for one in _OWN)
        option, equals, value = current.partition("=")
        if equals and option.startswith("--"):
            before, current, prefix = [*before, option], value, f"{option}="
        words = self._options.put([*start, *before], pelagos_tree())
        is_known = False
        for name, about in proposals(words, current):
            if name != ":file":
                is_known = is_known or name.startswith(current)
                yield Offer(prefix + name, about)
            elif not is_known:
                yield from (Offer(prefix + one.word, "", one.is_open) for one in files(current))

    def _begin(self, words: list[str]) -> tuple[Place, list[str], str]:
        """The place that words go from, the words, and what the last has before its name."""
        first, *rest = words
        if first.startswith("/"):
            return (), ([first[1:], *rest] if first != "/" or not rest else rest), _slash(rest)
        if rest and first == PROGRAM:
            return (), rest, ""
        return self.place, (rest if rest and first == "help" else words), ""


def _slash(rest: list[str]) -> str:
    return "" if rest else "/"


def _fitting(offers: Iterable[Offer], word: str) -> Iterator[Offer]:
    seen = set()
    for one in offers:
        if one.word.startswith(word) and one.word.isprintable() and one.word not in seen:
            seen.add(one.word)
            yield one


def files(begun: str) -> Iterator[Offer]:
    """Files and folders whose path begins so."""
    folder, name = os.path.split(begun)
    try:
        found = sorted(Path(folder or ".").expanduser().iterdir())
    except (OSError, RuntimeError):
        return
    for path in found:
        if path.name.startswith(name) and path.name.startswith(".") == name.startswith("."):
            is_folder = path.is_dir()
            yield Offer(f"{begun[: len(begun) - len(name)]}{path.name}{'/' * is_folder}",
                        is_open=is_folder)  # fmt: skip


def replacements(line: str, offers: list[Offer]) -> list[str]:
    """What readline is to put in the place of all after the last blank of a line.

    That may be a part of a word in quotes, so what is before the blank has to agree.
    """
    text = line[1:] if line[:1] in ("!", "?") else line
    begin = 1 + max(text.rfind(blank) for blank in BLANKS)
    now = typed(text)
    raw = text[now.start :]
    found = []
    for one in offers:
        is_backslashed = "\\" in raw and not now.quote
        whole = _NOT_PLAIN.sub(r"\\\1", one.word) if is_backslashed else _quoted(one, now.quote)
        if len(offers) == 1 and not one.is_open:
            whole += " "
        is_same = now.start >= begin or whole.startswith(text[now.start : begin])
        if is_same:
            mark = line[:1] if begin == 0 and text != line else ""
            found.append(mark + whole[max(0, begin - now.start) :])
    return found


def _quoted(one: Offer, quote: str) -> str:
    if one.word.startswith("~"):
        return one.word  # the person's own way of writing it
    text = quoted(one.word, quote)
    return text[:-1] if one.is_open and text[-1:] in ("'", '"') else text
