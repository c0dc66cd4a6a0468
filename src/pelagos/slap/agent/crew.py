"""A few threads that do what they are given, in order, and never let one failure end them."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable

log = logging.getLogger(__name__)


class Crew:
    """Daemon threads on one queue: work that hangs does not keep the program from ending."""

    def __init__(self, name: str, size: int) -> None:
        self._queue: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True)
            for number in range(size)
        ]
        for thread in self._threads:
            thread.start()

    def do(self, work: Callable[[], None]) -> None:
        """Have something done by the next free thread."""
        self._queue.put(work)

    def close(self, timeout: float) -> bool:
        """End the threads after what was given to them; whether all ended in time."""
        for _ in self._threads:
            self._queue.put(None)
        deadline = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _work(self) -> None:
        while (work := self._queue.get()) is not None:
            try:
                work()
            except Exception:  # fan-out: a defect in one step must not stop the steps of others
                log.exception("a step failed in a way that it should not")
