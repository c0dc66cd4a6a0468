"""Accounts, containers and versions of objects; what is kept of each, and what becomes of it."""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pelagos.box.database import Database
from pelagos.box.objects.blocks import Blocks
from pelagos.box.objects.content import Content
from pelagos.box.objects.hashmap import BLOCK_SIZE, split
from pelagos.box.objects.tables import CURRENT, FORMER, GONE
from pelagos.box.objects.things import Container, Told, Version, container_of, version_of
from pelagos.core.clock import Clock

__all__ = ["Container", "ObjectStore", "Told", "Version"]


class ObjectStore:
    """All accounts of a box; safe to share between threads."""

    def __init__(
        self, database: Database, folder: Path, clock: Clock, *, is_durable: bool
    ) -> None:
        self.database = database
        self.clock = clock
        self.blocks = Blocks(folder, is_durable=is_durable, is_named=self._is_named)

    # accounts and containers

    def account_meta(self, account: str) -> dict[str, Any]:
        """What is kept of an account; nothing of one that never was asked to keep anything."""
        row = self._one("SELECT meta FROM accounts WHERE name = ?", account)
        return dict(json.loads(row["meta"])) if row else {}

    def set_account_meta(self, account: str, meta: Mapping[str, Any]) -> None:
        """Keep this of an account, and nothing else."""
        with self.database.change() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO accounts VALUES (?, ?, ?)",
                (account, json.dumps(meta), self.clock.time()),
            )

    def container(self, account: str, name: str) -> Container | None:
        """A container by its name."""
        row = self._one("SELECT * FROM containers WHERE account = ? AND name = ?", account, name)
        return container_of(row) if row else None

    def containers(self, account: str, after: str = "", limit: int = -1) -> list[Container]:
        """Those of an account, by name."""
        rows = self.database.read().execute(
            "SELECT * FROM containers WHERE account = ? AND name > ? ORDER BY name LIMIT ?",
            (account, after, limit),
        )
        return [container_of(row) for row in rows]

    def add_container(
        self, account: str, name: str, meta: Mapping[str, str], policy: Mapping[str, Any]
    ) -> None:
        """Make one that is not there."""
        now = self.clock.time()
        with self.database.change() as connection:
            connection.execute(
                "INSERT INTO containers (account, name, meta, policy, created, modified)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (account, name, json.dumps(meta), json.dumps(policy), now, now),
            )

    def set_container(
        self, container: Container, meta: Mapping[str, str], policy: Mapping[str, Any]
    ) -> None:
        """Keep this of a container, and nothing else."""
        with self.database.change() as connection:
            connection.execute(
                "UPDATE containers SET meta = ?, policy = ?, modified = ? WHERE id = ?",
                (json.dumps(meta), json.dumps(policy), self.clock.time(), container.id),
            )

    def remove_container(self, container: Container) -> bool:
        """Remove one with the history of its objects; False when it has objects."""
        with self._releasing() as (connection, rest):
            row = connection.execute(
                "SELECT objects FROM containers WHERE id = ?", (container.id,)
            ).fetchone()
            if row is not None and row["objects"]:
                return False
            rows = connection.execute(
                "SELECT * FROM versions WHERE container_id = ?", (container.id,)
            ).fetchall()
            self._purge(connection, rest, rows)
            connection.execute("DELETE FROM containers WHERE id = ?", (container.id,))
        return True

    def account_usage(self, account: str) -> tuple[int, int, int]:
        """How many containers and objects an account has, and how many bytes."""
        row = self._one(
            "SELECT COUNT(*) AS containers, COALESCE(SUM(objects), 0) AS objects,"
            " COALESCE(SUM(bytes), 0) AS bytes FROM containers WHERE account = ?",
            account,
        )
        return (row["containers"], row["objects"], row["bytes"]) if row else (0, 0, 0)

    # objects

    def current(self, container: Container, name: str) -> Version | None:
        """The object of a name as it is now."""
        row = self._one(
            "SELECT * FROM versions WHERE container_id = ? AND name = ? AND place = 0",
            container.id,
            name,
        )
        return version_of(row) if row else None

    def version(self, container: Container, name: str, serial: int) -> Version | None:
        """One version of a name; GONE ones are none."""
        row = self._one(
            "SELECT * FROM versions WHERE serial = ? AND container_id = ? AND name = ?"
            " AND place != ?",
            serial,
            container.id,
            name,
            GONE,
        )
        return version_of(row) if row else None

    def versions(self, container: Container, name: str) -> list[Version]:
        """All versions of a name, the oldest first, GONE ones among them."""
        rows = self.database.read().execute(
            "SELECT * FROM versions WHERE container_id = ? AND name = ? ORDER BY serial",
            (container.id, name),
        )
        return [version_of(row) for row in rows]

    def at(self, container: Container, name: str, until: float) -> Version | None:
        """What was there at a time."""
        row = self._one(
            "SELECT * FROM versions WHERE container_id = ? AND name = ? AND modified <= ?"
            " ORDER BY serial DESC LIMIT 1",
            container.id,
            name,
            until,
        )
        return version_of(row) if row and row["place"] != GONE else None

    def put(
        self,
        container: Container,
        name: str,
        content: Content,
        told: Told,
        *,
        modified_by: str,
        keeps_history: bool,
        object_uuid: str = "",
    ) -> Version:
        """Make it the object of that name. The content's blocks have to be there, and pinned.

        Args:
            keeps_history: whether what was there before stays as a former version.
            object_uuid: that of the object; empty: of the one that was there, or a new one.
        """
        now = self.clock.time()
        with self._releasing() as (connection, rest):
            before = self.current(container, name)
            if before is not None:
                self._end(connection, rest, before, now, keeps_history)
            values = {
                "container_id": container.id,
                "name": name,
                "place": CURRENT,
                "modified": now,
                "size": content.size,
                "md5": content.md5,
                "top": content.top,
                "type": told.type,
                "uuid": object_uuid or (before.uuid if before else str(uuid.uuid4())),
                "modified_by": modified_by,
                "meta": json.dumps(told.meta),
                "more": json.dumps(told.more),
                "map": b"".join(content.digests),
            }
            marks = ", ".join(f":{key}" for key in values)
            added = connection.execute(
                f"INSERT INTO versions ({', '.join(values)}) VALUES ({marks})", values
            )
            connection.executemany(
                "INSERT INTO blocks VALUES (?, 1) ON CONFLICT DO UPDATE SET uses = uses + 1",
                [(digest,) for digest in set(content.digests)],
            )
            self._count(connection, container, 1, content.size)
            row = connection.execute(
                "SELECT * FROM versions WHERE serial = ?", (added.lastrowid,)
            ).fetchone()
        return version_of(row)

    def retell(self, version: Version, told: Told) -> None:
        """Change what is told of a version without making a new one."""
        with self.database.change() as connection:
            connection.execute(
                "UPDATE versions SET meta = ?, more = ?, type = ?, modified = ? WHERE serial = ?",
                (
                    json.dumps(told.meta),
                    json.dumps(told.more),
                    told.type,
                    self.clock.time(),
                    version.serial,
                ),
            )

    def keep_more(self, version: Version, more: Mapping[str, Any]) -> None:
        """Change what the face keeps of a version; its time stays."""
        with self.database.change() as connection:
            connection.execute(
                "UPDATE versions SET more = ? WHERE serial = ?",
                (json.dumps(more), version.serial),
            )

    def remove(self, container: Container, name: str, *, keeps_history: bool, by: str) -> bool:
        """Delete an object; whether it was there."""
        now = self.clock.time()
        with self._releasing() as (connection, rest):
            before = self.current(container, name)
            if before is None:
                return False
            self._end(connection, rest, before, now, keeps_history)
            if keeps_history:
                connection.execute(
                    "INSERT INTO versions (container_id, name, place, modified, size, md5, top,"
                    " type, uuid, modified_by, meta, more, map)"
                    " VALUES (?, ?, ?, ?, 0, '', '', '', ?, ?, '{}', '{}', x'')",
                    (container.id, name, GONE, now, before.uuid, by),
                )
        return True

    def remove_version(self, container: Container, name: str, serial: int) -> bool:
        """Remove one version for good, be it that something was deleted; whether it was there."""
        with self._releasing() as (connection, rest):
            row = self._one(
                "SELECT * FROM versions WHERE serial = ? AND container_id = ? AND name = ?",
                serial,
                container.id,
                name,
            )
            if row is None:
                return False
            if row["place"] == CURRENT:
                self._count(connection, container, -1, -row["size"])
            self._purge(connection, rest, [row])
        return True

    def purge(self, container: Container, until: float, name: str | None = None) -> None:
        """Remove for good the versions up to a time: all of a name, or the past of all names."""
        about = "AND name = ?" if name is not None else f"AND place != {CURRENT}"
        values = (container.id, until, *((name,) if name is not None else ()))
        with self._releasing() as (connection, rest):
            rows = connection.execute(
                f"SELECT * FROM versions WHERE container_id = ? AND modified <= ? {about}", values
            ).fetchall()
            for row in rows:
                if row["place"] == CURRENT:
                    self._count(connection, container, -1, -row["size"])
            self._purge(connection, rest, rows)

    def _end(
        self,
        connection: sqlite3.Connection,
        rest: set[bytes],
        before: Version,
        now: float,
        keeps_history: bool,
    ) -> None:
        container = self._one("SELECT * FROM containers WHERE id = ?", before.container_id)
        self._count(connection, container_of(container), -1, -before.size) if container else None
        if keeps_history:
            connection.execute(
                "UPDATE versions SET place = ?, ended = ? WHERE serial = ?",
                (FORMER, now, before.serial),
            )
            return
        row = self._one("SELECT * FROM versions WHERE serial = ?", before.serial)
        self._purge(connection, rest, [row] if row else [])

    def _purge(
        self, connection: sqlite3.Connection, rest: set[bytes], rows: Iterable[sqlite3.Row]
    ) -> None:
        for row in rows:
            connection.execute("DELETE FROM versions WHERE serial = ?", (row["serial"],))
            for digest in set(split(row["map"])):
                connection.execute("UPDATE blocks SET uses = uses - 1 WHERE hash = ?", (digest,))
                gone = connection.execute(
                    "DELETE FROM blocks WHERE hash = ? AND uses <= 0", (digest,)
                )
                if gone.rowcount:
                    rest.add(digest)

    @staticmethod
    def _count(
        connection: sqlite3.Connection, container: Container, objects: int, size: int
    ) -> None:
        connection.execute(
            "UPDATE containers SET objects = objects + ?, bytes = bytes + ? WHERE id = ?",
            (objects, size, container.id),
        )

    @contextmanager
    def _releasing(self) -> Iterator[tuple[sqlite3.Connection, set[bytes]]]:
        """A change; the blocks that nobody names after it go when it, all of it, is kept."""
        rest: set[bytes] = set()
        with self.database.change() as connection:
            yield connection, rest
            if rest:
                self.database.later(lambda: self.blocks.forget(rest))

    # content

    def pieces(self, version: Version, start: int, end: int) -> Iterator[bytes]:
        """The bytes from start to end. The version's blocks have to be pinned."""
        return self.read(version.digests, start, end)

    def read(self, digests: list[bytes], start: int, end: int) -> Iterator[bytes]:
        """The bytes from start to end of these blocks, which have to be pinned."""
        at = start
        while at < end:
            number, offset = divmod(at, BLOCK_SIZE)
            stop = min(BLOCK_SIZE, offset + end - at)
            yield from self.blocks.read(digests[number], offset, stop)
            at += stop - offset

    def hold(self, version: Version) -> bool:
        """Pin the blocks of a version; False, and not pinned, when it is gone meanwhile."""
        digests = set(version.digests)
        self.blocks.pin(digests)
        if self._one("SELECT 1 FROM versions WHERE serial = ?", version.serial):
            return True
        self.blocks.unpin(digests)
        return False

    def release(self, version: Version) -> None:
        """Unpin what `hold` pinned."""
        self.blocks.unpin(set(version.digests))

    def _is_named(self, digest: bytes) -> bool:
        return self._one("SELECT 1 FROM blocks WHERE hash = ?", digest) is not None

    def _one(self, statement: str, *values: Any) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self.database.read().execute(statement, values).fetchone()
        return row
