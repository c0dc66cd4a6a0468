"""Domains, projects, users, and what the catalogue consists of, as Keystone v3 shows them."""

from __future__ import annotations

import functools
from typing import Any

from pelagos.box.errors import Refused
from pelagos.box.identity.identity import REGION, Identity
from pelagos.box.identity.keystone.factors import check_rules
from pelagos.box.identity.keystone.shapes import flag, linked, listed, text, told
from pelagos.box.identity.people import COLUMNS
from pelagos.box.identity.tokens import Token
from pelagos.box.web import Answer, Request, Router, json_answer

_FORBIDDEN = "You are not authorized to perform the requested action: identity:{}."
_NAME_LIMITS = {"projects": 64, "domains": 64, "groups": 64}
_FALSE = {"0", "false", "no", "off"}


class Resources:
    """The resources /v3/{domains,projects,users,roles} and those of the catalogue."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._people = identity.people

    def routes(self, router: Router) -> None:
        """Take their places."""
        for kind in COLUMNS:
            one = functools.partial
            router.add("GET", f"/v3/{kind}", one(self._list, kind=kind))
            router.add("POST", f"/v3/{kind}", one(self._add, kind=kind))
            router.add("GET", f"/v3/{kind}/{{key}}", one(self._show, kind=kind))
            router.add("PATCH", f"/v3/{kind}/{{key}}", one(self._change, kind=kind))
            router.add("DELETE", f"/v3/{kind}/{{key}}", one(self._remove, kind=kind))
        router.add("POST", "/v3/users/{key}/password", self._password)
        router.add("GET", "/v3/users/{key}/projects", self._projects)
        router.add("GET", "/v3/regions", self._regions)
        router.add("GET", "/v3/regions/{key}", self._region)
        router.add("GET", "/v3/services", self._services)
        router.add("GET", "/v3/endpoints", self._endpoints)

    def _admin(self, request: Request, action: str) -> Token:
        token = self._identity.caller(request)
        if not token.is_admin:
            raise Refused(403, _FORBIDDEN.format(action))
        return token

    def _list(self, request: Request, kind: str) -> Answer:
        self._admin(request, f"list_{kind}")
        told = {key: value for key, value in request.query.items() if key in COLUMNS[kind]}
        if "enabled" in told:
            told["enabled"] = str(int(told["enabled"].lower() not in _FALSE))
        return listed(request, kind, self._people.every(kind, told))

    def _show(self, request: Request, kind: str, key: str) -> Answer:
        token = self._identity.caller(request)
        if not (token.is_admin or self._is_own(token, kind, key)):
            raise Refused(403, _FORBIDDEN.format(f"get_{kind[:-1]}"))
        thing = self._people.require(kind, key)
        return json_answer({kind[:-1]: linked(request, kind, thing)})

    def _is_own(self, token: Token, kind: str, key: str) -> bool:
        if kind == "users":
            return key == token.user_id
        if kind == "projects":
            return bool(self._people.roles_of(token.user_id, f"project:{key}"))
        return kind == "domains" and key == token.user["domain_id"]

    def _add(self, request: Request, kind: str) -> Answer:
        self._admin(request, f"create_{kind[:-1]}")
        body = self._checked(request, kind)
        text(body, "name", limit=_NAME_LIMITS.get(kind, 255))
        body.pop("id", None)
        thing = self._people.add(kind, body)
        return json_answer({kind[:-1]: linked(request, kind, thing)}, 201)

    def _change(self, request: Request, kind: str, key: str) -> Answer:
        self._admin(request, f"update_{kind[:-1]}")
        body = self._checked(request, kind)
        if "name" in body:
            text(body, "name", limit=_NAME_LIMITS.get(kind, 255))
        if body.get("id", key) != key:
            raise Refused(400, "Cannot change the ID")
        before = self._people.require(kind, key)
        if "domain_id" in body and body["domain_id"] != before.get("domain_id"):
            raise Refused(400, "Cannot change domain_id")
        return json_answer(
            {kind[:-1]: linked(request, kind, self._people.change(kind, key, body))}
        )

    def _checked(self, request: Request, kind: str) -> dict[str, Any]:
        body = dict(told(request, kind[:-1]))
        if kind == "users":
            check_rules(body)
        flag(body, "enabled")
        for key in ("description", "password", "domain_id", "default_project_id", "parent_id"):
            if body.get(key) is not None and not isinstance(body[key], str):
                raise Refused(400, f"Invalid input for field '{key}': it is not of type string")
        if body.get("domain_id") and self._people.get("domains", body["domain_id"]) is None:
            raise Refused(404, f"Could not find domain: {body['domain_id']}.")
        if body.get("domain_id", "") is None:
            del body["domain_id"]
        return body

    def _remove(self, request: Request, kind: str, key: str) -> Answer:
        self._admin(request, f"delete_{kind[:-1]}")
        if kind == "domains" and self._people.require(kind, key)["enabled"]:
            raise Refused(403, "Cannot delete a domain that is enabled, please disable it first.")
        self._people.remove(kind, key)
        return Answer(204)

    def _password(self, request: Request, key: str) -> Answer:
        body = told(request, "user")
        before, after = body.get("original_password"), body.get("password")
        if not isinstance(before, str) or not isinstance(after, str):
            raise Refused(400, "original_password and password are required")
        if not self._people.password_fits(key, before):
            raise Refused(401, "The request you have made requires authentication.")
        self._people.set_password(key, after)
        return Answer(204)

    def _projects(self, request: Request, key: str) -> Answer:
        token = self._identity.caller(request)
        if not (token.is_admin or key == token.user_id):
            raise Refused(403, _FORBIDDEN.format("list_user_projects"))
        self._people.require("users", key)
        return listed(request, "projects", self._people.projects_of(key))

    def _regions(self, request: Request) -> Answer:
        self._identity.caller(request)
        return listed(request, "regions", [_REGION])

    def _region(self, request: Request, key: str) -> Answer:
        self._identity.caller(request)
        if key != REGION:
            raise Refused(404, f"Could not find region: {key}.")
        return json_answer({"region": linked(request, "regions", _REGION)})

    def _services(self, request: Request) -> Answer:
        token = self._admin(request, "list_services")
        offers = self._identity.catalogue(request.host, token.project_id)
        found = [
            {"id": one["id"], "type": one["type"], "name": one["name"], "enabled": True}
            for one in offers
            if request.query.get("type", one["type"]) == one["type"]
        ]
        return listed(request, "services", found)

    def _endpoints(self, request: Request) -> Answer:
        token = self._admin(request, "list_endpoints")
        offers = self._identity.catalogue(request.host, token.project_id)
        found = [
            {**endpoint, "service_id": one["id"], "enabled": True}
            for one in offers
            for endpoint in one["endpoints"]
            if request.query.get("service_id", one["id"]) == one["id"]
            and request.query.get("interface", endpoint["interface"]) == endpoint["interface"]
        ]
        return listed(request, "endpoints", found)


_REGION = {"id": REGION, "description": "", "parent_region_id": None}
