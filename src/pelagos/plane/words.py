"""Names as words of routing keys. Pure."""

from __future__ import annotations

_LONGEST = 100


def word(name: str) -> str:
    """A name as one word of a routing key; names that are alike may give the same word.

    >>> word("host.example")
    'host_example'
    """
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in name)[:_LONGEST]
