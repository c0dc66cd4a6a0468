"""Sections of the configuration: values declared as dataclasses are, at a tenth of their price.

    @section
    class BoxConfig:
        VARIABLES: ClassVar[str] = "PELAGOS_"
        host: str = "127.0.0.1"
        port: int = declared(default=0, metadata={"least": 0})

Every command reads the configuration, and `dataclasses` writes and compiles the methods of each
class when it is loaded. Those of a section are the same for all of them. Annotations must be text
(`from __future__ import annotations`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeVar, dataclass_transform

T = TypeVar("T")

_NOTHING: Mapping[str, Any] = {}


class Key:
    """A key of a section.

    Attributes:
        name: of the key; "" until the section is made.
        type: as it is written.
        default: its value when nothing sets it.
        metadata: its limits.
    """

    __slots__ = ("_factory", "default", "metadata", "name", "type")

    def __init__(
        self, default: Any, factory: Callable[[], Any] | None, metadata: Mapping[str, Any]
    ) -> None:
        self.name = self.type = ""
        self.default = default
        self.metadata = metadata
        self._factory = factory

    def make(self) -> Any:
        """The default, new where it can change."""
        return self._factory() if self._factory is not None else self.default


def declared(
    *,
    default: Any = None,
    default_factory: Callable[[], Any] | None = None,
    metadata: Mapping[str, Any] = _NOTHING,
) -> Any:
    """Declare a key that has limits, or a default that can change."""
    return Key(default, default_factory, metadata)


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(declared,))
def section(kind: type[T]) -> type[T]:
    """Make a class a section: frozen values, made of keywords, compared by their keys."""
    keys = []
    for name, annotation in kind.__annotations__.items():
        if annotation.startswith("ClassVar"):
            continue
        said = kind.__dict__[name]
        one = said if isinstance(said, Key) else Key(said, None, _NOTHING)
        one.name, one.type = name, annotation
        delattr(kind, name)
        keys.append(one)
    for name, method in _METHODS.items():
        setattr(kind, name, method)
    kind.__keys__ = tuple(keys)  # type: ignore[attr-defined]  # it is a section from here on
    return kind


def keys_of(kind: type[Any]) -> tuple[Key, ...]:
    """The keys of a section, or of a dataclass that stands for one."""
    known: tuple[Key, ...] | None = getattr(kind, "__keys__", None)
    if known is not None:
        return known
    import dataclasses  # noqa: PLC0415  # see above

    return tuple(_of_field(one) for one in dataclasses.fields(kind))


def changed(value: T, **changes: Any) -> T:
    """The same section with other values."""
    return type(value)(**{**vars(value), **changes})


def _of_field(field: Any) -> Key:
    import dataclasses  # noqa: PLC0415  # see above

    is_made = field.default_factory is not dataclasses.MISSING
    made = Key(None if is_made else field.default, None, field.metadata)
    if is_made:
        made = Key(None, field.default_factory, field.metadata)
    made.name, made.type = field.name, str(field.type)
    return made


def _init(self: Any, **values: Any) -> None:
    own = self.__dict__
    for one in self.__keys__:
        own[one.name] = values.pop(one.name) if one.name in values else one.make()
    if values:
        raise TypeError(f"{type(self).__name__} has no key {', '.join(values)}")


def _equal(self: Any, other: object) -> Any:
    return vars(self) == vars(other) if type(other) is type(self) else NotImplemented


def _told(self: Any) -> str:
    said = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
    return f"{type(self).__qualname__}({said})"


def _refused(self: Any, name: str, *_: Any) -> NoReturn:
    raise AttributeError(f"{type(self).__name__}.{name} cannot be changed; see changed()")


_METHODS = {
    "__init__": _init,
    "__eq__": _equal,
    "__hash__": None,
    "__repr__": _told,
    "__setattr__": _refused,
    "__delattr__": _refused,
}
