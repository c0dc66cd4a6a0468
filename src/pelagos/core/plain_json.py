"""JSON of plain data for programs that start often: as `pelagos.core.wire`, without its price.

Loading msgspec takes longer than a short answer takes to read with the standard library. So what
is short is read and written with that, as long as nobody loaded msgspec; both give the same.
"""

from __future__ import annotations

import json
import math
import sys
from typing import Any, NoReturn

from pelagos.core.errors import PelagosError

_SHORT = 256 * 1024
"""Bytes up to which the standard library is the quicker one."""


class WireError(PelagosError):
    """Text that is not JSON, or JSON that is not what was agreed."""


def decode(data: bytes | str) -> Any:
    """Read JSON as plain data.

    Raises:
        WireError: not JSON, or too much of it.
    """
    if "msgspec" not in sys.modules and len(data) <= _SHORT:
        try:
            return _decoded(data)
        except (ValueError, RecursionError):  # msgspec finds the words for it
            pass
    from pelagos.core import wire  # noqa: PLC0415  # see above

    return wire.decode(data)


def encode(value: Any) -> bytes:
    """JSON of plain data, as compact UTF-8.

    Raises:
        WireError: something else is in it, or text that UTF-8 has no bytes for.
    """
    if "msgspec" not in sys.modules:
        try:
            return _encoded(value)
        except (TypeError, ValueError, RecursionError):
            pass
    from pelagos.core import wire  # noqa: PLC0415  # see above

    return wire.encode(value)


def _decoded(data: bytes | str) -> Any:
    text = data if isinstance(data, str) else data.decode("utf-8")
    if "\\ud" in text or "\\uD" in text:  # halves of characters would be let through
        raise ValueError(text)
    return json.loads(text, parse_float=_finite, parse_constant=_refuse)


def _encoded(value: Any) -> bytes:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _refuse(text: str) -> NoReturn:
    raise ValueError(text)
