"""Groups of servers: together on one host, or apart."""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from pelagos.box.database import Database
from pelagos.core.clock import Clock

#: The hosts on which servers of a box seem to run.
HOSTS = ("box-1", "box-2", "box-3")


@dataclass(frozen=True, slots=True)
class Group:
    """A group of servers.

    Attributes:
        policy: affinity, anti-affinity, soft-affinity, soft-anti-affinity.
        rules: of the policy, e.g. `{"max_server_per_host": 2}`.
    """

    id: str
    project_id: str
    user_id: str
    name: str
    policy: str
    rules: dict[str, Any]
    created: float

    def hosts(self, taken: Collection[str]) -> list[str]:
        """Where a further server may be when its members are there; the best first.

        >>> Group("", "", "", "", "anti-affinity", {}, 0.0).hosts(["box-1"])
        ['box-2', 'box-3']
        """
        counts = {host: list(taken).count(host) for host in HOSTS}
        if self.policy.endswith("anti-affinity"):
            ordered = sorted(HOSTS, key=lambda host: counts[host])
            most = int(self.rules.get("max_server_per_host", 1))
            if self.policy == "anti-affinity":
                return [host for host in ordered if counts[host] < most]
            return ordered
        ordered = sorted(HOSTS, key=lambda host: -counts[host])
        if self.policy == "affinity" and taken:
            return [host for host in ordered if counts[host]]
        return ordered


class Groups:
    """Keeps groups; safe to share between threads."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def all(self, project_id: str | None) -> list[Group]:
        """Those of a project, or of all, in the order of their making."""
        rows = self._database.read().execute(
            "SELECT * FROM server_groups WHERE ? IS NULL OR project_id = ? ORDER BY created, id",
            (project_id, project_id),
        )
        return [_group(row) for row in rows]

    def find(self, key: str, project_id: str | None = None) -> Group | None:
        """One of a project, or of any."""
        row = (
            self._database.read()
            .execute("SELECT * FROM server_groups WHERE id = ?", (key,))
            .fetchone()
        )
        if row is None or project_id not in {None, row["project_id"]}:
            return None
        return _group(row)

    def add(
        self, project_id: str, user_id: str, name: str, policy: str, rules: dict[str, Any]
    ) -> Group:
        """A new one."""
        group = Group(
            str(uuid.uuid4()), project_id, user_id, name, policy, rules, self._clock.time()
        )
        with self._database.change() as connection:
            connection.execute(
                "INSERT INTO server_groups VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    group.id,
                    project_id,
                    user_id,
                    name,
                    policy,
                    json.dumps(rules),
                    group.created,
                ),
            )
        return group

    def remove(self, group: Group) -> None:
        """Forget one; its servers stay."""
        with self._database.change() as connection:
            connection.execute("DELETE FROM server_groups WHERE id = ?", (group.id,))

    def members(self, group: Group) -> list[str]:
        """The ids of its servers that are not deleted, in the order of their making."""
        rows = self._database.read().execute(
            "SELECT server_id FROM server_group_members JOIN servers ON id = server_id"
            " WHERE group_id = ? AND deleted IS NULL ORDER BY number",
            (group.id,),
        )
        return [row["server_id"] for row in rows]

    def group_of(self, server_id: str) -> str | None:
        """The id of a server's group."""
        row = (
            self._database.read()
            .execute("SELECT group_id FROM server_group_members WHERE server_id = ?", (server_id,))
            .fetchone()
        )
        return str(row["group_id"]) if row else None

    def join(self, group: Group, server_id: str) -> None:
        """Let a server be in a group."""
        with self._database.change() as connection:
            connection.execute(
                "INSERT INTO server_group_members VALUES (?, ?)", (server_id, group.id)
            )


def _group(row: Any) -> Group:
    values = dict(row)
    values["rules"] = json.loads(values["rules"])
    return Group(**values)
