"""What the back-ends on a telephone system have in common."""

from __future__ import annotations

import builtins
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from pelagos.directory.backends.base import BaseSourcePlugin
from pelagos.directory.backends.pbx.server import Pbx
from pelagos.directory.backends.pbx.settings import PbxSettings
from pelagos.directory.errors import SourceError
from pelagos.directory.index import Table
from pelagos.directory.model import SourceResult
from pelagos.directory.result import make_result_class

Row = dict[str, Any]


class PbxBackend(BaseSourcePlugin):
    """Things on a telephone system, asked of it at each question, so always as they are now.

    Attributes:
        COLUMNS: that a row has.
        LIST: the path of the list of these things.
    """

    COLUMNS: ClassVar[tuple[str, ...]] = ("id",)
    LIST: ClassVar[str] = ""
    tells_everyone_the_same = True

    def __init__(self) -> None:
        self._loaded: tuple[PbxSettings, Pbx] | None = None
        self._make: Callable[..., SourceResult] = make_result_class("")

    def load(self, args: Mapping[str, Any]) -> None:
        """Read the configuration; the system is asked later, so it need not run yet.

        Raises:
            SourceError, ConfigError: a key, a column or a value cannot be meant.
        """
        settings = PbxSettings.of(args, self.COLUMNS)
        self._make = make_result_class(self.name, "id", settings.templates, backend=self.backend)
        self._loaded = (settings, Pbx(settings))

    def unload(self) -> None:
        """Close the connections."""
        if self._loaded is not None:
            self._loaded[1].close()

    def list(
        self, uids: Iterable[str], args: Mapping[str, Any] | None = None
    ) -> builtins.list[SourceResult]:
        """The things with these ids."""
        del args
        wanted = builtins.list(uids)
        return self._results(self._table().list(wanted)) if wanted else []

    @abstractmethod
    def _row(self, item: Mapping[str, Any]) -> Row:
        """One thing as the system shows it, as a row."""

    def _results(self, rows: Iterable[Row]) -> builtins.list[SourceResult]:
        """Rows of the table as results."""
        return [self._make(row) for row in rows]

    @property
    def _settings(self) -> PbxSettings:
        return self._asked[0]

    @property
    def _asked(self) -> tuple[PbxSettings, Pbx]:
        if self._loaded is None:
            raise SourceError("this source is not loaded")
        return self._loaded

    def _table(self, **query: str) -> Table:
        """What the system lists for a query, to be looked through here."""
        settings, pbx = self._asked
        deep = {} if settings.auth is None else {"recurse": "true"}  # the tenants below, too
        items = pbx.items(self.LIST, {**deep, **settings.extra, **query})
        return Table.of(
            (self._row(item) for item in items),
            searched=settings.searched,
            first_matched=settings.matched,
            unique="id",
            normal=None if settings.plan is None else settings.plan.normal,
        )


def plain(value: Any) -> Any:
    """Text or a number; None for the empty text and for whatever else there may be."""
    if isinstance(value, str):
        return value or None
    return value if isinstance(value, int) and not isinstance(value, bool) else None
