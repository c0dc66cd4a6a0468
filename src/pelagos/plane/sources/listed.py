"""What back-ends share that answer from a list which somebody else keeps: a cloud's machines."""

from __future__ import annotations

import builtins
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pelagos.core.clock import Clock
from pelagos.core.spelling import refuse_unknown
from pelagos.directory.backends import keys
from pelagos.directory.backends.base import BaseSourcePlugin
from pelagos.directory.errors import NotForAskerError, SourceError
from pelagos.directory.index import Table
from pelagos.directory.model import SourceResult
from pelagos.directory.result import make_result_class
from pelagos.directory.settings import checks
from pelagos.plane.sources.kept import Kept
from pelagos.plane.sources.server_rows import Row, same_address

#: Seconds for which a list is not asked for again, unless `fresh` says otherwise.
_FRESH = 5.0


class ListedBackend(BaseSourcePlugin):
    """Searches a list that is read anew when it is old and somebody asks.

    People only are told, that is whoever has a token. The list is asked for once for all who ask
    meanwhile.

    Args:
        clock: tells how old the list is.

    Attributes:
        COLUMNS: of a row; `id` is the unique one.
        NAMED_BY: the columns that are searched and matched unless the configuration says others.
        WHAT: what the list is of, in sentences.
    """

    COLUMNS: tuple[str, ...]
    NAMED_BY: tuple[str, ...]
    WHAT: str

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock
        self._kept: Kept[Table] | None = None
        self._searched: tuple[str, ...] = ()
        self._matched: tuple[str, ...] = ()
        self._make: Callable[..., SourceResult] = make_result_class("")
        self._templates: builtins.list[str] = []

    @abstractmethod
    def rows(self) -> builtins.list[Row]:
        """The whole list, each row with all columns.

        Raises:
            SourceError: it does not come.
        """

    def shows(self, column: str) -> bool:
        """Whether anything that is searched or shown is of a column."""
        return column in {*self._searched, *self._matched} or any(
            f"{{{column}" in template for template in self._templates
        )

    def keep(self, config: Mapping[str, Any], timeout: float) -> None:
        """Read the keys that all such back-ends have.

        Args:
            timeout: seconds for one list.

        Raises:
            SourceError, ConfigError: a column or a value cannot be meant.
        """
        self._searched = tuple(config.get(self.SEARCHED_COLUMNS) or self.NAMED_BY)
        self._matched = tuple(config.get(self.FIRST_MATCHED_COLUMNS) or self.NAMED_BY)
        refuse_unknown((*self._searched, *self._matched), self.COLUMNS, SourceError, kind="column")
        if config.get(self.UNIQUE_COLUMN) not in {None, "id"}:
            raise SourceError("unique_column is always id here", hint="leave it out")
        templates = checks.section(config, self.FORMAT_COLUMNS)
        self._templates = [str(template) for template in templates.values()]
        self._make = make_result_class(self.name, "id", templates, backend=self.backend)
        stale = config.get("stale")
        self._kept = Kept(
            self._read,
            fresh=keys.seconds(config, "fresh", _FRESH),
            stale=None if stale is None else checks.seconds(stale, "stale"),
            limit=timeout,
            clock=self._clock,
        )

    def search(
        self, term: str, args: Mapping[str, Any] | None = None
    ) -> builtins.list[SourceResult]:
        """Those in whose searched columns the term occurs.

        Raises:
            NotForAskerError: nobody is known to ask.
            SourceError: the list does not come.
        """
        return [self._make(row) for row in self._table(args).search(term)]

    def first_match(
        self, exten: str, args: Mapping[str, Any] | None = None
    ) -> SourceResult | None:
        """The first one with this name or address, however the address is written."""
        return self.match_all([exten], args).get(exten)

    def match_all(
        self, extens: Iterable[str], args: Mapping[str, Any] | None = None
    ) -> dict[str, SourceResult]:
        """`first_match` for many at once."""
        wanted = [exten for exten in extens if exten]
        found = self._table(args).match_all(wanted) if wanted else {}
        return {exten: self._make(row) for exten, row in found.items()}

    def list(
        self, uids: Iterable[str], args: Mapping[str, Any] | None = None
    ) -> builtins.list[SourceResult]:
        """Those with these ids."""
        wanted = builtins.list(uids)
        return [self._make(row) for row in self._table(args).list(wanted)] if wanted else []

    def _table(self, args: Mapping[str, Any] | None) -> Table:
        if self._kept is None:
            raise SourceError("this source is not loaded")
        if not (args or {}).get("token"):
            raise NotForAskerError(
                f"{self.WHAT} are for people only, and nobody is known to ask",
                hint="ask with a token",
            )
        return self._kept.get()

    def _read(self) -> Table:
        return Table.of(
            self.rows(),
            searched=self._searched,
            first_matched=self._matched,
            unique="id",
            normal=same_address,
        )
