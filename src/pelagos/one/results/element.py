"""One element of an answer as an object: read when it is touched, and not before."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar, NoReturn, Self

from pelagos.core import spelling
from pelagos.one.errors import OneAnswerException
from pelagos.one.results import markup
from pelagos.one.results.markup import Child
from pelagos.one.results.template import DEPTH, Template

Read = Callable[[bytes, int], Any]
#: How the elements of one name are read, and whether there may be several.
Field = tuple[Read, bool]

_SHOWN = ("ID", "NAME", "STATE")
#: Free-form parts are templates wherever they are.
_FREE = frozenset({"TEMPLATE", "USER_TEMPLATE"})


class Element:
    """What an element says: its leaves as values, elements below it as objects.

    `_fields_` knows the types of names; what it does not know is there all the same, as text or
    as an Element, several of a name as a list. A known name that the answer lacks is None, or
    an empty list where there may be several. Nothing can be set: what is changed on a server is
    changed by a call.
    """

    __slots__ = ("__dict__", "_inner", "_level", "_parts", "_tag")

    _fields_: ClassVar[Mapping[str, Field]] = {}
    _inner: bytes
    _tag: str
    _level: int
    _parts: dict[str, list[bytes]] | None

    def __init__(self, tag: str, inner: bytes, level: int = 0) -> None:
        put = object.__setattr__
        put(self, "_tag", tag)
        put(self, "_inner", inner)
        put(self, "_level", level)
        put(self, "_parts", None)

    @classmethod
    def of(cls, tag: str, children: Iterator[Child]) -> Self:
        """From elements that were cut already; they are not joined again."""
        element = cls(tag, b"")
        object.__setattr__(element, "_parts", _sorted(children))
        return element

    def _split(self) -> dict[str, list[bytes]]:
        parts = self._parts
        if parts is None:
            if self._level > DEPTH:
                raise OneAnswerException(f"the answer is nested deeper than {DEPTH} elements")
            found: list[Child] = []
            markup.children(self._inner, 0, found)
            parts = _sorted(found)
            object.__setattr__(self, "_parts", parts)
        return parts

    def __getattr__(self, name: str) -> Any:
        if name[:1] == "_":
            raise AttributeError(name)
        inners = self._split().get(name)
        field = self._fields_.get(name)
        if field is None:
            if inners is None:
                raise AttributeError(self._unknown(name), name=name, obj=self)
            values = [self._guessed(name, inner) for inner in inners]
            value = values[0] if len(values) == 1 else values
        else:
            value = self._known(field, inners)
        self.__dict__[name] = value
        return value

    def _known(self, field: Field, inners: list[bytes] | None) -> Any:
        read, is_list = field
        level = self._level + 1
        if is_list:
            return [read(inner, level) for inner in inners or ()]
        if inners is None:
            return None
        if len(inners) == 1:
            return read(inners[0], level)
        return [read(inner, level) for inner in inners]

    def _guessed(self, name: str, inner: bytes) -> Any:
        if name in _FREE:
            return Template.read(inner, self._level + 1)
        if markup.has_elements(inner):
            return Element(name, inner, self._level + 1)
        return markup.text(inner)

    def _unknown(self, name: str) -> str:
        known = [*self._split(), *self._fields_]
        return f"{self._tag} has no {name}; {spelling.hint(name, known)}"

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{self._tag}.{name} cannot be set: it is what the server answered")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{self._tag}.{name} cannot be removed: the server answered it")

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._fields_, *self._split()]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Element):
            return NotImplemented
        return self._tag == other._tag and self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]  # compared by what it says

    def __repr__(self) -> str:
        parts = self._split()
        shown = [
            f"{name}={getattr(self, name)!r}"
            for name in _SHOWN
            if name in parts and not markup.has_elements(parts[name][0])
        ]
        name = self._tag if type(self) is Element else type(self).__name__
        return f"<{' '.join([name, *shown])}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._tag, self._text(), self._level)

    def __copy__(self) -> Self:
        return type(self)(self._tag, self._text(), self._level)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self.__copy__()

    def _text(self) -> bytes:
        if self._inner or not self._parts:
            return self._inner
        return b"".join(
            b"<%b>%b</%b>" % (name.encode(), inner, name.encode())
            for name, inners in self._parts.items()
            for inner in inners
        )

    def get_list(self, name: str) -> list[Any]:
        """All of a name as a list; empty when there is none."""
        if name not in self._split():
            return []
        value = getattr(self, name)
        return value if isinstance(value, list) else [value]

    def to_xml(self) -> str:
        """The element as the server wrote it, but with those of one name beside each other."""
        return f"<{self._tag}>{self._text().decode()}</{self._tag}>"

    def to_dict(self) -> dict[str, Any]:
        """What the answer says, in plain dictionaries, lists and values."""
        return {name: plain(getattr(self, name)) for name in self._split()}

    def to_json(self, *, indent: int | None = None) -> str:
        """The same as JSON; decimal numbers are numbers."""
        import json  # noqa: PLC0415  # most programs never ask

        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False, default=float)


def plain(value: Any) -> Any:
    """Elements and templates as dictionaries."""
    if isinstance(value, Element | Template):
        return value.to_dict()
    return [plain(one) for one in value] if isinstance(value, list) else value


def _sorted(children: Iterator[Child] | list[Child]) -> dict[str, list[bytes]]:
    parts: dict[str, list[bytes]] = {}
    names: dict[bytes, list[bytes]] = {}
    for name, inner in children:
        if name in names:
            names[name].append(inner)
        else:
            names[name] = parts[name.decode()] = [inner]
    return parts


def _whole_number(inner: bytes, level: int) -> Any:
    try:
        return int(inner)
    except ValueError:
        return _otherwise(inner, level, int)


def _decimal(inner: bytes, level: int) -> Any:
    return _otherwise(inner, level, Decimal)


def _float(inner: bytes, level: int) -> Any:
    return _otherwise(inner, level, float)


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


def _words(inner: bytes, level: int) -> Any:
    if b"<" in inner and markup.has_elements(inner):
        return Element("VALUE", inner, level)
    return markup.text(inner)


def _free(inner: bytes, level: int) -> Any:
    return Template.read(inner, level)


def one(kind: type[Element], tag: str) -> Field:
    """A field that is an element with fields of its own."""
    return (lambda inner, level: kind(tag, inner, level)), False


def many(field: Field) -> Field:
    """The same, but there may be several."""
    return field[0], True


INTEGER: Field = (_whole_number, False)
DECIMAL: Field = (_decimal, False)
FLOAT: Field = (_float, False)
TEXT: Field = (_words, False)
FREE: Field = (_free, False)
