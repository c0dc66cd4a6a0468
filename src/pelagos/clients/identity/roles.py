"""Roles: what somebody may do, and where."""

from __future__ import annotations

from typing import Any, cast

from pelagos.clients.errors import BadRequest
from pelagos.clients.identity.things import Things
from pelagos.clients.identity.types import Assignment, Role


class Roles(Things):
    """The part of the client that knows roles.

    Who has a role is one of user_id and group_id; where, is one of project_id, domain_id and
    system (True: the whole system).
    """

    def list_roles(self, **filters: Any) -> list[Role]:
        """Roles, filtered by name and domain_id."""
        return self._list(("roles",), "roles", **filters)

    def get_role(self, role_id: str) -> Role:
        """A role by id."""
        return cast(Role, self._get(("roles", role_id), "role"))

    def find_role(self, name_or_id: str) -> Role:
        """The one role with this name, or else this id.

        Raises:
            NotFound: there is none.
        """
        return cast(Role, self._find("role", "roles", "role", name_or_id))

    def create_role(self, name: str, **fields: Any) -> Role:
        """Make a role."""
        return cast(Role, self._make(("roles",), "role", name=name, **fields))

    def update_role(self, role_id: str, **fields: Any) -> Role:
        """Change fields of a role."""
        return cast(Role, self._change(("roles", role_id), "role", **fields))

    def delete_role(self, role_id: str) -> None:
        """Remove a role from everybody."""
        self._remove(("roles", role_id))

    def list_role_assignments(
        self, *, effective: bool = False, names: bool = False, **filters: Any
    ) -> list[Assignment]:
        """Who has which role where.

        Args:
            effective: with those that come by groups and inheritance, resolved to users.
            names: with names beside the ids.
            filters: as Keystone names them: `user.id`, `scope.project.id`, `role.id`, with "_"
                for ".": user_id, scope_project_id, role_id.
        """
        query = {_dotted(name): value for name, value in filters.items()}
        if effective:
            query["effective"] = ""
        if names:
            query["include_names"] = "true"
        return self._list(("role_assignments",), "role_assignments", **query)

    def list_roles_of(self, **who_and_where: Any) -> list[Role]:
        """The roles of one user or group in one place."""
        return self._list(_assigned(**who_and_where), "roles")

    def assign_role(self, role_id: str, **who_and_where: Any) -> None:
        """Give a role; again is harmless."""
        self._put((*_assigned(**who_and_where), role_id))

    def unassign_role(self, role_id: str, **who_and_where: Any) -> None:
        """Take a role away.

        Raises:
            NotFound: he did not have it.
        """
        self._remove((*_assigned(**who_and_where), role_id))

    def has_role(self, role_id: str, **who_and_where: Any) -> bool:
        """Whether somebody has a role, without what comes by groups."""
        return self._is_there((*_assigned(**who_and_where), role_id))


def _assigned(
    *,
    user_id: str | None = None,
    group_id: str | None = None,
    project_id: str | None = None,
    domain_id: str | None = None,
    system: bool = False,
) -> tuple[str, ...]:
    """Where the roles of somebody somewhere are."""
    who = [("users", user_id), ("groups", group_id)]
    where = [("projects", project_id), ("domains", domain_id)]
    whom = [(kind, found) for kind, found in who if found]
    there = [(kind, found) for kind, found in where if found]
    if len(whom) != 1 or len(there) + system != 1:
        raise BadRequest(
            "a role is of one user or group, in one project or domain or the system",
            hint="give user_id or group_id, and project_id, domain_id or system=True",
        )
    place = there[0] if there else ("system",)
    return (*place, *whom[0], "roles")


def _dotted(name: str) -> str:
    if name.startswith("scope_") or name.endswith("_id"):
        return name.replace("_", ".")
    return name
