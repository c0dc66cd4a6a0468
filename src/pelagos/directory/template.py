"""The templates of `format_columns`: `"{first} {last}"` over the columns of one result.

Python's format syntax on plain data only: a key, indexes below it, a conversion, a format
specification. Attributes of objects cannot be reached, whatever a template or a row contains.
"""

from __future__ import annotations

import datetime as dt
import decimal
import re
import string
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

_PLAIN = (
    str, int, float, bool, type(None), decimal.Decimal, uuid.UUID,
    dt.date, dt.time, dt.datetime, dt.timedelta,
)  # fmt: skip
_FIELD = re.compile(r"([^.\[\]]+)((?:\.[^.\[\]]+|\[[^\[\]]+\])*)")
_STEP = re.compile(r"\.([^.\[\]]+)|\[([^\[\]]+)\]")
# Four digits of width in a specification make a kilobyte; ten would take all memory.
_TOO_WIDE = re.compile(r"\d{4}")
# Written out, 1E+999999999 would take a gigabyte.
_MOST_DIGITS = 1000
_MAX_DEPTH = 5
_CONVERSIONS: Mapping[str, Callable[[Any], str]] = {"s": str, "r": repr, "a": ascii}


class TemplateError(ValueError):
    """A template cannot be read, or cannot be rendered with these fields."""


@dataclass(frozen=True, slots=True)
class _Piece:
    literal: str
    key: str | None
    steps: tuple[str, ...]
    conversion: str | None
    spec: Template | None
    is_bare: bool = False  # nothing but a key


@dataclass(frozen=True, slots=True)
class Template:
    """A template that was read once and is rendered often.

    >>> Template.parse("{first} {last} ({tel[0]})").render({"first": "Ada", "tel": ["41", "42"]})
    'Ada  (41)'
    """

    pieces: tuple[_Piece, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it names, in order; one may come twice."""
        names: list[str] = []
        for piece in self.pieces:
            if piece.key is not None:
                names.append(piece.key)
            if piece.spec is not None:
                names += piece.spec.columns
        return tuple(names)

    @classmethod
    def parse(cls, text: str, *, is_spec: bool = False) -> Template:
        """Read a template.

        Raises:
            TemplateError: not in format syntax, or it names no column (`{}`).
        """
        try:
            parsed = list(string.Formatter().parse(text))
        except ValueError as error:
            raise TemplateError(str(error)) from error
        return cls(tuple(_piece(*item, is_nested=is_spec) for item in parsed))

    def render(self, fields: Mapping[str, Any]) -> str:
        """The text; a key that is missing or None counts as empty text.

        Raises:
            TemplateError: an index that is not there, a value that is not plain data, or a
                specification that does not fit the value.
        """
        parts: list[str] = []
        for piece in self.pieces:
            parts.append(piece.literal)
            if piece.key is not None:
                value = fields.get(piece.key)
                if not (piece.is_bare and type(value) is str):
                    value = _render(piece, value, fields)
                parts.append(value)
        return "".join(parts)


def _piece(
    literal: str, field: str | None, spec: str | None, conversion: str | None, *, is_nested: bool
) -> _Piece:
    if field is None:
        return _Piece(literal, None, (), None, None)
    match = _FIELD.fullmatch(field)
    if match is None:
        raise TemplateError(f"{{{field}}} names no column")
    if is_nested and spec:
        raise TemplateError("a specification inside a specification inside a specification")
    if conversion is not None and conversion not in _CONVERSIONS:
        raise TemplateError(f"!{conversion} is not a conversion")
    steps = tuple(dotted or bracketed for dotted, bracketed in _STEP.findall(match[2]))
    inner = Template.parse(spec, is_spec=True) if spec else None
    is_bare = not steps and conversion is None and inner is None
    return _Piece(literal, match[1], steps, conversion, inner, is_bare)


def _render(piece: _Piece, value: Any, fields: Mapping[str, Any]) -> str:
    if value is None:
        value = ""
    for step in piece.steps:
        value = _below(value, step)
    if type(value) is not str and not is_plain(value):
        raise TemplateError(f"{piece.key} holds a {type(value).__name__}, not plain data")
    if isinstance(value, decimal.Decimal) and abs(value.adjusted()) > _MOST_DIGITS:
        raise TemplateError(f"{piece.key} holds a number of too many digits")
    spec = piece.spec.render(fields) if piece.spec is not None else ""
    if _TOO_WIDE.search(spec):
        raise TemplateError(f"the width in {spec[:40]!r} is too large")
    try:
        if piece.conversion is not None:
            value = _CONVERSIONS[piece.conversion](value)
        return format(value, spec)
    except (ValueError, TypeError, OverflowError) as error:
        raise TemplateError(str(error)) from error


def _below(value: Any, step: str) -> Any:
    """An entry of a mapping or a sequence; never an attribute."""
    try:
        if isinstance(value, Mapping):
            return value[step]
        if isinstance(value, str | list | tuple):
            return value[int(step)]
    except (KeyError, IndexError, ValueError) as error:
        raise TemplateError(f"there is no [{step}]") from error
    raise TemplateError(f"a {type(value).__name__} has no [{step}]")


def is_plain(value: Any, depth: int = 0) -> bool:
    """Whether a value is made of text, numbers, dates and lists and mappings of these."""
    if type(value) in _PLAIN:
        return True
    if depth >= _MAX_DEPTH:
        return False
    if type(value) in {list, tuple}:
        return all(is_plain(item, depth + 1) for item in value)
    if type(value) is dict:
        return all(is_plain(k, depth + 1) and is_plain(v, depth + 1) for k, v in value.items())
    return False
