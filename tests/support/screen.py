"""A program on a terminal of its own: what it shows is read, what a person types is written."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

PATIENCE = 60.0
"""Seconds that something may take: the machine may be busy."""


class Screen:
    """Runs a program on a terminal of so many lines and columns; Ctrl-C typed there reaches it.

    Args:
        line: the program and its arguments.
        environ: its environment.
        lines: height.
        columns: width.
        cwd: where it runs.
        stdout: a file for its output, instead of the terminal.
    """

    def __init__(
        self,
        line: Sequence[str],
        environ: Mapping[str, str],
        *,
        lines: int = 24,
        columns: int = 100,
        cwd: str | None = None,
        stdout: int | None = None,
    ) -> None:
        self._leader, follower = pty.openpty()
        termios.tcsetwinsize(follower, (lines, columns))
        # Ctrl-C also throws away what was shown and not yet read here, be it from before or after.
        modes = termios.tcgetattr(follower)
        modes[3] |= termios.NOFLSH
        termios.tcsetattr(follower, termios.TCSANOW, modes)
        # setsid makes the terminal the program's own: Ctrl-C typed there is a signal to it, also
        # when whoever runs the tests ignores it.
        self.process = subprocess.Popen(
            ["setsid", "--ctty", "env", "--default-signal=INT,HUP", *line],
            stdin=follower,
            stdout=follower if stdout is None else stdout,
            stderr=follower,
            env={"TERM": "xterm", **environ},
            cwd=cwd,
        )
        os.close(follower)
        self.shown = ""
        self._is_over = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._leader)  # hangs up
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def type(self, text: str) -> None:
        """Type it; "\\x03" is Ctrl-C, "\\t" the tabulator."""
        os.write(self._leader, text.encode())

    def until(self, text: str, since: int = 0) -> str:
        """All that was shown, once this is among what was shown from a position on."""
        end = time.monotonic() + PATIENCE
        while text not in self.shown[since:]:
            if not self._read(end - time.monotonic()):
                raise AssertionError(f"{text!r} never came: {self.shown[-2000:]!r}")
        return self.shown

    def ended(self, typing: str = "") -> int:
        """Wait for the end of the program, and type this until then; its exit code."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if typing:
                self.type(typing)
            if not self._read(0.2 if typing else end - time.monotonic()) and self._is_over:
                break
        return self.process.wait(PATIENCE)

    def _read(self, patience: float) -> bool:
        ready, _, _ = select.select([self._leader], [], [], max(patience, 0))
        try:
            more = os.read(self._leader, 65536) if ready else b""
        except OSError:  # the program and all that it started have let go of the terminal
            more, self._is_over = b"", True
        self.shown += more.decode(errors="replace")
        return bool(more)
