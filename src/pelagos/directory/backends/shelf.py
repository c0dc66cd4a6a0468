"""A list of the store, kept in memory for questions and brought up to date when it changed."""

from __future__ import annotations

import builtins
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pelagos.directory.index import Table
from pelagos.directory.index.table import Normal
from pelagos.directory.store import Changes, Contact, ContactList

#: The column of the contacts' ids.
ID = "id"
#: Seconds for which a question waits for another one that reads the list; then it is answered
#: from what was known before.
_PATIENCE = 0.5
#: Changed contacts that are looked through beside the table before a new table is made, and the
#: part of a large list that they may be.
_FEW = 200
_PART = 0.02


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns of contacts are searched and matched, and how numbers are compared."""

    searched: Sequence[str] = ()
    first_matched: Sequence[str] = ()
    normal: Normal | None = None

    def table(self, contacts: Iterable[Contact]) -> Table:
        """A table of these contacts; attributes that are empty are not there at all."""
        rows = (_row(contact) for contact in contacts)
        return Table(
            ((tuple(row), tuple(row.values())) for row in rows),
            searched=self.searched,
            first_matched=self.first_matched,
            unique=ID,
            normal=self.normal,
            columns=(*self.searched, ID),  # so that contacts without any of them are there, too
        )


@dataclass(frozen=True, slots=True)
class _Held:
    """One state of a list.

    What changed since `base` was made is in `recent`, and `base` is not to be believed about the
    contacts in `outdated`.
    """

    list_id: int
    revision: int
    base: Table
    numbers: Mapping[int, str] = field(default_factory=dict)  # of contacts in `base`, their ids
    recent: Table | None = None
    changed: Mapping[int, Contact] = field(default_factory=dict)
    outdated: frozenset[str] = frozenset()


class Shelf:
    """Answers about one list from memory; each question first asks whether the list changed.

    Safe to share between threads. After a change only what changed is read.
    """

    def __init__(self, contacts: ContactList, columns: Columns) -> None:
        self._contacts = contacts
        self._columns = columns
        self._reading = threading.Lock()
        self._held: _Held | None = None

    def search(self, term: str) -> list[dict[str, Any]]:
        """The contacts in one of whose searched columns the term occurs."""
        held = self._fresh()
        found = [row for row in held.base.search(term) if row[ID] not in held.outdated]
        return found if held.recent is None else found + held.recent.search(term)

    def first_match(self, exten: str) -> dict[str, Any] | None:
        """The first contact one of whose matched columns equals `exten`."""
        held = self._fresh()
        found = held.base.first_match(exten)
        if found is not None and found[ID] in held.outdated:
            # Behind it there may be one that is still true, which the table does not tell.
            held = self._whole()
            found = held.base.first_match(exten)
        if found is None and held.recent is not None:
            found = held.recent.first_match(exten)
        return found

    def match_all(self, extens: Iterable[str]) -> dict[str, dict[str, Any]]:
        """`first_match` for many: those found, by what was asked."""
        wanted = dict.fromkeys(extens)
        held = self._fresh()
        found = held.base.match_all(wanted)
        if any(row[ID] in held.outdated for row in found.values()):
            held = self._whole()
            found = held.base.match_all(wanted)
        if held.recent is not None:
            found = held.recent.match_all(wanted) | found
        return found

    def list(self, ids: Iterable[str]) -> builtins.list[dict[str, Any]]:
        """The contacts with these ids."""
        wanted = set(ids)
        held = self._fresh()
        found = [row for row in held.base.list(wanted) if row[ID] not in held.outdated]
        return found if held.recent is None else found + held.recent.list(wanted)

    def all(self) -> builtins.list[dict[str, Any]]:
        """All contacts, in the order in which they came."""
        changes = self._contacts.changes()
        return [_row(contact) for _, contact in changes.changed]

    def warm(self) -> None:
        """Read the list, so that the first question need not wait for that."""
        self._fresh()

    # ---- keeping up ---------------------------------------------------------------------------

    def _fresh(self) -> _Held:
        held = self._held
        patience = -1 if held is None else _PATIENCE
        if not self._reading.acquire(timeout=patience) and held is not None:
            return held
        try:
            held = self._held
            since = (0, 0) if held is None else (held.list_id, held.revision)
            changes = self._contacts.changes(*since)
            if held is None or changes.is_whole:
                self._held = held = self._read(changes)
            elif changes.revision != held.revision:
                self._held = held = self._catch_up(held, changes)
            return held
        finally:
            self._reading.release()

    def _whole(self) -> _Held:
        """The list in one table again, of which everything is true."""
        with self._reading:
            if self._held is None or self._held.outdated:
                self._held = self._read(self._contacts.changes())
            return self._held

    def _read(self, changes: Changes) -> _Held:
        table = self._columns.table(contact for _, contact in changes.changed)
        numbers = {number: contact.uuid for number, contact in changes.changed}
        return _Held(changes.list_id, changes.revision, table, numbers)

    def _catch_up(self, held: _Held, changes: Changes) -> _Held:
        gone = set(changes.removed)
        changed = {n: contact for n, contact in held.changed.items() if n not in gone}
        changed |= dict(changes.changed)
        touched = (held.numbers.get(n, "") for n in (*gone, *dict(changes.changed)))
        outdated = held.outdated | set(touched) - {""}
        if len(changed) + len(outdated) > max(_FEW, len(held.base) * _PART):
            return self._read(self._contacts.changes())
        recent = self._columns.table(changed[number] for number in sorted(changed))
        return _Held(
            changes.list_id, changes.revision, held.base, held.numbers, recent, changed, outdated
        )


def _row(contact: Contact) -> dict[str, str]:
    kept = {name: value for name, value in contact.attributes.items() if value}
    return {**kept, ID: contact.uuid}
