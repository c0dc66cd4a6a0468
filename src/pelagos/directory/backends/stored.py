"""How back-ends whose entries are in the directory's store come by it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pelagos.directory.errors import SourceError
from pelagos.directory.store import DirectoryStore


def open_store(args: Mapping[str, Any]) -> tuple[DirectoryStore, Callable[[], None] | None]:
    """The store of a source, and what closes it when it is the source's own.

    A source without `db_uri`, or with that of the directory, shares the directory's store.

    Args:
        args: of the back-end's `load`.

    Raises:
        SourceError: there is none.
        ConfigError: the source's `db_uri` cannot be used.
    """
    shared = args.get("store")
    own = args["config"].get("db_uri")
    if own is not None and own != (args.get("main_config") or {}).get("db_uri"):
        store = DirectoryStore(own)
        return store, store.close
    if shared is not None:
        return shared, None
    if own is not None:
        store = DirectoryStore(own)
        return store, store.close
    raise SourceError(
        "there is no database to keep contacts in",
        hint="set db_uri, for example to sqlite:////var/lib/pelagos/directory.db",
    )
