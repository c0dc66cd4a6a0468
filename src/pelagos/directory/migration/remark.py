"""What a person should know of a configuration that moved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that was not carried over, or not as it was.

    Attributes:
        place: the key, as "services.lookup.sales.timeout", or the file.
        what: what became of it.
        hint: what to do; empty when there is nothing to do.
    """

    place: str
    what: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.place}: {self.what}"


Note = Callable[..., None]
"""Called with the place, what became of it, and the hint, if any."""
