"""How often Python looks for what is unused: seldom in a command that ends soon."""

from __future__ import annotations

import gc

_NEW_OBJECTS = 50_000
"""Until it looks; as Python has it, a fifth of a short command is spent so."""
_before: list[tuple[int, int, int]] = []


def look_seldom() -> None:
    """Look only after many new objects."""
    _before.append(gc.get_threshold())
    gc.set_threshold(_NEW_OBJECTS)


def look_as_before() -> None:
    """Look as often as before `look_seldom`, in what runs for long; harmless without it."""
    if _before:
        gc.set_threshold(*_before.pop())
