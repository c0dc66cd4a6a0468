"""Makes docs/reference/errors.md from the classes of errors; `write_reference.py` writes it."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import pelagos
from pelagos.core.errors import PelagosError

SOURCES = Path(next(iter(pelagos.__path__)))
#: The headings; compat has the ancestors' own errors.
ROOMS = ("core", "slap", "messaging", "clients", "one", "directory", "plane", "box", "cli")
#: Hints of a kind of error that says different things at more places are not listed.
MANY = 5
#: Facts of an error that stand beside the attributes of its class.
CODES = ("status", "code", "http_status", "problem")


def page() -> str:
    """The text of the page."""
    return "\n".join(lines()) + "\n"


def lines() -> Iterator[str]:
    """Its lines."""
    known = list(errors())
    hints = hints_of({kind.__name__ for kind in known})
    yield from (
        "# Errors",
        "",
        "<!-- made by tools/write_reference.py from the code; change it there -->",
        "",
        "All that goes wrong at work is a `pelagos.core.errors.PelagosError`: `message` says what",
        "happened and why, `hint` what to do next (or is None), `retry_after` after how many",
        "seconds another try can help (None: it cannot). What an error knows besides stands below",
        '"knows". Below a table stand the hints of errors that have few. Python\'s own errors',
        "stand for a mistake in the program that calls. [Exit codes](exit-codes.md) tell errors",
        "apart on the command line, statuses of HTTP the [master](http-api.md#errors) and the",
        "[directory](directory-api.md).",
    )
    for room in ROOMS:
        own = [kind for kind in known if kind.__module__.split(".")[1] == room]
        yield from ("", f"## {room}", "", "| error | is a | meaning | knows |")
        yield "| --- | --- | --- | --- |"
        for kind in own:
            base = kind.__mro__[1].__name__
            yield f"| `{_path(kind)}` | `{base}` | {_first_line(kind)} | {_knows(kind)} |"
        told = {kind.__name__: sorted(hints[kind.__name__]) for kind in own}
        yield from (
            f"{'' if number else chr(10)}- `{name}`: {escaped('; '.join(texts))}."
            for number, (name, texts) in enumerate(
                (name, texts) for name, texts in told.items() if 0 < len(texts) <= MANY
            )
        )


def errors() -> Iterator[type[PelagosError]]:
    """Every public class of errors of our rooms, by place and then by name."""
    for module in pkgutil.walk_packages([str(SOURCES)], "pelagos."):
        if not module.name.startswith("pelagos.compat") and "__main__" not in module.name:
            importlib.import_module(module.name)
    rooms = tuple(f"pelagos.{room}." for room in ROOMS)
    found = {kind for kind in _below(PelagosError) if f"{kind.__module__}.".startswith(rooms)}
    shown = [kind for kind in found if not kind.__name__.startswith("_")]
    yield from sorted(shown, key=lambda kind: (kind.__module__, kind.__name__))


def _below(kind: type[PelagosError]) -> Iterator[type[PelagosError]]:
    for one in kind.__subclasses__():
        yield one
        yield from _below(one)


def _path(kind: type[PelagosError]) -> str:
    return f"{kind.__module__.removeprefix('pelagos.')}.{kind.__name__}"


def _first_line(kind: type[PelagosError]) -> str:
    return escaped((inspect.getdoc(kind) or "").partition("\n")[0])


def _knows(kind: type[PelagosError]) -> str:
    """The attributes that the class adds, with the values that it fixes."""
    told = inspect.cleandoc(kind.__doc__ or "").partition("Attributes:")[2]
    names = dict.fromkeys(re.findall(r"^    (\w+): ", told, re.MULTILINE), "")
    for code in CODES:
        value = vars(kind).get(code)
        if isinstance(value, int | str):
            names[code] = f" = {int(value) if isinstance(value, int) else value}"
    return ", ".join(f"`{name}{value}`" for name, value in names.items())


def hints_of(names: set[str]) -> Mapping[str, set[str]]:
    """The hints in fixed words, by the name of the error that they are given to."""
    found: dict[str, set[str]] = defaultdict(set)
    for file in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and _called(node) in names:
                found[_called(node)] |= {
                    word.value.value
                    for word in node.keywords
                    if word.arg == "hint"
                    and isinstance(word.value, ast.Constant)
                    and isinstance(word.value.value, str)
                }
    return found


def _called(node: ast.Call) -> str:
    function = node.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def escaped(text: str) -> str:
    """Text for a cell of a table, in which no sign of the source means anything."""
    return re.sub(r"([|<>*_\[\]])", r"\\\1", text)
