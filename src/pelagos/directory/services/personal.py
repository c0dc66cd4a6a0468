"""Service `personal`: the contacts that each person keeps for himself."""

from __future__ import annotations

import builtins
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pelagos.directory.errors import InvalidError
from pelagos.directory.model import Asker, SourceResult
from pelagos.directory.services import contact_csv
from pelagos.directory.services.base import BaseServicePlugin, needed
from pelagos.directory.services.contact_body import read_body
from pelagos.directory.services.contact_csv import Failure, RejectedFileError, Row
from pelagos.directory.services.person import person_of, store_of
from pelagos.directory.sources import Source
from pelagos.directory.store import Addition, Contact, DirectoryStore, NewContact, Wanted

_BACKEND = "personal"
_MAX_ID = 255
#: Contacts of one person: more than anybody has, and less than would fill disk and memory for all.
MOST = 100_000


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a file.

    Attributes:
        created: the contacts that are there now, also those that were there before, each once
            for each row that says so.
        failed: the rows that could not be stored.
    """

    created: Sequence[Contact]
    failed: Sequence[Failure]


class PersonalService:
    """Contacts of persons: any texts by any names.

    Safe to share between threads. Each method raises `TokenError` when the asker is nobody in
    particular, and `StoreError` when the database cannot be used.
    """

    def __init__(self, store: DirectoryStore, sources: Mapping[str, Source]) -> None:
        self._store = store
        self._source = next((s for s in sources.values() if s.backend == _BACKEND), None)

    def list(self, asker: Asker, wanted: Wanted | None = None) -> Sequence[Contact]:
        """A person's contacts, all of them in the order in which they came unless told.

        Raises:
            InvalidError: none of them has the attribute by which they are to be sorted.
        """
        contacts = self._store.personal(person_of(asker))
        if wanted is None:
            return contacts.all()
        if wanted.order is not None:
            there = contacts.all()
            if there and not any(wanted.order in contact.as_dict() for contact in there):
                raise InvalidError([f"order: no contact has an attribute {wanted.order!r}"])
        return contacts.page(wanted).items

    def results(self, asker: Asker) -> builtins.list[SourceResult]:
        """All of a person's contacts as the first source of the back-end `personal` shows them.

        Without such a source there are none.
        """
        person = person_of(asker)
        if self._source is None:
            return []
        ids = [contact.uuid for contact in self._store.personal(person).all()]
        return self._source.list(ids, asker.args())

    def get(self, contact_id: str, asker: Asker) -> Contact:
        """One contact.

        Raises:
            NotThereError: the person has none of this id.
        """
        return self._store.personal(person_of(asker)).get(contact_id)

    def create(self, body: object, asker: Asker) -> Contact:
        """Store a contact.

        Raises:
            InvalidError: it is no mapping of texts to texts, or the person has too many.
            DuplicateError: the person has such a contact.
        """
        contacts = self._store.personal(person_of(asker))
        new = NewContact.of(read_body(body))
        _refuse_too_many(contacts.size() + 1)
        return contacts.add(new)

    def edit(self, contact_id: str, body: object, asker: Asker) -> Contact:
        """Give a contact other attributes instead of all that it has.

        Raises:
            NotThereError: the person has none of this id.
            InvalidError: it is no mapping of texts to texts.
            DuplicateError: another contact of the person is the same; nothing was changed.
        """
        contacts = self._store.personal(person_of(asker))
        return contacts.replace(contact_id, NewContact.of(read_body(body)))

    def remove(self, contact_id: str, asker: Asker) -> None:
        """Remove a contact.

        Raises:
            NotThereError: the person has none of this id.
        """
        self._store.personal(person_of(asker)).remove(contact_id)

    def purge(self, asker: Asker) -> None:
        """Remove all contacts of a person; again is harmless."""
        self._store.personal(person_of(asker)).clear()

    def import_csv(
        self, data: bytes, charset: str, asker: Asker, *, whole: bool = False
    ) -> Imported:
        """Store the contacts of a file in one transaction.

        A row with an `id` keeps it. One that is there already is no error.

        Args:
            whole: whether to store nothing unless every row can be stored.

        Raises:
            InvalidError: the file cannot be read at all, or the person would have too many.
            RejectedFileError: not one row could be stored, or of a whole file one could not.
        """
        person = person_of(asker)
        rows, news, failed = _read_rows(data, charset)
        if whole and failed:
            raise RejectedFileError(sorted(failed, key=lambda failure: failure.line))

        def agree(additions: Sequence[Addition]) -> None:
            if whole and (taken := _taken_ids(rows, additions)):
                raise RejectedFileError(taken)

        contacts = self._store.personal(person)
        if contacts.size() + len(news) > MOST:  # many of them may be there already
            known = {NewContact.of(there.attributes).digest for there in contacts.all()}
            _refuse_too_many(len(known | {new.digest for new in news}))
        additions = contacts.add_many(news, agree) if news else []
        created = [addition.contact for addition in additions if addition.contact is not None]
        failed += _taken_ids(rows, additions)
        failed.sort(key=lambda failure: failure.line)
        if not created:
            raise RejectedFileError(failed)
        return Imported(created, failed)

    def export_csv(self, asker: Asker) -> str:
        """All contacts of a person as CSV; empty when there are none."""
        contacts = self._store.personal(person_of(asker)).all()
        return contact_csv.write(contact.as_dict() for contact in contacts) if contacts else ""


def _read_rows(data: bytes, charset: str) -> tuple[list[Row], list[NewContact], list[Failure]]:
    """The rows of a file that can be contacts, these contacts, and the other rows."""
    file = contact_csv.read(data, charset)
    rows, news, failed = [], [], list(file.failures)
    for row in file.rows:
        try:
            new = _new_contact(row)
        except InvalidError as error:
            failed.append(Failure(row.line, error.reasons, row.values))
        else:
            rows.append(row)
            news.append(new)
    return rows, news, failed


def _taken_ids(rows: Sequence[Row], additions: Sequence[Addition]) -> list[Failure]:
    """The rows whose id another contact has."""
    return [
        Failure(row.line, [f"another contact has the id {row.values['id']!r}"], row.values)
        for row, addition in zip(rows, additions, strict=True)
        if addition.contact is None
    ]


def _refuse_too_many(count: int) -> None:
    if count > MOST:
        raise InvalidError([f"a person keeps at most {MOST:,} contacts; remove some"])


def _new_contact(row: Row) -> NewContact:
    """The contact of a row.

    Raises:
        InvalidError: it cannot be one.
    """
    if not row.values.keys() - {"id"}:
        raise InvalidError(["there is no value in it but an id"])
    given = row.values.get("id", "")
    if len(given) > _MAX_ID or any(c < " " for c in given):
        raise InvalidError([f"id: at most {_MAX_ID} characters, and no control character"])
    return NewContact.of(row.values, row.values.get("id"))


class PersonalPlugin(BaseServicePlugin):
    """The plugin `personal` of `pelagos.directory.services`."""

    def load(self, args: Mapping[str, Any]) -> PersonalService:
        """The service.

        Raises:
            DirectoryError: there is no store.
        """
        (sources,) = needed(args, "sources")
        return PersonalService(store_of(args), sources)
