"""The contract of a back-end: how one source is asked."""

from __future__ import annotations

import builtins
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar


class BaseSourcePlugin(ABC):
    """One configured source. A class with these methods works without this base, too.

    There is one instance per configured source. Results are plain dicts (the directory formats
    them by the source's configuration) or what `make_result_class` makes. A missing value is None,
    never the empty text. Methods are called from several threads at once; what they raise makes
    this source `failed` in the answer and nothing else.

    Attributes:
        name: name of the source; set before `load`.
        backend: name of the back-end; set before `load`.
    """

    SEARCHED_COLUMNS: ClassVar = "searched_columns"
    FIRST_MATCHED_COLUMNS: ClassVar = "first_matched_columns"
    FORMAT_COLUMNS: ClassVar = "format_columns"
    UNIQUE_COLUMN: ClassVar = "unique_column"

    name: str = ""
    backend: str = ""

    @abstractmethod
    def load(self, args: Mapping[str, Any]) -> None:
        """Get ready.

        Args:
            args: `config`, this source's own configuration; `main_config`, the whole one;
                `context`, objects that the program passes in, by name. What it raises keeps this
                source, and only this one, from being loaded.
        """

    def unload(self) -> None:  # noqa: B027  # optional, as the contract says
        """Release what `load` took."""

    @abstractmethod
    def search(self, term: str, args: Mapping[str, Any] | None = None) -> Iterable[Any]:
        """The entries in which the term occurs; the empty term occurs in all.

        Args:
            args: `token`, `token_infos`, `xivo_user_uuid` of the person who asks.
        """

    @abstractmethod
    def first_match(self, exten: str, args: Mapping[str, Any] | None = None) -> Any | None:
        """One entry of which a column equals `exten`, or None."""

    def list(
        self, uids: Iterable[str], args: Mapping[str, Any] | None = None
    ) -> builtins.list[Any]:
        """The entries with these unique ids; unless overridden none, so no favourites."""
        del uids, args
        return []

    def match_all(
        self, extens: Iterable[str], args: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """`first_match` for many at once: those found, by what was asked."""
        matches = ((exten, self.first_match(exten, args)) for exten in extens)
        return {exten: match for exten, match in matches if match is not None}
