"""Astakos' account API: who is called what, resources and quotas, feedback."""

from __future__ import annotations

from typing import Any

from pelagos.box.errors import Refused
from pelagos.box.identity.identity import Identity
from pelagos.box.identity.quotas import RESOURCES, Quotas
from pelagos.box.identity.tokens import Token
from pelagos.box.synnefo import document, record_of
from pelagos.box.web import Answer, Request, Router

BASE = "/account/v1.0"


class Accounts:
    """The resources below /account/v1.0 that persons use."""

    def __init__(self, identity: Identity, quotas: Quotas) -> None:
        self._identity = identity
        self._people = identity.people
        self._quotas = quotas

    def routes(self, router: Router) -> None:
        """Take their places."""
        router.add("POST", f"{BASE}/user_catalogs", self._catalogues)
        router.add("GET", f"{BASE}/resources", self._resources)
        router.add("GET", f"{BASE}/quotas", self._show_quotas)
        router.add("POST", f"{BASE}/feedback", self._feedback)
        router.add("POST", f"{BASE}/myaccount/default_project", self._default_project)

    def _caller(self, request: Request) -> Token:
        token = self._identity.tokens.known(request.header("X-Auth-Token"))
        if token is None:
            raise Refused(401, "Invalid X-Auth-Token")
        return token

    def _catalogues(self, request: Request) -> Answer:
        self._caller(request)
        body = record_of(request)
        ids = {str(one) for one in _list(body, "uuids")}
        names = {str(one) for one in _list(body, "displaynames")}
        users = self._people.every("users") if ids or names else []
        return document(
            {
                "uuid_catalog": {one["id"]: one["name"] for one in users if one["id"] in ids},
                "displayname_catalog": {
                    one["name"]: one["id"] for one in users if one["name"] in names
                },
            }
        )

    def _resources(self, _request: Request) -> Answer:
        return document(
            {
                one.name: {
                    "api_visible": True,
                    "ui_visible": True,
                    "unit": one.unit,
                    "description": one.description,
                    "service": one.service,
                }
                for one in RESOURCES.values()
            }
        )

    def _show_quotas(self, request: Request) -> Answer:
        token = self._caller(request)
        projects = self._people.projects_of(token.user_id)
        return document({one["id"]: self._quotas_of(one["id"]) for one in projects})

    def _quotas_of(self, project_id: str) -> dict[str, dict[str, int]]:
        shown = {}
        for name in RESOURCES:
            limit = self._quotas.limit(project_id, name)
            usage = self._quotas.usage(project_id, name)
            pending = self._quotas.pending(project_id, name)
            shown[name] = {
                "limit": self._quotas.member_limit(project_id, name),
                "usage": usage,
                "pending": pending,
                "project_limit": limit,
                "project_usage": usage,
                "project_pending": pending,
            }
        return shown

    def _feedback(self, request: Request) -> Answer:
        self._caller(request)
        if b"feedback_msg=" not in request.body():
            raise Refused(400, "Malformed request")
        return Answer()

    def _default_project(self, request: Request) -> Answer:
        token = self._caller(request)
        key = record_of(request).get("project_id")
        projects = {one["id"] for one in self._people.projects_of(token.user_id)}
        if key not in projects:
            raise Refused(400, f"Unknown project or not a member of it: {key}")
        self._people.change("users", token.user_id, {"default_project_id": key})
        return Answer()


def _list(body: dict[str, Any], key: str) -> list[Any]:
    found = body.get(key)
    if found is not None and not isinstance(found, list):
        raise Refused(400, f"{key} is not a list")
    return found or []
