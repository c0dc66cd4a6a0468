"""Projects of Astakos: applied for, approved or denied, suspended, ended."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from pelagos.box.errors import Refused
from pelagos.box.identity.astakos.callers import Callers
from pelagos.box.identity.identity import Identity
from pelagos.box.identity.quotas import RESOURCES, Quotas
from pelagos.box.identity.tokens import Token
from pelagos.box.records import Record, Records
from pelagos.box.synnefo import document, record_of
from pelagos.box.web import Answer, Request, Router

BASE = "/account/v1.0/projects"
FORBIDDEN = "You do not have the permissions to perform this action."
POLICIES = ("auto", "moderated", "closed")
_CENTURY = 100
_TOLD = (
    "name", "owner", "homepage", "description", "comments", "start_date", "end_date",
    "join_policy", "leave_policy", "max_members", "private", "resources",
)  # fmt: skip
_NEXT = {
    "suspend": ("active", "suspended"), "unsuspend": ("suspended", "active"),
    "terminate": (("active", "suspended"), "terminated"), "reinstate": ("terminated", "active"),
}  # fmt: skip


class Projects:
    """Resources below /account/v1.0/projects."""

    def __init__(self, identity: Identity, quotas: Quotas, callers: Callers) -> None:
        self._identity = identity
        self._people = identity.people
        self._quotas = quotas
        self._callers = callers
        self._since = identity.clock.time()
        self.records = Records(identity.database, "astakos_projects")
        #: What becomes of members when a project is alive again, or no longer.
        self.on_life: Callable[[Record], None] = lambda _record: None

    def routes(self, router: Router) -> None:
        """Take their places."""
        router.add("GET", BASE, self._list)
        router.add("POST", BASE, self._apply)
        router.add("GET", f"{BASE}/{{key}}", self._show)
        router.add("PUT", f"{BASE}/{{key}}", self._modify)
        router.add("POST", f"{BASE}/{{key}}/action", self._act)

    def project(self, key: str) -> Record:
        """One project.

        Raises:
            Refused: 404.
        """
        found = self.records.get(key)
        if found is None:
            message = f"There is no project identified by {key}."
            raise Refused(404, message, name="itemNotFound")
        return found

    # ---- reading

    def _list(self, request: Request) -> Answer:
        token = self._callers.person(request)
        query = request.query
        member = {one["id"] for one in self._people.projects_of(token.user_id)}
        found = [self._plain(one) for one in self._people.projects_of(token.user_id)
                 if self.records.get(one["id"]) is None]  # fmt: skip
        for one in self.records.every():
            is_seen = one["id"] in member or (
                query.get("mode") != "member"
                and (token.is_admin or one["owner"] == token.user_id or not one["private"])
            )
            if is_seen:
                found.append(self._shape(one, token))
        for key in ("name", "state", "owner"):
            if key in query:
                found = [one for one in found if one[key] in query[key].split(",")]
        return document(found)

    def _show(self, request: Request, key: str) -> Answer:
        token = self._callers.person(request)
        if self.records.get(key) is None:
            for one in self._people.projects_of(token.user_id):
                if one["id"] == key:
                    return document(self._plain(one))
        found = self.project(key)
        member = {one["id"] for one in self._people.projects_of(token.user_id)}
        if found["private"] and not self._may_rule(token, found) and key not in member:
            raise Refused(403, FORBIDDEN)
        return document(self._shape(found, token))

    def _plain(self, project: Mapping[str, Any]) -> dict[str, Any]:
        """A project that nobody applied for: a person's own, or one of Keystone."""
        key = project["id"]
        user = self._people.get("users", key)
        begun = datetime.fromtimestamp(self._since, UTC)
        is_own = user is not None
        text = f"system project for user {user['name']}" if user else project["description"]
        return {
            "id": key, "name": f"system:{key}" if is_own else project["name"], "owner": None,
            "state": "active" if project["enabled"] else "suspended", "description": text,
            "creation_date": begun.isoformat(timespec="microseconds"),
            "end_date": begun.replace(year=begun.year + _CENTURY, day=min(begun.day, 28))
            .isoformat(timespec="microseconds"),
            "homepage": "", "join_policy": "closed", "leave_policy": "closed", "private": True,
            "max_members": 1 if is_own else None, "system_project": is_own,
            "resources": self._capacities(key),
        }  # fmt: skip

    def _capacities(self, key: str) -> dict[str, Any]:
        shown = {}
        for name in RESOURCES:
            limit = self._quotas.limit(key, name)
            member = self._quotas.member_limit(key, name)
            shown[name] = {"project_capacity": limit, "member_capacity": member}
        return shown

    def _shape(self, one: Record, token: Token) -> dict[str, Any]:
        is_new = one["state"] in {"uninitialized", "deleted"}
        shown = {
            name: one[name]
            for name in (
                "id", "name", "owner", "state", "creation_date", "end_date", "homepage",
                "description", "join_policy", "leave_policy", "max_members", "private",
            )
        } | {
            "system_project": False,
            "resources": one["resources"]
            if is_new
            else self._capacities(one["id"]),
        }  # fmt: skip
        if one.get("deactivation_date"):
            shown["deactivation_date"] = one["deactivation_date"]
        if self._may_rule(token, one):
            shown["last_application"] = one["application"]
        return shown

    def _may_rule(self, token: Token, one: Record) -> bool:
        return token.is_admin or one["owner"] == token.user_id

    # ---- applying

    def _apply(self, request: Request) -> Answer:
        token = self._callers.person(request)
        told = self._specs(record_of(request), token)
        with self._identity.database.change():
            number = 1 + max((one["application"]["id"] for one in self.records.every()), default=0)
            key = str(uuid.uuid4())
            made = self.records.add({
                **told, "id": key, "project_id": key, "state": "uninitialized",
                "creation_date": self._now(),
                "application": {**told, "id": number, "applicant": token.user_id,
                                "state": "pending"},
            })  # fmt: skip
        return document({"application": number, "id": made["id"]}, 201)

    def _modify(self, request: Request, key: str) -> Answer:
        token = self._callers.person(request)
        with self._identity.database.change():
            found = self.project(key)
            if not self._may_rule(token, found):
                raise Refused(403, FORBIDDEN)
            former = {name: found[name] for name in _TOLD}
            told = self._specs({**former, **record_of(request)}, token)
            number = 1 + max(one["application"]["id"] for one in self.records.every())
            application = {**told, "id": number, "applicant": token.user_id, "state": "pending"}
            self.records.keep({**found, "application": application})
        return document({"application": number, "id": key}, 201)

    def _specs(self, told: Mapping[str, Any], token: Token) -> dict[str, Any]:
        """What an application says, checked."""
        if not isinstance(told.get("name"), str) or not 0 < len(told["name"]) <= 80:  # noqa: PLR2004  # letters
            raise Refused(400, "Missing project name" if "name" not in told else "Invalid name")
        if "end_date" not in told:
            raise Refused(400, "Missing end date")
        owner = told.get("owner") or token.user_id
        if self._people.get("users", owner) is None:
            raise Refused(400, f"No such user: {owner}")
        fields: dict[str, Any] = {
            "name": told["name"], "owner": owner, "end_date": _date(told, "end_date"),
            "start_date": _date(told, "start_date") if told.get("start_date") else None,
            "private": told.get("private", False), "max_members": told.get("max_members"),
            "resources": _resources(told.get("resources") or {}),
        }  # fmt: skip
        for name in ("homepage", "description", "comments"):
            fields[name] = told.get(name) or ""
        for name, usual in (("join_policy", "moderated"), ("leave_policy", "auto")):
            fields[name] = told.get(name, usual)
        for name, fits in _FITS.items():
            if not fits(fields[name]):
                raise Refused(400, f"Invalid {name}")
        return fields

    # ---- deciding

    def _act(self, request: Request, key: str) -> Answer:
        token = self._callers.person(request)
        told = record_of(request)
        name = next((one for one in told if one in {*_NEXT, *_DECISIONS}), None)
        if name is None:
            raise Refused(400, "No recognized action")
        with self._identity.database.change():
            found = self.project(key)
            is_owners = name in {"dismiss", "cancel"}
            if not (token.is_admin or (is_owners and found["owner"] == token.user_id)):
                raise Refused(403, FORBIDDEN)
            if name in _DECISIONS:
                self._decide(found, name, told[name])
            else:
                self._turn(found, name)
        return Answer(200)

    def _decide(self, found: Record, name: str, told: Any) -> None:
        application = found["application"]
        wanted = told.get("app_id") if isinstance(told, dict) else None
        if wanted != application["id"]:
            message = f"There is no application identified by {wanted}."
            raise Refused(404, message, name="itemNotFound")
        before, after = _DECISIONS[name]
        if application["state"] != before:
            message = f"Application {wanted} is not in state {before}."
            raise Refused(409, message)
        made = {**found, "application": {**application, "state": after}}
        if name == "approve":
            made |= {word: application[word] for word in _TOLD}
            made["state"] = "active"
            self._found(made)
        elif found["state"] == "uninitialized":
            made["state"] = "deleted"
        self.records.keep(made)
        if name == "approve":
            self.on_life(made)

    def _found(self, made: Record) -> None:
        """Let there be a project of this name, with what was asked for."""
        if self._people.get("projects", made["id"]) is None:
            described = {"id": made["id"], "name": made["name"],
                         "description": made["description"]}  # fmt: skip
            self._people.add("projects", described)
        for name, told in made["resources"].items():
            self._quotas.set_limit(made["id"], name, told["project_capacity"])
            self._quotas.set_member_limit(made["id"], name, told["member_capacity"])

    def _turn(self, found: Record, name: str) -> None:
        before, after = _NEXT[name]
        if found["state"] not in before:
            raise Refused(409, f"Project {found['id']} is {found['state']}.")
        made = {**found, "state": after}
        if after != "active":
            made["deactivation_date"] = self._now()
        else:
            made.pop("deactivation_date", None)
        self.records.keep(made)
        self._people.change("projects", found["id"], {"enabled": after == "active"})
        self.on_life(made)

    def _now(self) -> str:
        now = datetime.fromtimestamp(self._identity.clock.time(), UTC)
        return now.isoformat(timespec="microseconds")


