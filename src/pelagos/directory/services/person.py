"""Whose things a service works on, and where it keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pelagos.directory.errors import DirectoryError, TokenError
from pelagos.directory.model import Asker
from pelagos.directory.store import DirectoryStore


def person_of(asker: Asker) -> str:
    """For whom is asked.

    Raises:
        TokenError: the token is nobody's in particular.
    """
    person = asker.user
    if not isinstance(person, str) or not person:
        raise TokenError(["this token is nobody's in particular; use that of a person"])
    return person


def store_of(args: Mapping[str, Any]) -> DirectoryStore:
    """The store among the `args` of a service.

    Raises:
        DirectoryError: there is none.
    """
    store = args.get("store")
    if store is None:
        raise DirectoryError(
            "there is no database to keep anything in",
            hint="set db_uri, for example to sqlite:////var/lib/pelagos/directory.db",
        )
    found: DirectoryStore = store
    return found
