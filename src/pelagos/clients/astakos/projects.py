"""Projects, applications for them, and who is in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from pelagos.clients.astakos.calls import Calls
from pelagos.clients.astakos.types import Membership, Project, ProjectMade


class Projects(Calls):
    """The part of the client that knows projects."""

    def get_projects(
        self,
        name: str | None = None,
        state: str | None = None,
        owner: str | None = None,
        mode: str | None = None,
    ) -> list[Project]:
        """Those that this user may see, or those that are so.

        Args:
            name, state, owner: what they are.
            mode: "member": those that he is in.
        """
        params = {"name": name, "state": state, "owner": owner, "mode": mode}
        return cast("list[Project]", self._call("GET", "/projects", params=params).json)

    def get_project(self, project_id: str) -> Project:
        """One of them."""
        return cast(Project, self._call("GET", ("projects", project_id)).json)

    def create_project(self, specs: Mapping[str, Any]) -> ProjectMade:
        """Apply for a project.

        Args:
            specs: name and end_date (with an offset, as 2030-01-01T00:00:00+00:00), and what
                else a project has.
        """
        reply = self._call("POST", "/projects", json=dict(specs), success=(200, 201))
        return cast(ProjectMade, reply.json)

    def modify_project(self, project_id: str, specs: Mapping[str, Any]) -> ProjectMade:
        """Apply for a change of a project."""
        path = ("projects", project_id)
        return cast(
            ProjectMade, self._call("PUT", path, json=dict(specs), success=(200, 201)).json
        )

    def project_action(self, project_id: str, action: str, reason: str = "") -> None:
        """Act on a project: suspend, unsuspend, terminate or reinstate it."""
        body = {action: {"reason": reason}}
        self._call("POST", ("projects", project_id, "action"), json=body)

    def application_action(
        self, project_id: str, app_id: int, action: str, reason: str = ""
    ) -> None:
        """Act on an application: approve, deny, dismiss or cancel it."""
        # Servers read `reason`; the ancestor misspelt it.
        body = {action: {"reason": reason, "app_id": app_id}}
        self._call("POST", ("projects", project_id, "action"), json=body)

    def get_memberships(self, project_id: str | None = None) -> list[Membership]:
        """Who is in a project, or which projects this user is in."""
        params = {"project": project_id}
        reply = self._call("GET", "/projects/memberships", params=params)
        return cast("list[Membership]", reply.json)

    def get_membership(self, memb_id: int | str) -> Membership:
        """One of them."""
        return cast(Membership, self._call("GET", ("projects", "memberships", memb_id)).json)

    def join_project(self, project_id: str) -> dict[str, int]:
        """Ask to be in a project; the id of the membership."""
        return self._member({"join": {"project": project_id}})

    def enroll_member(self, project_id: str, email: str) -> dict[str, int]:
        """Put somebody into one's own project; the id of the membership."""
        return self._member({"enroll": {"project": project_id, "user": email}})

    def membership_action(self, memb_id: int | str, action: str, reason: str = "") -> None:
        """Act on a membership: leave, cancel, accept, reject or remove it."""
        self._call("POST", ("projects", "memberships", memb_id, "action"), json={action: reason})

    def _member(self, body: Mapping[str, Any]) -> dict[str, int]:
        reply = self._call("POST", "/projects/memberships", json=body, success=(200, 201, 202))
        return cast("dict[str, int]", reply.json)
