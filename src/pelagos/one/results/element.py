"""One element of an answer as an object: read when it is touched, and not before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, ClassVar, Generic, NoReturn, Self, TypeVar, overload

from pelagos.core import spelling
from pelagos.one.errors import OneAnswerException
from pelagos.one.results import markup
from pelagos.one.results.field import Field
from pelagos.one.results.markup import Child
from pelagos.one.results.template import DEPTH, Template

_M = TypeVar("_M")
#: Stands for an element that is not there.
_NO_TEXT = b"<A/>"
_PLAIN = {int, str, float, Decimal, type(None)}
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

    __slots__ = ("__dict__", "_children", "_inner", "_level", "_place", "_tag")

    _fields_: ClassVar[dict[str, Field[Any]]] = {}
    _inner: bytes
    _tag: str
    _level: int
    _children: list[Child]
    _place: int

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        own = {name: value for name, value in vars(cls).items() if isinstance(value, Field)}
        cls._fields_ = {**cls._fields_, **own}

    def __init__(self, tag: str, inner: bytes, level: int = 0) -> None:
        put = object.__setattr__
        put(self, "_tag", tag)
        put(self, "_inner", inner)
        put(self, "_level", level)
        put(self, "_children", [])
        put(self, "_place", 0)

    @classmethod
    def of(cls, tag: str, children: Iterable[Child]) -> Self:
        """From elements that were cut already; they are not joined again."""
        element = cls(tag, b"")
        element._children.extend(children)
        return element

    def _first(self, name: str) -> bytes | None:
        """The inner text of the first element of a name; nothing behind it is looked at."""
        for key, inner in self._children:
            if key == name:
                return inner
        if self._place < len(self._inner):
            self._cut(name)
            if self._children and self._children[-1][0] == name:
                return self._children[-1][1]
        return None

    def _all(self) -> list[Child]:
        """All elements."""
        if self._place < len(self._inner):
            self._cut("")
        return self._children

    def _cut(self, until: str) -> None:
        if self._level > DEPTH:
            raise OneAnswerException(f"the answer is nested deeper than {DEPTH} elements")
        place = markup.cut_some(self._inner, self._place, self._children, until)
        if not until or not self._children or self._children[-1][0] != until:
            if self._inner[place:].strip(b" \t\r\n"):
                raise OneAnswerException(f"the answer does not come apart in {self._tag}")
            place = len(self._inner)
        object.__setattr__(self, "_place", place)

    def _names(self) -> dict[str, None]:
        """The names that are there, in order."""
        return dict.fromkeys(name for name, _ in self._all())

    def __getattr__(self, name: str) -> Any:
        if name[:1] == "_":
            raise AttributeError(name)
        if name not in self._names():
            hint = spelling.hint(name, list({**self._names(), **self._fields_}))
            raise AttributeError(f"{self._tag} has no {name}; {hint}", name=name, obj=self)
        return self._get(name)

    def read_child(self, name: str, inner: bytes) -> Any:
        """The value of an element of this name below this one; it is not kept."""
        field = self._fields_.get(name)
        return self._guessed(name, inner) if field is None else field.read(inner, self._level + 1)

    def _get(self, name: str) -> Any:
        """The value of a name that is there or known; remembered."""
        if name in self.__dict__:
            return self.__dict__[name]
        field = self._fields_.get(name)
        if field is not None and not field.is_list:
            inner = self._first(name)
            value = None if inner is None else self.read_child(name, inner)
        else:
            value = [self.read_child(name, inner) for key, inner in self._all() if key == name]
            if field is None and len(value) == 1:
                value = value[0]
        self.__dict__[name] = value
        return value

    def _guessed(self, name: str, inner: bytes) -> Any:
        if name in _FREE:
            return Template.read(inner, self._level + 1)
        text = markup.leaf(inner)
        return Element(name, inner, self._level + 1) if text is None else text

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{self._tag}.{name} cannot be set: it is what the server answered")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{self._tag}.{name} cannot be removed: the server answered it")

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._fields_, *self._names()]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Element):
            return NotImplemented
        return self._tag == other._tag and self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]  # compared by what it says

    def __repr__(self) -> str:
        shown = [
            f"{name}={self._get(name)!r}"
            for name in _SHOWN
            if not markup.has_elements(self._first(name) or _NO_TEXT)
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
        if self._inner:
            return self._inner
        return b"".join(
            b"<%b>%b</%b>" % (name.encode(), inner, name.encode())
            for name, inner in self._children
        )

    def get_list(self, name: str) -> list[Any]:
        """All of a name as a list; empty when there is none."""
        inners = [inner for key, inner in self._all() if key == name]
        if len(inners) > 1 and not self._is_list(name):
            return [self.read_child(name, inner) for inner in inners]
        value = self._get(name) if inners else []
        return value if isinstance(value, list) else [value]

    def _is_list(self, name: str) -> bool:
        field = self._fields_.get(name)
        return field is not None and field.is_list

    @property
    def size(self) -> int:
        """Bytes of its text."""
        return len(self._inner)

    def to_xml(self) -> str:
        """The element as the server wrote it."""
        return f"<{self._tag}>{self._text().decode()}</{self._tag}>"

    def to_dict(self) -> dict[str, Any]:
        """What the answer says, in plain dictionaries, lists and values."""
        found: dict[str, list[Any]] = {}
        for name, inner in self._all():
            value = self.read_child(name, inner)
            if type(value) not in _PLAIN:
                value = value.to_dict()
            found.setdefault(name, []).append(value)
        return {
            name: values if len(values) > 1 or self._is_list(name) else values[0]
            for name, values in found.items()
        }

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
