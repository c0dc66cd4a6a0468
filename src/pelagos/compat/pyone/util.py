"""`pyone.util`: parameters as the calls take them, parts of answers as dictionaries."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from pelagos.compat.pyone.answers import TemplatedType
from pelagos.one.template import encode

__all__ = ["TemplatedType", "cast2one", "child2dict", "one2dict"]

_ROOT = "_root"


def cast2one(param: Any) -> Any:
    """A parameter as it is sent: members of enumerations as numbers, mappings as templates.

    Raises:
        TemplateError: something in a mapping cannot be stored.
    """
    if isinstance(param, IntEnum):
        return int(param)
    if isinstance(param, Mapping):
        root = param.get(_ROOT)
        return encode(root if isinstance(root, Mapping) else param)
    return param


def one2dict(element: Any) -> Any:
    """What is in a template, below its name, as it can be sent back."""
    if isinstance(element, TemplatedType):
        return element._root  # noqa: SLF001  # the ancestor's name
    if isinstance(element, Mapping) and _ROOT in element:
        return element[_ROOT]
    return element


def child2dict(element: Any) -> Any:
    """A part of an answer as a dictionary."""
    to_dict = getattr(element, "to_dict", None)
    return element if to_dict is None else to_dict()
