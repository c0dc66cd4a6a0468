"""One line on a terminal that tells how far a command is."""

from __future__ import annotations

from types import TracebackType
from typing import Self, TextIO

from pelagos.cli.moment import length
from pelagos.cli.terminal import clean, is_terminal
from pelagos.core.clock import Clock


class StatusLine:
    """One line on a terminal that is written over again; silent when nobody watches.

    Args:
        stream: stderr.
        clock: what tells the time.
        label: what the line begins with.
        see: of what goes on without us: the command that shows it, told when Ctrl-C ends the wait.
    """

    def __init__(self, stream: TextIO, clock: Clock, label: str, *, see: str = "") -> None:
        self._stream = stream
        self._clock = clock
        self._label = label
        self._see = see
        self._is_shown = is_terminal(stream)
        self._start = clock.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._see and isinstance(error, KeyboardInterrupt):
            self.tell(f"it goes on by itself; see: {self._see}")
        else:
            self.clear()

    @property
    def is_shown(self) -> bool:
        """Whether somebody watches."""
        return self._is_shown

    def show(self, text: str) -> None:
        """Put a text, and the time that has passed, in the place of what was there."""
        if not self._is_shown:
            return
        import shutil

        passed = length(self._clock.monotonic() - self._start)
        width = shutil.get_terminal_size().columns - 1
        line = clean(f"{self._label}: {text}")
        room = max(10, width - len(passed) - 3)
        if len(line) > room:
            line = line[: room - 1] + "…"
        self._stream.write(f"\r\x1b[K{line} ({passed})")
        self._stream.flush()

    def tell(self, text: str) -> None:
        """Write a line that stays, whether somebody watches or not."""
        self.clear()
        self._stream.write(clean(f"{self._label}: {text}") + "\n")
        self._stream.flush()

    def clear(self) -> None:
        """Take the line away."""
        if self._is_shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
