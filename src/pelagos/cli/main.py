"""The program `pelagos`: find the command, run it, turn every failure into words and an exit code.

`--version`, `--help` and an unknown word are answered from the tree alone. Nothing that costs
start-up time may be imported at the top; `benchmarks/cli_start.py` measures it and a test
counts the modules.
"""

from __future__ import annotations

import gc
import io
import os
import sys

from pelagos import __version__
from pelagos.cli import failures
from pelagos.cli.garbage import look_seldom
from pelagos.cli.tree import CommandTree, Node, pelagos_tree
from pelagos.core.errors import PelagosError

TYPE_CHECKING = False
if TYPE_CHECKING:  # not for a cycle: `--help` does not pay even for `typing`
    from collections.abc import Sequence

    from pelagos.cli.launch import MakeContext

_WITH_VALUE = (
    "--data", "--config", "--master-url", "--token-file", "--cloud",
    "-o", "--output", "--columns", "--filter", "--sort",
)  # fmt: skip
"""Options that may stand before the words of a command, and whose value is the next word."""


def main(argv: list[str] | None = None, make_context: MakeContext | None = None) -> int:
    """Run one command line.

    Args:
        argv: the words after the name of the program; None = those of this process.
        make_context: makes the context from the values of the options; for tests.

    Returns:
        The exit code; `pelagos.cli.failures` lists them.
    """
    if argv is not None:
        return _answered(argv, make_context)
    look_seldom()
    code = _answered(sys.argv[1:], make_context)
    gc.freeze()  # the process ends: nothing is looked for once more
    return code


def _answered(words: list[str], make_context: MakeContext | None) -> int:
    """Run one command line and tell its failures; the exit code."""
    if sys.stdout is None or sys.stderr is None:  # closed by whoever started us
        return _without_streams(words, make_context)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that cannot show a character gets its escape, and the rest of the answer.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = run(words, make_context)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read has seen enough (`| head`)
        _discard_output()
        code = failures.OK
    except KeyboardInterrupt:
        sys.stderr.write("\npelagos: interrupted\n")
        code = failures.INTERRUPTED
    except PelagosError as error:
        code = _told(error)
    except OSError as error:
        code = _os_error(error, words)
    except Exception as error:  # noqa: BLE001  # the last line of defence: a person gets words, a file the traceback
        code = _unexpected(error, words)
    return code


def _without_streams(words: list[str], make_context: MakeContext | None) -> int:
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123  # pathlib is dear
        sys.stdout = sys.stdout or nowhere
        sys.stderr = sys.stderr or nowhere
        return _answered(words, make_context)


def run(words: list[str], make_context: MakeContext | None = None) -> int:
    """Run one command line and let every failure out; see `main`."""
    for word in words:
        if not word.isascii() and any("\ud800" <= char <= "\udfff" for char in word):
            raise failures.UsageError(
                f"{word!a} is not text in the encoding of this terminal",
                hint="type it anew, or set LC_ALL to what it is written in, e.g. C.UTF-8",
            )
    leading, rest = leading_options(words)
    if not rest and any(word in ("-V", "--version") for word in leading):
        sys.stdout.write(f"pelagos {__version__}\n")
        return failures.OK
    words = _spelt_out(leading, rest)
    if rest[:1] == ["__complete"]:
        from pelagos.cli.complete import complete

        return complete(rest[1:])
    tree = pelagos_tree()
    node, options, operands = resolve(tree, words)
    if not node.can_run and operands:
        from pelagos.cli.extension import extend

        extend(tree, words)
        node, options, operands = resolve(tree, words)
    if not node.can_run:
        return _group(tree, node, options, operands)
    from pelagos.cli.launch import launch

    return launch(node, options + operands, make_context)


def _spelt_out(leading: list[str], rest: list[str]) -> list[str]:
    """A line with what it leaves unsaid: no words may mean the shell, `help WORDS` is `--help`."""
    if not rest and _is_session(leading):
        return [*leading, "shell"]
    if rest[:1] == ["help"] and rest[1:]:
        return [*leading, *rest[1:], "--help"]
    return leading + rest


