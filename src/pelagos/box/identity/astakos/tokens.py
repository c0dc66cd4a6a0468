"""Astakos' tokens: who a token's owner is, and where the services are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pelagos.box.errors import Refused
from pelagos.box.identity.astakos.oauth import Programs
from pelagos.box.identity.identity import Identity
from pelagos.box.identity.tokens import Token
from pelagos.box.synnefo import document
from pelagos.box.web import Answer, Request, Router
from pelagos.core import wire
from pelagos.core.wire import WireError

_MISSING = "Malformed request: missing credentials"


def real_name(user: Mapping[str, Any]) -> str:
    """What a person is called; the name of a user is how it logs in."""
    return str(user.get("full_name") or user["name"])


class TokensApi:
    """The resources below /identity/v2.0."""

    def __init__(self, identity: Identity, programs: Programs) -> None:
        self._identity = identity
        self._programs = programs

    def routes(self, router: Router) -> None:
        """Take their places."""
        router.add("POST", "/identity/v2.0/tokens", self._show)
        router.add("GET", "/identity/v2.0/tokens/{key}", self._validate)
        router.add("GET", "/identity/v2.0/tokens/{_key}/endpoints", self._unknown)

    def _show(self, request: Request) -> Answer:
        catalogue = self._identity.synnefo_catalogue(request.host)
        sent = request.body()
        if not sent:
            return document({"access": {"serviceCatalog": catalogue}})
        text, token, tenant = self._credentials(request, sent)
        user = token.user
        if tenant not in {None, user["id"]}:
            raise Refused(400, "Not conforming tenantName")
        expires = datetime.fromtimestamp(int(token.expires), UTC).isoformat()
        named = {"id": user["id"], "name": real_name(user)}
        projects = [one["id"] for one in self._identity.people.projects_of(user["id"])]
        access = {
            "token": {"expires": expires, "id": text, "tenant": named},
            "serviceCatalog": catalogue,
            "user": {"roles_links": [], "projects": projects, "roles": [], **named},
        }
        return document({"access": access})

    def _credentials(self, request: Request, sent: bytes) -> tuple[str, Token, Any]:
        kind = request.header("Content-Type").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise Refused(
                400,
                "Unsupported Content-type: " + kind
                if kind
                else "Missing Content-Type header field",
            )
        try:
            read = wire.decode(sent)
        except WireError as error:
            raise Refused(400, "Could not decode request body as JSON") from error
        auth = read.get("auth") if isinstance(read, dict) else None
        if not isinstance(auth, dict):
            raise Refused(400, _MISSING)
        owner, text = _named(auth)
        token = self._identity.tokens.known(text)
        if token is None or (owner is not None and owner != token.user_id):
            raise Refused(401, "Invalid token")
        return text, token, auth.get("tenantName")

    def _validate(self, request: Request, key: str) -> Answer:
        # Of users' tokens nothing is said here, only of those that OAuth 2 gave, and once.
        grant = self._programs.take("token", key)
        user = self._identity.people.get("users", grant.user_id) if grant else None
        if grant is None or user is None or not user["enabled"]:
            return self._unknown(request, key)
        if request.query.get("belongsTo") not in {None, user["id"]}:
            return self._unknown(request, key)
        named = {"id": user["id"], "name": real_name(user)}
        expires = datetime.fromtimestamp(int(grant.expires), UTC).isoformat()
        access = {
            "token": {"expires": expires, "id": key, "tenant": named},
            "user": {"roles_links": [], "roles": [], **named},
        }
        return document({"access": access})

    def _unknown(self, _request: Request, _key: str) -> Answer:
        raise Refused(404, "No such token", name="itemNotFound")


def _named(auth: Mapping[str, Any]) -> tuple[str | None, str]:
    """Who it is said to be, and the token."""
    told, password = auth.get("token"), auth.get("passwordCredentials")
    if isinstance(told, dict) and isinstance(told.get("id"), str):
        return None, told["id"]
    if isinstance(password, dict):
        name, text = password.get("username"), password.get("password")
        if isinstance(name, str) and isinstance(text, str):
            return name, text
    raise Refused(400, _MISSING)
