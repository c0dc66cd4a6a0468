"""Content as a type: what a handler's annotation asks for. Pure.

    @MessageHandler("command", "resize")
    def msg_resize(self, content: Resize) -> None: ...

A command's content is `{"parameters": …}`; what is converted is the parameters, unless the type
has a field of that name itself. The content of other messages is converted as a whole. Without an
annotation, or annotated as a mapping or Any, a handler gets the content as it came.
"""

from __future__ import annotations

import enum
import types
import typing
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Final

from pelagos.core import wire
from pelagos.messaging.errors import MessagingError

#: What types with declared fields have: dataclasses, typed mappings, named tuples, structures.
_DECLARED: Final = (
    "__dataclass_fields__",
    "__total__",
    "_fields",
    "__struct_fields__",
    "__attrs_attrs__",
)
_KNOWN_MODULES: Final = ("builtins", "datetime", "decimal", "uuid", "types")
_PLAIN: Final = (Any, object, dict, Mapping, MutableMapping)


class PayloadError(MessagingError):
    """A message whose content is not what its handler takes; trying again cannot help."""


@dataclass(frozen=True, slots=True)
class Payload:
    """What a handler takes.

    Attributes:
        type: the annotation.
        whole: it is converted from the whole content, also of a command.
    """

    type: Any
    whole: bool

    def read(self, body: Mapping[str, Any], data: Any, *, full_body: bool = False) -> Any:
        """The data as this type.

        Args:
            body: the message, to tell which one it was.
            data: its content, or the whole body.
            full_body: it is the whole body.

        Raises:
            PayloadError: it is something else; names the field.
        """
        path = "body" if full_body else "content"
        if not (self.whole or full_body) and body.get("type") == "command":
            if not (isinstance(data, Mapping) and "parameters" in data):
                raise self._unfit(body, "`content.parameters` is missing")
            data, path = data["parameters"], "content.parameters"
        try:
            return wire.convert(data, self.type)
        except (wire.WireError, RecursionError) as error:
            cause = str(error).removeprefix("unexpected data: ")
            if "`$" in cause:
                cause = cause.replace("`$", f"`{path}", 1)
            else:
                cause = f"{cause} - at `{path}`"
            raise self._unfit(body, cause) from error

    def _unfit(self, body: Mapping[str, Any], cause: str) -> PayloadError:
        name = getattr(self.type, "__name__", None) or str(self.type)
        return PayloadError(
            f"the {body.get('type')} {str(body.get('name'))!r} is no {name}: {cause}",
            hint="compare what was sent with the fields of that type",
        )


def read_annotation(function: Callable[..., Any], parameter: str, handler: str) -> Payload | None:
    """What the annotation of this parameter (or attribute of a class) asks for; None: plain data.

    Raises:
        MessagingError: the annotation names something unknown, or a type that cannot be converted.
    """
    annotation = _find(function, parameter)
    if annotation is None:
        return None
    scope = function.call if isinstance(function, type) else function  # type: ignore[attr-defined]
    shim = types.SimpleNamespace(__annotations__={parameter: annotation})
    try:
        kind = typing.get_type_hints(shim, getattr(scope, "__globals__", {}), include_extras=True)[
            parameter
        ]
    except (NameError, AttributeError, TypeError, SyntaxError) as error:
        raise MessagingError(
            f"the annotation {annotation!r} of {parameter!r} in {handler} cannot be used: {error}",
            hint="define or import its type at the top of the module, not only for type checkers",
        ) from error
    if kind in _PLAIN or typing.get_origin(kind) in _PLAIN or isinstance(kind, typing.TypeVar):
        return None
    _check(kind, handler)
    return Payload(kind, "parameters" in getattr(kind, "__annotations__", {}))


def _find(function: Callable[..., Any], parameter: str) -> Any:
    if isinstance(function, type):
        for base in function.__mro__:
            if base.__module__ == __name__.replace(".payload", ".decorators"):
                break
            found = vars(base).get("__annotations__", {}).get(parameter)
            if found is not None:
                return found
        return None
    return getattr(function, "__annotations__", {}).get(parameter)


def _check(kind: Any, handler: str) -> None:
    try:
        if _is_opaque(kind):
            raise TypeError("it is a class without declared fields")  # noqa: TRY301
        wire.convert({}, kind)
    except wire.WireError:
        return  # an empty mapping is not one, but the type is understood
    except (TypeError, NameError) as error:
        raise MessagingError(
            f"the content of {handler} cannot be converted to {kind!r}: {error}",
            hint="use a dataclass, a TypedDict, an enumeration, or plain types",
        ) from error


def _is_opaque(kind: Any) -> bool:
    """Whether plain data can never become one: an ordinary class."""
    return (
        isinstance(kind, type)
        and kind.__module__ not in _KNOWN_MODULES
        and not issubclass(kind, enum.Enum)
        and not any(hasattr(kind, mark) for mark in _DECLARED)
    )
