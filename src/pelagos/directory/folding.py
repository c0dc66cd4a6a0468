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

    >>> fold("Céline Łukasz STRAẞE")
    'celine lukasz strasse'
    """
    if text.isascii():
        return text.lower()
    while True:
        folded = unicodedata.normalize("NFKD", text.casefold()).translate(_LETTERS)
        folded = "".join(c for c in folded if not unicodedata.combining(c))
        if folded == text:
            return folded
        text = folded
