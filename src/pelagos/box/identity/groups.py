"""Groups of users: who is in them, and which roles all of them have where.

A group itself is one of the things of `People`; what its members have by it, `People.roles_of` and
`People.projects_of` tell together with what is theirs.
"""

from __future__ import annotations

from typing import Any

from pelagos.box.database import Database
from pelagos.box.errors import Refused
from pelagos.box.identity.people import People


class Groups:
    """Members and roles of groups; safe to share between threads."""

    def __init__(self, database: Database, people: People) -> None:
        self._database = database
        self._people = people

    def members(self, group_id: str) -> list[dict[str, Any]]:
        """The users in a group, by name."""
        rows = self._database.read().execute(
            "SELECT user_id FROM group_members JOIN users ON users.id = user_id"
            " WHERE group_id = ? ORDER BY name, user_id",
            (group_id,),
        )
        return [self._people.require("users", row["user_id"]) for row in rows]

    def of(self, user_id: str) -> list[dict[str, Any]]:
        """The groups of a user, by name."""
        rows = self._database.read().execute(
            "SELECT group_id FROM group_members JOIN groups ON groups.id = group_id"
            " WHERE user_id = ? ORDER BY name, group_id",
            (user_id,),
        )
        return [self._people.require("groups", row["group_id"]) for row in rows]

    def join(self, group_id: str, user_id: str) -> None:
        """Put a user in; again is harmless."""
        with self._database.change() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO group_members VALUES (?, ?)", (group_id, user_id)
            )

    def check(self, group_id: str, user_id: str) -> None:
        """See that a user is in a group.

        Raises:
            Refused: he is not.
        """
        if not any(one["id"] == user_id for one in self.members(group_id)):
            raise Refused(404, f"User '{user_id}' not found in group '{group_id}'.")

    def leave(self, group_id: str, user_id: str) -> None:
        """Take a user out, and the tokens that may rest on the group.

        Raises:
            Refused: he is not in it.
        """
        with self._database.change() as connection:
            self.check(group_id, user_id)
            connection.execute(
                "DELETE FROM group_members WHERE group_id = ? AND user_id = ?", (group_id, user_id)
            )
            connection.execute("DELETE FROM tokens WHERE user_id = ?", (user_id,))

    def grant(self, group_id: str, target: str, role_id: str) -> None:
        """Give all members a role; again is harmless."""
        with self._database.change() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO group_grants VALUES (?, ?, ?)", (group_id, target, role_id)
            )

    def revoke(self, group_id: str, target: str, role_id: str) -> bool:
        """Take a role away, and the members' tokens there; whether the group had it."""
        with self._database.change() as connection:
            gone = connection.execute(
                "DELETE FROM group_grants WHERE group_id = ? AND target = ? AND role_id = ?",
                (group_id, target, role_id),
            )
            connection.execute(
                "DELETE FROM tokens WHERE target = ? AND user_id IN"
                " (SELECT user_id FROM group_members WHERE group_id = ?)",
                (target, group_id),
            )
            return gone.rowcount > 0

    def grants(self, **equal: str) -> list[dict[str, str]]:
        """All grants with these values of group_id, target, role_id."""
        where = " AND ".join(f"{key} = ?" for key in equal) or "1"
        rows = self._database.read().execute(
            f"SELECT group_id, target, role_id FROM group_grants WHERE {where}",
            tuple(equal.values()),
        )
        return [dict(row) for row in rows]
