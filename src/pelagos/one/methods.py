"""The table of calls: what `methods.txt` says, as values; arguments made fit for the wire."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pelagos.core import spelling
from pelagos.one.errors import OneCallException, OneUnknownException

_KINDS = {"i": "int", "l": "int", "s": "text", "b": "boolean", "I": "list of int"}
_BITS = tuple(
    f"{who}_{what}" for who in ("owner", "group", "other") for what in ("use", "manage", "admin")
)
_UNKNOWN: Any = object()


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a call.

    Attributes:
        kind: i int, l int of 64 bits, s text, b boolean, I list of int.
        default: what the server takes when it is left out; only of one that may be.
        since: the first version that knows it, or "" when all do that know the call.
    """

    name: str
    kind: str
    is_required: bool = True
    default: Any = None
    since: str = ""

    @property
    def kind_name(self) -> str:
        """The kind in words."""
        return _KINDS[self.kind]


@dataclass(frozen=True, slots=True)
class Method:
    """One call.

    Attributes:
        name: as on the wire: "one.vm.info".
        result: "int", "text", or the name of the root element of the XML.
        since: the first version that knows it; "<=4.14" means always.
        summary: what it does.
        is_internal: made by daemons to each other; nobody else should.
    """

    name: str
    parameters: tuple[Parameter, ...]
    result: str
    since: str
    summary: str
    is_internal: bool = False

    @property
    def resource(self) -> str:
        """The middle of the name: "vm"."""
        return self.name.split(".")[1]

    @property
    def call(self) -> str:
        """The end of the name: "info"."""
        return self.name.split(".")[2]

    @property
    def is_read_only(self) -> bool:
        """Whether it changes nothing, so that it may be repeated."""
        if self.resource == "system":
            return self.call in {"config", "sqlquery", "version"}
        if self.resource.endswith("pool"):
            return self.call != "calculateshowback"
        return self.call in {"info", "monitoring", "raftstatus"}

    @property
    def signature(self) -> str:
        """The call with its parameters, for people: "vm.info(id, decrypt=False)"."""
        parts = [p.name if p.is_required else f"{p.name}={p.default!r}" for p in self.parameters]
        return f"{self.resource}.{self.call}({', '.join(parts)})"


@functools.cache
def _lines() -> Mapping[str, Mapping[str, str]]:
    """Per resource and call the line of the table."""
    table: dict[str, dict[str, str]] = {}
    text = Path(__file__).with_name("methods.txt").read_text(encoding="utf-8")
    for line in text.splitlines():
        if line and not line.startswith("#"):
            resource, _, call = line.split(" ", 1)[0].lstrip("!").partition(".")
            table.setdefault(resource, {})[call] = line
    return table


def resources() -> tuple[str, ...]:
    """The resources that have calls, as "vm" and "vmpool"."""
    return tuple(_lines())


def calls(resource: str) -> tuple[str, ...]:
    """The calls of a resource; none for one that is not known."""
    return tuple(_lines().get(resource, ()))


def all_methods() -> tuple[Method, ...]:
    """Every call, in the order of the table."""
    return tuple(find(f"one.{name}.{call}") for name in resources() for call in calls(name))


@functools.cache
def find(name: str) -> Method:
    """The call of this name, with or without "one." before it.

    Raises:
        OneUnknownException: with the nearest name as hint.
    """
    resource, _, call = name.removeprefix("one.").partition(".")
    if resource not in _lines():
        raise unknown_resource(resource)
    line = _lines()[resource].get(call)
    if line is None:
        raise OneUnknownException(
            f"OpenNebula has no call one.{resource}.{call}",
            method=f"one.{resource}.{call}",
            hint=spelling.hint(call, calls(resource), quoted=True),
        )
    return _read(line)


def unknown_resource(name: str) -> OneUnknownException:
    """What is said of a resource that is not there."""
    return OneUnknownException(
        f"OpenNebula has no calls one.{name}.…",
        method=f"one.{name}",
        hint=spelling.hint(name, resources(), quoted=True),
    )


