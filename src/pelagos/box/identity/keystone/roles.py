"""Who has which role where, as Keystone v3 shows and changes it."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from pelagos.box.errors import Refused
from pelagos.box.identity.identity import Identity
from pelagos.box.identity.keystone.shapes import listed
from pelagos.box.identity.people import SYSTEM
from pelagos.box.web import Answer, Request, Router, json_answer

_FORBIDDEN = "You are not authorized to perform the requested action: identity:{}."


class Roles:
    """Roles of users and groups in projects, domains and the system; /v3/role_assignments."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._people = identity.people

    def routes(self, router: Router) -> None:
        """Take their places."""
        bound = functools.partial
        for who in ("users", "groups"):
            for kind in ("projects", "domains", ""):
                told: dict[str, Any] = {
                    "kind": kind,
                    "who": who,
                    **({} if kind else {"place": ""}),
                }
                begin = f"/v3/{kind}/{{place}}" if kind else "/v3/system"
                place = f"{begin}/{who}/{{holder}}/roles"
                router.add("GET", place, bound(self._list, **told))
                for method, work in (
                    ("PUT", self._give),
                    ("GET", self._check),
                    ("HEAD", self._check),
                    ("DELETE", self._take),
                ):
                    router.add(method, f"{place}/{{role_id}}", bound(work, **told))
        router.add("GET", "/v3/role_assignments", self._assignments)

    def _admin(self, request: Request, action: str) -> None:
        if not self._identity.caller(request).is_admin:
            raise Refused(403, _FORBIDDEN.format(action))

    def _target(self, kind: str, place: str, who: str, holder: str, role_id: str = "") -> str:
        self._people.require(who, holder)
        if role_id:
            self._people.require("roles", role_id)
        if not kind:
            return SYSTEM
        self._people.require(kind, place)
        return f"{kind[:-1]}:{place}"

    def _own(self, who: str, holder: str, target: str) -> list[str]:
        """The ids of the roles that a user or group has there by itself."""
        if who == "groups":
            grants = self._identity.groups.grants(group_id=holder, target=target)
        else:
            grants = self._people.grants(user_id=holder, target=target)
        return [one["role_id"] for one in grants]

    def _list(self, request: Request, kind: str, place: str, who: str, holder: str) -> Answer:
        self._admin(request, "list_grants")
        target = self._target(kind, place, who, holder)
        held = [self._people.require("roles", one) for one in self._own(who, holder, target)]
        return listed(request, "roles", sorted(held, key=lambda one: str(one["name"])))

    def _give(
        self, request: Request, kind: str, place: str, who: str, holder: str, role_id: str
    ) -> Answer:
        self._admin(request, "create_grant")
        keeper = self._identity.groups if who == "groups" else self._people
        keeper.grant(holder, self._target(kind, place, who, holder, role_id), role_id)
        return Answer(204)

    def _check(
        self, request: Request, kind: str, place: str, who: str, holder: str, role_id: str
    ) -> Answer:
        self._admin(request, "check_grant")
        target = self._target(kind, place, who, holder, role_id)
        if role_id not in self._own(who, holder, target):
            raise Refused(404, f"Could not find role assignment with role: {role_id}.")
        return Answer(204)

    def _take(
        self, request: Request, kind: str, place: str, who: str, holder: str, role_id: str
    ) -> Answer:
        self._admin(request, "revoke_grant")
        target = self._target(kind, place, who, holder, role_id)
        keeper = self._identity.groups if who == "groups" else self._people
        if not keeper.revoke(holder, target, role_id):
            raise Refused(404, f"Could not find role assignment with role: {role_id}.")
        return Answer(204)

    def _assignments(self, request: Request) -> Answer:
        query = request.query
        token = self._identity.caller(request)
        if not token.is_admin and query.get("user.id") != token.user_id:
            raise Refused(403, _FORBIDDEN.format("list_role_assignments"))
        equal = {}
        if "role.id" in query:
            equal["role_id"] = query["role.id"]
        for kind in ("project", "domain"):
            if f"scope.{kind}.id" in query:
                equal["target"] = f"{kind}:{query[f'scope.{kind}.id']}"
        if "scope.system" in query:
            equal["target"] = SYSTEM
        with_names = "include_names" in query and query["include_names"].lower() != "false"
        found = [self._assignment(one, with_names) for one in self._found(query, equal)]
        links = {"self": f"{request.host}/identity{request.path}", "next": None, "previous": None}
        return json_answer({"role_assignments": found, "links": links})

    def _found(self, query: Mapping[str, str], equal: dict[str, str]) -> list[dict[str, str]]:
        """The grants that are meant; with `effective` those of groups as their members'."""
        user, group = query.get("user.id"), query.get("group.id")
        is_effective = "effective" in query and query["effective"].lower() != "false"
        groups = self._identity.groups
        found = [] if group else self._people.grants(**equal)
        for one in groups.grants(**equal):
            if group not in (None, one["group_id"]):
                continue
            if not is_effective:
                found.append(one)
                continue
            members = groups.members(one["group_id"])
            target, role_id = one["target"], one["role_id"]
            found += [
                {"user_id": each["id"], "target": target, "role_id": role_id} for each in members
            ]
        return [one for one in found if user in (None, one.get("user_id"))]

    def _assignment(self, grant: dict[str, str], with_names: bool) -> dict[str, Any]:
        who = "user" if "user_id" in grant else "group"
        kind, _, key = grant["target"].partition(":")
        scope: dict[str, Any]
        if kind == SYSTEM:
            scope = {"system": {"all": True}}
        else:
            scope = {kind: self._named(f"{kind}s", key, with_names)}
        return {
            who: self._named(f"{who}s", grant[f"{who}_id"], with_names),
            "role": self._named("roles", grant["role_id"], with_names),
            "scope": scope,
            "links": {},
        }

    def _named(self, kind: str, key: str, with_names: bool) -> dict[str, Any]:
        if not with_names:
            return {"id": key}
        thing = self._people.require(kind, key)
        named = {"id": key, "name": thing["name"]}
        if "domain_id" in thing:
            domain = self._people.require("domains", thing["domain_id"])
            named["domain"] = {"id": domain["id"], "name": domain["name"]}
        return named
