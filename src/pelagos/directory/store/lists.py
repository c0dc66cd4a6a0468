"""One list of contacts, of a person or a phonebook; nothing here reaches beyond that list."""

from __future__ import annotations

import uuid as uuids
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from pelagos.directory.errors import NotThereError
from pelagos.directory.store import bulk, schema
from pelagos.directory.store.contacts import Contact, NewContact, read_attributes
from pelagos.directory.store.engine import Database
from pelagos.directory.store.failures import duplicate
from pelagos.directory.store.paging import Page, Pages, Wanted

#: Removed contacts that a list remembers; who is behind by more reads the list anew.
REMEMBERED = 5000

_PERSONAL = "personal"
_PHONEBOOK = "phonebook"
_TWIN = "there is a contact like this already"
_ALL = 0  # in `removals`: every contact of the list was removed
_row = schema.contacts.c
_list = schema.lists.c


@dataclass(frozen=True, slots=True)
class ListKey:
    """Names one list: that of a person, or a phonebook of a tenant by its number."""

    kind: str
    owner: str
    number: int | None = None

    @classmethod
    def personal(cls, person: str) -> ListKey:
        """The list of a person; it is there as soon as something is put into it."""
        return cls(_PERSONAL, person)

    @classmethod
    def phonebook(cls, tenant: str, number: int) -> ListKey:
        """A phonebook, which somebody must have made."""
        return cls(_PHONEBOOK, tenant, number)

    @property
    def is_personal(self) -> bool:
        """Whether it is the list of a person."""
        return self.kind == _PERSONAL

    def clause(self) -> sa.ColumnElement[bool]:
        """What is true of this list only: its owner belongs to each question."""
        mine = sa.and_(_list.kind == self.kind, _list.owner == self.owner)
        if self.number is None:
            return sa.and_(mine, _list.name == "")
        return sa.and_(mine, _list.id == self.number)


@dataclass(frozen=True, slots=True)
class Addition:
    """What became of one contact of many that were to be stored.

    Attributes:
        contact: the stored one; None when another contact has the id that it was to have.
        is_new: whether it was not there before.
    """

    contact: Contact | None
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class Changes:
    """What happened to a list since it was read.

    Attributes:
        list_id: of the list as it is now; 0 when there is none.
        revision: of the list; what happens later has a higher one.
        is_whole: whether `changed` is the whole list, so that nothing read before counts.
        changed: number and contact of each that came or changed, in the order in which they came.
        removed: numbers of those that went.
    """

    list_id: int = 0
    revision: int = 0
    is_whole: bool = False
    changed: Sequence[tuple[int, Contact]] = ()
    removed: Sequence[int] = field(default=())


