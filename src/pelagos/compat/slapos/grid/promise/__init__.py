"""`slapos.grid.promise`: the base of promises, and their interface."""

from __future__ import annotations

from pelagos.compat.slapos.grid.promise import generic, interface
from pelagos.compat.slapos.grid.promise.generic import GenericPromise

__all__ = ["GenericPromise", "generic", "interface"]
