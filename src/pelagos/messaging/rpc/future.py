"""The answer of a call that nobody waits for yet, and who is called back when it is there."""

from __future__ import annotations

import asyncio
import functools
import logging
import queue
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future
from typing import Any, Final

from pelagos.messaging.message import Message

log = logging.getLogger(__name__)

#: Seconds after which a thread that has nothing to call back ends.
_IDLE: Final = 1.0

Later = Callable[[Callable[[], object]], None]


class Callbacks:
    """Calls back, one after the other, in a thread of its own, which lives while it is needed.

    In the transport's thread they could neither send nor call nor close, since all of these may
    wait for that thread.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()  # the end of a forgotten producer may come inside it
        self._due: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()
        self._running = False

    def add(self, callback: Callable[[], object]) -> None:
        """Call it soon."""
        with self._lock:
            self._due.put(callback)
            if not self._running:
                threading.Thread(target=self._run, name="bus-callbacks", daemon=True).start()
                self._running = True

    def _run(self) -> None:
        while (callback := self._next()) is not None:
            try:
                callback()
            except (Exception, SystemExit):  # others' code; those that follow are called as well
                log.exception("a callback of a call failed")

    def _next(self) -> Callable[[], object] | None:
        try:
            return self._due.get(timeout=_IDLE)
        except queue.Empty:
            with self._lock:
                self._running = not self._due.empty()
                return self._due.get() if self._running else None


class CallFuture(Future[Message]):
    """The answer of a call that is not waited for yet: `result()` waits, and so does `await`.

    Attributes:
        on_cancel: called when nobody waits any more; None once there is an answer, so that the
            call and its future are no circle, which only the garbage collector would end.
    """

    on_cancel: Callable[[], None] | None = None

    def __init__(self, later: Later) -> None:
        super().__init__()
        self._later = later

    def add_done_callback(self, fn: Callable[[Future[Message]], object]) -> None:
        """Call this when it is done: at once if it is, else in a thread made for it.

        There it may send, call and close; who is called back after it waits so long.
        """
        if self.done() or getattr(fn, "__module__", "") == "asyncio.futures":  # wakes a loop only
            super().add_done_callback(fn)
        else:
            super().add_done_callback(functools.partial(_call_later, self._later, fn))

    def cancel(self) -> bool:
        """Wait for it no longer; whether that was in time."""
        cancelled = super().cancel()
        if cancelled and (forget := self.take_on_cancel()) is not None:
            self.set_running_or_notify_cancel()  # for who waits for several
            forget()
        return cancelled

    def take_on_cancel(self) -> Callable[[], None] | None:
        """`on_cancel`, for one thread: whoever gets it tells those who wait for the future."""
        found: Callable[[], None] | None = self.__dict__.pop("on_cancel", None)
        return found

    def __await__(self) -> Generator[Any, None, Message]:
        return asyncio.wrap_future(self).__await__()


def _call_later(
    later: Later, fn: Callable[[Future[Message]], object], future: Future[Message]
) -> None:
    later(functools.partial(fn, future))