class ContactList:
    """The contacts of one list; safe to share between threads.

    A phonebook that is not there, or another tenant's, is a `NotThereError` at each method.
    Each method raises `StoreError` when the database cannot be used.
    """

    def __init__(self, database: Database, pages: Pages, key: ListKey) -> None:
        self._database = database
        self._pages = pages
        self.key = key

    # ---- questions ------------------------------------------------------------------------

    def get(self, uuid: str) -> Contact:
        """One contact.

        Raises:
            NotThereError: the list has none of this id.
        """
        found = self.some([uuid])
        if not found:
            raise _no_contact(uuid)
        return found[0]

    def some(self, uuids: Iterable[str]) -> list[Contact]:
        """The contacts with these ids, in the order in which they came; others are passed over."""
        wanted = sorted({uuid for uuid in uuids if "\x00" not in uuid})
        with self._database.read() as connection:
            found = self._found(connection)
            if found is None:
                return []
            rows = [
                row
                for chunk in bulk.chunks(wanted)
                for row in connection.execute(
                    sa.select(_row.id, _row.uuid, _row.attributes).where(
                        _row.list_id == found.id, _row.uuid.in_(chunk)
                    )
                )
            ]
        rows.sort(key=lambda row: int(row.id))
        return [_contact(row) for row in rows]

    def page(self, wanted: Wanted) -> Page:
        """Some of the contacts, and how many there are."""
        with self._database.read() as connection:
            found = self._found(connection)
            if found is None:
                return Page((), 0)
            return self._pages.page(connection, (found.id, found.revision, found.size), wanted)

    def all(self) -> list[Contact]:
        """Every contact, in the order in which they came."""
        return [contact for _, contact in self.changes().changed]

    def size(self) -> int:
        """How many contacts there are."""
        with self._database.read() as connection:
            found = self._found(connection)
        return 0 if found is None else int(found.size)

    def state(self) -> tuple[int, int]:
        """Id and revision of the list; other ones after each change in it."""
        with self._database.read() as connection:
            found = self._found(connection)
        return (0, 0) if found is None else (int(found.id), int(found.revision))

    def changes(self, list_id: int = 0, revision: int = 0) -> Changes:
        """What happened since the list had this id and revision, or all of it."""
        with self._database.read() as connection:
            found = self._found(connection)
            if found is None:
                return Changes(is_whole=True)
            since = revision if found.id == list_id else 0
            if since == found.revision:
                return Changes(found.id, found.revision)
            removed = self._removed(connection, found, since)
            is_whole = removed is None
            rows = connection.execute(
                sa.select(_row.id, _row.uuid, _row.attributes)
                .where(_row.list_id == found.id, _row.revision > (0 if is_whole else since))
                .order_by(_row.id)
            )
            changed = [(int(row.id), _contact(row)) for row in rows]
        return Changes(found.id, found.revision, is_whole, changed, removed or ())

    def _removed(self, connection: sa.Connection, found: Any, since: int) -> list[int] | None:
        """Numbers of the contacts removed since then; None when the list is to be read anew."""
        if not 0 < since < found.revision <= since + REMEMBERED:  # or a backup was put back
            return None
        gone = schema.removals.c
        numbers = connection.execute(
            sa.select(gone.contact).where(gone.list_id == found.id, gone.revision > since)
        )
        removed = [int(number) for number in numbers.scalars()]
        return None if _ALL in removed else removed

    def _found(self, connection: sa.Connection) -> Any:
        query = sa.select(_list.id, _list.revision, _list.size).where(self.key.clause())
        found = connection.execute(query).first() if self._can_exist() else None
        if found is None and not self.key.is_personal:
            raise no_phonebook(self.key)
        return found

    def _can_exist(self) -> bool:
        return "\x00" not in self.key.owner and abs(self.key.number or 0) < 2**63

    # ---- changes --------------------------------------------------------------------------

    def add(self, new: NewContact) -> Contact:
        """Store a contact.

        Raises:
            DuplicateError: the list has one with these attributes, or with this id.
        """
        uuid = new.uuid or new_uuid()
        with duplicate(_TWIN), self._database.change() as connection:
            found = self._taken(connection, size=1)
            connection.execute(sa.insert(schema.contacts), _values(new) | _place(found, uuid))
        return Contact(uuid, new.attributes)

    def replace(self, uuid: str, new: NewContact) -> Contact:
        """Give a contact other attributes; it keeps its id.

        Raises:
            NotThereError: the list has none of this id.
            DuplicateError: another one has these attributes; nothing was changed.
        """
        with duplicate(_TWIN), self._database.change() as connection:
            found = self._taken(connection, uuid)
            changed = connection.execute(
                sa.update(schema.contacts)
                .where(_row.list_id == found.id, _row.uuid == uuid)
                .values(**_values(new), revision=found.revision)
            )
            if not changed.rowcount:
                raise _no_contact(uuid)
        return Contact(uuid, new.attributes)

    def remove(self, uuid: str) -> None:
        """Remove a contact.

        Raises:
            NotThereError: the list has none of this id.
        """
        with self._database.change() as connection:
            found = self._taken(connection, uuid, size=-1)
            number = connection.execute(
                sa.delete(schema.contacts)
                .where(_row.list_id == found.id, _row.uuid == uuid)
                .returning(_row.id)
            ).scalar()
            if number is None:
                raise _no_contact(uuid)
            _note_removed(connection, found, number)

    def clear(self) -> None:
        """Remove all contacts; again is harmless."""
        with self._database.change() as connection:
            found = self._taken(connection)
            connection.execute(sa.delete(schema.contacts).where(_row.list_id == found.id))
            connection.execute(sa.update(schema.lists).where(_list.id == found.id).values(size=0))
            _note_removed(connection, found, _ALL)

    def add_many(
        self,
        news: Sequence[NewContact],
        agree: Callable[[Sequence[Addition]], None] | None = None,
    ) -> list[Addition]:
        """Store many in one transaction; one that is there already is the one that is there.

        Args:
            agree: gets what would become of them before any is stored; when it raises, none is.

        Returns:
            what became of each, in their order.
        """
        with self._database.change() as connection:
            found = self._taken(connection)
            known = bulk.known(connection, found.id, _row.digest, [new.digest for new in news])
            ids = [new.uuid for new in news if new.uuid is not None]
            taken = set(bulk.known(connection, found.id, _row.uuid, ids))
            additions = [_settle(new, known, taken) for new in news]
            if agree is not None:
                agree(additions)
            rows = [
                _values(new) | _place(found, addition.contact.uuid)
                for new, addition in zip(news, additions, strict=True)
                if addition.is_new and addition.contact is not None
            ]
            bulk.insert_contacts(connection, rows)
            connection.execute(
                sa.update(schema.lists)
                .where(_list.id == found.id)
                .values(size=_list.size + len(rows))
            )
        return additions

    def _taken(self, connection: sa.Connection, uuid: str = "", *, size: int = 0) -> Any:
        """The list with its next revision, ours until the commit; a person's is made if needed."""
        if not self._can_exist() or "\x00" in uuid:
            raise _no_contact(uuid)
        take = (
            sa.update(schema.lists)
            .where(self.key.clause())
            .values(revision=_list.revision + 1, size=_list.size + size)
            .returning(_list.id, _list.revision)
        )
        found = connection.execute(take).first()
        if found is None and self.key.is_personal:
            connection.execute(bulk.insert_once(connection, schema.lists), _new_list(self.key))
            found = connection.execute(take).first()
        if found is None:
            raise no_phonebook(self.key)
        return found


