"""`slapos.grid.promise.interface`: what a promise provides, as zope.interface declares it."""

# An interface's methods have no `self`, no body and no types: they say how a caller calls.
# mypy: disable-error-code="no-untyped-def, misc, import-untyped"

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zope.interface import Interface, classImplements

if TYPE_CHECKING:
    _Interface: Any = object
else:
    _Interface = Interface

__all__ = ["IPromise"]


class IPromise(_Interface):
    """A check of an instance."""

    def sense():
        """Look, and log what is seen."""

    def test():
        """Judge by what was logged: a result."""

    def anomaly():
        """Judge whether the instance has to be configured again: a result."""


def provided_by(promise: type[Any]) -> None:
    """Say that the objects of a class are promises."""
    classImplements(promise, IPromise)