def _read(line: str) -> Method:
    shape, since, summary = line.split(" ; ", 2)
    words, _, result = shape.rpartition(" -> ")
    name, *parameters = words.split(" ")
    found: list[Parameter] = []
    for word in parameters:
        found += [Parameter(bit, "i") for bit in _BITS] if word == "%bits" else [_parameter(word)]
    return Method(
        f"one.{name.lstrip('!')}", tuple(found), result, since, summary, name.startswith("!")
    )


def _parameter(word: str) -> Parameter:
    word, _, since = word.partition("@")
    name, _, rest = word.partition(":")
    kind, equals, default = rest.partition("=")
    if not equals:
        return Parameter(name, kind, since=since)
    values: dict[str, Any] = {"b": default == "true", "s": default, "I": []}
    value = int(default) if kind in "il" else values[kind]
    return Parameter(name, kind, is_required=False, default=value, since=since)


def bind(method: Method, args: Sequence[Any], named: Mapping[str, Any]) -> list[Any]:
    """The parameters in order and of the right types, ready for the wire.

    A whole number is taken for a boolean when it is 0 or 1, and a boolean for a whole number; a
    mapping for a text is a template. What comes last and was not given is left out.

    Raises:
        OneCallException: too many, too few, unknown or twice, or of a type that cannot fit.
        OneValueException: a template that cannot be written.
    """
    known = method.parameters
    if len(args) > len(known):
        raise _wrong(method, f"takes {len(known)} arguments and got {len(args)}")
    given: list[Any] = [*args, *[_UNKNOWN] * (len(known) - len(args))]
    places = {parameter.name: number for number, parameter in enumerate(known)}
    for name, value in named.items():
        if name not in places:
            raise _wrong(method, f"has no parameter {name!r}", spelling.hint(name, [*places]))
        if given[places[name]] is not _UNKNOWN:
            raise _wrong(method, f"got {name!r} twice")
        given[places[name]] = value
    while given and given[-1] is _UNKNOWN:
        given.pop()
    missing = [p.name for p in known[len(given) :] if p.is_required]
    missing += [
        p.name for p, v in zip(known, given, strict=False) if v is _UNKNOWN and p.is_required
    ]
    if missing:
        raise _wrong(method, f"needs {', '.join(missing)}")
    return [
        _fitting(method, parameter, parameter.default if value is _UNKNOWN else value)
        for parameter, value in zip(known, given, strict=False)
    ]


def _wrong(method: Method, what: str, hint: str | None = None) -> OneCallException:
    return OneCallException(
        f"{method.name} {what}", method=method.name, hint=hint or f"it is {method.signature}"
    )


def _fitting(method: Method, parameter: Parameter, value: Any) -> Any:
    if parameter.kind == "s" and isinstance(value, Mapping):
        return _template(parameter, value)
    fit = _FITS[parameter.kind](value)
    if fit is _UNKNOWN:
        raise _wrong(
            method,
            f"takes {parameter.kind_name} as {parameter.name!r} and got {type(value).__name__}"
            f"{_shown(value)}",
        )
    return fit


def _template(parameter: Parameter, value: Mapping[str, Any]) -> str:
    from pelagos.one.template import (  # noqa: PLC0415  # only who sends templates pays
        QUOTA_ROOTS,
        ROOTS,
        encode,
    )

    return encode(value, roots=QUOTA_ROOTS if parameter.name == "quota_template" else ROOTS)


def _shown(value: Any) -> str:
    return f" {value}" if isinstance(value, int | float) else ""


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, int) else _UNKNOWN


def _boolean(value: Any) -> Any:
    return bool(value) if isinstance(value, int) and value in {0, 1} else _UNKNOWN


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, str) else _UNKNOWN


def _whole_list(value: Any) -> Any:
    if isinstance(value, str | bytes) or not isinstance(value, Sequence | set | frozenset | range):
        return _UNKNOWN
    numbers = [_whole(number) for number in value]
    return _UNKNOWN if _UNKNOWN in numbers else numbers


_FITS = {"i": _whole, "l": _whole, "s": _text, "b": _boolean, "I": _whole_list}
