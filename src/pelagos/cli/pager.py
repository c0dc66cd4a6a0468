"""What is longer than a terminal is shown by a pager, as it comes; the rest just printed.

Knows nothing of commands and formats.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from typing import IO, TextIO

from pelagos.cli.failures import EnoughSeen, UsageError

_NONE = ("cat", "none", "")
#: Ends by itself when all fits, shows colours, leaves the screen as it is.
_LESS = "FRX"


class Paged:
    """A terminal to which lines go through a pager, once they are more than fit.

    Args:
        stream: the terminal.
        lines: how many fit.
        choose: gives the pager's command line when one is needed; "cat" or "none" means none.
        environ: the pager's environment.
    """

    def __init__(
        self, stream: TextIO, lines: int, choose: Callable[[], str], environ: Mapping[str, str]
    ) -> None:
        self._stream = stream
        self._room = lines - 1  # the prompt comes below
        self._choose = choose
        self._environ = environ
        self._kept: list[str] | None = []
        self._sink: IO[str] = stream
        self._close: Callable[[], None] | None = None
        self._later: list[Callable[[], object]] = []

    def write(self, text: str) -> int:
        """Keep the text while all fits; then start the pager and hand it over.

        Raises:
            EnoughSeen: the pager was left.
            UsageError: its command line has a quotation that does not end.
        """
        if self._kept is None:
            return self._hand_over(text)
        self._kept.append(text)
        self._room -= text.count("\n")
        if self._room < 0:
            self._start()
            self._release()
        return len(text)

    def flush(self) -> None:
        """Show what is there; a list that is slower than its reader is not paged."""
        self._release()
        try:
            self._sink.flush()
        except BrokenPipeError:
            raise self._enough from None

    def live(self) -> None:
        """Print all that follows at once: it comes bit by bit, and is to be seen at once."""
        self._release()

    def when_read(self, do: Callable[[], object]) -> None:
        """Do something when the pager does not have the screen any more."""
        if self._close is None:
            do()
        else:
            self._later.append(do)

    def close(self) -> None:
        """Print what is kept, and wait until the reader has seen enough."""
        self._release()
        if self._close is not None:
            close, self._close, self._sink = self._close, None, self._stream
            close()
        for do in self._later:
            do()
        self._later = []

    def _release(self) -> None:
        if self._kept is not None:
            kept, self._kept = self._kept, None
            self._hand_over("".join(kept))

    def _hand_over(self, text: str) -> int:
        try:
            return self._sink.write(text)
        except BrokenPipeError:
            raise self._enough from None

    @property
    def _enough(self) -> Exception:
        return BrokenPipeError() if self._close is None else EnoughSeen()

    def _start(self) -> None:
        import shlex
        import subprocess

        chosen = self._choose()
        try:
            words = shlex.split(chosen)
        except ValueError as error:
            raise UsageError(
                f"the pager {chosen!r} is no command line: {error}",
                hint="look at PAGER and at the setting plane.pager; or say --no-pager",
            ) from error
        if not words or words[0] in _NONE:
            return
        self._stream.flush()
        try:
            pager = subprocess.Popen(  # noqa: S603  # the person's own choice
                words,
                stdin=subprocess.PIPE,
                stdout=self._stream.fileno(),
                env={"LESS": _LESS, "LV": "-c", **self._environ},
                encoding=self._stream.encoding,
                errors="backslashreplace",
            )
        except OSError:  # there is no such program: then without
            return
        into: IO[str] = pager.stdin  # type: ignore[assignment]  # a pipe was asked for
        self._sink = into

        def close() -> None:
            # Ctrl-C is the pager's own as long as it has the terminal.
            before = signal.signal(signal.SIGINT, signal.SIG_IGN)
            try:
                into.close()
            except BrokenPipeError:  # it was left before the end
                pass
            finally:
                pager.wait()
                signal.signal(signal.SIGINT, before)

        self._close = close


def paged(stream: TextIO, environ: Mapping[str, str], choose: Callable[[], str]) -> Paged | None:
    """A pager for a stream, or None: where nobody watches, or its height is not known."""
    try:
        lines = os.get_terminal_size(stream.fileno()).lines
    except (OSError, ValueError):  # no terminal; ValueError: no file at all, or closed
        return None
    return Paged(stream, lines, choose, environ) if lines > 1 else None


def pager_of(configured: str, environ: Mapping[str, str]) -> str:
    """The pager's command line: the configured one, that of PAGER, or less.

    >>> pager_of("", {}), pager_of("", {"PAGER": "most"}), pager_of("none", {"PAGER": "most"})
    ('less', 'most', 'none')
    """
    return configured or environ.get("PAGER", "less")
