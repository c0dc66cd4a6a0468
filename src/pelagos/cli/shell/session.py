"""A session: reads a line, runs it, tells what went wrong and goes on."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from pelagos import __version__
from pelagos.cli import failures
from pelagos.cli.context import Context
from pelagos.cli.extension import extend
from pelagos.cli.kept import Kept
from pelagos.cli.launch import load
from pelagos.cli.main import main, resolve
from pelagos.cli.shell.completion import Completion
from pelagos.cli.shell.discretion import discreet
from pelagos.cli.shell.history import History, history_of
from pelagos.cli.shell.options import SessionOptions
from pelagos.cli.shell.reader import PipeReader, Reader, TerminalReader
from pelagos.cli.shell.step import (
    PROGRAM,
    WORDS,
    Enter,
    Help,
    Nothing,
    Path,
    Quit,
    Run,
    Step,
    System,
    step,
)
from pelagos.cli.terminal import is_terminal, wants_colour
from pelagos.cli.tree import CommandTree, pelagos_tree
from pelagos.cli.usage import group_help
from pelagos.core.errors import PelagosError

_GREETING = f"{PROGRAM} {__version__}: TAB completes, help helps, exit leaves"


class Session:
    """The lines of one person, or of one pipe.

    Args:
        context: of the command `shell`; its streams, environment and transport are those of all
            lines.
        options: what holds for each line.
        stops: end at the first line that fails.
    """

    def __init__(self, context: Context, options: SessionOptions, *, stops: bool = False) -> None:
        self._context = context
        self._options = options
        self._stops = stops
        self._completion = Completion(options)
        self._place: Path = ()
        self._history: History | None = None
        self._kept = Kept()
        context.closers.append(self._kept.close)
        self._is_over = False
        self._failure = failures.OK

    def run(self) -> int:
        """Run all lines.

        Returns:
            In a pipe the exit code of the first line that failed; at a terminal 0.
        """
        is_watched = is_terminal(self._context.stdin)
        reader = self._at_terminal() if is_watched else PipeReader(self._context.stdin)
        number = 0
        while not self._is_over:
            number += 1
            try:
                line = reader.read(self._prompt)
            except KeyboardInterrupt:
                if not is_watched:
                    raise
                self._context.stderr.write("\n")
                continue
            if line is None:
                self._end_of_input(is_watched=is_watched)
                continue
            code = self._line(line, reader)
            if not is_watched:
                self._note(code, number)
        return failures.OK if is_watched else self._failure

    # ---- where lines come from ----

    def _at_terminal(self) -> Reader:
        self._context.say(_GREETING)
        former: list[str] = []
        try:
            self._history = history_of(self._context)
            self._history.trim()
            former = self._history.lines()
        except PelagosError as error:
            self._tell(error)
            self._history = None
        colour = wants_colour(self._context.stdout, self._context.environ)
        return TerminalReader(self._completion, former, colour=colour)

    @property
    def _prompt(self) -> str:
        return " ".join((PROGRAM, *self._place)) + "> "

    def _end_of_input(self, *, is_watched: bool) -> None:
        if is_watched:
            self._context.stderr.write("\n")
            self._context.stderr.flush()
        if is_watched and self._place:
            self._enter(self._place[:-1])
        else:
            self._is_over = True

    # ---- one line ----

    def _line(self, line: str, reader: Reader) -> int:
        try:
            return self._understood(line, reader)
        except KeyboardInterrupt:  # between two moments at which a command would have told it
            self._context.stderr.write("\npelagos: interrupted\n")
            return failures.INTERRUPTED

    def _understood(self, line: str, reader: Reader) -> int:
        tree = pelagos_tree()
        try:
            extend(tree, self._options.put([*self._place, *line.split()], tree))
            meant = step(line, self._place, tree)
        except PelagosError as error:
            reader.remember(line)
            return self._tell(error)
        self._keep(line, meant, reader, tree)
        return self._do(meant, tree)

    def _do(self, meant: Step, tree: CommandTree) -> int:
        match meant:
            case Run(words):
                return self._command(list(words), tree)
            case System(command):
                return self._system(command)
            case Enter(path):
                self._enter(path)
            case Help():
                self._help(tree)
            case Quit():
                self._is_over = True
            case Nothing():
                pass
        return failures.OK

    def _enter(self, path: Path) -> None:
        self._place = self._completion.place = path

    def _help(self, tree: CommandTree) -> None:
        node = tree.find_best_match(self._place)[0] or tree.root
        own = "".join(f"  {word:16}{text}\n" for word, text in WORDS.items())
        self._context.stdout.write(f"{group_help(tree, node)}\nin the shell:\n{own}")

    def _command(self, words: list[str], tree: CommandTree) -> int:
        line = self._options.put(words, tree)
        with _as_before(self._context):
            if self._is_apart(words, tree):
                # -P: nothing is imported from the folder in which the person is.
                return self._apart([sys.executable, "-P", "-m", PROGRAM, *line])
            return main(line, self._make_context)

    def _is_apart(self, words: list[str], tree: CommandTree) -> bool:
        node, _, rest = resolve(tree, words)
        is_real = self._context.transport is None
        try:
            return is_real and "--help" not in rest and node.can_run and load(node).is_apart
        except PelagosError:  # running it will tell
            return False

    def _make_context(self, values: Mapping[str, Any]) -> Context:
        own = self._context
        made = Context(
            values,
            environ=own.environ,
            stdin=own.stdin,
            stdout=own.stdout,
            stderr=own.stderr,
            transport=own.transport,
            clock=own.clock,
        )
        made.kept = self._kept
        return made

    def _system(self, command: str) -> int:
        shell = self._context.environ.get("SHELL") or "/bin/sh"
        return self._apart([shell, "-c", command])

    def _apart(self, words: list[str]) -> int:
        """Run a program in a process of its own; Ctrl-C is for it alone."""
        self._context.stdout.flush()
        self._context.stderr.flush()
        # A handler, because the program would inherit that a signal is ignored.
        before = signal.signal(signal.SIGINT, lambda *_: None)
        try:
            stdin = None if is_terminal(self._context.stdin) else subprocess.DEVNULL
            environ = dict(self._context.environ)
            status = subprocess.run(words, stdin=stdin, env=environ, check=False).returncode  # noqa: S603  # what the person said
        except OSError as error:
            return self._tell(failures.CommandError(f"cannot run {words[0]}: {error.strerror}"))
        finally:
            signal.signal(signal.SIGINT, before)
        return status if status >= 0 else 128 - status

    # ---- what is kept, and told ----

    def _keep(self, line: str, meant: Step, reader: Reader, tree: CommandTree) -> None:
        if self._history is None:
            return
        kept = discreet(line, meant, tree)
        if kept is None and not isinstance(meant, Nothing) and not line.startswith(" "):
            reader.remember(line)  # to be mended; it is forgotten with the session
        if not kept or not kept.isprintable():
            return
        reader.remember(kept)
        is_here = self._place and isinstance(meant, Run) and not kept.startswith(("/", "?"))
        try:
            self._history.add(f"/{' '.join(self._place)} {kept}" if is_here else kept)
        except PelagosError as error:
            self._tell(error)
            self._history = None

    def _tell(self, error: PelagosError) -> int:
        self._context.stdout.flush()
        self._context.stderr.write(failures.as_written(error))
        self._context.stderr.flush()
        return failures.exit_code(error)

    def _note(self, code: int, number: int) -> None:
        if code == failures.OK:
            return
        self._failure = self._failure or code
        self._context.say(f"{PROGRAM}: line {number} ended with {code}")
        if self._stops or code == failures.INTERRUPTED:
            self._is_over = True


@contextlib.contextmanager
def _as_before(context: Context) -> Iterator[None]:
    """What a command did to this process and its terminal is undone when it is over."""
    import logging

    root, own = logging.getLogger(), logging.getLogger(PROGRAM)
    handlers, levels = list(root.handlers), (root.level, own.level)
    signals = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)}
    modes = _terminal_modes(context)
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(levels[0])
        own.setLevel(levels[1])
        for number, handler in signals.items():
            signal.signal(number, handler)
        if modes is not None:
            import termios

            with contextlib.suppress(termios.error):  # the terminal is gone
                termios.tcsetattr(context.stdin.fileno(), termios.TCSADRAIN, modes)


def _terminal_modes(context: Context) -> list[Any] | None:
    import termios

    try:
        return termios.tcgetattr(context.stdin.fileno()) if is_terminal(context.stdin) else None
    except (termios.error, OSError):  # a stream that only says that it is one
        return None
