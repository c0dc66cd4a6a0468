"""Whether what a call works on is still wanted: asked by the call, told by who made it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_here = threading.local()  # .tell: of what the calling thread works on


def is_wanted() -> bool:
    """Whether anybody still waits for what the call that this thread makes will return.

    A call of much work asks now and then, and stops when it is False. Where nobody said
    anything, somebody always waits.
    """
    tell: Callable[[], bool] | None = getattr(_here, "tell", None)
    return tell is None or tell()


@contextmanager
def wanted_while(tell: Callable[[], bool]) -> Iterator[None]:
    """Around a call: what `is_wanted` answers in this thread."""
    former = getattr(_here, "tell", None)
    _here.tell = tell
    try:
        yield
    finally:
        _here.tell = former
