"""How far a transfer is, on one line of a terminal: files, bytes, speed, time that is left."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from pelagos.cli.cloud.showing import size
from pelagos.cli.context import Context
from pelagos.cli.failures import INTERRUPTED
from pelagos.cli.moment import length
from pelagos.cli.status_line import StatusLine

_OFTEN = 0.1
"""Seconds between two looks."""
_HUNDRED = 100


class Meter:
    """Counts what is done, and shows it; safe in threads.

    Args:
        line: where it is shown.
        context: of the command.
        total: bytes that are to be done.
        files: how many files they are.
        told: whether a line is said for each file that is done.
    """

    def __init__(
        self, line: StatusLine, context: Context, total: int, files: int = 1, *, told: bool = False
    ) -> None:
        self._line = line
        self._context = context
        self._total = total
        self._files = files
        self._is_told = told
        self._lock = threading.Lock()
        self._start = context.clock.monotonic()
        self._shown = self._start - _OFTEN
        self._count = 0
        self.size = 0

    def advance(self, done: int) -> None:
        """So many more bytes are done."""
        with self._lock:
            self.size += done
            self._show()

    def done(self, path: str, what: str) -> None:
        """A file is done."""
        with self._lock:
            self._count += 1
            if self._is_told:
                self._line.clear()
                self._context.say(f"{what} {path}")
            self._show()

    def _show(self) -> None:
        now = self._context.clock.monotonic()
        if not self._line.is_shown or now - self._shown < _OFTEN:
            return
        self._shown = now
        self._line.show(self.text(now - self._start))

    def text(self, passed: float) -> str:
        """What the line says after so many seconds."""
        parts = [f"{self._count:,} of {self._files:,} files"] if self._files > 1 else []
        share = _HUNDRED * self.size // self._total if self._total else _HUNDRED
        parts.append(f"{size(self.size)} of {size(self._total)}, {min(share, _HUNDRED)} %")
        if passed > 0 and self.size:
            speed = self.size / passed
            parts.append(f"{size(int(speed))}/s")
            left = max(0, self._total - self.size) / speed
            parts.append(f"{length(left)} left")
        return ", ".join(parts)


@contextlib.contextmanager
def metered(
    context: Context, label: str, total: int, files: int = 1, *, told: bool = False
) -> Iterator[Meter]:
    """A meter while something is transferred; Ctrl-C then ends the program at once.

    What is under way in other threads would else be waited for. Nothing is lost by it: files are
    whole or under a name of their own, and what has arrived is not transferred again.
    """
    with StatusLine(context.stderr, context.clock, label) as line, _ending(context, line):
        yield Meter(line, context, total, files, told=told)


@contextlib.contextmanager
def _ending(context: Context, line: StatusLine) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(_: int, __: FrameType | None) -> None:
        line.clear()
        context.stderr.write("\npelagos: interrupted; the same command goes on where it was\n")
        context.stderr.flush()
        os._exit(INTERRUPTED)

    before = signal.signal(signal.SIGINT, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
