"""Postage's modules under its names: `messaging`, `microthreads`, `generic_application`.

    from pelagos.compat.postage import messaging

or, for a program that is not to be changed at all, before it imports anything:

    from pelagos.compat import postage
    postage.install()

What differs on purpose is listed in docs/how-to/from-postage.md.
"""

from __future__ import annotations

from pelagos.compat.aliases import alias
from pelagos.compat.postage import generic_application, messaging, microthreads

__all__ = ["generic_application", "install", "messaging", "microthreads"]


def install() -> None:
    """Let `import postage` in this process mean this package; again is harmless.

    Raises:
        PelagosError: another `postage` has been imported already.
    """
    alias("postage", __name__)
