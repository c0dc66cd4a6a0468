"""A few threads that do what they are given, in order, and never let one failure end them."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable

log = logging.getLogger(__name__)


#: Seconds after which work counts as slow: another thread takes its place.
PATIENCE = 5.0


class Crew:
    """Daemon threads on one queue: work that hangs does not keep the program from ending.

    Args:
        size: threads, as a rule.
        most: threads when work is slow, so that slow work does not hold up the rest; 0: `size`.
    """

    def __init__(self, name: str, size: int, *, most: int = 0) -> None:
        self._name = name
        self._queue: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._began: dict[int, float] = {}
        self._most = max(size, most)
        self._is_closed = threading.Event()
        self._threads: list[threading.Thread] = []
        for _ in range(size):
            self._add()
        if self._most > size:
            threading.Thread(target=self._relieve, name=f"{name}-relief", daemon=True).start()

    def _add(self) -> None:
        number = len(self._threads)
        thread = threading.Thread(target=self._work, name=f"{self._name}-{number}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _relieve(self) -> None:
        """Add a thread while work waits and all the threads there are have slow work."""
        while not self._is_closed.wait(0.5):
            with self._lock:
                late = time.monotonic() - PATIENCE
                slow = sum(began <= late for began in self._began.values())
                is_full = slow == len(self._threads) < self._most
                if is_full and not self._queue.empty() and not self._is_closed.is_set():
                    self._add()

    def do(self, work: Callable[[], None]) -> None:
        """Have something done by the next free thread."""
        self._queue.put(work)

    def close(self, timeout: float) -> bool:
        """End the threads after what was given to them; whether all ended in time."""
        with self._lock:
            self._is_closed.set()
            threads = list(self._threads)
        for _ in threads:
            self._queue.put(None)
        deadline = time.monotonic() + timeout
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in threads)

    def _work(self) -> None:
        me = threading.get_ident()
        while (work := self._queue.get()) is not None:
            with self._lock:
                self._began[me] = time.monotonic()
            try:
                work()
            except Exception:  # fan-out: a defect in one step must not stop the steps of others
                log.exception("a step failed in a way that it should not")
            finally:
                with self._lock:
                    del self._began[me]
