"""Back-end `personal`: the contacts of the person who asks, from the directory's store."""

from __future__ import annotations

import builtins
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pelagos.core import spelling
from pelagos.directory.backends import keys
from pelagos.directory.backends.base import BaseSourcePlugin
from pelagos.directory.backends.shelf import ID, Columns, Shelf
from pelagos.directory.backends.stored import open_store
from pelagos.directory.errors import SourceError
from pelagos.directory.model import SourceResult
from pelagos.directory.result import make_result_class
from pelagos.directory.settings import COMMON_KEYS
from pelagos.directory.store import DirectoryStore

#: What is searched, matched and shown unless the configuration says otherwise: the attributes
#: that clients of the ancestor give a contact.
SEARCHED = ("company", "email", "fax", "firstname", "lastname", "mobile", "number")
FIRST_MATCHED = ("number", "mobile")
FORMATS = {
    "name": "{firstname} {lastname}",
    "display_name": "{firstname} {lastname}",
    "reverse": "{firstname} {lastname}",
    "phone": "{number}",
    "phone_mobile": "{mobile}",
    "company": "{company}",
    "email": "{email}",
    "fax": "{fax}",
}
#: Persons whose contacts are kept in memory at the most.
_KEPT = 512


class PersonalBackend(BaseSourcePlugin):
    """Each person's own contacts; somebody without a person finds none."""

    def __init__(self) -> None:
        self._store: DirectoryStore | None = None
        self._release: Callable[[], None] | None = None
        self._columns = Columns()
        self._make: Callable[..., SourceResult] | None = None
        self._lock = threading.Lock()
        self._shelves: OrderedDict[str, Shelf] = OrderedDict()

    def load(self, args: Mapping[str, Any]) -> None:
        """Read the configuration.

        Raises:
            SourceError: an unknown key, or there is no store.
        """
        config = args["config"]
        spelling.refuse_unknown(config, (*COMMON_KEYS, "db_uri", "region"), SourceError)
        if config.get("unique_column", ID) != ID:
            raise SourceError(f"unique_column of personal contacts is {ID!r}, and nothing else")
        self._store, self._release = open_store(args)
        self._columns = Columns(
            tuple(config.get(self.SEARCHED_COLUMNS, SEARCHED)),
            tuple(config.get(self.FIRST_MATCHED_COLUMNS, FIRST_MATCHED)),
            keys.number_form(args),
        )
        self._make = make_result_class(
            self.name,
            ID,
            config.get(self.FORMAT_COLUMNS, FORMATS),
            is_deletable=True,
            is_personal=True,
            backend=self.backend,
        )

    def unload(self) -> None:
        """Close the store, if it is this source's own."""
        if self._release is not None:
            self._release()

    def search(self, term: str, args: Mapping[str, Any] | None = None) -> list[SourceResult]:
        """The person's contacts in which the term occurs."""
        shelf = self._shelf(args)
        return [] if shelf is None else self._results(shelf.search(term))

    def first_match(
        self, exten: str, args: Mapping[str, Any] | None = None
    ) -> SourceResult | None:
        """The first contact of the person one of whose numbers equals `exten`."""
        shelf = self._shelf(args)
        found = None if shelf is None else shelf.first_match(exten)
        return None if found is None else self._results([found])[0]

    def match_all(
        self, extens: Iterable[str], args: Mapping[str, Any] | None = None
    ) -> dict[str, SourceResult]:
        """`first_match` for many, by what was asked."""
        shelf = self._shelf(args)
        found = {} if shelf is None else shelf.match_all(extens)
        return {exten: self._results([row])[0] for exten, row in found.items()}

    def list(
        self, uids: Iterable[str], args: Mapping[str, Any] | None = None
    ) -> builtins.list[SourceResult]:
        """The person's contacts with these ids."""
        shelf = self._shelf(args)
        return [] if shelf is None else self._results(shelf.list(uids))

    def all(self, person: str) -> builtins.list[SourceResult]:
        """All contacts of a person, as this source shows them."""
        shelf = self._shelf({"xivo_user_uuid": person})
        return [] if shelf is None else self._results(shelf.all())

    def _results(self, rows: Iterable[Mapping[str, Any]]) -> builtins.list[SourceResult]:
        make = self._make
        return [] if make is None else [make(row) for row in rows]

    def _shelf(self, args: Mapping[str, Any] | None) -> Shelf | None:
        """What is known of the contacts of the person in `args`; None when there is no person."""
        asked = args or {}
        infos = asked.get("token_infos") or {}
        person = asked.get("xivo_user_uuid") or infos.get("xivo_user_uuid")
        if not isinstance(person, str) or not person or self._store is None:
            return None
        with self._lock:
            shelf = self._shelves.get(person)
            if shelf is None:
                shelf = self._shelves[person] = Shelf(self._store.personal(person), self._columns)
            self._shelves.move_to_end(person)
            if len(self._shelves) > _KEPT:
                self._shelves.popitem(last=False)
        return shelf
