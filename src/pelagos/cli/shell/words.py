"""A line as words, and the word that is being typed: the quoting of a POSIX shell."""

from __future__ import annotations

import re
import shlex
from typing import NamedTuple

from pelagos.cli.failures import UsageError

_PIECE = re.compile(
    r"""(?P<blank>\s+)|'(?P<single>[^']*)(?P<end_single>'?)"""
    r"""|"(?P<double>(?:\\.|[^"\\])*)(?P<end_double>"?)|\\(?P<escaped>.?)|(?P<plain>[^\s'"\\]+)"""
)


class Typed(NamedTuple):
    """A line that is not finished.

    Attributes:
        before: the words that are.
        word: the one that is being typed, without its quotes; may be empty.
        start: where in the line that begins.
        quote: the quotation mark that is open, or "".
    """

    before: list[str]
    word: str
    start: int
    quote: str


def split(line: str) -> list[str]:
    """The words of a line.

    Raises:
        UsageError: a quotation does not end.

    >>> split("contact add 'Ada L' x=1")
    ['contact', 'add', 'Ada L', 'x=1']
    """
    try:
        return shlex.split(line)
    except ValueError as error:
        raise UsageError(
            "a quotation mark has no partner",
            hint="close the quotation, or write a backslash before the mark",
        ) from error


def typed(line: str) -> Typed:
    """What is typed so far, up to the cursor.

    >>> typed("service info 'web o")
    Typed(before=['service', 'info'], word='web o', start=13, quote="'")
    """
    words: list[str] = []
    word: str | None = None
    start, quote = 0, ""
    for piece in _PIECE.finditer(line):
        if piece["blank"] is not None:
            words += [] if word is None else [word]
            word = None
            continue
        if word is None:
            word, start = "", piece.start()
        word += _meant(piece)
        quote = _open_quote(piece)
    return Typed(words, "", len(line), "") if word is None else Typed(words, word, start, quote)


def _meant(piece: re.Match[str]) -> str:
    if piece["double"] is not None:
        return re.sub(r'\\(["\\$`])', r"\1", piece["double"])
    return piece["single"] or piece["escaped"] or piece["plain"] or ""


def _open_quote(piece: re.Match[str]) -> str:
    if piece["single"] is not None:
        return "" if piece["end_single"] else "'"
    return '"' if piece["double"] is not None and not piece["end_double"] else ""


def quoted(word: str, quote: str = "") -> str:
    """The word as it has to be typed, in these quotation marks when they are open already."""
    if quote == '"':
        escaped = word.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    if quote == "'" and "'" not in word:
        return f"'{word}'"
    return shlex.quote(word)
