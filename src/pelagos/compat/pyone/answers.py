"""Answers as programs for pyone know them: templates are dictionaries, elements have setters."""

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, ClassVar, Self

from pelagos.one.results import Element, Template, class_of

__all__ = ["TemplatedType", "kind_of"]

_FREE = frozenset({"TEMPLATE", "USER_TEMPLATE"})


class TemplatedType(OrderedDict[str, Any]):
    """A template; several of a name are a list, one alone is not.

    Attributes:
        _root: the template below its name, as it can be sent back.
    """

    def __init__(self, name: str, values: dict[str, Any]) -> None:
        super().__init__(values)
        self._name = name

    @property
    def _root(self) -> dict[str, Any]:
        return {self._name: self}

    def to_dict(self) -> dict[str, Any]:
        """The same without its name."""
        return dict(self)

    def copy(self) -> Self:
        """The same values in one of its own."""
        return type(self)(self._name, self)

    def __repr__(self) -> str:
        return repr(dict(self))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._name, dict(self))


class _Answer(Element):
    """What is laid over the class of an element."""

    __slots__ = ()

    _kind_: ClassVar[type[Element]] = Element

    def read_child(self, name: str, inner: bytes) -> Any:
        """As of any element, but a template is a dictionary."""
        value = super().read_child(name, inner)
        if isinstance(value, Template) or (name in _FREE and isinstance(value, Element)):
            return TemplatedType(name, value.to_dict())
        return _laid_over(value) if isinstance(value, Element) else value

    def __getattr__(self, name: str) -> Any:
        """`get_ID()`, `set_ID(value)` and `add_ID(value)` of whatever there is."""
        do, _, what = name.partition("_")
        if do in _WAYS and (what in self._fields_ or what in self._names()):
            return functools.partial(_WAYS[do], self, what)
        return super().__getattr__(name)

    def __setattr__(self, name: str, value: object) -> None:  # type: ignore[override]  # it may
        self.__dict__[name] = value

    def _get(self, name: str) -> Any:
        return self.__dict__[name] if name in self.__dict__ else super()._get(name)

    def __bool__(self) -> bool:
        return True  # of an empty list, too: programs ask so whether they were answered

    def __hash__(self) -> int:  # type: ignore[override]  # its own elements have none
        inner = self._first("ID")
        return hash((self._tag, None if inner is None else self.read_child("ID", inner)))

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self._kind_, *super().__reduce__()[1])


def _append(element: Element, name: str, value: object) -> None:
    getattr(element, name).append(value)


_WAYS: dict[str, Callable[..., Any]] = {"get": getattr, "set": setattr, "add": _append}


@functools.cache
def _over(kind: type[Element]) -> type[_Answer]:
    more = {
        "__slots__": (),
        "__doc__": kind.__doc__,
        "_fields_": kind._fields_,  # those of ours would hide them
        "_kind_": kind,
    }
    return type(kind.__name__, (_Answer, kind), more)


def _laid_over(element: Element) -> Element:
    """The same element; nothing of it was read yet."""
    return _restored(type(element), *element.__reduce__()[1])


def _restored(kind: type[Element], tag: str, inner: bytes, level: int) -> Element:
    return _over(kind)(tag, inner, level)  # type: ignore[arg-type]  # classes have a hash


def kind_of(root: str) -> type[Element]:
    """The class of the answer that begins with this element."""
    return _over(class_of(root))  # type: ignore[arg-type]  # see above
