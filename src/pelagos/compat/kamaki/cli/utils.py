"""What commands print, and what they ask."""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, Any

from pelagos.compat.kamaki.transports import escape_ctrl_chars

__all__ = [
    "ask_user",
    "bold",
    "escape_ctrl_chars",
    "format_size",
    "magenta",
    "print_dict",
    "print_items",
    "print_json",
    "print_list",
    "red",
    "remove_colors",
    "split_input",
    "to_bytes",
    "yellow",
]

_INDENT = 4
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
_SIZE = re.compile(r"\s*(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[A-Za-z]*)\s*\Z")
_FACTORS = {
    "": 1,
    **{unit.lower(): 1024**power for power, unit in enumerate(_UNITS)},
    **{unit: 1000**power for power, unit in enumerate(("b", "kb", "mb", "gb", "tb"))},
}
_colours = {"on": True}


def remove_colors() -> None:
    """Print without colours from now on."""
    _colours["on"] = False


def _in_colour(code: int, text: Any) -> str:
    return f"\033[{code}m{text}\033[0m" if _colours["on"] and sys.stdout.isatty() else str(text)


def bold(text: Any) -> str:
    """The text, bold on a terminal."""
    return _in_colour(1, text)


def red(text: Any) -> str:
    """The text, red on a terminal."""
    return _in_colour(31, text)


def yellow(text: Any) -> str:
    """The text, yellow on a terminal."""
    return _in_colour(33, text)


def magenta(text: Any) -> str:
    """The text, magenta on a terminal."""
    return _in_colour(35, text)


def print_json(data: Any, out: IO[str] | None = None) -> None:
    """Print it as JSON."""
    _line(json.dumps(data, indent=_INDENT), out)


def print_dict(
    d: Mapping[str, Any],
    exclude: Iterable[str] = (),
    indent: int = 0,
    with_enumeration: bool = False,
    recursive_enumeration: bool = False,
    out: IO[str] | None = None,
) -> None:
    """Print `name: value` lines; mappings and lists within are indented.

    Args:
        d: what is printed, in its order.
        exclude: names that are left out.
        indent: blanks before each line.
        with_enumeration: count the lines.
        recursive_enumeration: and those within.
        out: where to; by default standard output.
    """
    left_out = set(exclude)
    pairs = [(name, value) for name, value in d.items() if name not in left_out]
    for number, (name, value) in enumerate(pairs, 1):
        begin = " " * indent + (f"{number}. " if with_enumeration else "") + f"{name}:"
        _within(begin, value, left_out, indent, recursive_enumeration, out)


def print_list(
    l: Sequence[Any],  # noqa: E741  # the ancestor's
    exclude: Iterable[str] = (),
    indent: int = 0,
    with_enumeration: bool = False,
    recursive_enumeration: bool = False,
    out: IO[str] | None = None,
) -> None:
    """Print the elements, one a line; arguments as of `print_dict`."""
    left_out = set(exclude)
    for number, one in enumerate((one for one in l if not _is_in(one, left_out)), 1):
        begin = " " * indent + (f"{number}." if with_enumeration else "")
        _within(begin, one, left_out, indent, recursive_enumeration, out)


def _is_in(one: Any, names: set[str]) -> bool:
    return isinstance(one, str) and one in names


def _within(
    begin: str, value: Any, exclude: set[str], indent: int, counted: bool, out: IO[str] | None
) -> None:
    deeper = indent + _INDENT
    if isinstance(value, Mapping):
        if begin.strip():
            _line(begin, out)
        print_dict(value, exclude, deeper, counted, counted, out)
    elif isinstance(value, list | tuple):
        if begin.strip():
            _line(begin, out)
        print_list(value, exclude, deeper, counted, counted, out)
    else:
        space = " " if begin.strip() else ""
        _line(f"{begin}{space}{escape_ctrl_chars(str(value))}", out)


def print_items(
    items: Iterable[Any],
    title: Sequence[str] = ("id", "name"),
    with_enumeration: bool = False,
    with_redundancy: bool = False,
    out: IO[str] | None = None,
) -> None:
    """Print things: of each a bold line of the titles' values, and below it the others.

    Args:
        items: mappings, or texts.
        title: whose values stand in the first line.
        with_enumeration: count the things.
        with_redundancy: print the titles' values below, too.
        out: where to; by default standard output.
    """
    for number, one in enumerate(items, 1):
        begin = f"{number}. " if with_enumeration else ""
        if not isinstance(one, Mapping):
            _line(f"{begin}{escape_ctrl_chars(str(one))}", out)
            continue
        head = " ".join(escape_ctrl_chars(str(one[name])) for name in title if name in one)
        _line(f"{begin}{bold(head)}", out)
        print_dict(one, () if with_redundancy else title, _INDENT, out=out)


def _line(text: str, out: IO[str] | None) -> None:
    (out or sys.stdout).write(f"{text}\n")


def format_size(size: float, decimal_factors: bool = False) -> str:
    """A number of bytes as people read it.

    >>> format_size(1536), format_size(10), format_size(3000, decimal_factors=True)
    ('1.5KiB', '10B', '3KB')
    """
    step = 1000 if decimal_factors else 1024
    number = float(size)
    power = 0
    while abs(number) >= step and power < len(_UNITS) - 1:
        number /= step
        power += 1
    unit = _UNITS[power].replace("i", "") if decimal_factors else _UNITS[power]
    return f"{number:.2f}".rstrip("0").rstrip(".") + unit


def to_bytes(size: float | str, format: str = "B") -> int:  # noqa: A002  # the ancestor's
    """Bytes of a number of units, KiB and so on by 1024, KB and so on by 1000.

    Raises:
        ValueError: it is no size.

    >>> to_bytes(2.5, "KiB"), to_bytes(1, "MB")
    (2560, 1000000)
    """
    found = _SIZE.match(f"{size}{format}")
    if found is None or found["unit"].lower() not in _FACTORS:
        raise ValueError(f"{size}{format} is no size; units are B, KiB, MiB, GiB, TiB, KB, MB…")
    return int(float(found["number"]) * _FACTORS[found["unit"].lower()])


def ask_user(
    msg: str, true_resp: Sequence[str] = ("y",), out: IO[str] | None = None, user_in: Any = None
) -> bool:
    """Ask on standard error whether to go on; nothing but these answers means yes."""
    stream = out or sys.stderr
    stream.write(f"{msg} [{'/'.join(true_resp)}/N]: ")
    stream.flush()
    answer = (user_in or sys.stdin).readline().strip().lower()
    return bool(answer) and answer in {one.lower() for one in true_resp}


def split_input(line: str) -> list[str]:
    """The words of a line; quotes keep words together.

    >>> split_input("a 'b c' d")
    ['a', 'b c', 'd']
    """
    return shlex.split(line)
