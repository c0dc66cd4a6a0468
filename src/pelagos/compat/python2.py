"""What of Python 2 an old program still has, where, and how it is written today.

A program that does not compile is told by its file, line and modern form (`told`). What compiles
and fails later keeps its traceback, with a line more that says the same (`note`).
"""

from __future__ import annotations

import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pelagos.core.errors import PelagosError

#: Further lines that an error names.
_MORE = 5

_RULES = tuple(
    (re.compile(pattern), was, now)
    for pattern, was, now in (
        (r"(?:^|[:;])\s*print\s*>>", "print >>FILE, …", "print(…, file=FILE)"),
        (
            r"(?:^|[:;])\s*print\s+(?=[\w\"'`\[{~+-])(?!(?:in|is|if|and|or|for|not)\b)",
            "the statement print",
            "print(…)",
        ),
        (
            r"(?:^|[:;])\s*exec\s+(?=[\w\"'(])(?!(?:in|is|if|and|or|for)\b)",
            "the statement exec",
            "exec(CODE, NAMESPACE)",
        ),
        (
            r"\bexcept\s+(?:[\w.]+|\([^()]*\))\s*,\s*[\w.]+\s*:",
            "except ERROR, NAME:",
            "except ERROR as NAME:",
        ),
        (r"\braise\s+[\w.]+\s*,", "raise ERROR, TEXT", "raise ERROR(TEXT)"),
        (r"`", "backticks", "repr(…)"),
        (r"<>", "<>", "!="),
        (r"(?<![\w\"'])[uU][rR][\"']", "ur'…'", "r'…'"),
        (r"(?<![\w.])0[0-7]*[1-7][0-7]*(?![\w.])", "a number with 0 before it", "0o777"),
        (r"(?<![\w.])(?:0[xX][\da-fA-F]+|\d+)[lL]\b", "a number with L behind it", "no L"),
        (
            r"\bdef\s+\w+\s*\((?:[^()=]*,)?\s*\(|\blambda\s*(?:[\w\s,]*,)?\s*\(",
            "a parameter that is taken apart in the head",
            "one name, taken apart in the body",
        ),
        (
            r"(?<![\w.])(?:async|await)\s*[=,):]|\.(?:async|await)\b",
            "async or await as a name",
            "another name, as async_",
        ),
    )
)

_NAMES = {
    "apply": "FUNCTION(*ARGUMENTS)",
    "basestring": "str",
    "cmp": "(a > b) - (a < b)",
    "execfile": "exec(open(PATH).read())",
    "file": "open",
    "long": "int",
    "raw_input": "input",
    "reduce": "functools.reduce",
    "reload": "importlib.reload",
    "StandardError": "Exception",
    "unichr": "chr",
    "unicode": "str",
    "xrange": "range",
}
_ATTRIBUTES = {
    "func_code": "__code__",
    "func_defaults": "__defaults__",
    "func_name": "__name__",
    "getcwdu": "getcwd",
    "has_key": "KEY in MAPPING",
    "ifilter": "the built-in filter",
    "im_func": "__func__",
    "im_self": "__self__",
    "imap": "the built-in map",
    "iteritems": "items",
    "iterkeys": "keys",
    "itervalues": "values",
    "izip": "the built-in zip",
    "letters": "ascii_letters",
    "maxint": "maxsize",
}
_MODULES = {
    "BaseHTTPServer": "http.server",
    "ConfigParser": "configparser",
    "Cookie": "http.cookies",
    "HTMLParser": "html.parser",
    "Queue": "queue",
    "SocketServer": "socketserver",
    "StringIO": "io",
    "__builtin__": "builtins",
    "cPickle": "pickle",
    "cStringIO": "io",
    "commands": "subprocess",
    "cookielib": "http.cookiejar",
    "httplib": "http.client",
    "md5": "hashlib",
    "sets": "the built-in set",
    "sha": "hashlib",
    "thread": "threading",
    "urllib2": "urllib.request",
    "urlparse": "urllib.parse",
    "xmlrpclib": "xmlrpc.client",
}


