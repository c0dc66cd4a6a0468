"""Memberships of Astakos: who joined which project, or would like to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pelagos.box.errors import Refused
from pelagos.box.identity.astakos.callers import Callers
from pelagos.box.identity.astakos.projects import BASE as PROJECTS
from pelagos.box.identity.astakos.projects import FORBIDDEN, Projects
from pelagos.box.identity.identity import Identity
from pelagos.box.identity.tokens import Token
from pelagos.box.records import Record, Records
from pelagos.box.synnefo import document, record_of
from pelagos.box.web import Answer, Request, Router

BASE = f"{PROJECTS}/memberships"
_ROLES = ("member", "reader")
_OVER = frozenset({"rejected", "cancelled", "removed"})
_DATES = ("requested", "accepted", "removed")
#: By action: in which states, what it becomes, and whether the member does it himself.
_ACTIONS: Mapping[str, tuple[tuple[str, ...], str, bool]] = {
    "accept": (("requested",), "accepted", False),
    "reject": (("requested",), "rejected", False),
    "remove": (("accepted", "leave_requested"), "removed", False),
    "cancel": (("requested", "leave_requested"), "cancelled", True),
    "leave": (("accepted",), "removed", True),
}


class Memberships:
    """Resources below /account/v1.0/projects/memberships."""

    def __init__(self, identity: Identity, callers: Callers, projects: Projects) -> None:
        self._identity = identity
        self._people = identity.people
        self._callers = callers
        self._projects = projects
        self._records = Records(identity.database, "astakos_memberships")
        projects.on_life = self._follow

    def routes(self, router: Router) -> None:
        """Take their places."""
        router.add("GET", BASE, self._list)
        router.add("POST", BASE, self._join)
        router.add("GET", f"{BASE}/{{number}}", self._show)
        router.add("POST", f"{BASE}/{{number}}/action", self._act)

    # ---- reading

    def _list(self, request: Request) -> Answer:
        token = self._callers.person(request)
        wanted = request.query.get("project")
        equal = {"project": wanted} if wanted else {}
        found = [
            self._shape(one, token)
            for one in self._records.every(**equal)
            if one["user"] == token.user_id or self._rules(token, one)
        ]
        return document(found)

    def _show(self, request: Request, number: str) -> Answer:
        token = self._callers.person(request)
        return document(self._shape(self._find(token, number), token))

    def _find(self, token: Token, number: str) -> Record:
        found = self._records.find(number) if number.isdigit() else None
        if found is None:
            raise Refused(
                404, f"There is no membership identified by {number}.", name="itemNotFound"
            )
        if found["user"] != token.user_id and not self._rules(token, found):
            raise Refused(403, FORBIDDEN)
        return found

    def _rules(self, token: Token, one: Record) -> bool:
        project = self._projects.records.get(one["project"])
        return token.is_admin or (project is not None and project["owner"] == token.user_id)

    def _shape(self, one: Record, token: Token) -> dict[str, Any]:
        shown = {name: one[name] for name in ("project", "user", "state")}
        dates = {str(word): one[word] for word in _DATES if word in one}
        more = {"id": one["number"], "allowed_actions": self._may(one, token)}
        return shown | dates | more

    def _may(self, one: Record, token: Token) -> list[str]:
        rules, own = self._rules(token, one), one["user"] == token.user_id
        return [
            name
            for name, (states, _, is_own) in _ACTIONS.items()
            if one["state"] in states and (own if is_own else rules)
        ]

    # ---- joining

    def _join(self, request: Request) -> Answer:
        token = self._callers.person(request)
        told = record_of(request)
        if isinstance(told.get("join"), dict):
            wanted, name = told["join"], "join"
        elif isinstance(told.get("enroll"), dict):
            wanted, name = told["enroll"], "enroll"
        else:
            raise Refused(400, "No recognized action")
        with self._identity.database.change():
            project = self._projects.project(str(wanted.get("project")))
            if name == "enroll" and not (token.is_admin or project["owner"] == token.user_id):
                raise Refused(403, FORBIDDEN)
            if project["state"] != "active":
                raise Refused(409, f"Project {project['id']} is not alive.")
            user = self._wanted_user(token, wanted, name)
            made = self._made(project, user, is_enrolled=name == "enroll")
        return document({"id": made["number"]})

    def _wanted_user(self, token: Token, wanted: Mapping[str, Any], name: str) -> str:
        if name == "join":
            return token.user_id
        found = self._people.named("users", str(wanted.get("user", "")))
        if found is None:
            raise Refused(400, f"User {wanted.get('user')} is unknown.")
        return str(found["id"])

    def _made(self, project: Record, user: str, *, is_enrolled: bool) -> Record:
        known = self._records.every(project=project["id"])
        living = [one for one in known if one["state"] not in _OVER]
        if any(one["user"] == user for one in living):
            raise Refused(409, f"User {user} is a member of the project, or asked to be.")
        policy = "auto" if is_enrolled else project["join_policy"]
        if policy == "closed":
            raise Refused(403, f"Joining of project {project['id']} is closed.")
        state = "accepted" if policy == "auto" else "requested"
        if state == "accepted":
            self._check_room(project)
        now = self._now()
        dates = {"accepted": now} if state == "accepted" else {}
        if not is_enrolled:
            dates["requested"] = now
        fields = {"project_id": project["id"], "project": project["id"], "user": user}
        made = self._records.add({**fields, "state": state, **dates})
        self._grant(made)
        return made

    def _check_room(self, project: Record) -> None:
        most = project["max_members"]
        there = self._records.every(project=project["id"])
        if most is not None and sum(one["state"] == "accepted" for one in there) >= most:
            raise Refused(409, f"Project {project['id']} has no room for another member.")

    def _act(self, request: Request, number: str) -> Answer:
        token = self._callers.person(request)
        told = record_of(request)
        name = next((one for one in told if one in _ACTIONS), None)
        if name is None:
            raise Refused(400, "No recognized action")
        with self._identity.database.change():
            found = self._find(token, number)
            states, after, is_own = _ACTIONS[name]
            if not (found["user"] == token.user_id if is_own else self._rules(token, found)):
                raise Refused(403, FORBIDDEN)
            if found["state"] not in states:
                raise Refused(409, f"Membership {number} is {found['state']}.")
            project = self._projects.project(found["project"])
            if name == "accept":
                self._check_room(project)
            if name == "leave":
                after = _left(project)
            elif name == "cancel" and found["state"] == "leave_requested":
                after = "accepted"
            made = {**found, "state": after}
            if after in {"accepted", "removed"}:
                made[after] = self._now()
            self._records.keep(made)
            self._grant(made)
        return Answer(200)

    # ---- what it means

    def _grant(self, one: Record) -> None:
        """Let a member have the rights that he has by now."""
        target = f"project:{one['project']}"
        is_in = one["state"] in {"accepted", "leave_requested"}
        for name in _ROLES:
            role = self._people.named("roles", name)
            if role is None:
                continue
            if is_in:
                self._people.grant(one["user"], target, role["id"])
            else:
                self._people.revoke(one["user"], target, role["id"])

    def _follow(self, project: Record) -> None:
        """A project lives, or no longer: its tokens end with it, its members stay known."""
        if project["state"] != "active":
            self._people.end_tokens("projects", project["id"])

    def _now(self) -> str:
        now = datetime.fromtimestamp(self._identity.clock.time(), UTC)
        return now.isoformat(timespec="microseconds")


def _left(project: Record) -> str:
    """What a membership is when its member leaves."""
    if project["leave_policy"] == "closed":
        raise Refused(403, f"Leaving of project {project['id']} is closed.")
    return "leave_requested" if project["leave_policy"] == "moderated" else "removed"
