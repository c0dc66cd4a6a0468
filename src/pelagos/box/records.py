"""Things of one kind in the box's database: each a JSON document with an id and a number.

A thing is a `dict` with at least `id` (a UUID, as OpenStack knows it), `number` (as Synnefo does)
and `project_id`. Kept is what is said with `keep`; changing the dict alone changes nothing.
"""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from pelagos.box.database import Database

Record = dict[str, Any]


def table(name: str, *indexed: str) -> tuple[str, ...]:
    """The statements that make a kind's table; what is `indexed` can be looked for fast."""
    return (
        f"""CREATE TABLE IF NOT EXISTS {name} (
        number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
        project_id TEXT NOT NULL, body TEXT NOT NULL) STRICT""",
        f"CREATE INDEX IF NOT EXISTS {name}_projects ON {name} (project_id)",
        *(
            f"CREATE INDEX IF NOT EXISTS {name}_{field} ON {name} "
            f"(json_extract(body, '$.{field}'))"
            for field in indexed
        ),
    )


class Records:
    """The things of one kind; safe to share between threads."""

    def __init__(self, database: Database, name: str) -> None:
        self._database = database
        self._name = name

    def add(self, fields: Mapping[str, Any]) -> Record:
        """Keep a new thing; it gets a number, and an id unless it has one."""
        record = {"id": str(uuid.uuid4()), **fields}
        with self._database.change() as connection:
            made = connection.execute(
                f"INSERT INTO {self._name} (id, project_id, body) VALUES (?, ?, ?)",
                (record["id"], record["project_id"], _body(record)),
            )
        return {**record, "number": made.lastrowid}

    def get(self, key: str) -> Record | None:
        """One thing by its id."""
        return next(self._found("id = ?", key), None)

    def find(self, key: str) -> Record | None:
        """One thing by its id or its number."""
        if key.isascii() and key.isdigit() and len(key) < 19:  # noqa: PLR2004  # SQLite's integers
            return next(self._found("number = ?", int(key)), None)
        return self.get(key)

    def every(self, **equal: Any) -> list[Record]:
        """The things whose fields have these values, in the order in which they were made."""
        return list(self._found(*_where(equal)))

    def first(self, **equal: Any) -> Record | None:
        """The first of them, or None."""
        return next(self._found(*_where(equal)), None)

    def count(self, **equal: Any) -> int:
        """How many these are."""
        where, *values = _where(equal)
        row = self._database.read().execute(
            f"SELECT COUNT(*) FROM {self._name} WHERE {where}", values
        )
        return int(row.fetchone()[0])

    def keep(self, record: Mapping[str, Any]) -> None:
        """Keep what a thing is now."""
        with self._database.change() as connection:
            connection.execute(
                f"UPDATE {self._name} SET project_id = ?, body = ? WHERE id = ?",
                (record["project_id"], _body(record), record["id"]),
            )

    def remove(self, key: str) -> None:
        """Let a thing be there no longer."""
        with self._database.change() as connection:
            connection.execute(f"DELETE FROM {self._name} WHERE id = ?", (key,))

    def _found(self, where: str, *values: Any) -> Iterator[Record]:
        rows: list[sqlite3.Row] = (
            self._database.read()
            .execute(
                f"SELECT number, body FROM {self._name} WHERE {where} ORDER BY number", values
            )
            .fetchall()
        )
        return ({**json.loads(row["body"]), "number": row["number"]} for row in rows)


def _where(equal: Mapping[str, Any]) -> tuple[Any, ...]:
    columns = [
        "project_id = ?" if name == "project_id" else f"json_extract(body, '$.{name}') = ?"
        for name in equal
    ]
    return (" AND ".join(columns) or "1", *equal.values())


def _body(record: Mapping[str, Any]) -> str:
    return json.dumps({name: value for name, value in record.items() if name != "number"})
