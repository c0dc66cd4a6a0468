"""Astakos' account API as services use it: who is called what, quotas of others."""

from __future__ import annotations

from typing import Any

from pelagos.box.errors import Refused
from pelagos.box.identity.astakos.callers import Callers
from pelagos.box.identity.identity import Identity
from pelagos.box.identity.quotas import RESOURCES, Quotas
from pelagos.box.synnefo import document, record_of
from pelagos.box.web import Answer, Request, Router

BASE = "/account/v1.0"


class ServiceAccounts:
    """The resources below /account/v1.0 that services use."""

    def __init__(self, identity: Identity, quotas: Quotas, callers: Callers) -> None:
        self._people = identity.people
        self._quotas = quotas
        self._callers = callers

    def routes(self, router: Router) -> None:
        """Take their places."""
        router.add("POST", f"{BASE}/service/user_catalogs", self._catalogues)
        router.add("GET", f"{BASE}/service_quotas", self._user_quotas)
        router.add("GET", f"{BASE}/service_project_quotas", self._project_quotas)

    def _catalogues(self, request: Request) -> Answer:
        self._callers.service(request)
        told = record_of(request)
        found: dict[str, dict[str, str]] = {"uuid_catalog": {}, "displayname_catalog": {}}
        for key, name, field, value in (
            ("uuids", "uuid_catalog", "id", "name"),
            ("displaynames", "displayname_catalog", "name", "id"),
        ):
            if key not in told:
                continue
            wanted = told[key]
            if wanted is not None and not isinstance(wanted, list):
                raise Refused(400, f"{key} is not a list")
            found[name] = {
                one[field]: one[value]
                for one in self._people.every("users")
                if wanted is None or one[field] in wanted
            }
        return document(found)

    def _user_quotas(self, request: Request) -> Answer:
        service = self._callers.service(request)
        users = _words(request, "user") or [one["id"] for one in self._people.every("users")]
        wanted = _words(request, "project")
        shown: dict[str, Any] = {}
        for key in users:
            if self._people.get("users", key) is None:
                raise Refused(404, f"No user with UUID '{key}'", name="itemNotFound")
            shown[key] = {
                one["id"]: self._shown(service, one["id"], with_user=True)
                for one in self._people.projects_of(key)
                if not wanted or one["id"] in wanted
            }
        return document(shown)

    def _project_quotas(self, request: Request) -> Answer:
        service = self._callers.service(request)
        wanted = _words(request, "project")
        projects = self._people.every("projects")
        return document({
            one["id"]: self._shown(service, one["id"])
            for one in projects
            if not wanted or one["id"] in wanted
        })  # fmt: skip

    def _shown(self, service: str, project: str, *, with_user: bool = False) -> dict[str, Any]:
        shown = {}
        for name, resource in RESOURCES.items():
            if not resource.service.startswith(service.partition("_")[0]):
                continue
            told = {
                "limit": self._quotas.limit(project, name),
                "usage": self._quotas.usage(project, name),
                "pending": self._quotas.pending(project, name),
            }
            shown[name] = {f"project_{word}": it for word, it in told.items()}
            if with_user:
                shown[name] |= {**told, "limit": self._quotas.member_limit(project, name)}
        return shown


def _words(request: Request, key: str) -> list[str]:
    return [one for one in request.query.get(key, "").split(",") if one]
