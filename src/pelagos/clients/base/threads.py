"""Threads as programs for the ancestor use them: events, batches, and many calls at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal


class SilentEvent(threading.Thread):
    """A call in a thread of its own; what it raises is kept, not printed.

    Attributes:
        method, args, kwargs: the call.
        value: what it returned; None until then.
        exception: what it raised; False when nothing.

    >>> event = SilentEvent(max, 3, 7)
    >>> event.start()
    >>> event.join()
    >>> event.value, event.exception
    (7, False)
    """

    def __init__(self, method: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        super().__init__(daemon=True)
        self.method = method
        self.args = args
        self.kwargs = kwargs
        self._value: Any = None
        self._exception: BaseException | Literal[False] = False

    @property
    def value(self) -> Any:
        """What the call returned; None until then."""
        return self._value

    @property
    def exception(self) -> BaseException | Literal[False]:
        """What the call raised; False when nothing."""
        return self._exception

    def run(self) -> None:
        """Make the call."""
        try:
            self._value = self.method(*self.args, **self.kwargs)
        except Exception as error:  # noqa: BLE001  # kept for whoever waits
            self._exception = error

    isAlive = threading.Thread.is_alive  # noqa: N815  # as programs for Python 2 say it


class Threads:
    """The part of a client that bounds threads; subclasses and old programs call it.

    Attributes:
        MAX_THREADS: how many calls a method may make at once; set it on a client or a class.
    """

    MAX_THREADS = 5

    _thread_limit = 1
    _elapsed_old = 0.0
    _elapsed_new = 0.0

    def _init_thread_limit(self, limit: int = 1) -> None:
        """Begin to watch threads, so many at once.

        Raises:
            ValueError: the limit is no positive number.
        """
        if limit < 1:
            raise ValueError("at least one thread must be allowed")
        self._thread_limit = limit
        self._elapsed_old = 0.0
        self._elapsed_new = 0.0

    def _watch_thread_limit(self, threadlist: list[Any]) -> list[Any]:
        """Wait for all when there are as many as allowed; what still runs.

        More are allowed when the last batch was not slower than the one before, else fewer.
        """
        if self._elapsed_old and self._elapsed_old >= self._elapsed_new:
            if self._thread_limit < self.MAX_THREADS:
                self._thread_limit += 1
        elif self._elapsed_old <= self._elapsed_new and self._thread_limit > 1:
            self._thread_limit -= 1
        self._elapsed_old = self._elapsed_new
        if len(threadlist) < self._thread_limit:
            return threadlist
        begin = time.monotonic()
        for thread in threadlist:
            thread.join()
        self._elapsed_new = (time.monotonic() - begin) / len(threadlist)
        return []

    def async_run(
        self, method: Callable[..., Any], kwarg_list: Iterable[Mapping[str, Any]]
    ) -> list[Any]:
        """Call a method with each of the keyword arguments, at most MAX_THREADS at once.

        Returns:
            what each call returned, in the order of the arguments.

        Raises:
            whatever the first call that failed, in that order, raised; calls that have not begun
            by then are not made.
        """
        calls = list(kwarg_list)
        if not calls:
            return []
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415  # only this pays for it

        pool = ThreadPoolExecutor(min(len(calls), max(1, self.MAX_THREADS)))
        try:
            futures = [pool.submit(method, **kwargs) for kwargs in calls]
            return [future.result() for future in futures]
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
