"""SlapOS' modules under its names: `slapos.slap`, `slapos.grid.promise` and the others.

    from pelagos.compat.slapos.slap import slap

or, for a program that is not to be changed at all, before it imports anything:

    from pelagos.compat import slapos
    slapos.install()

What differs on purpose is listed in docs/how-to/from-slapos.md.
"""

from __future__ import annotations

import sys

from pelagos.compat.aliases import alias

__all__ = ["install"]

_PARTS = ("grid", "slap", "util")


def install() -> None:
    """Let `import slapos` in this process mean this package; again is harmless.

    Where other packages have modules below `slapos`, too, they stay: only what is here is ours.

    Raises:
        PelagosError: another `slapos.slap` has been imported already.
    """
    if "slapos" in sys.modules and sys.modules["slapos"] is not sys.modules[__name__]:
        for part in _PARTS:
            alias(f"slapos.{part}", f"{__name__}.{part}")
    else:
        alias("slapos", __name__)
