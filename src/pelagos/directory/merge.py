"""Many sources' answers into one, and results into rows. Pure decisions."""

from __future__ import annotations

import datetime as dt
import decimal
import math
import uuid
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from pelagos.directory.model import Answer, Column, Display, SourceAnswer, SourceResult

_FLAGS = frozenset({"favorite", "personal"})  # types of columns that tell of the asker
_MAX_DEPTH = 5
_MAX_BITS = 64


def merge(answers: Iterable[SourceAnswer]) -> Answer:
    """One answer: results and verdicts in the order given; nothing sorted, nothing dropped."""
    listed = list(answers)
    return Answer(
        results=tuple(result for answer in listed for result in answer.results),
        sources=tuple(answer.verdict for answer in listed),
    )


def row(
    result: SourceResult, display: Display, favorites: Mapping[str, Collection[str]] | None = None
) -> dict[str, Any]:
    """One result as the JSON answers show it.

    Args:
        favorites: the unique ids of the asker's favourites, by name of their source.
    """
    return {
        "column_values": column_values(result, display, favorites or {}),
        "relations": {n: v if v is None else cell(v) for n, v in result.relations.items()},
        "source": result.source,
        "backend": result.backend,
    }


def column_values(
    result: SourceResult, display: Display, favorites: Mapping[str, Collection[str]]
) -> list[Any]:
    """One value per column; flags (favorite, personal) overwrite a real field of their name."""
    values = result.fields
    if flags := [column for column in display.columns if column.type in _FLAGS]:
        values = {**values, **_flag_values(flags, result, favorites)}
    shown = []
    for column in display.columns:
        name = column.field
        if name is None and column.type in _FLAGS:
            name = column.type
        value = values.get(name, column.default) if name else column.default
        shown.append(None if value is None else cell(value))
    return shown


def _flag_values(
    flags: Iterable[Column], result: SourceResult, favorites: Mapping[str, Collection[str]]
) -> dict[str, bool]:
    values: dict[str, bool] = {}
    favorite = next((column for column in flags if column.type == "favorite"), None)
    if favorite is not None:
        entry_id = result.source_entry_id()
        is_favorite = entry_id is not None and entry_id in favorites.get(result.source, ())
        values[favorite.field or "favorite"] = is_favorite
    for column in flags:
        if column.type == "personal":
            values[column.field or "personal"] = result.is_personal
    return values


def cell(value: Any, depth: int = 0) -> Any:
    """The value as JSON can carry it; what it cannot carry is None, so no row breaks an answer."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if value is None or isinstance(value, int | float):
        return value if _is_portable(value) else None
    if depth < _MAX_DEPTH:
        if isinstance(value, list | tuple):
            return [cell(item, depth + 1) for item in value]
        if isinstance(value, Mapping):
            return {
                # Nearly all are plain texts, which need no call.
                k if k.isascii() else cell(k): v
                if v is None or (type(v) is str and v.isascii())
                else cell(v, depth + 1)
                for k, v in value.items()
                if isinstance(k, str)
            }
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return str(value) if isinstance(value, uuid.UUID | decimal.Decimal) else None


def _is_portable(value: Any) -> bool:
    if isinstance(value, int):
        return value.bit_length() <= _MAX_BITS
    return value is None or math.isfinite(value)