_DECISIONS = {
    "approve": ("pending", "approved"), "deny": ("pending", "denied"),
    "cancel": ("pending", "cancelled"), "dismiss": ("denied", "dismissed"),
}  # fmt: skip


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_policy(value: Any) -> bool:
    return value in POLICIES


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0)


_FITS: Mapping[str, Callable[[Any], bool]] = {
    "homepage": _is_text, "description": _is_text, "comments": _is_text,
    "join_policy": _is_policy, "leave_policy": _is_policy, "max_members": _is_number,
    "private": lambda value: isinstance(value, bool),
}  # fmt: skip


def _date(told: Mapping[str, Any], name: str) -> str:
    """A time with its offset, as real servers want it."""
    try:
        found = datetime.fromisoformat(told[name])
    except (TypeError, ValueError):
        raise Refused(400, f"Invalid {name}") from None
    if found.tzinfo is None:
        raise Refused(400, f"Invalid {name}")
    return found.isoformat()


def _resources(told: Any) -> dict[str, Any]:
    if not isinstance(told, dict):
        raise Refused(400, "Invalid resources")
    for name, one in told.items():
        if name not in RESOURCES:
            raise Refused(400, f"Invalid resource {name}")
        fits = isinstance(one, dict) and set(one) == {"member_capacity", "project_capacity"}
        amounts = list(one.values()) if fits else []
        if not amounts or not all(
            isinstance(it, int) and not isinstance(it, bool) and it >= 0 for it in amounts
        ):
            raise Refused(400, f"Invalid capacities of resource {name}")
        if one["member_capacity"] > one["project_capacity"]:
            raise Refused(400, f"Resource {name}: a member cannot have more than the project")
    return dict(told)
