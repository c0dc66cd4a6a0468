"""Application credentials: secrets with which a program logs in for one project of its owner."""

from __future__ import annotations

import json
import secrets
import sqlite3
import uuid
from collections.abc import Mapping
from typing import Any

from pelagos.box.database import Database
from pelagos.box.errors import Refused
from pelagos.box.identity import secret
from pelagos.box.identity.identity import Identity
from pelagos.box.identity.keystone.shapes import moment, seconds, text, told
from pelagos.box.identity.tokens import Token
from pelagos.box.web import Answer, Request, Router, json_answer

_TABLE = "application_credentials"
_FORBIDDEN = "You are not authorized to perform the requested action: identity:{}."


def find_credential(
    database: Database, named: Mapping[str, Any], user: Mapping[str, Any] | None
) -> dict[str, Any] | None:
    """One by id, or by name and its owner."""
    if isinstance(named.get("id"), str):
        where, values = "id = ?", [named["id"]]
    elif user is not None and isinstance(named.get("name"), str):
        where, values = "name = ? AND user_id = ?", [named["name"], user["id"]]
    else:
        return None
    row = database.read().execute(f"SELECT * FROM {_TABLE} WHERE {where}", values).fetchone()
    return dict(row) if row else None


class Credentials:
    """The resources below /v3/users/{user_id}/application_credentials."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    def routes(self, router: Router) -> None:
        """Take their places."""
        place = "/v3/users/{user_id}/application_credentials"
        router.add("GET", place, self._list)
        router.add("POST", place, self._add)
        router.add("GET", f"{place}/{{key}}", self._show)
        router.add("DELETE", f"{place}/{{key}}", self._remove)

    def _owner(self, request: Request, user_id: str, action: str) -> Token:
        token = self._identity.caller(request)
        if token.user_id != user_id and not (token.is_admin and action != "create"):
            raise Refused(403, _FORBIDDEN.format(f"{action}_application_credential"))
        return token

    def _changer(self, request: Request, user_id: str, action: str) -> Token:
        token = self._owner(request, user_id, action)
        if token.credential_id is not None:
            used = find_credential(self._identity.database, {"id": token.credential_id}, None)
            if used is None or not used["unrestricted"]:
                raise Refused(403, _FORBIDDEN.format(f"{action}_application_credential"))
        return token

    def _list(self, request: Request, user_id: str) -> Answer:
        self._owner(request, user_id, "list")
        rows = self._identity.database.read().execute(
            f"SELECT * FROM {_TABLE} WHERE user_id = ? ORDER BY name", (user_id,)
        )
        name = request.query.get("name")
        shown = [
            self._shown(request, dict(row)) for row in rows if name is None or row["name"] == name
        ]
        links = {"self": request.host + "/identity" + request.path, "next": None, "previous": None}
        return json_answer({_TABLE: shown, "links": links})

    def _add(self, request: Request, user_id: str) -> Answer:
        token = self._changer(request, user_id, "create")
        if token.project_id is None:
            raise Refused(400, "An application credential needs a token of a project")
        body = told(request, "application_credential")
        made = body.get("secret")
        if made is not None and not (isinstance(made, str) and made):
            raise Refused(400, "Invalid input for field 'secret'")
        given = made or secrets.token_urlsafe(64)
        expires = seconds(body.get("expires_at"))
        if expires is not None and expires <= self._identity.clock.time():
            raise Refused(400, "The application credential would have ended already")
        values = {
            "id": uuid.uuid4().hex,
            "name": text(body, "name"),
            "description": body.get("description"),
            "user_id": user_id,
            "project_id": token.project_id,
            "secret_hash": secret.hashed(given),
            "roles": json.dumps(self._roles(token, body.get("roles"))),
            "expires": expires,
            "unrestricted": int(bool(body.get("unrestricted", False))),
        }
        marks = ", ".join(f":{name}" for name in values)
        try:
            with self._identity.database.change() as connection:
                connection.execute(
                    f"INSERT INTO {_TABLE} ({', '.join(values)}) VALUES ({marks})", values
                )
        except sqlite3.IntegrityError as error:
            raise Refused(
                409,
                "Conflict occurred attempting to store application_credential - Duplicate entry "
                f"found with name {values['name']} for user ID {user_id}.",
            ) from error
        shown = {**self._shown(request, values), "secret": given}
        return json_answer({"application_credential": shown}, 201)

    def _roles(self, token: Token, wanted: Any) -> list[str]:
        if not wanted:
            return [role["id"] for role in token.roles]
        if not isinstance(wanted, list) or not all(isinstance(one, dict) for one in wanted):
            raise Refused(400, "Invalid input for field 'roles'")
        known = {key: role["id"] for role in token.roles for key in (role["id"], role["name"])}
        asked = [str(one.get("id") or one.get("name")) for one in wanted]
        missing = next((one for one in asked if one not in known), None)
        if missing is not None:
            raise Refused(400, f"Could not find role assignment with role: {missing}")
        return [known[one] for one in asked]

    def _show(self, request: Request, user_id: str, key: str) -> Answer:
        self._owner(request, user_id, "get")
        return json_answer(
            {"application_credential": self._shown(request, self._find(user_id, key))}
        )

    def _remove(self, request: Request, user_id: str, key: str) -> Answer:
        self._changer(request, user_id, "delete")
        self._find(user_id, key)
        with self._identity.database.change() as connection:
            connection.execute(f"DELETE FROM {_TABLE} WHERE id = ?", (key,))
        return Answer(204)

    def _find(self, user_id: str, key: str) -> dict[str, Any]:
        found = find_credential(self._identity.database, {"id": key}, None)
        if found is None or found["user_id"] != user_id:
            raise Refused(404, f"Could not find application credential: {key}.")
        return found

    def _shown(self, request: Request, row: Mapping[str, Any]) -> dict[str, Any]:
        people = self._identity.people
        roles = [people.get("roles", one) for one in json.loads(row["roles"])]
        place = f"{request.host}/identity/v3/users/{row['user_id']}/{_TABLE}/{row['id']}"
        return {
            "id": row["id"],
            "name": row["name"],
            "description": row["description"],
            "user_id": row["user_id"],
            "project_id": row["project_id"],
            "system": None,
            "roles": [
                {"id": role["id"], "name": role["name"], "domain_id": None}
                for role in roles
                if role
            ],
            "expires_at": None if row["expires"] is None else moment(row["expires"]),
            "unrestricted": bool(row["unrestricted"]),
            "access_rules": [],
            "links": {"self": place},
        }
