"""The SQLite file of a box: connections, transactions, tables."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pelagos.box.errors import BoxError

#: Goes up when a table changes its columns; a box of another version is refused.
SCHEMA_VERSION = 1
_BUSY_SECONDS = 15.0


class Database:
    """One file; safe to share between threads. Close it when done.

    Args:
        path: made when it is missing; only its owner may read it.
        is_durable: whether a commit waits for the disk; either way it survives the end of the
            process.
        tables: what to create when it is not there.

    Raises:
        BoxError: the file cannot be used, or another version of Pelagos made it.
    """

    def __init__(self, path: Path, *, is_durable: bool, tables: Iterable[str]) -> None:
        self._path = path
        self._is_durable = is_durable
        self._own = threading.local()
        self._all: list[sqlite3.Connection] = []
        self._guard = threading.Lock()  # of the list
        self._writer = threading.RLock()
        try:
            path.touch(0o600)
            self._prepare(tables)
        except (OSError, sqlite3.Error) as error:
            self.close()
            raise BoxError(
                f"the box's database {path} cannot be used: {error}",
                hint="see that the folder exists, that you may write there, and that the disk "
                "has room",
            ) from error
        except BoxError:
            self.close()
            raise

    def _prepare(self, tables: Iterable[str]) -> None:
        with self.change() as connection:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version not in {0, SCHEMA_VERSION}:
                raise BoxError(
                    f"the box in {self._path.parent} has schema {version}; this Pelagos knows "
                    f"{SCHEMA_VERSION}",
                    hint="open it with the Pelagos that made it, or take another folder",
                )
            for table in tables:
                connection.execute(table)
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def read(self) -> sqlite3.Connection:
        """This thread's connection, for single questions."""
        connection: sqlite3.Connection | None = getattr(self._own, "connection", None)
        if connection is None:
            connection = self._open()
            self._own.connection = connection
        return connection

    @contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """A transaction: kept when the block has ended, undone when it raised."""
        with self._writer:
            connection = self.read()
            if connection.in_transaction:  # this thread's own: a part of it
                yield connection
                return
            connection.execute("BEGIN IMMEDIATE")
            self._own.later = []
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
        for work in self._own.later:
            work()

    def later(self, work: Callable[[], None]) -> None:
        """Do something when the change in which this is called is kept; never when it is not."""
        self._own.later.append(work)

    def close(self) -> None:
        """Release the file."""
        with self._guard:
            for connection in self._all:
                connection.close()
            self._all.clear()

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {'FULL' if self._is_durable else 'OFF'}")
        connection.execute("PRAGMA foreign_keys = ON")
        with self._guard:
            self._all.append(connection)
        return connection
