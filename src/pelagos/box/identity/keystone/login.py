"""Tokens of Keystone v3: got, looked at, ended; and what their owners may reach."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pelagos.box.errors import Refused
from pelagos.box.identity import secret
from pelagos.box.identity.identity import Identity
from pelagos.box.identity.keystone.credentials import find_credential
from pelagos.box.identity.keystone.factors import Factors
from pelagos.box.identity.keystone.shapes import listed, moment
from pelagos.box.identity.people import DEFAULT_DOMAIN, SYSTEM
from pelagos.box.identity.tokens import Token
from pelagos.box.web import Answer, Request, Router, json_answer

_REFUSAL = "The request you have made requires authentication."


class Login:
    """The resources below /v3/auth."""

    def __init__(self, identity: Identity, factors: Factors) -> None:
        self._identity = identity
        self._factors = factors
        self._people = identity.people

    def routes(self, router: Router) -> None:
        """Take their places."""
        router.add("POST", "/v3/auth/tokens", self._give)
        router.add("GET", "/v3/auth/tokens", self._show)
        router.add("DELETE", "/v3/auth/tokens", self._end)
        router.add("GET", "/v3/auth/catalog", self._catalogue)
        router.add("GET", "/v3/auth/projects", self._projects)
        router.add("GET", "/v3/auth/domains", self._domains)
        router.add("GET", "/v3/auth/system", self._system)

    def _give(self, request: Request) -> Answer:
        auth = _mapping(request.document(), "auth")
        told = _mapping(auth, "identity")
        methods = told.get("methods")
        if not isinstance(methods, list) or not methods:
            raise Refused(400, "Expecting to find methods in identity")
        shown = [self._shown(told, method) for method in methods]
        former = next((one for one in shown if isinstance(one, Token)), None)
        credential = next((one for one in shown if isinstance(one, dict)), None)
        if len({_owner(one) for one in shown}) != 1:
            raise Refused(401, _REFUSAL)
        user_id = _owner(shown[0])
        had = former.methods if former else ()
        self._factors.check(self._people.require("users", user_id), [*methods, *had])
        target = self._wanted(auth, user_id, former, credential)
        return self._answer(request, user_id, target, methods, former, credential)

    def _shown(self, told: Mapping[str, Any], method: Any) -> str | Token | dict[str, Any]:
        """Who is shown by one method: a user's id, a token or a credential."""
        if method == "password":
            return self._by_password(_mapping(told, "password"))
        if method == "totp":
            return self._by_passcode(_mapping(told, "totp"))
        if method == "token":
            return self._by_token(_mapping(told, "token"))
        if method == "application_credential":
            return self._by_credential(_mapping(told, "application_credential"))
        raise Refused(401, f"Attempted to authenticate with an unsupported method: {method}")

    def _wanted(
        self,
        auth: Mapping[str, Any],
        user_id: str,
        former: Token | None,
        credential: Mapping[str, Any] | None,
    ) -> str | None:
        if credential is not None:
            if "scope" in auth:
                raise Refused(401, "Application credentials cannot request a scope.")
            return f"project:{credential['project_id']}"
        target = self._target(user_id, auth.get("scope"), former)
        if former and former.credential_id and target != former.target:
            raise Refused(401, "A token of an application credential keeps its project.")
        return target

    def _answer(
        self,
        request: Request,
        user_id: str,
        target: str | None,
        methods: list[str],
        former: Token | None,
        credential: Mapping[str, Any] | None,
    ) -> Answer:
        credential_id = (
            credential["id"] if credential else former.credential_id if former else None
        )
        used = [*methods, *(former.methods if former else ())]
        text = self._identity.tokens.give(
            user_id, target, list(dict.fromkeys(used)), former=former, credential_id=credential_id
        )
        token = self._identity.tokens.known(text)
        if token is None:
            raise Refused(401, _REFUSAL)
        return json_answer(
            {"token": self._body(request, token)}, 201, X_Subject_Token=text, Vary="X-Auth-Token"
        )

    def _by_password(self, told: Mapping[str, Any]) -> str:
        named = _mapping(told, "user")
        user = self._user(named)
        password = named.get("password")
        if not isinstance(password, str):
            raise Refused(400, "Expecting to find password in user")
        fits = self._people.password_fits(user["id"] if user else None, password)
        if user is None or not fits or not user["enabled"]:
            raise Refused(401, _REFUSAL)
        return str(user["id"])

    def _by_passcode(self, told: Mapping[str, Any]) -> str:
        named = _mapping(told, "user")
        user, passcode = self._user(named), named.get("passcode")
        if not isinstance(passcode, str):
            raise Refused(400, "Expecting to find passcode in user")
        if user is None or not user["enabled"]:
            raise Refused(401, _REFUSAL)
        if not self._factors.passcode_fits(user["id"], passcode):
            raise Refused(401, _REFUSAL)
        return str(user["id"])

    def _user(self, named: Mapping[str, Any]) -> dict[str, Any] | None:
        if isinstance(named.get("id"), str):
            return self._people.get("users", named["id"])
        name, domain = named.get("name"), named.get("domain")
        if not isinstance(name, str) or not isinstance(domain, dict):
            raise Refused(400, "Expecting to find id, or name and domain, in user")
        return self._people.named("users", name, self._domain_id(domain) or "-")

    def _by_token(self, told: Mapping[str, Any]) -> Token:
        text = told.get("id")
        token = self._identity.tokens.known(text) if isinstance(text, str) else None
        if token is None:
            raise Refused(401, _REFUSAL)
        return token

    def _by_credential(self, told: Mapping[str, Any]) -> dict[str, Any]:
        given = told.get("secret")
        if not isinstance(given, str):
            raise Refused(400, "Expecting to find secret in application_credential")
        user = self._user(_mapping(told, "user")) if "user" in told else None
        found = find_credential(self._identity.database, told, user)
        fits = secret.fits(given, found["secret_hash"] if found else None)
        ended = found is not None and (found["expires"] or 1e18) <= self._identity.clock.time()
        owner = self._people.get("users", found["user_id"]) if found else None
        if found is None or not fits or ended or owner is None or not owner["enabled"]:
            raise Refused(401, _REFUSAL)
        return found

    def _target(self, user_id: str, scope: Any, former: Token | None) -> str | None:
        user = self._people.require("users", user_id)
        if scope is None and former is None and user["default_project_id"]:
            target = f"project:{user['default_project_id']}"
            return target if self._people.roles_of(user_id, target) else None
        if scope is None or scope == "unscoped":
            return None
        if not isinstance(scope, dict):
            raise Refused(400, "scope is not an object")
        if "unscoped" in scope:
            return None
        if "system" in scope:
            target = SYSTEM
        elif "domain" in scope:
            target = f"domain:{self._domain_id(_mapping(scope, 'domain'))}"
        else:
            target = f"project:{self._project_id(_mapping(scope, 'project'))}"
        if not self._people.roles_of(user_id, target):
            raise Refused(401, _REFUSAL)
        return target

    def _project_id(self, named: Mapping[str, Any]) -> str:
        if isinstance(named.get("id"), str):
            return str(named["id"])
        name, domain = named.get("name"), named.get("domain")
        if not isinstance(name, str) or not isinstance(domain, dict):
            raise Refused(400, "Expecting to find id, or name and domain, in project")
        found = self._people.named("projects", name, self._domain_id(domain) or "-")
        return found["id"] if found else "-"

    def _domain_id(self, named: Mapping[str, Any]) -> str | None:
        if isinstance(named.get("id"), str):
            return str(named["id"])
        if not isinstance(named.get("name"), str):
            raise Refused(400, "Expecting to find id or name in domain")
        found = self._people.named("domains", named["name"])
        return found["id"] if found else None

    def _subject(self, request: Request) -> tuple[str, Token]:
        caller = self._identity.caller(request)
        text = request.header("X-Subject-Token")
        if not text:
            raise Refused(400, "X-Subject-Token is missing")
        token = self._identity.tokens.known(text)
        if token is None:
            raise Refused(404, "Could not find token.")
        # At others' tokens only those may look who check them for a job.
        if token.user_id != caller.user_id and not caller.role_names & {"admin", "service"}:
            raise Refused(403, "You are not authorized to perform the requested action.")
        return text, token

    def _show(self, request: Request) -> Answer:
        text, token = self._subject(request)
        body = self._body(request, token, with_catalogue="nocatalog" not in request.query)
        return json_answer({"token": body}, X_Subject_Token=text)

    def _end(self, request: Request) -> Answer:
        text, _ = self._subject(request)
        self._identity.tokens.end(text)
        return Answer(204)

    def _catalogue(self, request: Request) -> Answer:
        token = self._identity.caller(request)
        catalogue = self._identity.catalogue(request.host, token.project_id)
        links = {
            "self": f"{request.host}/identity/v3/auth/catalog",
            "next": None,
            "previous": None,
        }
        return json_answer({"catalog": catalogue, "links": links})

    def _projects(self, request: Request) -> Answer:
        token = self._identity.caller(request)
        projects = self._people.projects_of(token.user_id)
        return listed(request, "projects", [one for one in projects if one["enabled"]])

    def _domains(self, request: Request) -> Answer:
        token = self._identity.caller(request)
        targets = {grant["target"] for grant in self._people.grants(user_id=token.user_id)}
        ids = [target.partition(":")[2] for target in targets if target.startswith("domain:")]
        found = [self._people.get("domains", one) for one in sorted(ids)]
        return listed(request, "domains", [one for one in found if one])

    def _system(self, request: Request) -> Answer:
        token = self._identity.caller(request)
        has = self._people.roles_of(token.user_id, SYSTEM)
        return json_answer({"system": [{"all": True}] if has else []})

    def _body(
        self, request: Request, token: Token, *, with_catalogue: bool = True
    ) -> dict[str, Any]:
        body: dict[str, Any] = {
            "methods": list(token.methods),
            "user": {
                "domain": self._domain(token.user["domain_id"]),
                "id": token.user_id,
                "name": token.user["name"],
                "password_expires_at": None,
            },
            "audit_ids": list(token.audit_ids),
            "expires_at": moment(token.expires),
            "issued_at": moment(token.issued),
        }
        if token.target is None:
            return body
        body["roles"] = list(token.roles)
        kind, _, key = token.target.partition(":")
        if kind == "project":
            project = self._people.require("projects", key)
            named = {"id": key, "name": project["name"]}
            body["project"] = {"domain": self._domain(project["domain_id"]), **named}
            body["is_domain"] = False
        elif kind == "domain":
            body["domain"] = self._domain(key)
        else:
            body["system"] = {"all": True}
        if token.credential_id is not None:
            body["application_credential"] = self._credential(token.credential_id)
        if with_catalogue:
            body["catalog"] = self._identity.catalogue(request.host, token.project_id)
        return body

    def _credential(self, key: str) -> dict[str, Any]:
        found = find_credential(self._identity.database, {"id": key}, None)
        if found is None:
            return {}
        restricted = not found["unrestricted"]
        return {"id": key, "name": found["name"], "restricted": restricted}

    def _domain(self, key: str) -> dict[str, str]:
        found = self._people.get("domains", key) or {"name": DEFAULT_DOMAIN}
        return {"id": key, "name": found["name"]}


def _owner(shown: str | Token | Mapping[str, Any]) -> str:
    if isinstance(shown, str):
        return shown
    return shown.user_id if isinstance(shown, Token) else str(shown["user_id"])


def _mapping(body: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = body.get(key)
    if not isinstance(found, dict):
        raise Refused(400, f"Expecting to find {key} in the request body.")
    return found
