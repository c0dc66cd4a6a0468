"""`slapos.slap`: the way to a master. `slap` is the class here, as in the ancestor."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from pelagos.compat.slapos.slap.slap import *  # noqa: F403  # the same names, said once there
from pelagos.compat.slapos.slap.slap import __all__ as __all__


class _Package(ModuleType):
    """Keeps `slap` the class when `slapos.slap.slap`, the module, is imported."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name != "slap" or not isinstance(value, ModuleType):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
