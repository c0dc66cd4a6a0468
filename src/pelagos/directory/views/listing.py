"""Lists as today's routes answer them: searched, sorted, in pages, with `total` and `filtered`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from pelagos.directory.errors import InvalidError
from pelagos.directory.folding import fold

_DIRECTIONS = ("asc", "desc")


@dataclass(frozen=True, slots=True)
class Listing:
    """What a client wants of a list.

    Attributes:
        search: text that a name holds, whatever its case and accents.
        order: the key to sort by; None: as it is.
        limit: items of the page, 0 is an empty page; None: all.
        offset: items before the page.
    """

    search: str = ""
    order: str | None = None
    is_descending: bool = False
    limit: int | None = None
    offset: int = 0

    @classmethod
    def of(cls, params: Mapping[str, str], orders: Sequence[str] = ("name",)) -> Self:
        """Read the parameters `search`, `order`, `direction`, `limit` and `offset`.

        Raises:
            InvalidError: one cannot be meant; names all that cannot.
        """
        reasons: list[str] = []
        order, direction = params.get("order"), params.get("direction", "asc")
        if order is not None and order not in orders:
            reasons.append(f"order: one of {', '.join(orders)} is needed, not {order!r}")
        if direction not in _DIRECTIONS:
            reasons.append(f"direction: asc or desc is needed, not {direction!r}")
        limit = _natural(params, "limit", reasons)
        offset = _natural(params, "offset", reasons)
        if reasons:
            raise InvalidError(reasons)
        return cls(params.get("search", ""), order, direction == "desc", limit, offset or 0)

    def page(self, items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """The answer: `items`, `total` before the search and `filtered` after it."""
        wanted = fold(self.search)
        found = [item for item in items if wanted in fold(str(item["name"]))]
        if self.order is not None:
            key = self.order
            found.sort(key=lambda item: fold(str(item.get(key))), reverse=self.is_descending)
        elif self.is_descending:
            found.reverse()
        end = None if self.limit is None else self.offset + self.limit
        return {"items": found[self.offset : end], "total": len(items), "filtered": len(found)}


def _natural(params: Mapping[str, str], name: str, reasons: list[str]) -> int | None:
    text = params.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 9):  # noqa: PLR2004  # of 32 bits
        reasons.append(f"{name}: a whole number from 0 on is needed, not {text!r}")
        return None
    return int(text)
