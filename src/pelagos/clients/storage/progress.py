"""Progress as old programs take it: a function that makes a generator, advanced by units."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from typing import Any

log = logging.getLogger(__name__)

#: Called with the number of units; what it returns is advanced once to begin and once per unit.
Callback = Callable[[int], Iterator[Any]]


class Progress:
    """Tells a callback about units done; what the callback raises never stops a transfer."""

    def __init__(self, callback: Callback | None, units: int) -> None:
        self._steps: Iterator[Any] | None = None
        if callback is not None:
            with self._harmless():
                self._steps = iter(callback(units))
            self.advance()

    def advance(self, units: int = 1) -> None:
        """So many more units are done."""
        for _ in range(units):
            if self._steps is None:
                return
            with self._harmless():
                next(self._steps)

    @contextlib.contextmanager
    def _harmless(self) -> Iterator[None]:
        try:
            yield
        except StopIteration:
            self._steps = None
        except Exception:
            log.warning("a progress callback failed and is not called again", exc_info=True)
            self._steps = None
