"""Ids of messages: unique everywhere, and cheap."""

from __future__ import annotations

import itertools
import os


class IdSource:
    """Numbers after a random beginning, which is another one in a forked child.

    >>> len(IdSource().next())
    32
    """

    def __init__(self) -> None:
        self._process: object = None
        self._prefix = ""
        self._numbers = itertools.count(1)

    def next(self) -> str:
        """An id of 32 characters that nobody else has."""
        if self._process is not _process:
            self._prefix = os.urandom(8).hex()  # first: other threads go on when they see the rest
            self._process = _process
        return "%s%016x" % (self._prefix, next(self._numbers))  # noqa: UP031 - the fastest form


_process = object()


def this_process() -> object:
    """Stands for this process; asking the system for its id on each message costs more."""
    return _process


def _begin() -> None:
    global _process  # noqa: PLW0603 - a fork makes another process of this one
    _process = object()


os.register_at_fork(after_in_child=_begin)
