"""What a person at a terminal sees of a command that is silent: that it is still at work.

The line comes after a second and goes for good with the first word that the command itself says
or asks for; from then on it tells how far it is, or nothing.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any, cast

from pelagos.cli.context import Context
from pelagos.cli.status_line import StatusLine
from pelagos.cli.terminal import is_terminal

_SILENT = 1.0
"""Seconds until a command counts as slow."""
_TICK = 0.5
"""Seconds between two looks at the clock."""
_QUIET = frozenset({"closed", "encoding", "errors", "fileno", "isatty", "mode", "name"})
"""What may be asked of a stream without speaking."""


@contextlib.contextmanager
def patience(context: Context, label: str) -> Iterator[None]:
    """While a command runs: a line on stderr for as long as it is silent, on a terminal only.

    Args:
        context: of the command; its streams tell when it speaks.
        label: what the line begins with.
    """
    if not is_terminal(context.stderr):
        yield
        return
    waiting = _Waiting(StatusLine(context.stderr, context.clock, label), context.clock.monotonic)
    for name in ("stdin", "stdout", "stderr"):
        setattr(context, name, cast("Any", _Watched(getattr(context, name), waiting.end)))
    waiting.start()
    try:
        yield
    finally:
        waiting.end()


class _Waiting:
    """The line, and who draws it.

    Args:
        line: where it is.
        monotonic: tells the seconds.
    """

    def __init__(self, line: StatusLine, monotonic: Callable[[], float]) -> None:
        self._line = line
        self._monotonic = monotonic
        self._start = monotonic()
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._is_shown = False

    def start(self) -> None:
        """Begin to look at the clock."""
        threading.Thread(target=self._watch, name="patience", daemon=True).start()

    def end(self) -> None:
        """Take the line away for good."""
        if self._over.is_set():
            return
        with self._lock:
            self._over.set()
            if self._is_shown:
                self._line.clear()

    def _watch(self) -> None:
        while not self._over.wait(_TICK):
            with self._lock:
                if self._over.is_set() or self._monotonic() - self._start < _SILENT:
                    continue
                self._is_shown = True
                self._line.show("at work")


class _Watched:
    """A stream that tells when it is used."""

    def __init__(self, stream: Any, told: Callable[[], None]) -> None:
        self._stream = stream
        self._told = told

    def __getattr__(self, name: str) -> Any:
        if name not in _QUIET:
            self._told()
        return getattr(self._stream, name)

    def __iter__(self) -> Iterator[str]:
        self._told()
        return iter(self._stream)
