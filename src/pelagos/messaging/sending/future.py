"""Futures whose callbacks run where answers and confirmations are read, and hold up all others.

So nothing may wait for a broker in one: what it waits for might be read by its own thread.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future
from typing import Any, TypeVar

from pelagos.messaging.errors import MessagingError

log = logging.getLogger(__name__)

T = TypeVar("T")


class _Here(threading.local):
    calls_back = False


_here = _Here()


def is_called_back() -> bool:
    """Whether this is a callback of a future that was settled just now."""
    return _here.calls_back


def call_back(settle: Callable[[T], object], value: T) -> None:
    """Settle a future with this value, and so call back whoever asked for that."""
    before, _here.calls_back = _here.calls_back, True
    try:
        settle(value)
    except BaseException:  # a callback that exits: it would end what serves all
        log.exception("a callback of a future failed")
    finally:
        _here.calls_back = before


def see_who_waits() -> None:
    """Before anything that may wait for a broker.

    Raises:
        MessagingError: it is done in a callback of a future.
    """
    if _here.calls_back:
        raise MessagingError(
            "a callback of a future cannot wait for the broker: all others would wait for it",
            hint="send with _wait=False or _future=True there, and call with _future=True",
        )


class BusFuture(Future[T]):
    """A future whose callbacks run where answers and confirmations are read; can be awaited."""

    def add_done_callback(self, fn: Callable[[Future[T]], object]) -> None:
        """Call this when it is done: at once if it is, else where answers are read.

        There it may send and call on, but not wait: all others would wait, too.
        """
        super().add_done_callback(functools.partial(_called, fn))

    def result(self, timeout: float | None = None) -> T:
        """What it stands for; waits for it, at most so many seconds."""
        if _here.calls_back and not self.done():
            see_who_waits()
        return super().result(timeout)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """What went wrong, or None; waits for it, at most so many seconds."""
        if _here.calls_back and not self.done():
            see_who_waits()
        return super().exception(timeout)

    def __await__(self) -> Generator[Any, None, T]:
        return asyncio.wrap_future(self).__await__()


def _called(fn: Callable[[Future[T]], object], future: Future[T]) -> None:
    try:
        fn(future)
    except SystemExit:  # those that follow are called as well
        log.exception("a callback of a future exited")
