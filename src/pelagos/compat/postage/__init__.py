"""Postage's modules under its names: `messaging`, `microthreads`, `generic_application`.

    from pelagos.compat.postage import messaging

or, for a program that is not to be changed at all, before it imports anything:

    from pelagos.compat import postage
    postage.install()

What differs on purpose is listed in docs/how-to/from-postage.md.
"""

from __future__ import annotations

import sys

from pelagos.compat.postage import generic_application, messaging, microthreads
from pelagos.messaging import MessagingError

__all__ = ["generic_application", "install", "messaging", "microthreads"]

_MODULES = ("generic_application", "messaging", "microthreads")


def install() -> None:
    """Let `import postage` in this process mean this package; again is harmless.

    Raises:
        MessagingError: another `postage` has been imported already.
    """
    own = sys.modules[__name__]
    if sys.modules.setdefault("postage", own) is not own:
        raise MessagingError(
            "another module named postage is loaded", hint="install before anything imports it"
        )
    for name in _MODULES:
        sys.modules[f"postage.{name}"] = sys.modules[f"{__name__}.{name}"]
