"""Where the lines of a session come from: a person at a terminal, or a pipe."""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import Protocol, TextIO

from pelagos.cli.shell.completion import BLANKS, Completion, Offer, replacements
from pelagos.cli.terminal import clean, paint


class Reader(Protocol):
    """Gives line after line."""

    def read(self, prompt: str) -> str | None:
        """The next line, without its end; None when there is none any more."""

    def remember(self, line: str) -> None:
        """Let the person have a line back."""


class PipeReader:
    """The lines of a stream that nobody types.

    Args:
        stream: shared with the commands: one that reads gets the lines that follow its own.
    """

    def __init__(self, stream: TextIO) -> None:
        if isinstance(stream, io.TextIOWrapper):  # a command line refuses what is not text itself
            stream.reconfigure(errors="surrogateescape")
        self._stream = stream

    def read(self, prompt: str) -> str | None:
        """The next line."""
        del prompt
        line = self._stream.readline()
        return line.rstrip("\r\n") if line else None

    def remember(self, line: str) -> None:
        """Nobody asks for it."""


class TerminalReader:
    """Lines that a person types, with editing, history and completion where Python has them.

    Args:
        completion: what TAB offers.
        former: lines of former sessions, the oldest first.
        colour: whether the prompt is coloured.
    """

    def __init__(self, completion: Completion, former: Iterable[str], *, colour: bool) -> None:
        self._completion = completion
        self._colour = colour
        self._prompt = ""
        self._behind = 0  # characters that stand behind the cursor while TAB is answered
        self._offers: list[Offer] = []
        self._replacements: list[str] = []
        if isinstance(sys.stdin, io.TextIOWrapper):
            sys.stdin.reconfigure(errors="surrogateescape")
        self._readline = _readline()
        if self._readline is not None:
            self._prepare(self._readline, former)

    def read(self, prompt: str) -> str | None:
        """The line that is typed.

        Raises:
            KeyboardInterrupt: Ctrl-C was.
        """
        if not sys.stdout.isatty():  # results go elsewhere; whoever types needs the prompt
            sys.stderr.write(prompt)
            sys.stderr.flush()
            line = sys.stdin.readline()
            return line.rstrip("\n") if line else None
        self._prompt = prompt
        if self._colour and self._readline is not None:
            # Between these two are characters that take no room.
            prompt = paint(prompt, "bold").replace("\x1b[1m", "\x01\x1b[1m\x02")
            prompt = prompt.replace("\x1b[0m", "\x01\x1b[0m\x02")
        try:
            return input(prompt)
        except EOFError:
            return None

    def remember(self, line: str) -> None:
        """Let the arrow keys find a line."""
        if self._readline is not None:
            self._readline.add_history(line)

    def _prepare(self, readline: ModuleType, former: Iterable[str]) -> None:
        readline.set_auto_history(False)
        readline.clear_history()
        for line in former:
            readline.add_history(line)
        readline.set_completer_delims(BLANKS)
        readline.set_completer(self._offer)
        if "libedit" in (readline.__doc__ or ""):
            readline.parse_and_bind("bind ^I rl_complete")
            return
        readline.parse_and_bind("tab: complete")
        readline.parse_and_bind("set show-all-if-ambiguous on")
        # Of lines that are pasted each is run, as if it had been typed.
        readline.parse_and_bind("set enable-bracketed-paste off")
        readline.set_completion_display_matches_hook(self._show_offers)

    def _offer(self, _: str, state: int) -> str | None:
        if state == 0:
            line = self._begun
            self._behind = len(self._line) - len(line)
            self._offers = self._completion.offers(line)
            self._replacements = replacements(line, self._offers)
            usage = "" if self._offers else self._completion.usage(line)
            if usage:
                self._show([usage])
        return self._replacements[state] if state < len(self._replacements) else None

    @property
    def _line(self) -> str:
        """The line as it is by now."""
        line: str = self._readline.get_line_buffer() if self._readline is not None else ""
        return line

    @property
    def _begun(self) -> str:
        """The line up to the cursor."""
        return self._line[: self._readline.get_endidx()] if self._readline is not None else ""

    def _show_offers(self, _: str, __: Sequence[str], ___: int) -> None:
        width, height = shutil.get_terminal_size()
        margin = max(len(one.word) for one in self._offers) + 2
        if any(one.about for one in self._offers) and len(self._offers) < height:
            lines = [f"{one.word:{margin}}{one.about}"[: width - 1] for one in self._offers]
        else:
            many = max(1, width // margin)
            words = [one.word.ljust(margin) for one in self._offers]
            lines = ["".join(words[at : at + many]) for at in range(0, len(words), many)]
        self._show(lines)

    def _show(self, lines: Iterable[str]) -> None:
        """Show lines below what is being typed, and that again below them."""
        if self._readline is not None:
            # What was just completed is not on the screen yet, and would come after all this.
            self._readline.redisplay()
        below = "".join(clean(one).rstrip() + "\n" for one in lines)
        prompt = paint(self._prompt, "bold") if self._colour else self._prompt
        sys.stdout.write(f"\n{below}{prompt}{self._line}" + "\b" * self._behind)
        sys.stdout.flush()


def _readline() -> ModuleType | None:
    try:
        import readline
    except ImportError:  # a Python that was built without it
        return None
    return readline
