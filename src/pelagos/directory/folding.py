"""Text as it is compared everywhere in the directory: without case and without accents."""

from __future__ import annotations

import unicodedata

# Letters that Unicode does not decompose, and what people type instead of them.
_LETTERS = str.maketrans(
    {
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "ħ": "h",
        "ŧ": "t",
        "\u0131": "i",
        "æ": "ae",
        "œ": "oe",
    }
    | {"þ": "th"}
)


def fold(text: str) -> str:
    """The text in the form in which it is compared; folding twice changes nothing.

    Signs that nobody sees (the marks of direction that come along when a number is copied from
    another program, soft hyphens, spaces of no width) are left out.

    >>> fold("Céline Łukasz STRAẞE")
    'celine lukasz strasse'
    """
    while not text.isascii():
        folded = unicodedata.normalize("NFKD", text.casefold()).translate(_LETTERS)
        folded = "".join([c for c in folded if c < "\x80" or not _is_left_out(c)])
        if folded == text:
            return folded
        text = folded
    return text.lower()


def _is_left_out(character: str) -> bool:
    return bool(unicodedata.combining(character)) or unicodedata.category(character) == "Cf"
