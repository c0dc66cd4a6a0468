"""Results as plain data: what is at a key, and a value as text.

Knows nothing of formats; nothing here may import what costs start-up time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Data = Mapping[str, Any]


def plain(value: Any) -> Any:
    """The value as JSON-compatible data: dataclasses and mappings become dicts, tuples lists."""
    fields = getattr(value, "__dataclass_fields__", None)
    if fields is not None:
        return {name: plain(getattr(value, name)) for name in fields}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, str):
        return str.__str__(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    return str(value)


def as_text(value: Any) -> str:
    """One value on one line: text as it is, None as nothing, nested data as JSON."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return str(value)
    import json

    return json.dumps(value, ensure_ascii=False)


_NOTHING = object()


def pick(data: Data, key: str) -> Any:
    """The value at a dotted key; None where there is none."""
    return _find(data, key, None)


def _find(data: Data, key: str, default: Any) -> Any:
    if key in data:
        return data[key]
    end = key.find(".")
    while end >= 0:  # a part of it may have dots itself, as paths and names of queues do
        inner = data.get(key[:end])
        if isinstance(inner, Mapping):
            found = _find(inner, key[end + 1 :], _NOTHING)
            if found is not _NOTHING:
                return found
        end = key.find(".", end + 1)
    return default


def flat(data: Data, before: str = "") -> list[tuple[str, Any]]:
    """The pairs of key and value, nested mappings by dotted keys."""
    pairs: list[tuple[str, Any]] = []
    for key, value in data.items():
        if isinstance(value, Mapping) and value:
            pairs += flat(value, f"{before}{key}.")
        else:
            pairs.append((before + key, value))
    return pairs


def has(data: Data, key: str) -> bool:
    """Whether there is something at a dotted key, were it None."""
    return _find(data, key, _NOTHING) is not _NOTHING


def is_told(data: Data, key: str) -> bool:
    """Whether what is at a dotted key says something."""
    return pick(data, key) not in (None, "", [], {})


def only(data: Data, keys: Sequence[str] | None) -> Data:
    """What is at these dotted keys; all when None."""
    return data if keys is None else {key: pick(data, key) for key in keys}
