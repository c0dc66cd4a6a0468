"""Check values against a JSON Schema, safely: the only door to the library jsonschema.

A schema may come from a stranger. Nothing is fetched: what it refers to is passed in. What it
could do to take for ever is bounded: its size, its patterns, which are looked at before they are
used, and by a `Budget` all that a check does together. The draft is the one that the schema
names, or else 2020-12.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from pelagos.core.json_schema_bounds import (
    Budget,
    SchemaError,
    bounds,
    check_patterns,
    count,
)
from pelagos.core.secret_names import is_secret
from pelagos.core.spelling import nearest

#: Problems that are told.
_TOLD = 100
#: Names among which a similar one is looked for.
_NAMES = 300
_SHOWN = 40
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
__all__ = ["Budget", "Problem", "SchemaError", "check"]

_TYPES = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "null",
    "number": "a number",
    "object": "an object",
    "string": "a text",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One value that does not fit.

    Attributes:
        path: where it is, e.g. `parameters.backup.hours[0]`.
        message: what is wrong with it.
        allowed: what would fit; may be empty.
    """

    path: str
    message: str
    allowed: str = ""

    def __str__(self) -> str:
        return f"{self.path} {self.message}" + (f"; {self.allowed}" if self.allowed else "")


def check(
    value: object,
    schema: object,
    *,
    resources: Mapping[str, object] | None = None,
    base: str = "",
    name: str = "value",
    budget: Budget | None = None,
) -> tuple[Problem, ...]:
    """What does not fit, the outermost first; empty when all is well.

    Args:
        schema: a JSON Schema, decoded.
        resources: what it may refer to, by absolute URL.
        base: its own URL, for its relative references.
        name: what the value is called in paths.
        budget: for all of it; a new one when None.

    Raises:
        SchemaError: the schema cannot be used.
    """
    import jsonschema  # noqa: PLC0415  # it takes a tenth of a second to load
    from jsonschema import validators  # noqa: PLC0415
    from referencing import Registry, Resource  # noqa: PLC0415
    from referencing.exceptions import Unresolvable  # noqa: PLC0415
    from referencing.jsonschema import DRAFT202012, specification_with  # noqa: PLC0415

    if not isinstance(schema, bool | dict):
        raise SchemaError("a JSON Schema is an object, or true or false")
    known = dict(resources or {})
    known.setdefault(base, schema)
    budget = budget or Budget()
    budget.spend(count(known.values()) / 64)
    for document in known.values():
        check_patterns(document)
    try:
        kind = validators.validator_for(schema, default=jsonschema.Draft202012Validator)
        kind.check_schema(schema)  # type: ignore[arg-type]  # true and false are schemas, too
        named = schema.get("$schema", "") if isinstance(schema, dict) else ""
        draft = specification_with(str(named), default=DRAFT202012)
        made = [(url, Resource.from_contents(one, draft)) for url, one in known.items()]
        registry: Any = Registry().with_resources(made)
        bounded: Any = validators.extend(kind, bounds(kind.VALIDATORS, budget))  # type: ignore[no-untyped-call]  # its stubs
        start = {"$ref": base} if base else schema
        checker = bounded(start, registry=registry)
        found = [_leaf(error) for error in islice(checker.iter_errors(value), _TOLD)]
    except jsonschema.SchemaError as error:
        raise SchemaError(f"the schema is no JSON Schema: {error.message[:200]}") from error
    except Unresolvable as error:
        raise SchemaError(f"the schema refers to something unknown: {str(error)[:200]}") from error
    except RecursionError as error:
        raise SchemaError("the schema, or the value, is nested too deep") from error
    except (re.error, TypeError, ValueError, OverflowError, AttributeError, LookupError) as error:
        raise SchemaError(f"the schema cannot be used: {str(error)[:200]}") from error
    told = (problem for error in found for problem in _problems(error, name))
    problems = list(islice(told, _TOLD))
    return tuple(dict.fromkeys(sorted(problems, key=lambda one: (one.path.count("."), one.path))))


