"""One element of an answer as an object: read when it is touched, and not before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Generic, NoReturn, Self, TypeVar, overload

from pelagos.core import spelling
from pelagos.one.errors import OneAnswerException
from pelagos.one.results import markup
from pelagos.one.results.field import Field
from pelagos.one.results.markup import Child
from pelagos.one.results.template import DEPTH, Template

_M = TypeVar("_M")
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

    _fields_: ClassVar[dict[str, Field[Any]]] = {}
    _inner: bytes
    _tag: str
    _level: int
    _parts: dict[str, list[bytes]] | None

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        own = {name: value for name, value in vars(cls).items() if isinstance(value, Field)}
        cls._fields_ = {**cls._fields_, **own}

    def __init__(self, tag: str, inner: bytes, level: int = 0) -> None:
        put = object.__setattr__
        put(self, "_tag", tag)
        put(self, "_inner", inner)
        put(self, "_level", level)
        put(self, "_parts", None)

    @classmethod
    def of(cls, tag: str, children: Iterable[Child]) -> Self:
        """From elements that were cut already; they are not joined again."""
        element = cls(tag, b"")
        object.__setattr__(element, "_parts", _sorted(children))
        return element

    def _split(self) -> dict[str, list[bytes]]:
        parts = self._parts
        if parts is None:
            if self._level > DEPTH:
                raise OneAnswerException(f"the answer is nested deeper than {DEPTH} elements")
            parts = _sorted(markup.cut(self._inner))
            object.__setattr__(self, "_parts", parts)
        return parts

    def __getattr__(self, name: str) -> Any:
        if name[:1] == "_":
            raise AttributeError(name)
        if name not in self._split():
            known = [*self._split(), *self._fields_]
            hint = spelling.hint(name, known)
            raise AttributeError(f"{self._tag} has no {name}; {hint}", name=name, obj=self)
        return self._get(name)

    def read_child(self, name: str, inner: bytes) -> Any:
        """One more element below this one as its value; it is not kept."""
        field = self._fields_.get(name)
        if field is None:
            return self._guessed(name, inner)
        value = field.value([inner], self._level + 1)
        return value[0] if isinstance(value, list) else value

    def _get(self, name: str) -> Any:
        """The value of a name that is there or known; remembered."""
        if name in self.__dict__:
            return self.__dict__[name]
        field = self._fields_.get(name)
        inners = self._split().get(name, [])
        if field is not None:
            value = field.value(inners, self._level + 1)
        else:
            values = [self._guessed(name, inner) for inner in inners]
            value = values[0] if len(values) == 1 else values
        self.__dict__[name] = value
        return value

    def _guessed(self, name: str, inner: bytes) -> Any:
        if name in _FREE:
            return Template.read(inner, self._level + 1)
        if markup.has_elements(inner):
            return Element(name, inner, self._level + 1)
        return markup.text(inner)

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
            f"{name}={self._get(name)!r}"
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
        value = self._get(name)
        return value if isinstance(value, list) else [value]

    @property
    def size(self) -> int:
        """Bytes of its text."""
        return len(self._inner)

    def to_xml(self) -> str:
        """The element as the server wrote it, but with those of one name beside each other."""
        return f"<{self._tag}>{self._text().decode()}</{self._tag}>"

    def to_dict(self) -> dict[str, Any]:
        """What the answer says, in plain dictionaries, lists and values."""
        return {name: plain(self._get(name)) for name in self._split()}

    def to_json(self, *, indent: int | None = None) -> str:
        """The same as JSON; decimal numbers are numbers."""
        import json  # noqa: PLC0415  # most programs never ask

        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False, default=float)


class Pool(Element, Generic[_M]):
    """An answer that is a list: to go through, to count, to take from by place.

    >>> from pelagos.one.results import parse
    >>> [vm.ID for vm in parse("<VM_POOL><VM><ID>8</ID></VM><VM><ID>7</ID></VM></VM_POOL>")]
    [8, 7]
    """

    _member_: ClassVar[str]

    def _members(self) -> list[_M]:
        members: list[_M] = self._get(self._member_)
        return members

    def __iter__(self) -> Iterator[_M]:
        return iter(self._members())

    def __len__(self) -> int:
        return len(self._members())

    @overload
    def __getitem__(self, place: int) -> _M: ...

    @overload
    def __getitem__(self, place: slice) -> list[_M]: ...

    def __getitem__(self, place: int | slice) -> _M | list[_M]:
        return self._members()[place]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self)}>"


def plain(value: Any) -> Any:
    """Elements and templates as dictionaries."""
    if isinstance(value, Element | Template):
        return value.to_dict()
    return [plain(one) for one in value] if isinstance(value, list) else value


def _sorted(children: Iterable[Child]) -> dict[str, list[bytes]]:
    parts: dict[str, list[bytes]] = {}
    for name, inner in children:
        if name in parts:
            parts[name].append(inner)
        else:
            parts[name] = [inner]
    return parts
