"""Which class an element at the root of an answer has."""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib import import_module

from pelagos.one.errors import OneConfigException
from pelagos.one.results.element import Element

#: The types that come with Pelagos.
PACKAGE = "pelagos.one.results.types"
#: Where classes come from: a package of them, or a function from the root's name to its class.
Types = str | Callable[[str], type[Element]]


@functools.cache
def class_of(root: str, types: Types = PACKAGE) -> type[Element]:
    """The class of a known root, loaded now; else `Element`.

    Args:
        types: what `pelagos one generate` wrote, or a function that chooses.

    Raises:
        OneConfigException: there is no such package, or it is another one.
    """
    return _class_in(types, root) if isinstance(types, str) else types(root)


def _class_in(package: str, root: str) -> type[Element]:
    try:
        roots: dict[str, tuple[str, str]] = import_module(package).ROOTS
        if root not in roots:
            return Element
        module, name = roots[root]
        found: type[Element] = getattr(import_module(f"{package}.{module}"), name)
    except (ImportError, AttributeError) as error:
        raise OneConfigException(
            f"{package} has no types of results: {error}",
            hint="write it by: pelagos one generate --xsd DIR --into FOLDER",
        ) from error
    return found
