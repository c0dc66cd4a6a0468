"""Back-end `phonebook`: contacts of a tenant's phonebooks, from the directory's store."""

from __future__ import annotations

import builtins
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from pelagos.core import spelling
from pelagos.directory.backends import keys
from pelagos.directory.backends.base import BaseSourcePlugin
from pelagos.directory.backends.bookcase import Bookcase
from pelagos.directory.backends.shelf import ID, Columns, Shelf
from pelagos.directory.backends.stored import open_store
from pelagos.directory.errors import NotThereError, SourceError, StoreError
from pelagos.directory.model import SourceResult
from pelagos.directory.result import make_result_class
from pelagos.directory.settings import COMMON_KEYS

T = TypeVar("T")

log = logging.getLogger(__name__)

_KEYS = (*COMMON_KEYS, "db_uri", "tenant", "phonebook_name", "phonebook_id", "region")


class PhonebookBackend(BaseSourcePlugin):
    """The phonebook of `tenant` that `phonebook_name` or `phonebook_id` names, else all of them.

    A source of one phonebook fails while there is none of the name, and answers as soon as there
    is. A source of all answers from none as well.
    """

    #: What it answers depends on nobody who asks.
    tells_everyone_the_same = True

    def __init__(self) -> None:
        self._release: Callable[[], None] | None = None
        self._make: Callable[..., SourceResult] | None = None
        self._books: Bookcase | None = None

    def load(self, args: Mapping[str, Any]) -> None:
        """Read the configuration and find the phonebooks, if they are there.

        Raises:
            SourceError: an unknown key, no tenant, a wrong name, or there is no store.
        """
        config = args["config"]
        spelling.refuse_unknown(config, _KEYS, SourceError)
        if config.get("unique_column", ID) != ID:
            raise SourceError(f"unique_column of phonebooks is {ID!r}, and nothing else")
        tenant, book = _named(config)
        store, self._release = open_store(args)
        columns = Columns(
            tuple(config.get(self.SEARCHED_COLUMNS) or ()),
            tuple(config.get(self.FIRST_MATCHED_COLUMNS) or ()),
            keys.number_form(args),
        )
        self._books = Bookcase(store, columns, tenant, book)
        formats = config.get(self.FORMAT_COLUMNS) or {}
        self._make = make_result_class(self.name, ID, formats, backend=self.backend)
        try:
            for shelf in self._books.shelves():
                shelf.warm()
        except (NotThereError, StoreError) as error:
            log.warning("source %s: %s; it fails until this is mended", self.name, error)

    def unload(self) -> None:
        """Close the store, if it is this source's own."""
        if self._release is not None:
            self._release()

    def search(self, term: str, args: Mapping[str, Any] | None = None) -> list[SourceResult]:
        """The contacts in which the term occurs."""
        del args
        return self._results(row for found in self._ask(lambda s: s.search(term)) for row in found)

    def first_match(
        self, exten: str, args: Mapping[str, Any] | None = None
    ) -> SourceResult | None:
        """The first contact one of whose first-matched columns equals `exten`."""
        del args
        found = self._ask(lambda shelf: shelf.first_match(exten))
        return next(iter(self._results(row for row in found if row is not None)), None)

    def match_all(
        self, extens: Iterable[str], args: Mapping[str, Any] | None = None
    ) -> dict[str, SourceResult]:
        """`first_match` for many, by what was asked."""
        del args
        wanted = list(extens)
        found: dict[str, Mapping[str, Any]] = {}
        for matches in self._ask(lambda shelf: shelf.match_all(wanted)):
            found = matches | found
        return {exten: self._results([row])[0] for exten, row in found.items()}

    def list(
        self, uids: Iterable[str], args: Mapping[str, Any] | None = None
    ) -> builtins.list[SourceResult]:
        """The contacts with these ids."""
        del args
        wanted = builtins.list(uids)
        return self._results(row for found in self._ask(lambda s: s.list(wanted)) for row in found)

    def _ask(self, question: Callable[[Shelf], T]) -> builtins.list[T]:
        """What each phonebook answers."""
        if self._books is None:
            raise SourceError("the source is not loaded")
        try:
            return [question(shelf) for shelf in self._books.shelves()]
        except NotThereError:
            # A phonebook was removed; perhaps there is another one of its name by now.
            self._books.forget()
            return [question(shelf) for shelf in self._books.shelves()]

    def _results(self, rows: Iterable[Mapping[str, Any]]) -> builtins.list[SourceResult]:
        make = self._make
        return [] if make is None else [make(row) for row in rows]


def _named(config: Mapping[str, Any]) -> tuple[str, str | int | None]:
    """Tenant and phonebook of a source; no phonebook means all."""
    tenant = config.get("tenant")
    if not isinstance(tenant, str) or not tenant:
        raise SourceError("tenant: the name of the phonebooks' tenant is needed")
    named = [config[key] for key in ("phonebook_name", "phonebook_id") if key in config]
    for value in named:
        if isinstance(value, (str, int)) and not isinstance(value, bool) and value != "":
            return tenant, value
    if named:
        raise SourceError(
            "phonebook_name: the name of the phonebook is needed",
            hint="take the key out to have all phonebooks of the tenant",
        )
    return tenant, None
