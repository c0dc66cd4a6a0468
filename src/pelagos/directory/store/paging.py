"""Pages of a list: searched and sorted once per state of the list, then cut for each page."""

from __future__ import annotations

import threading
from array import array
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from pelagos.directory.folding import fold
from pelagos.directory.store import bulk, schema
from pelagos.directory.store.contacts import Contact, folded_term, read_attributes

#: Contacts whose order is remembered at the most, all lists together: 8 bytes each.
_REMEMBERED = 2_000_000
#: What one order takes besides, as so many contacts do: whoever searches for ever other texts that
#: nobody has must not fill the memory with questions.
_OF_EACH = 200
_ID = "id"
_row = schema.contacts.c


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which contacts, and in which order.

    Attributes:
        search: a text that occurs in any value, without regard to case and accents.
        order: an attribute by which they are sorted; None for the order in which they came.
        is_descending: the last first.
        missing_last: where those stand that lack the attribute; else it counts as the empty text.
        limit: how many at the most; None for all.
        offset: how many are passed over.
    """

    search: str = ""
    order: str | None = None
    is_descending: bool = False
    missing_last: bool = False
    limit: int | None = None
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """Some contacts of a list.

    Attributes:
        total: how many there are, on this page or not, in which the search occurs.
    """

    items: Sequence[Contact]
    total: int


class Pages:
    """Cuts pages, and remembers which contacts come in which order while their list stays."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._orders: OrderedDict[tuple[Any, ...], array[int]] = OrderedDict()
        self._count = 0

    def page(self, connection: sa.Connection, state: tuple[int, int, int], wanted: Wanted) -> Page:
        """A page of a list.

        Args:
            state: id, revision and size of the list.
        """
        list_id, revision, size = state
        term = folded_term(wanted.search)
        clause = _row.list_id == list_id
        query = sa.select(_row.id, _row.uuid, _row.attributes)
        if term:
            clause = sa.and_(clause, bulk.holds(connection, _row.folded, term))
        if not term and wanted.order is None:
            rows = connection.execute(
                _cut(
                    query.where(clause),
                    wanted,
                    _row.id.desc() if wanted.is_descending else _row.id,
                )
            )
            return Page([_contact(row) for row in rows], size)
        key = (list_id, revision, term, wanted.order, wanted.is_descending, wanted.missing_last)
        order = self._known(key)
        if order is None:
            order = array("q", _numbers(connection, clause, wanted))
            self._remember(key, order)
        end = None if wanted.limit is None else wanted.offset + wanted.limit
        numbers = order[wanted.offset : end]
        found: dict[int, Contact] = {}
        for chunk in bulk.chunks(numbers):
            # By number and list: what was removed meanwhile is left out, and nothing else comes.
            rows = connection.execute(query.where(_row.list_id == list_id, _row.id.in_(chunk)))
            found.update((int(row.id), _contact(row)) for row in rows)
        return Page([found[number] for number in numbers if number in found], len(order))

    def _known(self, key: tuple[Any, ...]) -> array[int] | None:
        with self._lock:
            if key in self._orders:
                self._orders.move_to_end(key)
            return self._orders.get(key)

    def _remember(self, key: tuple[Any, ...], order: array[int]) -> None:
        with self._lock:
            if key not in self._orders:
                self._count += len(order) + _OF_EACH
            self._orders[key] = order
            while self._count > _REMEMBERED and len(self._orders) > 1:
                _, oldest = self._orders.popitem(last=False)
                self._count -= len(oldest) + _OF_EACH


def _cut(query: Any, wanted: Wanted, order: Any) -> Any:
    query = query.order_by(order)
    if wanted.limit is not None:
        query = query.limit(wanted.limit)
    elif wanted.offset:
        query = query.limit(2**62)  # SQLite has no OFFSET without it
    return query.offset(wanted.offset) if wanted.offset else query


def _numbers(
    connection: sa.Connection, clause: sa.ColumnElement[bool], wanted: Wanted
) -> list[int]:
    """The numbers of the contacts in the order that is wanted."""
    if wanted.order is None:
        order = _row.id.desc() if wanted.is_descending else _row.id
        query = sa.select(_row.id).where(clause).order_by(order)
        return [int(number) for number in connection.execute(query).scalars()]
    column = _row.uuid if wanted.order == _ID else _row.attributes
    query = sa.select(_row.id, column).where(clause).order_by(_row.id)
    there: list[tuple[str, int]] = []
    missing: list[int] = []
    for number, text in connection.execute(query):
        value = text if wanted.order == _ID else read_attributes(text).get(wanted.order)
        if value is None and wanted.missing_last:
            missing.append(int(number))
        else:
            there.append((fold(value or ""), int(number)))
    there.sort(key=lambda pair: pair[0], reverse=wanted.is_descending)
    return [number for _, number in there] + missing


def _contact(row: Any) -> Contact:
    return Contact(str(row.uuid), read_attributes(row.attributes))
