"""Signals that end a program: the first one asks, the second one ends it at once."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
from collections.abc import Callable, Iterator
from types import FrameType, TracebackType
from typing import Any, Self

#: The longest wait in seconds: no system waits for ever where a number is given.
LONGEST = 3600.0
_ASKED = (signal.SIGTERM, signal.SIGINT)


class Interrupts:
    """A context in which signals are heard; to be entered in the main thread.

    Attributes:
        count: how many signals have come.
        before_end: called, in the signal handler, before the second signal ends the process.
        is_worker: hears SIGTERM alone, and no second one ends it: a terminal, or a manager of
            services, asks its whole group, and its supervisor asks again and ends it in time.
    """

    def __init__(
        self, before_end: Callable[[], object] | None = None, *, is_worker: bool = False
    ) -> None:
        self.is_worker = is_worker
        self.count = 0
        self.before_end = before_end
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._previous: dict[int, Any] = {}
        self._previous_fd = -1

    def __enter__(self) -> Self:
        # A byte on a socket wakes `wait` for sure; locks of threads are not safe in a handler.
        self._previous_fd = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM,) if self.is_worker else _ASKED:
            self._previous[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._previous_fd)
        self._reader.close()
        self._writer.close()

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self.count += 1
        if self.count > 1 and not self.is_worker:
            if self.before_end is not None:
                self.before_end()
            os._exit(128 + number)

    def fileno(self) -> int:
        """Readable when `wait` would return."""
        return self._reader.fileno()

    def ring(self) -> None:
        """Let `wait` return; from any thread."""
        with contextlib.suppress(OSError):  # full is rung already; closed is too late
            self._writer.send(b"!")

    def wait(self, timeout: float | None) -> None:
        """Until a signal comes, somebody rings, or so many seconds (an hour at most) are over."""
        if timeout is not None:
            timeout = min(timeout, LONGEST)
        select.select([self._reader], [], [], timeout)
        self.quiet()

    def quiet(self) -> None:
        """Take away what made `wait` return."""
        with contextlib.suppress(BlockingIOError):
            while self._reader.recv(4096):
                pass


@contextlib.contextmanager
def ignoring_interrupts() -> Iterator[None]:
    """A process that is started here never hears Ctrl-C: whoever started it decides."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