def _settle(new: NewContact, known: dict[str, str], taken: set[str]) -> Addition:
    """Decide what becomes of one of many, and note it for those after it."""
    if (there := known.get(new.digest)) is not None:
        return Addition(Contact(there, new.attributes))
    if new.uuid is not None and new.uuid in taken:
        return Addition(None)
    uuid = new.uuid or new_uuid()
    known[new.digest] = uuid
    taken.add(uuid)
    return Addition(Contact(uuid, new.attributes), is_new=True)


def _note_removed(connection: sa.Connection, found: Any, number: int) -> None:
    gone = schema.removals.c
    connection.execute(
        sa.delete(schema.removals).where(
            gone.list_id == found.id, gone.revision <= found.revision - REMEMBERED
        )
    )
    noted = {"list_id": found.id, "contact": number, "revision": found.revision}
    connection.execute(sa.insert(schema.removals), noted)


def _new_list(key: ListKey) -> dict[str, Any]:
    return {
        "kind": key.kind, "owner": key.owner, "name": "", "folded": "", "revision": 0, "size": 0,
    }  # fmt: skip


def _values(new: NewContact) -> dict[str, Any]:
    return {"digest": new.digest, "attributes": new.text, "folded": new.folded}


def _place(found: Any, uuid: str) -> dict[str, Any]:
    return {"list_id": found.id, "revision": found.revision, "uuid": uuid}


def _contact(row: Any) -> Contact:
    return Contact(str(row.uuid), read_attributes(row.attributes))


def new_uuid() -> str:
    """An id that no other contact has."""
    return str(uuids.uuid4())


def no_phonebook(key: ListKey) -> NotThereError:
    """What is said of a phonebook that is not there, and of another tenant's."""
    return NotThereError([f"there is no phonebook {key.number} in this tenant"])


def _no_contact(uuid: str) -> NotThereError:
    return NotThereError([f"there is no contact {uuid!r} here"])
