"""What SQLite needs to be durable, strict and patient."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from pelagos.core.errors import ConfigError
from pelagos.slap.errors import SlapError
from pelagos.slap.master.errors import SchemaError, StoreBusy, StoreError, StoreFull
from pelagos.slap.master.store.announcing import Duty, Lead, SoleLead
from pelagos.slap.master.store.ways import WRITES, Line, News


class SqliteWays:
    """A file on this machine; one master at a time.

    Args:
        url: names the file.
        busy_timeout: seconds to wait for another process that holds the file.
    """

    def __init__(self, url: sa.URL, busy_timeout: float) -> None:
        self._database = url.database
        self._busy_timeout = busy_timeout

    def prepare_file(self) -> None:
        """Make the file readable for its owner only; SQLite gives its side files the same mode.

        Raises:
            ConfigError: the URL names no file.
            StoreError: it cannot be opened.
        """
        if not self._database or self._database == ":memory:":
            raise ConfigError(
                "a master keeps what it accepted, so it needs a database on disk",
                hint="for example sqlite:////var/lib/pelagos/plane.db",
            )
        try:
            os.close(os.open(Path(self._database), os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            raise StoreError(
                f"the database {self._database} cannot be opened: {error.strerror}",
                hint="check that its folder exists and that you may write there",
            ) from error

    def attach(self, engine: sa.Engine) -> None:
        """Set up each new connection, and begin transactions ourselves."""
        sa.event.listen(engine, "connect", self._set_up)
        sa.event.listen(engine, "begin", _begin)

    def reading(self, engine: sa.Engine) -> sa.Engine:
        """The same one: in WAL mode a transaction sees one state."""
        return engine

    def lock(self, connection: sa.Connection) -> None:
        """Nothing to do: BEGIN IMMEDIATE took the one write lock."""

    def check(self, connection: sa.Connection) -> None:
        """Nothing to do: `attach` set what matters."""

    def claim(self, connection: sa.Connection) -> None:
        """Nothing to do: the file does not know who has it open; the data folder does."""

    def begin_filling(self, connection: sa.Connection) -> None:
        """Check references at the commit."""
        connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")

    def end_filling(self, connection: sa.Connection, last_event: int) -> None:
        """Events are numbered on; the other tables look at their last row by themselves."""
        connection.exec_driver_sql("DELETE FROM sqlite_sequence WHERE name = 'events'")
        connection.exec_driver_sql(
            "INSERT INTO sqlite_sequence (name, seq) VALUES ('events', ?)", (last_event,)
        )

    def tell(self, connection: sa.Connection, news: News) -> None:
        """Nothing to do: there is no other master."""

    def listen(
        self,
        engine: sa.Engine,  # noqa: ARG002  # the protocol's
        heard: Callable[[News], None],  # noqa: ARG002  # the protocol's
    ) -> Line | None:
        """None: there is no other master."""
        return None

    def lead(self, engine: sa.Engine, duty: Duty) -> Lead:  # noqa: ARG002  # the protocol's
        """Ours: there is no other master."""
        return SoleLead()

    def error(self, error: exc.DBAPIError) -> SlapError:
        """A failure by SQLite's own name of it."""
        name = getattr(error.orig, "sqlite_errorname", "")
        if name == "SQLITE_FULL":
            return StoreFull(
                "the disk of the master's database is full; nothing was changed",
                status=507,
                hint="free some space on the master, then try again",
            )
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            return StoreBusy(
                "another process holds the master's database; nothing was changed",
                status=500,
                hint="try again; look for a second program that uses the database file",
                retry_after=1.0,
            )
        if name in {"SQLITE_NOTADB", "SQLITE_CORRUPT"}:
            return SchemaError(
                f"{self._database} is not a sound SQLite database",
                status=500,
                hint="restore it from a backup, or put it aside: then the master begins anew",
            )
        return StoreError(
            f"the database cannot be used now: {error.orig}",
            status=500,
            hint="check the disk and the permissions of the master's database file",
        )

    def _set_up(self, connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {int(self._busy_timeout * 1000)}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")  # an acknowledged commit survives a power cut
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()


def _begin(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get(WRITES)
    # IMMEDIATE: take the one write lock first, so that what was read stays true until the commit.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
