"""JSON-compatible data as YAML 1.2 that a YAML 1.1 reader understands in the same way.

Text is written plain only when it is a harmless word; everything else in double quotes as JSON
writes it, which is YAML too. Only writing: Pelagos reads no YAML here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./@+-]*\Z")
_SPECIAL = frozenset(["null", "true", "false", "yes", "no", "on", "off", "y", "n"])
"""Words that some reader takes for another type."""


def dumps(data: Any) -> str:
    """The data as a YAML document that ends with a newline."""
    return "\n".join(_lines(data)) + "\n"


def _lines(data: Any) -> list[str]:
    if isinstance(data, Mapping) and data:
        return [line for key, value in data.items() for line in _pair(str(key), value)]
    if isinstance(data, list | tuple) and data:
        return [line for item in data for line in _item(item)]
    return [_scalar(data)]


def _pair(key: str, value: Any) -> list[str]:
    if isinstance(value, Mapping | list | tuple) and value:
        return [f"{_scalar(key)}:", *("  " + line for line in _lines(value))]
    return [f"{_scalar(key)}: {_scalar(value)}"]


def _item(item: Any) -> list[str]:
    first, *others = _lines(item)
    return [f"- {first}", *("  " + line for line in others)]


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        if _PLAIN.match(value) and value.lower() not in _SPECIAL:
            return value
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping):
        return "{}"
    if isinstance(value, list | tuple):
        return "[]"
    if isinstance(value, float):
        return _float(value)
    return json.dumps(value)


def _float(value: float) -> str:
    text = repr(value)
    if text.lstrip("-") in ("inf", "nan"):
        return text.replace("inf", ".inf").replace("nan", ".nan")
    # YAML 1.1 takes "1e-05" for text.
    return text if "." in text else text.replace("e", ".0e")