class Found(NamedTuple):
    """Something of Python 2 in a line.

    Attributes:
        line: its number, from 1.
        was: what it is.
        now: how it is written today.
    """

    line: int
    was: str
    now: str


def told(error: SyntaxError) -> PelagosError:
    """The error about a program that does not compile: file, line, and the modern form."""
    path, line = error.filename or "the program", error.lineno or 1
    places = list(find(_source(path)))
    here = [one for one in places if one.line == line]
    if not here and isinstance(error, TabError):
        here = [Found(line, "a mixture of tabs and spaces", "spaces")]
    if not here:
        return PelagosError(f"{path}, line {line}: {error.msg}", hint="mend that line")
    first = here[0]
    others = [one for one in places if one != first]
    lines = [f"write {first.now}"]
    lines += [f"line {one.line}: {one.was}; write {one.now}" for one in others[:_MORE]]
    if len(others) > _MORE:
        lines.append(f"and {len(others) - _MORE} more")
    lines.append("the standard tool 2to3 (Python 3.12 and before) changes whole files")
    return PelagosError(
        f"{path}, line {line}: {first.was} is Python 2, and this is Python 3",
        hint="\n".join(lines),
    )


def note(error: BaseException) -> None:
    """Add to an error of a running program what of Python 2 it comes from, if it does."""
    found = _at_run_time(error)
    trace = error.__traceback__
    if found is None or trace is None:
        return
    while trace.tb_next is not None:
        trace = trace.tb_next
    path, line = trace.tb_frame.f_code.co_filename, trace.tb_lineno
    if path.startswith("<frozen"):  # an import: who wrote it is further up
        path, line = _importer(error) or (path, line)
    was, now = found
    error.add_note(f"{path}, line {line}: {was} is Python 2; write {now}")


def find(source: str) -> Iterator[Found]:
    """What of Python 2 does not compile, line by line.

    >>> list(find("print x, 0777"))[0]
    Found(line=1, was='the statement print', now='print(…)')
    """
    for number, line in enumerate(_bare(source).split("\n"), 1):
        for pattern, was, now in _RULES:
            if pattern.search(line):
                yield Found(number, was, now)


def _at_run_time(error: BaseException) -> tuple[str, str] | None:
    name = getattr(error, "name", None) or ""
    if isinstance(error, ModuleNotFoundError):
        now = _MODULES.get(name.partition(".")[0])
        return (f"the module {name}", f"import {now}") if now else None
    if isinstance(error, NameError):
        return (f"the name {name}", _NAMES[name]) if name in _NAMES else None
    if isinstance(error, AttributeError):
        return (f".{name}", _ATTRIBUTES[name]) if name in _ATTRIBUTES else None
    if isinstance(error, TypeError) and ">>: 'builtin_function_or_method'" in str(error):
        return ("print >>FILE, …", "print(…, file=FILE)")
    return None


def _importer(error: BaseException) -> tuple[str, int] | None:
    found, trace = None, error.__traceback__
    while trace is not None:
        path = trace.tb_frame.f_code.co_filename
        if not path.startswith("<frozen"):
            found = (path, trace.tb_lineno)
        trace = trace.tb_next
    return found


def _source(path: str) -> str:
    try:
        with tokenize.open(path) as file:
            return file.read()
    except (OSError, SyntaxError, UnicodeDecodeError):
        try:
            return Path(path).read_text("latin-1")
        except OSError:
            return ""


_TEXT = re.compile(
    r"#[^\n]*"
    r"|(\"\"\"|''')(?:\\.|(?!\1).)*(?:\1|\Z)"
    r"|([\"'])(?:\\.|(?!\2)[^\\\n])*(?:\2|(?=\n)|\Z)",
    re.DOTALL,
)


def _bare(source: str) -> str:
    """The source without what stands in comments and texts; its lines stay where they are."""

    def empty(match: re.Match[str]) -> str:
        if match[0].startswith("#"):
            return ""
        quote = match[1] or match[2]
        return quote + "\n" * match[0].count("\n") + quote

    return _TEXT.sub(empty, source)