def _is_session(options: list[str]) -> bool:
    """Whether no words mean the shell: when a person sits at both ends."""
    is_watched = sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()
    return is_watched and "-h" not in options and "--help" not in options


def resolve(tree: CommandTree, words: list[str]) -> tuple[Node, list[str], list[str]]:
    """The node that a line names, the options before and between its words, and what follows."""
    node = tree.root
    options, rest = leading_options(words)
    rest[:1] = [tree.aliases.get(word, word) for word in rest[:1]]
    while not node.can_run and rest and rest[0] in node.subcommands:
        node = node.subcommands[rest[0]]
        if node.can_run:
            return node, options, rest[1:]
        more, rest = leading_options(rest[1:])
        options += more
    return node, options, rest


def leading_options(words: list[str]) -> tuple[list[str], list[str]]:
    """Split off the options before the first word of the command, with their values."""
    position = 0
    while position < len(words) and words[position].startswith("-") and words[position] != "--":
        position += 2 if words[position] in _WITH_VALUE else 1
    return words[:position], words[position:]


def said(words: Sequence[str], option: str) -> str | None:
    """What a line says of an option, as far as can be told of one that is not whole, or wrong.

    >>> said(["service", "list", "--config", "a", "--config=b"], "--config")
    'b'
    """
    found = None
    for number, word in enumerate(words):
        if word == option and number + 1 < len(words):
            found = words[number + 1]
        elif word.startswith(f"{option}="):
            found = word.partition("=")[2]
    return found


def _group(tree: CommandTree, node: Node, options: list[str], words: list[str]) -> int:
    """Answer a line that names no command: its help, or what is wrong with it."""
    from pelagos.cli.usage import group_help

    is_asked = "-h" in options or "--help" in options or words == ["help"]
    if words and words != ["help"]:
        from pelagos.cli.mistyped import refusal

        raise refusal(tree, node, words[0])
    if options and options[-1] in _WITH_VALUE:
        raise failures.UsageError(f"{options[-1]}: its value is missing")
    for word in options:
        if word.startswith("-") and not _is_known_option(word):
            raise failures.unknown("option", word, ["--help", "--version", "--verbose"])
    if not node.terms:
        from pelagos.cli.extension import extend

        extend(tree)
    text = group_help(tree, node)
    if is_asked or not node.terms:
        sys.stdout.write(text)
        return failures.OK
    sys.stderr.write(text)
    return failures.USAGE


def _is_known_option(word: str) -> bool:
    name = word.partition("=")[0]
    return name in (*_WITH_VALUE, "-h", "--help", "-V", "--version", "-v", "-vv", "--verbose")


# ---- failures --------------------------------------------------------------------------------


def _told(error: PelagosError) -> int:
    try:
        sys.stdout.flush()
    except OSError:  # what was printed before cannot be kept; the error is still told
        _discard_output()
    sys.stderr.write(failures.as_written(error))
    return failures.exit_code(error)


def _discard_output() -> None:
    # What Python still holds for a broken stdout would fail again, with noise, when it exits.
    if isinstance(sys.stdout, io.TextIOWrapper):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


_OS_HINTS = {
    "PermissionError": "run as the user who owns it, or choose another data folder with --data",
    "FileNotFoundError": "check the path",
}


def _os_error(error: OSError, words: list[str]) -> int:
    """What a file, the disk or stdout refuses is told; anything else is unexpected."""
    import errno

    if error.strerror is None:
        return _unexpected(error, words)
    if error.filename is not None:
        hint = _OS_HINTS.get(type(error).__name__, "see that the path is right and can be used")
        return _told(PelagosError(f"{error.strerror}: {error.filename}", hint=hint))
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG):
        _discard_output()
        hint = "make room there, or write somewhere else"
        return _told(PelagosError(f"cannot write the output: {error.strerror}", hint=hint))
    return _unexpected(error, words)


def _unexpected(error: Exception, words: list[str]) -> int:
    from pelagos.cli.report import save

    return _told(save(error, words))
