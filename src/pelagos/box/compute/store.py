"""All servers of a box, and what has been done with them.

Nothing runs: a task that is due is done as soon as somebody looks, as of the moment it was due.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pelagos.box.compute.server import SECONDS, Server
from pelagos.box.database import Database
from pelagos.box.neighbours import Guest
from pelagos.core.clock import Clock

_JSON = frozenset({"outcome", "flavor", "metadata", "tags", "facts"})
_PAGE = 500


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that was done with a server.

    Attributes:
        message: what went wrong; None for nothing.
    """

    server_id: str
    request_id: str
    action: str
    user_id: str
    project_id: str
    started: float
    finished: float
    message: str | None


@dataclass(frozen=True, slots=True)
class Usage:
    """What servers of a project take together.

    Attributes:
        running_vcpus: of those that are not stopped; running_ram_mib: theirs.
    """

    servers: int
    vcpus: int
    ram_mib: int
    disk_gib: int
    running_vcpus: int
    running_ram_mib: int


class ServerStore:
    """Keeps servers; safe to share between threads.

    Args:
        pace: by what the seconds of a task are multiplied; 0: everything is done at once.
    """

    def __init__(self, database: Database, clock: Clock, pace: float = 1.0) -> None:
        self.database = database
        self.clock = clock
        self._pace = pace
        #: Told of a server that is gone for good after it could have been restored.
        self.reclaimed: Callable[[Guest], None] = lambda _: None

    # reading

    def find(
        self,
        key: str,
        project_ids: Collection[str] | None = None,
        *,
        with_deleted: bool = False,
    ) -> Server | None:
        """A server by UUID or number, of these projects; None when there is none."""
        self.settle()
        column = "number" if key.isascii() and key.isdigit() else "id"
        row = (
            self.database.read()
            .execute(f"SELECT * FROM servers WHERE {column} = ?", (key[:64],))
            .fetchone()
        )
        if row is None or (row["deleted"] is not None and not with_deleted):
            return None
        if project_ids is not None and row["project_id"] not in project_ids:
            return None
        return Server.of(row)

    def guest(self, server_id: str, project_ids: Collection[str] | None = None) -> Guest | None:
        """A server as networks and volumes see it."""
        server = self.find(server_id, project_ids)
        return server.guest if server else None

    def walk(
        self,
        project_ids: Collection[str] | None,
        after: Server | None = None,
        *,
        deleted: bool | None = False,
        changed_since: float | None = None,
        oldest_first: bool = False,
    ) -> Iterator[Server]:
        """Servers in the order of their making, the latest first.

        Args:
            project_ids: None: of all.
            after: begin behind this one.
            deleted: None: deleted ones, too; True: only these. Those that may still be restored
                are among them.
            changed_since: only what changed at that time or later.
        """
        self.settle()
        where, values = ["1"], []
        if project_ids is not None:
            where.append(f"project_id IN ({', '.join('?' * len(project_ids))})")
            values += list(project_ids)
        if deleted is not None:
            gone = "(deleted IS NOT NULL OR state = 'soft-delete')"
            where.append(gone if deleted else f"NOT {gone}")
        if changed_since is not None:
            where.append("updated >= ?")
            values.append(changed_since)  # type: ignore[arg-type]  # SQLite takes both
        sign, order = (">", "") if oldest_first else ("<", " DESC")
        last = (after.created, after.number) if after else None
        while True:
            begin = f" AND (created, number) {sign} (?, ?)" if last else ""
            rows = (
                self.database.read()
                .execute(
                    f"SELECT * FROM servers WHERE {' AND '.join(where)}{begin}"
                    f" ORDER BY created{order}, number{order} LIMIT {_PAGE}",
                    (*values, *(last or ())),
                )
                .fetchall()
            )
            yield from map(Server.of, rows)
            if len(rows) < _PAGE:
                return
            last = (rows[-1]["created"], rows[-1]["number"])

    def usage(self, project_id: str, user_id: str | None = None) -> Usage:
        """What a project's servers take, or only those of one of its members."""
        self.settle()
        whose = "" if user_id is None else " AND user_id = ?"
        row = (
            self.database.read()
            .execute(
                "SELECT COUNT(*), COALESCE(SUM(vcpus), 0), COALESCE(SUM(ram_mib), 0),"
                " COALESCE(SUM(disk_gib), 0), COALESCE(SUM(vcpus * (state != 'stopped')), 0),"
                " COALESCE(SUM(ram_mib * (state != 'stopped')), 0)"
                " FROM servers"
                " WHERE project_id = ? AND deleted IS NULL"
                f" AND (state != 'soft-delete' OR task = 'restore'){whose}",
                (project_id,) if user_id is None else (project_id, user_id),
            )
            .fetchone()
        )
        return Usage(*row)

    # changing

    def add(self, values: Mapping[str, Any], task: str, outcome: Mapping[str, Any]) -> Server:
        """A new server with which something goes on; call it within a change."""
        now = self.clock.time()
        kept = {
            **values,
            **self._begun(task, outcome, now),
            "state": "building",
            "created": now,
            "updated": now,
        }
        names = ", ".join(kept)
        with self.database.change() as connection:
            connection.execute(
                f"INSERT INTO servers ({names}) VALUES ({', '.join('?' * len(kept))})",
                [_cell(name, value) for name, value in kept.items()],
            )
        found = self.find(values["id"], with_deleted=True)
        assert found is not None  # noqa: S101  # it was just written
        return found

    def change(self, server: Server, **values: Any) -> Server:
        """Let some of a server's record be so; `facts` are added to those that are there."""
        if "facts" in values:
            values["facts"] = {**server.facts, **values["facts"]}
        values.setdefault("updated", self.clock.time())
        with self.database.change() as connection:
            connection.execute(
                f"UPDATE servers SET {', '.join(f'{name} = ?' for name in values)}"
                " WHERE number = ?",
                [*(_cell(name, value) for name, value in values.items()), server.number],
            )
        found = self.find(server.id, with_deleted=True)
        assert found is not None  # noqa: S101  # rows stay
        return found

    def begin(
        self, server: Server, task: str, outcome: Mapping[str, Any], **values: Any
    ) -> Server:
        """Let something go on with a server; when it is done the outcome holds."""
        now = self.clock.time()
        return self.change(server, **self._begun(task, outcome, now), **values)

    def _begun(self, task: str, outcome: Mapping[str, Any], now: float) -> dict[str, Any]:
        due = now + SECONDS.get(task, 0.0) * self._pace
        return {"task": task, "started": now, "due": due, "outcome": dict(outcome)}

    def settle(self) -> None:
        """Let what is due be done."""
        now = self.clock.time()
        due = "SELECT * FROM servers WHERE due <= ?"
        if self.database.read().execute(f"{due} LIMIT 1", (now,)).fetchone() is None:
            return
        with self.database.change() as connection:
            for row in connection.execute(due, (now,)).fetchall():
                server = Server.of(row)
                values: dict[str, Any] = {
                    "updated": server.due,
                    "task": None,
                    "due": None,
                    "outcome": {},
                    **server.outcome,
                }
                values["facts"] = {**server.facts, **values.get("facts", {})}
                if values.get("state") == "deleted":
                    values["deleted"] = server.due
                if values.get("state") == "active" and not server.facts.get("launched"):
                    values["facts"]["launched"] = server.due
                connection.execute(
                    f"UPDATE servers SET {', '.join(f'{name} = ?' for name in values)}"
                    " WHERE number = ?",
                    [*(_cell(name, value) for name, value in values.items()), server.number],
                )
                if server.state == "soft-delete" and values.get("state") == "deleted":
                    self.reclaimed(server.guest)

    # what was done

    def note(self, deed: Deed) -> None:
        """Keep that something was done."""
        with self.database.change() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO server_actions VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    deed.server_id,
                    deed.request_id,
                    deed.action,
                    deed.user_id,
                    deed.project_id,
                    deed.started,
                    deed.finished,
                    deed.message,
                ),
            )

    def deeds(self, server_id: str) -> list[Deed]:
        """What was done with a server, the latest first."""
        rows = self.database.read().execute(
            "SELECT * FROM server_actions WHERE server_id = ? ORDER BY started DESC",
            (server_id,),
        )
        return [Deed(*row) for row in rows]


def _cell(name: str, value: Any) -> Any:
    return json.dumps(value) if name in _JSON else value
