"""Which class an element at the root of an answer has."""

from __future__ import annotations

import functools
from importlib import import_module

from pelagos.one.errors import OneConfigException
from pelagos.one.results.element import Element

#: The types that come with Pelagos.
PACKAGE = "pelagos.one.results.types"


@functools.cache
def class_of(root: str, package: str = PACKAGE) -> type[Element]:
    """The class of a known root, loaded now; else `Element`.

    Args:
        package: what `pelagos one generate` wrote.

    Raises:
        OneConfigException: there is no such package, or it is another one.
    """
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
