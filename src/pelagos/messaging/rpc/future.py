"""The answer of a call that nobody waits for yet, and who is called back when it is there."""

from __future__ import annotations

import functools
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final

from pelagos.messaging.message import Message
from pelagos.messaging.sending.future import BusFuture, call_back

#: Seconds after which a thread that has nothing to call back ends.
_IDLE: Final = 1.0


class Callbacks:
    """Calls back, one after the other, in a thread of its own, which lives while it is needed.

    For a bus in this process: it delivers inside its broker's lock, in which nobody may send.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()  # the end of a forgotten producer may come inside it
        self._due: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._running = False

    def add(self, callback: Callable[[Future[Message]], object], future: Future[Message]) -> None:
        """Call it soon."""
        with self._lock:
            self._due.put(functools.partial(call_back, callback, future))
            if not self._running:
                threading.Thread(target=self._run, name="bus-callbacks", daemon=True).start()
                self._running = True

    def _run(self) -> None:
        while (due := self._next()) is not None:
            due()

    def _next(self) -> Callable[[], None] | None:
        try:
            return self._due.get(timeout=_IDLE)
        except queue.Empty:
            with self._lock:
                self._running = not self._due.empty()
                return self._due.get() if self._running else None


class CallFuture(BusFuture[Message]):
    """The answer of a call that is not waited for yet: `result()` waits, and so does `await`.

    Attributes:
        on_cancel: called when nobody waits any more; None once there is an answer, so that the
            call and its future are no circle, which only the garbage collector would end.
    """

    on_cancel: Callable[[], None] | None = None

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


class InnerCallFuture(CallFuture):
    """The same, where answers are read inside a lock: who is to be called back is called later."""

    def __init__(self, callbacks: Callbacks) -> None:
        super().__init__()
        self._callbacks = callbacks

    def add_done_callback(self, fn: Callable[[Future[Message]], object]) -> None:
        """Call this when it is done: at once if it is, else in the thread of the callbacks."""
        if not self.done():
            fn = functools.partial(self._callbacks.add, fn)
        super().add_done_callback(fn)
