"""Which class an element at the root of an answer has."""

from __future__ import annotations

import functools
from importlib import import_module

from pelagos.one.results.element import Element
from pelagos.one.results.types import ROOTS


@functools.cache
def class_of(root: str) -> type[Element]:
    """The class of a known root, loaded now; else `Element`."""
    if root not in ROOTS:
        return Element
    module, name = ROOTS[root]
    found: type[Element] = getattr(import_module(f"pelagos.one.results.types.{module}"), name)
    return found
