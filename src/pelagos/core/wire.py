"""JSON in and out, checked against types. The only door to msgspec.

Unknown fields of an answer are ignored, so that a newer server may say more; a wrong type is an
error that names the path of the value.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar, overload

import msgspec

from pelagos.core.plain_json import WireError

__all__ = [
    "DEFAULT_LIMIT",
    "WireError",
    "convert",
    "decode",
    "encode",
    "json_schemas",
    "to_builtins",
]

T = TypeVar("T")

#: Bytes that `decode` reads at the most, unless told.
DEFAULT_LIMIT = 64 * 1024 * 1024


def encode(value: Any) -> bytes:
    """JSON of plain data, dataclasses, enums and mappings, as compact UTF-8.

    Raises:
        WireError: something else is in it, or text that UTF-8 has no bytes for.
    """
    try:
        return msgspec.json.encode(value)
    except (TypeError, ValueError, msgspec.MsgspecError, RecursionError) as error:
        raise WireError(f"this value cannot be written as JSON: {error}") from error


@overload
def decode(data: bytes | str, *, limit: int = DEFAULT_LIMIT) -> Any: ...
@overload
def decode(data: bytes | str, into: type[T], *, limit: int = DEFAULT_LIMIT) -> T: ...
def decode(data: bytes | str, into: Any = Any, *, limit: int = DEFAULT_LIMIT) -> Any:
    """Read JSON into the given type (plain data by default).

    Raises:
        WireError: not JSON, larger than `limit` bytes, or a value of another type; names the path.
    """
    if len(data) > limit:
        raise WireError(f"the JSON text has {len(data):,} bytes; at most {limit:,} are read")
    try:
        return msgspec.json.decode(data, type=into)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise WireError(f"cannot read the JSON text: {error}") from error


@overload
def convert(value: Any, into: type[T]) -> T: ...
@overload
def convert(value: Any, into: Any) -> Any: ...
def convert(value: Any, into: Any) -> Any:
    """Turn plain data (mappings, lists) into the given type.

    Raises:
        WireError: a value has another type; names the path.
    """
    try:
        return msgspec.convert(value, type=into)
    except msgspec.ValidationError as error:
        raise WireError(f"unexpected data: {error}") from error


def to_builtins(value: Any) -> Any:
    """Turn dataclasses and enums into plain mappings, lists and scalars.

    Raises:
        WireError: something else is in it.
    """
    try:
        return msgspec.to_builtins(value)
    except (TypeError, msgspec.MsgspecError, RecursionError) as error:
        raise WireError(f"this value is no plain data: {error}") from error


def json_schemas(
    types: Iterable[Any], *, reference: str = "#/$defs/{name}"
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """JSON Schemas (draft 2020-12) of what `convert` takes as these types.

    Args:
        reference: how one schema refers to another, with `{name}` for its name.

    Returns:
        a schema for each type, in order, and the named ones to which they refer.

    Raises:
        WireError: a type cannot be described.
    """
    try:
        schemas, named = msgspec.json.schema_components(types, ref_template=reference)
    except (TypeError, NameError, ValueError, RecursionError) as error:
        raise WireError(f"a type cannot be described as JSON Schema: {error}") from error
    return list(schemas), named
