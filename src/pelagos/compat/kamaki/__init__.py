"""kamaki's modules under its names: `kamaki.clients.pithos`, `kamaki.cli.config` and the others.

    from pelagos.compat.kamaki.clients.pithos import PithosClient

or, for a program that is not to be changed at all, before it imports anything:

    from pelagos.compat import kamaki
    kamaki.install()

Names of its first version (0.6) and of its last (0.16) are here side by side. What differs on
purpose is listed in docs/how-to/from-kamaki.md.
"""

from __future__ import annotations

from pelagos.compat.aliases import alias

__all__ = ["__version__", "install"]

#: The version whose names these are; some programs ask for it.
__version__ = "0.16"


def install() -> None:
    """Let `import kamaki` in this process mean this package; again is harmless.

    Raises:
        PelagosError: another `kamaki` has been imported already.
    """
    alias("kamaki", __name__)
