"""What is known of the elements of one name: their type, and whether there may be several.

A field is a descriptor: `ID = integer()` in the body of an Element's class makes `vm.ID` an int.
What an answer holds against it is not dropped: letters where a number should be stay a text, and
where several come of what there should be one, `get_list` and `to_dict` have them all.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any, Generic, Protocol, Self, TypeVar, overload

from pelagos.one.results import markup
from pelagos.one.results.template import Template

T_co = TypeVar("T_co", covariant=True)
_E = TypeVar("_E")
_Read = Callable[[bytes, int], Any]


class _Holder(Protocol):
    """An Element, as a field sees it."""

    def _get(self, name: str) -> Any: ...


class Field(Generic[T_co]):
    """A known name.

    Args:
        read: makes the value of an inner text and its level below the root.
        is_list: there may be several, so the value is always a list.
    """

    __slots__ = ("_is_list", "_name", "_read")

    def __init__(self, read: _Read, *, is_list: bool = False) -> None:
        self._read = read
        self._is_list = is_list
        self._name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, element: None, owner: type) -> Self: ...

    @overload
    def __get__(self, element: _Holder, owner: type) -> T_co: ...

    def __get__(self, element: _Holder | None, owner: type) -> Any:
        return self if element is None else element._get(self._name)  # noqa: SLF001  # its half

    @property
    def is_list(self) -> bool:
        """Whether there may be several."""
        return self._is_list

    def read(self, inner: bytes, level: int) -> Any:
        """The value of one element."""
        return self._read(inner, level)


def _whole(inner: bytes, level: int) -> Any:
    try:
        return int(inner)
    except ValueError:
        return _otherwise(inner, level, int)


def _otherwise(inner: bytes, level: int, kind: Callable[[str], Any]) -> Any:
    """None for nothing; what is not such a number stays as it is."""
    value = _words(inner, level)
    if not isinstance(value, str):
        return value
    if not value.strip():
        return None
    with contextlib.suppress(ValueError, InvalidOperation):
        return kind(value)
    return value


def _decimal(inner: bytes, level: int) -> Any:
    return _otherwise(inner, level, Decimal)


def _real(inner: bytes, level: int) -> Any:
    return _otherwise(inner, level, float)


def _words(inner: bytes, level: int) -> Any:
    text = markup.leaf(inner)
    return Template.read(inner, level) if text is None else text


def _free(inner: bytes, level: int) -> Any:
    return _words(inner, level) if inner else Template.read(inner, level)


def integer() -> Field[int]:
    """A whole number."""
    return Field(_whole)


def integer_or_none() -> Field[int | None]:
    """A whole number that may be missing."""
    return Field(_whole)


def integers() -> Field[list[int]]:
    """Whole numbers."""
    return Field(_whole, is_list=True)


def decimal() -> Field[Decimal]:
    """An exact number."""
    return Field(_decimal)


def decimal_or_none() -> Field[Decimal | None]:
    """An exact number that may be missing."""
    return Field(_decimal)


def real() -> Field[float]:
    """A number."""
    return Field(_real)


def real_or_none() -> Field[float | None]:
    """A number that may be missing."""
    return Field(_real)


def text() -> Field[str]:
    """A text."""
    return Field(_words)


def text_or_none() -> Field[str | None]:
    """A text that may be missing."""
    return Field(_words)


def texts() -> Field[list[str]]:
    """Texts."""
    return Field(_words, is_list=True)


def template() -> Field[Template]:
    """What a user wrote, or what varies too much for a type."""
    return Field(_free)


def template_or_none() -> Field[Template | None]:
    """The same, but it may be missing."""
    return Field(_free)


def templates() -> Field[list[Template]]:
    """The same, several of them."""
    return Field(_free, is_list=True)


def child(kind: Callable[[str, bytes, int], _E], tag: str) -> Field[_E]:
    """An element with fields of its own."""
    return Field(lambda inner, level: kind(tag, inner, level))


def child_or_none(kind: Callable[[str, bytes, int], _E], tag: str) -> Field[_E | None]:
    """The same, but it may be missing."""
    return Field(lambda inner, level: kind(tag, inner, level))


def children(kind: Callable[[str, bytes, int], _E], tag: str) -> Field[list[_E]]:
    """The same, several of them."""
    return Field(lambda inner, level: kind(tag, inner, level), is_list=True)
