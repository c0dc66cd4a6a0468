"""A list of the store, kept in memory for questions and brought up to date when it changed."""

from __future__ import annotations

import builtins
import math
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from pelagos.directory.former import is_former
from pelagos.directory.index import Table
from pelagos.directory.index.table import Normal
from pelagos.directory.store import Changes, Contact, ContactList

#: The column of the contacts' ids.
ID = "id"
#: Seconds for which a question waits until the list is read; then it is answered from what was
#: known before.
_PATIENCE = 0.5
_BEHIND = "the list has changed and is still being read; this is from before"
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

    @property
    def state(self) -> tuple[int, int]:
        """Id and revision of the list."""
        return self.list_id, self.revision


class _Reading(Future[_Held]):
    """What comes of reading a list.

    Attributes:
        began: on the monotonic clock; what had happened by then will be seen.
    """

    def __init__(self, began: float) -> None:
        super().__init__()
        self.began = began


class Shelf:
    """Answers about one list from memory; each question first asks whether the list changed.

    Safe to share between threads. After a change only what changed is read. While that takes long,
    answers are from before, and `is_former` says so.
    """

    def __init__(self, contacts: ContactList, columns: Columns) -> None:
        self._contacts = contacts
        self._columns = columns
        self._held: _Held | None = None
        self._looking = threading.Lock()  # guards the two that follow
        self._looked = -math.inf  # when somebody began to look at the state of the list
        self._state = (0, 0)
        self._lock = threading.Lock()
        self._reading: _Reading | None = None

    def search(self, term: str) -> list[dict[str, Any]]:
        """The contacts in one of whose searched columns the term occurs."""
        held = self._fresh()
        found = [row for row in held.base.search(term) if row[ID] not in held.outdated]
        return found if held.recent is None else found + held.recent.search(term)

    def first_match(self, exten: str) -> dict[str, Any] | None:
        """The first contact one of whose matched columns equals `exten`."""
        held = self._fresh()
        found = held.base.first_match(exten, held.outdated)
        if found is None and held.recent is not None:
            found = held.recent.first_match(exten)
        return found

    def match_all(self, extens: Iterable[str]) -> dict[str, dict[str, Any]]:
        """`first_match` for many: those found, by what was asked."""
        wanted = dict.fromkeys(extens)
        held = self._fresh()
        found = held.base.match_all(wanted, held.outdated)
        return found if held.recent is None else held.recent.match_all(wanted) | found

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
        """The list as it is now; as it was, and that is said, when one cannot know that soon."""
        asked, held = time.monotonic(), self._held
        if held is None:
            return self._read_since(asked, None)
        try:
            return self._unchanged(asked) or self._read_since(asked, asked + _PATIENCE)
        except TimeoutError:
            is_former(_BEHIND)
            return held

    def _unchanged(self, asked: float) -> _Held | None:
        """What is held, if the list is still the same; one look serves all who waited for it.

        Raises:
            TimeoutError: others look, and the database does not say anything.
        """
        if not self._looking.acquire(timeout=_PATIENCE):
            raise TimeoutError
        try:
            if self._looked < asked:
                began, self._state = time.monotonic(), self._contacts.state()
                self._looked = began
            held = self._held
            return held if held is not None and held.state == self._state else None
        finally:
            self._looking.release()

    def _read_since(self, asked: float, ends: float | None) -> _Held:
        """The list as somebody read it who began after `asked`.

        Raises:
            TimeoutError: it takes until after `ends`.
        """
        while True:
            reading = self._reader()
            left = None if ends is None else max(0.0, ends - time.monotonic())
            held = reading.result(left)
            if reading.began >= asked:
                return held

    def _reader(self) -> _Reading:
        """Who reads now, in a thread of its own: nobody who asks must wait for the end of it."""
        with self._lock:
            if self._reading is None or self._reading.done():
                reading = _Reading(time.monotonic())
                reader = threading.Thread(target=self._read_up, args=(reading,), name="shelf")
                reader.daemon = True
                reader.start()
                self._reading = reading
            return self._reading

    def _read_up(self, reading: _Reading) -> None:
        held = self._held
        try:
            changes = self._contacts.changes(*(held.state if held is not None else ()))
            if held is None or changes.is_whole:
                held = self._read(changes)
            elif changes.revision != held.revision:
                held = self._catch_up(held, changes)
            self._held = held
        except BaseException as error:  # noqa: BLE001  # those who wait for it raise it
            reading.set_exception(error)
        else:
            reading.set_result(held)

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
