"""Whether a JSON value has the shape that a schema asks: the part of JSON Schema that we need.

Objects take no property that the schema does not name, unless it names none at all. Pure.

`core.json_schema` checks against any schema, also a stranger's: it loads a library for a tenth of
a second, guards and measures each check. Agents call often, and these shapes are our own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

_KINDS: Mapping[str, type] = {
    "string": str,
    "object": dict,
    "array": list,
    "boolean": bool,
    "integer": int,
}


def text(limit: int | None = None) -> Schema:
    """Text, of at most so many characters, and not empty."""
    schema: dict[str, Any] = {"type": "string", "minLength": 1}
    return schema if limit is None else schema | {"maxLength": limit}


def choice(*values: str) -> Schema:
    """One of these texts."""
    return {"type": "string", "enum": list(values)}


def record(required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    """An object with these properties and no other."""
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **(optional or {})},
        "additionalProperties": False,
    }


def fault(schema: Schema, value: Any, path: str = "") -> str | None:
    """What is wrong with a value first, in words; None when nothing is.

    >>> fault(record({"title": text()}), {"title": "x", "extra": 1})
    "Additional properties are not allowed ('extra' was unexpected)"
    """
    kind = _KINDS[schema["type"]]
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is int):
        return f"{_at(path)}{_short(value)} is not of type {schema['type']!r}"
    if isinstance(value, str):
        return _text_fault(schema, value, path)
    if isinstance(value, list) and "items" in schema:
        found = (fault(schema["items"], item, f"{path}[{at}]") for at, item in enumerate(value))
        return next((each for each in found if each), None)
    if isinstance(value, dict) and "properties" in schema:
        return _object_fault(schema, value, path)
    return None


def _text_fault(schema: Schema, value: str, path: str) -> str | None:
    if "enum" in schema and value not in schema["enum"]:
        return f"{_at(path)}{_short(value)} is not one of {schema['enum']}"
    if len(value) < schema.get("minLength", 0):
        return f"{_at(path)}{_short(value)} is too short"
    if len(value) > schema.get("maxLength", len(value)):
        return f"{_at(path)}{_short(value)} is too long"
    return None


def _object_fault(schema: Schema, value: Mapping[str, Any], path: str) -> str | None:
    missing = [name for name in schema["required"] if name not in value]
    if missing:
        return f"{_at(path)}{missing[0]!r} is a required property"
    unknown = [name for name in value if name not in schema["properties"]]
    if unknown:
        return f"{_at(path)}Additional properties are not allowed ({unknown[0]!r} was unexpected)"
    found = (
        fault(schema["properties"][name], item, f"{path}.{name}" if path else name)
        for name, item in value.items()
    )
    return next((each for each in found if each), None)


def _at(path: str) -> str:
    return f"{path}: " if path else ""


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."  # noqa: PLR2004  # one line
