"""Who has which role where, as Keystone v3 shows and changes it."""

from __future__ import annotations

import functools
from typing import Any

from pelagos.box.errors import Refused
from pelagos.box.identity.identity import Identity
from pelagos.box.identity.keystone.shapes import listed
from pelagos.box.identity.people import SYSTEM
from pelagos.box.web import Answer, Request, Router, json_answer

_FORBIDDEN = "You are not authorized to perform the requested action: identity:{}."


class Roles:
    """Roles of users in projects, domains and the system; /v3/role_assignments."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._people = identity.people

    def routes(self, router: Router) -> None:
        """Take their places."""
        for kind in ("projects", "domains"):
            place = f"/v3/{kind}/{{place}}/users/{{user_id}}/roles"
            router.add("GET", place, functools.partial(self._list, kind=kind))
            for method, work in (
                ("PUT", self._give),
                ("GET", self._check),
                ("HEAD", self._check),
                ("DELETE", self._take),
            ):
                router.add(method, f"{place}/{{role_id}}", functools.partial(work, kind=kind))
        place = "/v3/system/users/{user_id}/roles"
        router.add("GET", place, functools.partial(self._list, kind="", place=""))
        for method, work in (("PUT", self._give), ("HEAD", self._check), ("DELETE", self._take)):
            router.add(method, f"{place}/{{role_id}}", functools.partial(work, kind="", place=""))
        router.add("GET", "/v3/role_assignments", self._assignments)

    def _admin(self, request: Request, action: str) -> None:
        if not self._identity.caller(request).is_admin:
            raise Refused(403, _FORBIDDEN.format(action))

    def _target(self, kind: str, place: str, user_id: str, role_id: str = "") -> str:
        self._people.require("users", user_id)
        if role_id:
            self._people.require("roles", role_id)
        if not kind:
            return SYSTEM
        self._people.require(kind, place)
        return f"{kind[:-1]}:{place}"

    def _list(self, request: Request, kind: str, place: str, user_id: str) -> Answer:
        self._admin(request, "list_grants")
        target = self._target(kind, place, user_id)
        held = self._people.roles_of(user_id, target)
        return listed(request, "roles", [self._people.require("roles", one["id"]) for one in held])

    def _give(self, request: Request, kind: str, place: str, user_id: str, role_id: str) -> Answer:
        self._admin(request, "create_grant")
        self._people.grant(user_id, self._target(kind, place, user_id, role_id), role_id)
        return Answer(204)

    def _check(
        self, request: Request, kind: str, place: str, user_id: str, role_id: str
    ) -> Answer:
        self._admin(request, "check_grant")
        target = self._target(kind, place, user_id, role_id)
        if not any(one["id"] == role_id for one in self._people.roles_of(user_id, target)):
            raise Refused(404, f"Could not find role assignment with role: {role_id}.")
        return Answer(204)

    def _take(self, request: Request, kind: str, place: str, user_id: str, role_id: str) -> Answer:
        self._admin(request, "revoke_grant")
        target = self._target(kind, place, user_id, role_id)
        if not self._people.revoke(user_id, target, role_id):
            raise Refused(404, f"Could not find role assignment with role: {role_id}.")
        return Answer(204)

    def _assignments(self, request: Request) -> Answer:
        query = request.query
        token = self._identity.caller(request)
        if not token.is_admin and query.get("user.id") != token.user_id:
            raise Refused(403, _FORBIDDEN.format("list_role_assignments"))
        equal = {}
        if "user.id" in query:
            equal["user_id"] = query["user.id"]
        if "role.id" in query:
            equal["role_id"] = query["role.id"]
        for kind in ("project", "domain"):
            if f"scope.{kind}.id" in query:
                equal["target"] = f"{kind}:{query[f'scope.{kind}.id']}"
        if "scope.system" in query:
            equal["target"] = SYSTEM
        with_names = "include_names" in query and query["include_names"].lower() != "false"
        found = [self._assignment(one, with_names) for one in self._people.grants(**equal)]
        links = {"self": f"{request.host}/identity{request.path}", "next": None, "previous": None}
        return json_answer({"role_assignments": found, "links": links})

    def _assignment(self, grant: dict[str, str], with_names: bool) -> dict[str, Any]:
        kind, _, key = grant["target"].partition(":")
        scope: dict[str, Any]
        if kind == SYSTEM:
            scope = {"system": {"all": True}}
        else:
            scope = {kind: self._named(f"{kind}s", key, with_names)}
        return {
            "user": self._named("users", grant["user_id"], with_names),
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
