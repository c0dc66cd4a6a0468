"""A person at a terminal: types into a program, and reads what it shows."""

from __future__ import annotations

import re
import select
import shlex
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from support.screen import PATIENCE, Screen

CTRL_C, CTRL_D, TAB, UP = "\x03", "\x04", "\t", "\x1b[A"

_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[A-Za-z]|[=>])|\x07|\r")


class Typist(Screen):
    """A program on a terminal of its own; what was seen once is behind.

    Args:
        words: the program and what it is given.
        environ: its environment.
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
        super().__init__(words, environ, lines=size[0], columns=size[1], stdout=stdout)
        self._at = 0

    @property
    def transcript(self) -> str:
        """All that was shown, without what steers the terminal."""
        return _ESCAPES.sub("", self.shown)

    def see(self, text: str) -> str:
        """Wait until a text is shown after what was seen before; what was shown up to it."""
        end = time.monotonic() + PATIENCE
        while text not in (shown := self.transcript[self._at :]):
            assert time.monotonic() < end, f"{text!r} is not shown, but {shown!r}"
            assert self._read(end - time.monotonic()), f"no {text!r}, and no more: {shown!r}"
        before = shown[: shown.index(text) + len(text)]
        self._at += len(before)
        return before

    def interrupt(self, prompt: str) -> None:
        """Press Ctrl-C until the prompt comes again.

        A person presses it a second time, too: readline waits for the next key when the signal
        comes between the last key and its waiting, and dash misses it while it starts a program.
        """
        for _ in range(round(PATIENCE)):
            self.type(CTRL_C)
            end = time.monotonic() + 1
            while prompt not in self.transcript[self._at :] and time.monotonic() < end:
                self._read(end - time.monotonic())
            if prompt in self.transcript[self._at :]:
                break
        self.see(prompt)

    def line(self, text: str, prompt: str) -> str:
        """Type a line and wait for the prompt after it; what was shown up to that."""
        self.type(f"{text}\n")
        self.see(text)
        return self.see(prompt)


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

    def screen(self, *until: str, showing: str = "") -> list[str]:
        """The lines on the screen, as soon as they end with these and this is among them."""
        end = time.monotonic() + PATIENCE
        while (lines := self._lines())[-len(until) :] != list(until) or showing not in "\n".join(
            lines
        ):
            assert time.monotonic() < end, "\n".join(lines)
            select.select([], [], [], 0.05)
        return lines

    def interrupt(self, prompt: str) -> list[str]:
        """Press Ctrl-C until the last line is the prompt; the lines on the screen."""
        for _ in range(round(PATIENCE)):
            self.keys("C-c")
            end = time.monotonic() + 1
            while self._lines()[-1:] != [prompt] and time.monotonic() < end:
                select.select([], [], [], 0.05)
            if self._lines()[-1:] == [prompt]:
                break
        return self.screen(prompt)

    def _lines(self) -> list[str]:
        lines = [line.rstrip() for line in self._run("capture-pane", "-p").splitlines()]
        while lines and not lines[-1]:
            lines.pop()
        return lines

    def close(self) -> None:
        """End it."""
        self._run("kill-server")
