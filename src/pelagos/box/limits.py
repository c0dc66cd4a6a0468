"""How many things of a service of OpenStack a project may have: one number a resource."""

from __future__ import annotations

from collections.abc import Mapping

from pelagos.box.database import Database

UNLIMITED = -1


class Limits:
    """The limits of one service; safe to share between threads.

    Args:
        service: e.g. "neutron"; what keeps its limits apart from those of others.
        defaults: how much of each resource a project has unless it is told otherwise; -1: as
            much as it wants.
    """

    def __init__(self, database: Database, service: str, defaults: Mapping[str, int]) -> None:
        self._database = database
        self._service = service
        self.defaults = dict(defaults)

    def of(self, project_id: str) -> dict[str, int]:
        """All limits of a project."""
        rows = self._database.read().execute(
            "SELECT resource, amount FROM limits WHERE project_id = ?", (project_id,)
        )
        begin = f"{self._service}:"
        told = {
            row["resource"].removeprefix(begin): int(row["amount"])
            for row in rows
            if row["resource"].startswith(begin)
        }
        return {
            **self.defaults,
            **{name: it for name, it in told.items() if name in self.defaults},
        }

    def set(self, project_id: str, amounts: Mapping[str, int]) -> None:
        """Let a project have so much of these from now on."""
        with self._database.change() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO limits VALUES (?, ?, ?)",
                [
                    (project_id, f"{self._service}:{name}", amount)
                    for name, amount in amounts.items()
                ],
            )

    def reset(self, project_id: str) -> None:
        """Let a project have what is usual."""
        with self._database.change() as connection:
            connection.execute(
                "DELETE FROM limits WHERE project_id = ? AND resource LIKE ?",
                (project_id, f"{self._service}:%"),
            )

    def told(self) -> list[str]:
        """The projects that have limits of their own."""
        rows = self._database.read().execute(
            "SELECT DISTINCT project_id FROM limits WHERE resource LIKE ?", (f"{self._service}:%",)
        )
        return [row["project_id"] for row in rows]

    def has_room(self, project_id: str, resource: str, used: int, more: int) -> bool:
        """Whether a project may have so many more."""
        limit = self.of(project_id)[resource]
        return limit == UNLIMITED or used + more <= limit
