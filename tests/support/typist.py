"""A person at a terminal: types into a program, and reads what it shows."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import shlex
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

PATIENCE = 40.0
"""Seconds that a text may take to appear: the machine may be busy."""

CTRL_C, CTRL_D, TAB, UP = "\x03", "\x04", "\t", "\x1b[A"

_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[A-Za-z]|[=>])|\x07|\r")


class Typist:
    """A program on a terminal of its own; use it as a context manager.

    Args:
        words: the program and what it is given.
        environ: its whole environment.
        size: (rows, columns) of the terminal.
        stdout: a file for its output, instead of the terminal.
    """

    def __init__(
        self,
        words: Sequence[str],
        environ: Mapping[str, str],
        *,
        size: tuple[int, int] = (40, 80),
        stdout: int | None = None,
    ) -> None:
        self._leader, follower = pty.openpty()
        termios.tcsetwinsize(follower, size)
        # setsid makes the terminal the program's own: Ctrl-C typed there is a signal to it.
        self.process = subprocess.Popen(
            ["setsid", "--ctty", *words],
            env=dict(environ),
            stdin=follower,
            stdout=follower if stdout is None else stdout,
            stderr=follower,
        )
        os.close(follower)
        self._seen = ""
        self._at = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._leader)
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    @property
    def transcript(self) -> str:
        """All that was shown, without what steers the terminal."""
        return _ESCAPES.sub("", self._seen)

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self._leader, text.encode())

    def see(self, text: str) -> str:
        """Wait until a text is shown after what was seen before; what was shown up to it."""
        end = time.monotonic() + PATIENCE
        while text not in (shown := self.transcript[self._at :]):
            assert time.monotonic() < end, f"{text!r} is not shown, but {shown!r}"
            assert self._read(end), f"the program ended without {text!r}: {shown!r}"
        before = shown[: shown.index(text) + len(text)]
        self._at += len(before)
        return before

    def line(self, text: str, prompt: str) -> str:
        """Type a line and wait for the prompt after it; what was shown up to that."""
        self.type(f"{text}\n")
        self.see(text)
        return self.see(prompt)

    def ended(self) -> int:
        """Wait for the end; the exit code."""
        end = time.monotonic() + PATIENCE
        while self._read(end):
            assert time.monotonic() < end, f"it does not end: {self.transcript!r}"
        return self.process.wait(PATIENCE)

    def _read(self, end: float) -> bool:
        """Whether something more was shown before the end."""
        ready, _, _ = select.select([self._leader], [], [], max(0.0, end - time.monotonic()))
        with contextlib.suppress(OSError):  # EIO: nobody has the terminal any more
            shown = os.read(self._leader, 65536) if ready else b""
            self._seen += shown.decode(errors="replace")
            return bool(shown)
        return False


class Tmux:
    """A program in tmux, whose screen can be read as a person sees it.

    Args:
        path: of the program tmux.
        folder: for its socket.
        words: the program and what it is given.
        environ: its environment.
    """

    def __init__(
        self, path: str, folder: Path, words: Sequence[str], environ: Mapping[str, str]
    ) -> None:
        self._tmux = (path, "-S", str(folder / "tmux"), "-f", "/dev/null")
        self._environ = {**environ, "TERM": "xterm", "LC_ALL": "C.UTF-8"}
        settings = (f"{key}={value}" for key, value in environ.items())
        command = shlex.join(["env", "-i", *settings, *words])
        self._run("new-session", "-d", "-x", "80", "-y", "24", f"{command}; read -r _")

    def _run(self, *words: str) -> str:
        done = subprocess.run(
            [*self._tmux, *words], env=self._environ, capture_output=True, text=True, check=True
        )
        return done.stdout

    def keys(self, *names: str) -> None:
        """Press keys, by tmux' names of them; other words are typed."""
        self._run("send-keys", *names)

    def screen(self, *until: str) -> list[str]:
        """The lines on the screen, as soon as they end with these."""
        end = time.monotonic() + PATIENCE
        while True:
            lines = [line.rstrip() for line in self._run("capture-pane", "-p").splitlines()]
            while lines and not lines[-1]:
                lines.pop()
            if lines[-len(until) :] == list(until):
                return lines
            assert time.monotonic() < end, "\n".join(lines)
            select.select([], [], [], 0.05)

    def close(self) -> None:
        """End it."""
        self._run("kill-server")
