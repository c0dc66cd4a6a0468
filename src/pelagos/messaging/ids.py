"""Ids of messages: unique everywhere, and cheap."""

from __future__ import annotations

import itertools
import os


class IdSource:
    """Numbers after a random beginning; a forked child begins anew.

    >>> len(IdSource().next())
    32
    """

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._prefix = os.urandom(8).hex()
        self._numbers = itertools.count(1)

    def next(self) -> str:
        """An id of 32 characters that nobody else has."""
        if os.getpid() != self._pid:
            self._begin()
        return f"{self._prefix}{next(self._numbers):016x}"
