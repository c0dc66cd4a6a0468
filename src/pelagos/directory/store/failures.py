"""What a database fails with, in the words of the directory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc

from pelagos.directory.errors import (
    DirectoryError,
    DuplicateError,
    InvalidError,
    StoreError,
    StoreFullError,
)

_FULL = frozenset({"53100"})
_BUSY = frozenset({"55P03", "40P01", "40001", "57014", "25P03"})
#: Texts that the server cannot take: too long for an index, or with a NUL.
_UNFIT = frozenset({"54000", "22001", "22021", "22P05"})
_RETRY = 2.0
_MAX_TOLD = 300


@contextmanager
def our_errors(password: str | None = None) -> Iterator[None]:
    """Let what the database fails with out as a `RequestError` with its status.

    Args:
        password: of the database; hidden wherever the server repeats it.
    """
    try:
        yield
    except exc.IntegrityError as error:
        raise DuplicateError(["this contradicts what is stored"]) from error
    except exc.DBAPIError as error:
        raise _of_driver(error, password) from error
    except exc.TimeoutError as error:
        raise _busy() from error
    except exc.SQLAlchemyError as error:
        raise StoreError(["the database cannot be used now"]) from error


@contextmanager
def duplicate(reason: str) -> Iterator[None]:
    """Say in words what a uniqueness of a table says by failing."""
    try:
        yield
    except DuplicateError as error:
        raise DuplicateError([reason]) from error


def _of_driver(error: exc.DBAPIError, password: str | None) -> DirectoryError:
    name = str(getattr(error.orig, "sqlite_errorname", "") or "")
    state = str(getattr(error.orig, "sqlstate", "") or "")
    told = " ".join(str(error.orig).split())[:_MAX_TOLD]
    if password:
        told = told.replace(password, "***")
    if name == "SQLITE_FULL" or state in _FULL:
        return StoreFullError(
            ["the disk of the directory's database is full; nothing was changed"],
            hint="free some space there, then try again",
        )
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")) or state in _BUSY:
        return _busy()
    if state in _UNFIT or (not name and not state and isinstance(error, exc.DataError)):
        return InvalidError(
            ["a text is too long for the database, or holds a character that it cannot keep"]
        )
    if name in {"SQLITE_NOTADB", "SQLITE_CORRUPT"}:
        return StoreError(
            ["the directory's database file is not sound"],
            hint="restore it from a backup, or put it aside: then the directory begins anew",
        )
    what = "cannot be used now" if name or state else "does not answer"
    return StoreError(
        [f"the directory's database {what}: {told}"],
        hint="see that it runs and can be reached, then try again",
        retry_after=_RETRY,
    )


def _busy() -> StoreError:
    return StoreError(
        ["the directory's database is busy; nothing was changed"],
        hint="try again",
        retry_after=1.0,
    )