# ---- words --------------------------------------------------------------------------------------


def _leaf(error: Any) -> Any:
    """Of a choice that nothing fits, the failure of the branch that came closest."""
    while error.validator in {"anyOf", "oneOf"} and error.context:
        branches: dict[Any, list[Any]] = {}
        for one in error.context:
            branches.setdefault(one.schema_path[0], []).append(one)
        error = max(min(branches.values(), key=_distance), key=lambda one: len(one.path))
    return error


def _distance(errors: Iterable[Any]) -> tuple[bool, int, int]:
    """How far a branch is from fitting: another type is farthest, a deep failure nearest."""
    errors = list(errors)
    is_other = any(one.validator in {"type", "const"} and not one.path for one in errors)
    return is_other, -max(len(one.path) for one in errors), len(errors)


def _problems(error: Any, name: str) -> Iterator[Problem]:
    place = list(error.absolute_path)
    if error.validator == "required":
        missing = [key for key in error.validator_value if key not in error.instance]
        for key in missing:
            yield Problem(_path(name, [*place, key]), "is missing", _wanted(error.schema, key))
    elif error.validator in {"additionalProperties", "unevaluatedProperties"}:
        yield from _strangers(error, name, place)
    else:
        message, allowed = _worded(error, place)
        yield Problem(_path(name, place), message, allowed)


def _wanted(schema: Any, key: str) -> str:
    found = schema.get("properties", {}).get(key) if isinstance(schema, dict) else None
    told = found.get("type") if isinstance(found, dict) else None
    return f"it must be {_type_names(told)}" if told else ""


def _strangers(error: Any, name: str, place: list[Any]) -> Iterator[Problem]:
    known = error.schema.get("properties", {})
    patterns = error.schema.get("patternProperties", {})
    names = list(islice(known, _NAMES))
    for key in islice(error.instance, _TOLD * _TOLD):
        if key in known or any(re.search(pattern, key) for pattern in patterns):
            continue
        near = nearest(str(key)[:_SHOWN], names)
        there_are = f"there are: {', '.join(names[:20])}" if names else "none is allowed"
        path = _path(name, [*place, key])
        yield Problem(path, "is not known", f"did you mean {near}?" if near else there_are)


def _worded(error: Any, place: list[Any]) -> tuple[str, str]:
    limit = error.validator_value
    is_hidden = any(is_secret(part) or "key" in part.lower() for part in map(str, place))
    shown = "has a value that is not shown" if is_hidden else f"is {_shown(error.instance)}"
    if error.validator == "type":
        return shown, f"it must be {_type_names(limit)}"
    if error.validator == "enum":
        return shown, f"it must be one of: {', '.join(_shown(one) for one in limit[:20])}"
    if error.validator in _WORDS:
        return shown, _WORDS[error.validator].format(_shown(limit))
    return f"{shown}, which does not fit the schema", f"see its rule {error.validator!r}"


_WORDS = {
    "const": "it must be {}",
    "minimum": "it must be at least {}",
    "maximum": "it must be at most {}",
    "exclusiveMinimum": "it must be above {}",
    "exclusiveMaximum": "it must be below {}",
    "multipleOf": "it must be a multiple of {}",
    "minLength": "it must have at least {} characters",
    "maxLength": "it must have at most {} characters",
    "minItems": "it must have at least {} items",
    "maxItems": "it must have at most {} items",
    "minProperties": "it must have at least {} entries",
    "maxProperties": "it must have at most {} entries",
    "pattern": "it must match the pattern {}",
    "uniqueItems": "no two of its items may be equal",
}


def _type_names(told: Any) -> str:
    names = [told] if isinstance(told, str) else list(told)
    return " or ".join(_TYPES.get(str(one), str(one)) for one in names)


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _path(name: str, place: Iterable[Any]) -> str:
    text = name
    for part in place:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            shown = str(part)[:100]
            text += f".{shown}" if _PLAIN.fullmatch(shown) else f"[{shown!r}]"
    return text
