"""Sources that are made, changed and removed while a directory serves."""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from typing import Any, TypedDict

from pelagos.directory.client.exchange import Exchange, path_of

SourceItem = dict[str, Any]


class _Items(TypedDict):
    items: list[SourceItem]


class BackendSources:
    """The sources of one back-end; secrets in them are masked as `***`.

    Each has `uuid`, `name`, `profiles`, `is_kept` (False: it stands in the configuration, where it
    is to be changed), `is_loaded`, and its keys.
    """

    def __init__(self, exchange: Exchange, backend: str) -> None:
        self._exchange = exchange
        self._base = ("backends", backend, "sources")

    def list(self) -> builtins.list[SourceItem]:
        """All of them.

        Raises:
            NotThereError: there is no such back-end.
        """
        return self._exchange.ask("GET", path_of(*self._base), _Items)["items"]

    def create(self, source: Mapping[str, Any]) -> SourceItem:
        """Make one; the next lookup asks it.

        Args:
            source: `name`, the keys of its back-end, and `profiles`, the names of those that ask
                it; by default `default`.

        Raises:
            BadTermError: it cannot be started with these keys; nothing was made.
            DuplicateError: there is one of this name.
        """
        return self._exchange.ask("POST", path_of(*self._base), SourceItem, json=dict(source))

    def edit(self, uuid: str, source: Mapping[str, Any]) -> None:
        """Replace all that it is.

        Args:
            source: as `create` takes it; a mask keeps its secret, where nothing else changes that
                says where it asks.

        Raises:
            BadTermError: it cannot be started with these keys; nothing was changed.
            DuplicateError: another one has this name, or it stands in the configuration.
        """
        self._exchange.send("PUT", path_of(*self._base, uuid), json=dict(source))

    def remove(self, uuid: str) -> None:
        """Remove one, and the favourites in it.

        Raises:
            DuplicateError: it stands in the configuration.
        """
        self._exchange.send("DELETE", path_of(*self._base, uuid))
